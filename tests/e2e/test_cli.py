"""The command as a user meets it: in its own process, in an empty folder, by exit codes, stdout and files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from chimera_pipeline.contracts import tables
from tests import corpus


def chimera(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CHIMERA_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "chimera_pipeline.cli", *arguments],
        cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus `data` and a finished run in `chimera-out`."""
    home = tmp_path_factory.mktemp("run")
    corpus.tree(home / "data")
    done = chimera("run", "data", "--llm", "none", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    (home / "run.json").write_text(done.stdout)
    return home


def test_run_prints_the_object_of_the_contract(finished: Path) -> None:
    result = json.loads((finished / "run.json").read_text())
    assert result["artifacts"]["total"] == 11
    assert result["artifacts"]["benchmark_files"] == 11
    assert result["artifacts"]["by_status"] == {
        "derived": 1, "document": 1, "duplicate": 3, "ok": 4, "quarantined": 1, "unrecognised": 1,
    }  # fmt: skip
    assert set(result["tables"]) == set(tables.TABLES)
    assert result["claims"]["supported"] == result["claims"]["total"] > 0
    assert result["llm"] is None
    assert result["narrative"]["mode"] == "deterministic"
    assert set(result["durations_s"]) == {"inventory", "ingest", "analysis", "report", "total"}
    assert all((finished / report[kind]).is_file() for report in result["reports"] for kind in ("md", "html", "json"))


def test_every_table_of_the_contract_is_read_by_pandas(finished: Path) -> None:
    for name in tables.TABLES:
        frame = pd.read_parquet(finished / "chimera-out" / "tables" / name)
        assert list(frame.columns) == list(tables.columns(name)), name


def test_the_report_holds_the_sections_in_order_and_every_label_is_in_the_appendix(finished: Path) -> None:
    text = (finished / "chimera-out/reports/all/report.md").read_text()
    sections = [line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "Executive summary", "1. Data ingestion summary", "2. Performance analysis", "Comparisons and regressions",
        "3. Key findings", "4. Recommendations", "Telemetry gaps and quarantine", "Workflow summary", "Run metrics",
        "Method", "Environment", "Reproducibility", "Persona prompts", "Appendix: every number with its source",
    ]  # fmt: skip
    report = json.loads((finished / "chimera-out/reports/all/report.json").read_text())
    known = {entry["label"] for entry in report["appendix"]}
    import re

    # The appendix also holds what only the page cites: its first screen and its charts.
    cited = set(re.findall(r"\[(F\d+)\]", text))
    page = (finished / "chimera-out/reports/all/report.html").read_text()
    assert cited <= known == cited | set(re.findall(r'href="?#(F\d+)\b', page))
    facts = {fact["id"] for fact in json.loads((finished / "chimera-out/reports/all/facts.json").read_text())["facts"]}
    assert {entry["id"] for entry in report["appendix"]} <= facts
    assert "999.9" not in text


def test_a_second_run_does_nothing_and_opens_no_artifact(finished: Path) -> None:
    before = digests(finished / "chimera-out")
    again = chimera("run", "data", "--llm", "none", cwd=finished)
    assert again.returncode == 0
    assert "nothing changed" in again.stderr
    assert again.stdout.strip().endswith("report.md")
    assert digests(finished / "chimera-out") == before


def test_the_question_what_changed_imports_neither_dagster_nor_pandas(finished: Path) -> None:
    code = (
        "import sys; from chimera_pipeline import cli; sys.argv = ['chimera', 'run', 'data', '--llm', 'none', '-q']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'dagster', 'pandas', 'numpy', 'pandera', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=finished, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_without_a_model_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    corpus.tree(tmp_path / "data")
    code = (
        "import sys; from chimera_pipeline.__main__ import main\n"
        "sys.argv = ['chimera', 'run', 'data', '--llm', 'none', '-q']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sys.modules, sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {"dagster", "pandas"} <= loaded
    unused = {
        "great_expectations", "scipy.stats", "pint", "duckdb", "boto3", "httpx", "ollama",
        "ray", "apprise", "dagster_webserver", "dagster_graphql", "dagster_postgres", "grpc", "polars", "rich.live",
        "concurrent.futures.process",
    }  # fmt: skip
    assert not unused & loaded


def test_equal_input_gives_equal_bytes_and_one_new_file_changes_what_it_must(tmp_path: Path) -> None:
    outputs = []
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        data = corpus.tree(home / "data")
        for path in data.rglob("*"):
            os.utime(path, (1_760_000_000, 1_760_000_000))
        assert chimera("run", "data", "--llm", "none", cwd=home).returncode == 0
        found = digests(home / "chimera-out" / "tables")
        found = {key: value for key, value in found.items() if not key.startswith("llm_calls")}
        report = json.loads((home / "chimera-out/reports/all/report.json").read_text())
        report.pop("run")
        found["report"] = json.dumps(report)
        found["facts"] = (home / "chimera-out/reports/all/facts.json").read_text()
        outputs.append(found)
    assert outputs[0] == outputs[1]
    extra = corpus.csv_text(corpus.suite("late:3b", 20.0), corpus.REQUEST_COLUMNS)
    corpus.write(tmp_path / "two" / "data", {"late.csv": extra})
    changed = chimera("run", "data", "--llm", "none", "--json", cwd=tmp_path / "two")
    assert json.loads(changed.stdout)["artifacts"]["by_status"]["ok"] == 5
    facts = pd.read_parquet(tmp_path / "two/chimera-out/tables/facts")
    assert "late:3b" in set(facts["entity"])


def test_one_report_a_month(finished: Path) -> None:
    done = chimera("run", "data", "--llm", "none", "--period", "month", "--out", "months", "--json", cwd=finished)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert [report["period"] for report in json.loads(done.stdout)["reports"]] == ["2025-10", "2025-11"]
    facts = pd.read_parquet(finished / "months/tables/facts")
    assert set(facts["period"]) == {"2025-10", "2025-11"}


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2025-W40", ["2025-W40"]),
        ("2025-10-02", ["2025-10-02"]),
        ("2025", ["2025"]),
        ("quarter", ["2025-Q4"]),
    ],
)
def test_periods_of_every_kind(finished: Path, period: str, expected: list[str]) -> None:
    done = chimera("run", "data", "--llm", "none", "--period", period, "--out", f"out-{period}", "--json", cwd=finished)
    assert done.returncode == 0, done.stderr
    assert [report["period"] for report in json.loads(done.stdout)["reports"]] == expected


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "missing"], 2, "no such folder"),
        (["run", "data", "--nonsense"], 2, "No such option"),
        (["run", "data", "--period", "2025-13"], 2, "2025-13"),
        (["run", "data", "--period", "yearly"], 2, "yearly"),
        (["run", "s3x://bucket"], 2, "s3x"),
        (["run", "data", "--out", "data"], 2, "holds the artifacts"),
        (["run", "data", "--out", "/proc/nowhere"], 74, "cannot write"),
        (["run", "data", "--llm", "none", "--strict", "--out", "strict"], 3, "broken.json"),
        (["run", "data", "--llm", "none", "--require-llm"], 4, "no model"),
        (["facts", "--out", "nowhere"], 2, "chimera run"),
        (["explain", "x.csv", "--out", "nowhere"], 2, "holds no run"),
        (["explain", "no-such-thing"], 2, "no file of the last run"),
        (["explain", "october/compil.md"], 2, "did you mean 'october/compile.md'?"),
    ],
)
def test_bad_input_is_one_line_and_the_right_exit_code(
    finished: Path, arguments: list[str], code: int, message: str
) -> None:
    done = chimera(*arguments, cwd=finished)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout or arguments[-1] == "--require-llm"


def test_an_unknown_setting_names_the_nearest(finished: Path) -> None:
    done = chimera("run", "data", cwd=finished, CHIMERA_PERIODD="month")
    assert (done.returncode, "did you mean 'period'" in done.stderr) == (2, True)


@pytest.mark.parametrize("files", [{}, {"readme.md": "# Hello\n", "note.txt": "no numbers\n"}])
def test_nothing_to_measure_is_an_honest_report_and_exit_0(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    (tmp_path / "data").mkdir()
    corpus.write(tmp_path / "data", files)
    done = chimera("run", "data", "--llm", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "chimera-out/reports/all/report.md").read_text()
    assert "No measurement was found" in text


def test_inventory_lists_without_opening(finished: Path) -> None:
    found = json.loads(chimera("inventory", "data", "--json", cwd=finished).stdout)
    assert (found["total"], found["benchmark_files"]) == (11, 11)
    assert found["by_format"] == {"csv": 4, "json": 5, "markdown": 2}


def test_facts_of_one_metric_or_kind_are_listed_alone(finished: Path) -> None:
    every = json.loads(chimera("facts", "--json", cwd=finished).stdout)["facts"]
    of_metric = json.loads(chimera("facts", "--metric", "ttft_s", "--json", cwd=finished).stdout)["facts"]
    assert of_metric == [fact for fact in every if fact["metric"] == "ttft_s"] != []
    lines = chimera("facts", "--kind", "inventory", "--kind", "gap", cwd=finished).stdout.splitlines()
    assert len(lines) == len([fact for fact in every if fact["kind"] in ("inventory", "gap")]) > 1
    refused = chimera("facts", "--metric", "ttft", cwd=finished)
    assert refused.returncode == 2
    assert "no fact of period all has metric ttft; did you mean 'ttft_s'?" in refused.stderr


def test_explain_tells_of_a_file_a_fact_and_a_number(finished: Path) -> None:
    file = chimera("explain", "october/compile.md", cwd=finished).stdout
    assert "duplicate (twin)" in file
    assert "october/compile.json" in file
    facts = json.loads(chimera("facts", "--json", cwd=finished).stdout)["facts"]
    fact = next(f for f in facts if f["metric"] == "decode_tokens_per_s" and f["statistic"] == "mean" and f["n"] == 5)
    story = chimera("explain", fact["id"], cwd=finished).stdout
    assert "october/suite_twin.json" in story
    assert "/results/0" in story
    number = chimera("explain", "50.0", cwd=finished).stdout
    assert fact["id"] in number
    assert "it has no source here" in chimera("explain", "999.9", cwd=finished).stdout


def test_a_file_that_nobody_knows_is_mapped_by_its_draft(tmp_path: Path) -> None:
    text = "scenario,speed_ms,size\n" + "".join(f"case{i},{i}.5,{i}\n" for i in range(1, 4))
    corpus.write(tmp_path / "data", {"odd.csv": text})
    assert chimera("run", "data", "--llm", "none", cwd=tmp_path).returncode == 0
    story = chimera("explain", "data/odd.csv", cwd=tmp_path).stdout
    assert "unrecognised" in story
    assert "scenario" in story
    assert "match:" in story


def test_a_source_of_ones_own_leads_from_an_unknown_file_to_facts(tmp_path: Path) -> None:
    text = "scenario,speed_ms,note\n" + "".join(f"warm,{i}.5,x\n" for i in range(1, 6))
    corpus.write(tmp_path / "data", {"odd.csv": text})
    mapping = """\
source: speed-log
description: csv with one row a run
format: csv
match:
  columns: [scenario, speed_ms, note]
grain:
  table: timings
fields:
  case: scenario
  mean_s: {column: speed_ms, unit: ms}
failed: never
"""
    corpus.write(tmp_path / "sources", {"speed.yaml": mapping})
    done = chimera("run", "data", "--llm", "none", cwd=tmp_path, CHIMERA_SOURCES="sources")
    assert done.returncode == 0, done.stderr
    facts = pd.read_parquet(tmp_path / "chimera-out/tables/facts")
    mean = facts[(facts["metric"] == "time_s") & (facts["statistic"] == "mean")]
    assert list(mean["entity"]) == ["warm"]
    assert mean.iloc[0]["value"] == pytest.approx(0.0035)
    assert mean.iloc[0]["n"] == 5
    corpus.write(tmp_path / "sources", {"speed.yaml": mapping.replace("mean_s", "maen_s")})
    wrong = chimera("run", "data", "--llm", "none", cwd=tmp_path, CHIMERA_SOURCES="sources")
    assert wrong.returncode == 2
    assert "speed.yaml:10" in wrong.stderr
    assert "did you mean 'mean_s'" in wrong.stderr


def test_quarantine_says_where_and_why(finished: Path) -> None:
    rows = json.loads(chimera("quarantine", "--json", cwd=finished).stdout)["quarantine"]
    assert [(row["artifact_path"], row["reason"]) for row in rows] == [("broken.json", "truncated")]


def test_compare_finds_the_step_and_can_fail_the_build(tmp_path: Path) -> None:
    def files(folder: str, base: float) -> None:
        rows = [row for run in range(4) for row in corpus.suite(base=base + run / 10)]
        corpus.write(tmp_path / folder, {"runs.csv": corpus.csv_text(rows, corpus.REQUEST_COLUMNS)})

    files("before", 50.0)
    files("after", 40.0)
    done = chimera("compare", "before", "after", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    verdicts = {(one["metric"], one["verdict"]) for one in json.loads(done.stdout)["comparisons"]}
    assert ("decode_tokens_per_s", "regression") in verdicts
    assert chimera("compare", "before", "after", "--fail-on-regression", cwd=tmp_path).returncode == 5
    assert chimera("compare", "before", "before", "--fail-on-regression", cwd=tmp_path).returncode == 0
    summary = chimera("compare", "before", "after", "--markdown", cwd=tmp_path).stdout
    assert summary.startswith("## ")
    assert chimera("compare", "before", "nowhere", cwd=tmp_path).returncode == 2


def test_a_backfill_equals_single_runs_and_a_second_one_changes_nothing(finished: Path) -> None:
    arguments = ["backfill", "data", "--from", "2025-09", "--to", "2025-11", "--llm", "none"]
    done = chimera(*arguments, "--out", "filled", "--json", cwd=finished)
    assert done.returncode == 0, done.stderr
    assert [one["period"] for one in json.loads(done.stdout)["reports"]] == ["2025-09", "2025-10", "2025-11"]
    first = {
        p: (finished / "filled/reports" / p / "facts.json").read_bytes() for p in ("2025-09", "2025-10", "2025-11")
    }
    for period, content in first.items():
        chimera("run", "data", "--llm", "none", "--period", period, "--out", f"single-{period}", cwd=finished)
        assert (finished / f"single-{period}/reports/{period}/facts.json").read_bytes() == content
    assert chimera(*arguments, "--out", "filled", cwd=finished).returncode == 0
    assert all((finished / "filled/reports" / p / "facts.json").read_bytes() == text for p, text in first.items())
    wrong = chimera("backfill", "data", "--from", "2025-11", "--to", "2025-09", cwd=finished)
    assert (wrong.returncode, "lies before" in wrong.stderr) == (2, True)


def test_audit_tells_true_from_false_of_anybodys_report(finished: Path) -> None:
    true = "The mean decode throughput of tiny:1b in the prompt suite at temperature=0.3 was 50.0 tokens/s.\n"
    false = true.replace("50.0", "350.0")
    for name, text, code, verdict in (("true.md", true, 0, "supported"), ("false.md", false, 3, "contradicted")):
        (finished / name).write_text(text)
        done = chimera("audit", name, "--json", cwd=finished)
        assert done.returncode == code, done.stdout + done.stderr
        assert json.loads(done.stdout)["verdict"] == verdict
    facts = {
        "facts": [{"metric": "mean decode throughput", "entity": "tiny:1b", "value": 50.0, "unit": "tokens/s", "n": 5}]
    }
    (finished / "facts.json").write_text(json.dumps(facts))
    done = chimera("audit", "false.md", "--facts", "facts.json", "--github", cwd=finished)
    assert done.returncode == 3
    assert "::error file=false.md,line=1" in done.stdout
    assert chimera("audit", "missing.md", cwd=finished).returncode == 2


def test_profiles_are_listed_and_need_two_to_compare(finished: Path) -> None:
    assert "chimera-a" in chimera("profiles", "list", cwd=finished).stdout
    assert chimera("profiles", "compare", "baseline", cwd=finished).returncode == 2
    assert chimera("bench", "--llm", "none", cwd=finished).returncode == 4


def test_init_writes_settings_once_and_debug_shows_where_an_error_was_raised(tmp_path: Path) -> None:
    assert chimera("init", cwd=tmp_path).stdout == "chimera.toml\n"
    again = chimera("init", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "--force" in again.stderr
    assert "Traceback" not in again.stderr
    assert "Traceback" in chimera("--debug", "init", cwd=tmp_path).stderr
    assert chimera("init", "--force", cwd=tmp_path).returncode == 0
