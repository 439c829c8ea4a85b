"""The history checks through the real pipeline: a period that differs from those before it turns its rows red."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chimera_pipeline.contracts import tables
from chimera_pipeline.metrics import history
from chimera_pipeline.metrics.measurements import melt
from chimera_pipeline.metrics.settle import settle
from chimera_pipeline.orchestration.run import execute
from chimera_pipeline.readers import registry
from chimera_pipeline.records import Artifact, Format
from chimera_pipeline.settings import Limits, Settings
from tests import corpus

MONTHS = range(1, 6)
LAST = "2025-05"
Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def month(number: int) -> list[dict[str, Any]]:
    """Twelve requests, every other day, whose rates and times vary by one percent."""
    chance = random.Random(number)
    rows = []
    for index in range(12):
        rate = 50.0 * (1 + chance.uniform(-0.01, 0.01))
        prompt = 0.05 * (1 + chance.uniform(-0.01, 0.01))
        rows.append(
            corpus.request(
                timestamp=f"2025-{number:02d}-{2 + 2 * index:02d}T12:00:00+00:00", prompt_index=index % 4,
                prompt_text=f"prompt {index % 4}", tokens_s=rate, eval_s=100 / rate, prompt_eval_s=prompt,
                ttft_s=0.1 + prompt,
            )
        )  # fmt: skip
    return rows


def same(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows


def files(change: Change, others: Change = same) -> dict[str, str | bytes]:
    """Five months as csv files, the last of them changed."""
    months = {number: (change if number == max(MONTHS) else others)(month(number)) for number in MONTHS}
    return {f"runs_{number}.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS) for number, rows in months.items()}


def asked(change: Change, others: Change = same, *, period: str = LAST, limit: int = 12) -> pd.DataFrame:
    """The history checks of a period, over settled tables."""
    artifacts = []
    for path, text in files(change, others).items():
        data = text.encode() if isinstance(text, str) else text
        sha256 = hashlib.sha256(data).hexdigest()
        reading = registry.read(data, Format.CSV, Limits())
        artifacts.append((Artifact(path, len(data), 1, sha256, Format.CSV), reading))
    settled = settle(artifacts)
    rows = history.check_rows(melt(settled), settled["series"], period=period, limit=limit)
    return tables.frame("checks", rows)


def failed(checks: pd.DataFrame) -> set[tuple[str, str]]:
    """(suite, what it is about) of every history check that failed."""
    rows = checks[checks["suite"].str.startswith("history") & ~checks["passed"]]
    return {
        (row["suite"].removeprefix("history: "), row["expectation"].partition(": ")[2]) for _, row in rows.iterrows()
    }


def slower(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"tokens_s": row["tokens_s"] * 0.9, "eval_s": row["eval_s"] / 0.9} for row in rows]


def silent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "load_s": "", "ttft_s": ""} for row in rows]


def sparse(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows[:3]


def test_a_month_like_those_before_it_passes_every_history_check() -> None:
    checks = asked(same)
    assert set(checks["suite"]) == {"history: volume", "history: freshness", "history: completeness", "history: drift"}
    assert set(checks["period"]) == {LAST}
    assert failed(checks) == set()


def test_a_drift_injected_into_a_month_turns_its_row_red_and_shows_on_the_page(tmp_path: Path) -> None:
    corpus.write(tmp_path / "artifacts", files(slower))
    execute(Settings(artifacts=str(tmp_path / "artifacts"), out=tmp_path / "out", llm="none"), period=LAST)
    checks = pd.read_parquet(tmp_path / "out/tables/checks")
    assert failed(checks) == {
        ("drift", f"{name} of tiny:1b, relative to earlier periods") for name in ("decode_tokens_per_s", "eval_s")
    }
    red = checks[checks["expectation"].str.contains("decode_tokens_per_s of tiny") & ~checks["passed"]].iloc[0]
    assert red["expectation"].startswith("expect_column_quantile_values_to_be_between: ")
    middle = json.loads(red["observed"])["quantiles"][1]
    low, high = json.loads(red["expected"])["quantiles"][1]
    assert middle == pytest.approx(0.9, abs=0.01)
    assert low < 1 < high
    page = (tmp_path / f"out/reports/{LAST}/checks.html").read_text()
    told = re.search(r"(\d+) of (\d+) checks failed", page)
    assert told
    assert (int(told[1]), int(told[2])) == ((~checks["passed"]).sum(), len(checks))
    assert page.index("failed (warn)") < page.index(">passed<")
    assert not re.search(r"https?://|\ssrc=", page)


def test_a_field_that_is_gone_turns_its_row_red() -> None:
    assert {("completeness", f"{name} of ollama-script") for name in ("load_s", "ttft_s")} <= failed(asked(silent))


def test_a_month_with_few_rows_turns_the_volume_row_red() -> None:
    assert ("volume", "rows") in failed(asked(sparse))


def test_a_silence_turns_the_freshness_row_red() -> None:
    def stopped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        later = corpus.request(timestamp="2025-06-20T12:00:00+00:00")
        early = [row | {"timestamp": f"2025-05-0{1 + n % 3}T12:{n:02d}:00+00:00"} for n, row in enumerate(rows)]
        return [*early, later]

    assert failed(asked(stopped)) == {("freshness", "longest silence in seconds")}


def test_a_change_of_the_mix_of_series_is_no_drift() -> None:
    """A month in which the faster of two configurations is measured more often is not a faster month."""

    def both(fast: int) -> Change:
        """The first `fast` requests of a month at twice the rate, as a configuration of their own."""
        hot = {"options": json.dumps({"temperature": 0.7})}
        return lambda rows: [
            row | hot | {"tokens_s": row["tokens_s"] * 2, "eval_s": row["eval_s"] / 2} if index < fast else row
            for index, row in enumerate(rows)
        ]

    assert not [subject for suite, subject in failed(asked(both(9), both(3))) if suite == "drift"]


@pytest.mark.parametrize(("period", "limit"), [("2025-03", 12), (LAST, 2), (LAST, 0), ("all", 12)])
def test_without_three_earlier_periods_nothing_is_asked(period: str, limit: int) -> None:
    assert asked(slower, period=period, limit=limit).empty


GUARD = """
import os, socket, sys
def refuse(*args, **kwargs):
    raise SystemExit(f"network: {args}")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from pathlib import Path
from chimera_pipeline.orchestration.run import execute
from chimera_pipeline.settings import Settings
chosen = Settings(artifacts="artifacts", out=Path("out"), llm="none")
for period in ("all", "2025-05"):
    execute(chosen, period=period)
    print(period, "imported" if "great_expectations" in sys.modules else "not imported")
"""


def test_great_expectations_loads_only_where_it_is_asked_writes_nothing_and_opens_no_connection(tmp_path: Path) -> None:
    corpus.write(tmp_path / "artifacts", files(slower))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CHIMERA_", "DAGSTER_"))}
    user = tmp_path / "user"
    user.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", GUARD], cwd=tmp_path, env=environment | {"HOME": str(user)}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["all not imported", "2025-05 imported"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "out", "user"]
    assert [path.name for path in user.rglob("*") if "great" in path.name.lower()] == []
