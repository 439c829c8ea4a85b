"""Assets of one report period: facts, what is chosen among them, the report; and the history over all periods.

Made by a function, because the partitions depend on the kind of period (none for a report over everything).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.contracts import tables
from chimera_pipeline.contracts.tables import SETTLED_TABLES
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.facts import points
from chimera_pipeline.facts.build import Facts
from chimera_pipeline.facts.rows import Rows
from chimera_pipeline.metrics import history
from chimera_pipeline.orchestration import (
    checks,
    engine,
    progress,
    publication,
    run_metrics,
    staleness,
    unfinished,
)
from chimera_pipeline.orchestration import published_copy as copy
from chimera_pipeline.orchestration.agents import analyse, brief
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.orchestration.locking import PARTITION
from chimera_pipeline.orchestration.material import material_of
from chimera_pipeline.orchestration.partitions import name_of
from chimera_pipeline.orchestration.store_assets import KINDS, OWNERS, VERSION
from chimera_pipeline.settings import Settings


def report_assets(
    kind: str,
    partitions_def: dg.TimeWindowPartitionsDefinition | None,
    model_gpus: float = 0,
    *,
    publishes: bool = False,
) -> tuple[dg.AssetsDefinition, ...]:
    """The assets of one period of `kind`, or of everything where `partitions_def` is None.

    Steps that may ask a model take `model_gpus` GPUs of a cluster. `publishes` adds the copy in object storage.
    """
    shared: dict[str, Any] = {} if partitions_def is None else {"partitions_def": partitions_def}
    shared |= {"owners": OWNERS, "code_version": VERSION}
    agent: dict[str, Any] = shared | {
        "group_name": "analysis",
        "io_manager_key": "values",
        "kinds": {"python", "json"},
        "pool": "gpu",
        "op_tags": engine.tags(gpus=model_gpus),
    }

    def period_of(context: dg.AssetExecutionContext) -> str:
        return name_of(context.partition_key, kind) if context.has_partition_key else periods.ALL

    def kept(lake: Lake, step: str, period: str, results: list[dg.AssetCheckResult]) -> None:
        checks.keep(lake, f"{step}-{period}", period, results)
        refusal = checks.refusal(results)
        if refusal is not None:
            staleness.mark(lake.out, [period], cause=step, reason=refusal)

    @dg.asset(
        group_name="facts",
        io_manager_key="frames",
        description=tables.description("facts"),
        kinds=KINDS | {"pandera"},
        check_specs=[
            checks.contract_spec("facts", partitions_def),
            checks.row_count_spec("facts", partitions_def),
            checks.history_spec(partitions_def),
        ],
        op_tags=engine.tags(),
        **shared,
    )
    def facts(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        measurements: Rows,
        series: pd.DataFrame,
        artifacts: pd.DataFrame,
        telemetry_gaps: pd.DataFrame,
    ) -> Iterator[Any]:
        period = period_of(context)
        progress.tell(f"computing the facts of {period}")
        unfinished.refuse(lake.out, [*SETTLED_TABLES, "measurements"])
        staleness.mark(lake.out, [period], cause=staleness.RUN, reason=staleness.BEGUN)
        found = facts_room.facts_of(
            {
                "measurements": measurements,
                "series": series,
                "artifacts": artifacts,
                "telemetry_gaps": telemetry_gaps,
            },
            period=period,
            limits=settings.slo,
        )
        measurements.let_go()  # Dagster holds what it gave to a step until the step is done
        counted = run_metrics.of_facts(found)
        frame = facts_room.to_frame(found)
        del found
        before = lake.rows("facts", period)
        yield dg.Output(frame, metadata=counted)
        results = [checks.contract_result("facts", frame), checks.row_count_result("facts", len(frame), before)]
        yield from results
        kept(lake, "facts", period, results)
        rows = tables.frame("measurements") if period == periods.ALL else lake.read_frame("measurements")
        found_usual = history.check_rows(rows, series, period=period, limit=settings.history_periods)
        checks.keep_rows(lake, f"history-{period}", found_usual)
        yield checks.history_result(found_usual)

    @dg.asset(deps=["measurements"], **agent)
    def collector_brief(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        facts: Facts,
        artifacts: pd.DataFrame,
        telemetry_gaps: pd.DataFrame,
    ) -> dg.Output[dict[str, Any]]:
        """What is there: folders, counts by type with the latest modification, gaps. Read by the analyst."""
        progress.tell(f"choosing what to tell of the files of {period_of(context)}")
        value = brief(settings, lake, facts, artifacts, telemetry_gaps, period=period_of(context))
        return dg.Output(value, metadata=run_metrics.of_calls(value))

    @dg.asset(deps=["measurements"], **agent)
    def analysis(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        facts: Facts,
        artifacts: pd.DataFrame,
        telemetry_gaps: pd.DataFrame,
        collector_brief: dict[str, Any],
    ) -> dg.Output[dict[str, Any]]:
        """Findings and recommendations chosen among statements that code has proved from the facts."""
        period = period_of(context)
        progress.tell(f"choosing what to tell of {period}")
        value = analyse(settings, lake, facts, artifacts, telemetry_gaps, collector_brief, period=period)
        lake.write_frame("claims", tables.frame("claims", value.pop("claims")), period)
        lake.write_frame("llm_calls", tables.frame("llm_calls", value["calls"]), period)
        return dg.Output(value, metadata=run_metrics.of_calls(value))

    @dg.asset(
        group_name="report",
        deps=["measurements"],
        io_manager_key="values",
        kinds={"python", "markdown", "html"},
        description="The founders report of the period: Markdown, HTML and JSON, with facts.json beside them.",
        check_specs=[checks.audit_spec(partitions_def)],
        op_tags=engine.tags(),
        **shared,
    )
    def report(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        facts: Facts,
        analysis: dict[str, Any],
        collector_brief: dict[str, Any],
        artifacts: pd.DataFrame,
        series: pd.DataFrame,
        telemetry_gaps: pd.DataFrame,
        quarantine: pd.DataFrame,
    ) -> Iterator[Any]:
        period = period_of(context)
        progress.tell(f"writing the report of {period}, and auditing it")
        drawn = points.series_of(facts, series) if period == periods.ALL else None  # a period needs all: its files
        material = material_of(
            settings,
            {
                "measurements": Rows.read(lake.table_path("measurements"), series=drawn),
                "artifacts": artifacts,
                "series": series,
                "telemetry_gaps": telemetry_gaps,
                "quarantine": quarantine,
            },
            facts,
            period=period,
            brief=collector_brief,
            analysis=analysis,
            run={
                "run_id": context.run.run_id,
                "generated_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "durations_s": run_metrics.stage_seconds(context.instance),
            },
        )
        made = publication.made(material)
        result = checks.audit_result(made.audit)
        kept(lake, "report", period, [result])
        published = publication.publish(lake, made)
        yield dg.Output(published, metadata=run_metrics.of_report(published, facts))
        yield result

    @dg.asset(
        group_name="report", deps=[report], io_manager_key="values", kinds={"python", "markdown"},
        owners=OWNERS, code_version=VERSION, op_tags=engine.tags(),
    )  # fmt: skip
    def report_history(lake: dg.ResourceParam[Lake]) -> dg.Output[dict[str, Any]]:
        """The index over every published period: headline numbers over time, and each report against the one before."""
        index = publication.write_history(lake)
        return dg.Output(index, metadata={"reports": len(index["reports"])})

    @dg.asset(
        group_name="report", deps=[report_history], io_manager_key="values", kinds={"python", "s3"},
        owners=OWNERS, code_version=VERSION, op_tags=engine.tags(),
    )  # fmt: skip
    def published_copy(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.Output[Any]:
        """The copy in object storage of every report, the index and the tables; there where `publish_to` is set."""
        key = context.run.tags.get(PARTITION)
        done = copy.publish(settings, own=[name_of(key, kind)] if key else [])
        return dg.Output(done, metadata=run_metrics.of_copy(done))

    always = (facts, collector_brief, analysis, report, report_history)
    return (*always, published_copy) if publishes else always
