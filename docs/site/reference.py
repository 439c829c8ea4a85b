"""The reference pages of the site, generated from the code and `schemas/` while mkdocs builds: they cannot go stale.

`pages()` is what a test reads as well: a command, setting, table, metric or asset without a description fails it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import typer
import yaml
from typer.cli import get_docs_for_click

from chimera_pipeline import settings
from chimera_pipeline.contracts import schemas, tables

COMMANDS, SETTINGS, TABLES, METRICS, ASSETS = (
    f"reference/{name}.md" for name in ("commands", "settings", "tables", "metrics", "assets")
)


def pages() -> dict[str, str]:
    """Markdown by path under docs/."""
    return {
        COMMANDS: _commands(),
        SETTINGS: _settings(),
        TABLES: _tables(),
        METRICS: _metrics(),
        ASSETS: _assets(),
    }


def on_files(files: Any, config: Any) -> Any:
    """The hook of mkdocs: adds the pages to the site."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def _commands() -> str:
    from chimera_pipeline.cli import app

    command = typer.main.get_command(app)
    text = str(get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="chimera"), name="chimera"))
    # typer writes examples as prose, a paragraph each
    return re.sub(r"(?:^ *chimera .*\n\n?)+", _as_code, text, flags=re.MULTILINE)


def _as_code(found: re.Match[str]) -> str:
    lines = [line.strip() for line in found[0].splitlines() if line.strip()]
    return "```console\n" + "".join(f"$ {line}\n" for line in lines) + "```\n\n"


def _settings() -> str:
    rows = []
    for name, field in _leaves(settings.Settings):
        default = field.get_default(call_default_factory=True)
        rows.append(
            (f"`{name}`", f"`{settings.PREFIX}{name.replace('.', '__').upper()}`", f"`{default}`", field.description)
        )
    return (
        "# Settings\n\nA flag of the command comes first, then the environment, then `chimera.toml` in the working "
        "folder, then the default. A key that is no setting is an error. `OLLAMA_HOST` is read as Ollama has it, "
        "`NO_COLOR` as everybody.\n\n" + _table(("setting", "environment", "default", "meaning"), rows)
    )


def _leaves(model: type[Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            yield from _leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _tables() -> str:
    parts = [
        "# Tables\n\nUnder `OUT/tables/<table>/` as Parquet; `pandas.read_parquet(OUT / 'tables' / table)` reads one. "
        "Units are seconds, bytes and tokens per second, instants are UTC, null is unknown and never 0.\n"
    ]
    for table in tables.TABLES:
        schema = yaml.safe_load((schemas.folder() / "tables" / f"{table}.yaml").read_text(encoding="utf-8"))
        parts.append(f"\n## {table}\n\n{schema.get('description') or ''}\n")
        rows = [
            (
                f"`{name}`",
                f"`{column['dtype']}`",
                "yes" if column.get("nullable") else "no",
                column.get("description") or "",
            )
            for name, column in schema["columns"].items()
        ]
        parts.append(_table(("column", "dtype", "may be null", "meaning"), rows))
    return "\n".join(parts)


def _metrics() -> str:
    found = yaml.safe_load((schemas.folder() / "metrics.yaml").read_text(encoding="utf-8"))
    rows = [
        (
            f"`{name}`",
            entry["label"],
            entry["unit"],
            entry["better"],
            entry["family"],
            entry["definition"],
        )
        for name, entry in found.items()
    ]
    return (
        "# Metrics\n\nThe vocabulary, `schemas/metrics.yaml`: what is measured, in which unit, and which way is "
        "better. Different definitions are different metrics and are never compared.\n\n"
        + _table(("metric", "label", "unit", "better", "family", "definition"), rows)
    )


def _assets() -> str:
    from dagster import BetaWarning, PreviewWarning

    from chimera_pipeline.orchestration.assembly import build_definitions

    with warnings.catch_warnings():
        # Of dagster, for partitioned checks and backfill policies; orchestration/run.py says more.
        warnings.simplefilter("ignore", (BetaWarning, PreviewWarning))
        # with the copy in object storage, which is an asset only where it is wanted
        defs = build_definitions(settings=settings.load(publish_to="s3://bucket/prefix"))
    graph = defs.resolve_asset_graph()
    rows = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda key: key.to_user_string()):
        node = graph.get(key)
        upstream = ", ".join(f"`{parent.to_user_string()}`" for parent in sorted(node.parent_keys))
        rows.append((f"`{key.to_user_string()}`", node.group_name, upstream, node.description or ""))
    automation = [
        *((f"`{job.name}`", "job", job.description or "") for job in defs.jobs or []),
        *((f"`{sensor.name}`", "sensor", sensor.description or "") for sensor in defs.sensors or []),
        *((f"`{schedule.name}`", "schedule", schedule.description or "") for schedule in defs.schedules or []),
    ]
    return (
        "# Assets, jobs, sensors\n\n"
        + _table(("asset", "group", "made from", "what it is"), rows)
        + "\n\n"
        + _table(("name", "kind", "what it does"), automation)
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return str(value if value is not None else "").replace("\n", " ").replace("|", "\\|").strip()
