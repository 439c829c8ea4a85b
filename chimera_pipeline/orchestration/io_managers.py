"""IO managers: frames as Parquet, values as JSON, published whole. Nothing is pickled.

A partitioned asset has one part a period; an asset without partitions has one part in all.
"""

from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import garbage, periods
from chimera_pipeline.facts.build import Facts
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.orchestration import metadata
from chimera_pipeline.orchestration.lake import GROUP_ROWS, WHOLE, Lake, Writer
from chimera_pipeline.orchestration.partitions import name_of


class FrameIOManager(dg.IOManager):
    """DataFrames under `tables/<table>/<part>.parquet`."""

    def __init__(self, lake: Lake, kind: str) -> None:
        self._lake, self._kind = lake, kind

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | Writer) -> None:
        """Publish the frame, unless it has been written already; and say what is in it."""
        name, part = context.asset_key.path[-1], _part(context, self._kind)
        if isinstance(obj, Writer):
            context.add_output_metadata(metadata.of_frame(name, obj.head, obj.path, obj.rows))
        else:
            path = self._lake.write_frame(name, obj, part)
            context.add_output_metadata(metadata.of_frame(name, obj, path))
        _let_go(context, obj)

    def load_input(self, context: dg.InputContext) -> pd.DataFrame | Rows | Facts:
        """The part of this period, or the whole of an asset without partitions; as `Rows` or `Facts` to who asks for
        these."""
        name, part = context.asset_key.path[-1], _part(context, self._kind)
        asked = context.dagster_type.typing_type
        if asked not in (Rows, Facts):
            return self._lake.read_frame(name, part)
        if (self._lake.rows(name, part) or 0) > GROUP_ROWS:
            garbage.give_back()
        path = self._lake.table_path(name, part)
        return Rows.read(path) if asked is Rows else Facts.read(path)


class ValueIOManager(dg.IOManager):
    """JSON values under `.chimera/assets/<asset>/<period>.json`."""

    def __init__(self, lake: Lake, kind: str) -> None:
        self._lake, self._kind = lake, kind

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Publish the value."""
        name = context.asset_key.path[-1]
        self._lake.write_value(name, obj, _part(context, self._kind, periods.ALL))

    def load_input(self, context: dg.InputContext) -> Any:
        """The value of this period."""
        return self._lake.read_value(context.asset_key.path[-1], _part(context, self._kind, periods.ALL))


def _let_go(context: dg.OutputContext, value: object) -> None:
    """A run inside this process keeps every output for a result that nobody reads: all frames, to its end."""
    kept = getattr(context.step_context, "output_capture", None) or {}
    for handle in [handle for handle, held in kept.items() if held is value]:
        del kept[handle]


PERIODIC = frozenset({"facts", "collector_brief", "analysis", "report"})


def _part(context: dg.OutputContext | dg.InputContext, kind: str, whole: str = WHOLE) -> str:
    if context.has_asset_partitions:
        return name_of(context.asset_partition_key, kind)
    return periods.ALL if context.asset_key.path[-1] in PERIODIC else whole
