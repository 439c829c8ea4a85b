"""What the UI shows of a materialization: counts, column schema, a preview, where the file lies."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import redact
from chimera_pipeline.contracts import tables

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 12


def of_frame(name: str, frame: pd.DataFrame, path: Path) -> dict[str, Any]:
    """Row count, column schema with descriptions, preview and location of a frame."""
    out: dict[str, Any] = {
        "dagster/row_count": len(frame),
        "dagster/uri": dg.MetadataValue.path(str(path)),
        "preview": dg.MetadataValue.md(_preview(frame)),
    }
    if name in tables.TABLES:
        out["dagster/column_schema"] = column_schema(name)
    return out


def column_schema(table: str) -> dg.TableSchema:
    """The contract of a table as Dagster shows it."""
    described = tables.column_descriptions(table)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=dtype, description=described[name])
            for name, dtype in tables.columns(table).items()
        ]
    )


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
