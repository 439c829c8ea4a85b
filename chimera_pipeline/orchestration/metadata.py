"""What the UI shows of a materialization: counts, column schema, a preview, where the file lies."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables
from chimera_pipeline.orchestration import lineage

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 12


def of_frame(name: str, frame: pd.DataFrame, path: Path, rows: int | None = None) -> dict[str, Any]:
    """Row count, column schema with descriptions, preview and location of a frame; `rows` where it is the first."""
    out: dict[str, Any] = {
        "dagster/row_count": len(frame) if rows is None else rows,
        "dagster/uri": dg.MetadataValue.path(str(path)),
        "preview": dg.MetadataValue.md(_preview(frame)),
    }
    if name in tables.TABLES:
        out["dagster/column_schema"] = column_schema(name)
        out |= lineage.of_table(name)
    return out


def column_schema(table: str) -> dg.TableSchema:
    """The contract of a table as Dagster shows it: type, unit, what it means, what must hold."""
    stated = tables.document(table)["columns"]
    return dg.TableSchema(columns=[_column(name, dtype, stated[name]) for name, dtype in tables.columns(table).items()])


_TOLD = ("dtype", "nullable", "description", "unique", "required", "title")
_UNITS = (
    ("tokens_per_s", "tokens/s"), ("requests_per_s", "1/s"), ("_bytes", "bytes"), ("_tokens", "tokens"), ("_s", "s"),
)  # fmt: skip


def unit_of(column: str) -> str | None:
    """The unit that a column's name states: `load_s` is in seconds; None where it states none."""
    for word, unit in _UNITS:
        if column.endswith(word) or (word != "_tokens" and f"{word}_" in f"{column}_"):
            return unit
    return None


def _column(name: str, dtype: str, stated: dict[str, Any]) -> dg.TableColumn:
    unit = unit_of(name) if dtype in ("float64", "int64", "Int64") else None
    rules = [f"{rule.replace('_', ' ')} {value}" for rule, value in stated.items() if rule not in _TOLD]
    return dg.TableColumn(
        name,
        type=dtype,
        description=f"{stated['description']} [{unit}]" if unit else str(stated["description"]),
        constraints=dg.TableColumnConstraints(
            nullable=bool(stated.get("nullable", False)), unique=bool(stated.get("unique", False)), other=rules
        ),
        tags={"unit": unit.replace("/", "_per_").replace("1_per", "per")} if unit else {},
    )


def chart(rows: dict[str, float], unit: str) -> dg.MarkdownMetadataValue:
    """A bar chart that needs nothing but Markdown; names are made inert."""
    top = max(rows.values(), default=0.0)
    lines = [f"| | {unit} | |", "| --- | ---: | :--- |"]
    for name, value in rows.items():
        bar = "\u2588" * max(1, round(24 * value / top)) if top > 0 and value > 0 else ""
        lines.append(f"| {_cell(name)} | {value:.4g} | {bar} |")
    return dg.MetadataValue.md("\n".join(lines))


def _preview(frame: pd.DataFrame) -> str:
    shown = frame.iloc[:PREVIEW_ROWS, :PREVIEW_COLUMNS]
    lines = ["| " + " | ".join(_cell(name) for name in shown.columns) + " |"]
    lines.append("|" + " --- |" * len(shown.columns))
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in shown.itertuples(index=False)]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """Text of an artifact as inert Markdown."""
    text = redact.printable("" if value is None else str(value))[:60]
    for char in "\\`*_[]<>|~!#&":
        text = text.replace(char, f"&#{ord(char)};")
    return text
