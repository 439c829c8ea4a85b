"""What chooses where steps run, seen without a cluster: tags, retries, and what is said where something is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chimera_pipeline import settings
from chimera_pipeline.errors import UsageError
from chimera_pipeline.orchestration import engine, ray_tasks, spread
from chimera_pipeline.orchestration.assembly import build_definitions
from chimera_pipeline.orchestration.ray_tasks import RayTasks

MODEL_STEPS = {"collector_brief", "analysis"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith((settings.PREFIX, "RAY_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def taken(**flags: Any) -> dict[str, tuple[float, float, str | None]]:
    """CPUs and GPUs that each step takes of Ray, and its GPU limit in Kubernetes."""
    definitions = build_definitions(settings=settings.load(**flags))
    out = {}
    for job in ("ingest_job", "report_job"):
        for node in definitions.resolve_job_def(job).nodes:
            tags = dict(node.definition.tags)
            ray = json.loads(tags[engine.RAY_TAG])
            pod = json.loads(tags[engine.K8S_TAG]) if engine.K8S_TAG in tags else None
            limit = pod["container_config"]["resources"]["limits"][engine.GPU_LIMIT] if pod else None
            out[node.name] = (ray["num_cpus"], ray.get("num_gpus", 0), limit)
    return out


def test_every_step_says_what_it_takes_of_a_cluster_and_only_the_model_takes_a_gpu() -> None:
    found = taken()
    assert {name: what for name, what in found.items() if what != (1, 0, None)} == {
        "readings": (0, 0, None),
        "collector_brief": (1, 1.0, "1"),
        "analysis": (1, 1.0, "1"),
    }
    assert len(found) == 9


@pytest.mark.parametrize(("flags", "expected"), [({"llm": "none"}, (1, 0, None)), ({"model_gpus": 0.5}, (1, 0.5, "1"))])
def test_gpus_follow_the_settings(flags: dict[str, Any], expected: tuple[float, float, str | None]) -> None:
    found = taken(**flags)
    assert {found[name] for name in MODEL_STEPS} == {expected}


def test_on_one_machine_dagster_runs_the_steps_and_tries_none_again() -> None:
    definitions = build_definitions(settings=settings.load())
    assert definitions.executor is dg.in_process_executor
    job = definitions.resolve_job_def("report_job")
    assert job._op_retry_policy is None


@pytest.mark.parametrize(("name", "module"), [("ray", "ray"), ("ray", "dagster_ray"), ("k8s", "dagster_k8s")])
def test_a_missing_extra_is_said_with_what_to_install(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf'engine = "{name}" needs .*pip install'):
        build_definitions(settings=settings.load(engine=name))


@pytest.mark.parametrize(
    ("address", "said"),
    [(None, "is not set"), ("local", "is local"), ("http://head:8265", "is http://head:8265")],
)
def test_ray_is_never_asked_to_start_a_cluster_of_its_own(
    address: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if address is not None:
        monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=rf"RAY_ADDRESS {said}; give the head as HOST:6379"):
        list(RayTasks().map(str, [1]))


def test_the_address_of_the_client_serves_chimera_run_and_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(UsageError, match="serves chimera run alone; for jobs give HOST:6379"):
        ray_tasks.check_for_steps()
    chosen = settings.load(engine="ray", llm="none")
    assert build_definitions(settings=chosen, locked=True).executor is dg.in_process_executor
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    ray_tasks.check_for_steps()


def test_few_files_are_read_where_the_step_is() -> None:
    few, many = spread.PAYS_FROM - 1, spread.PAYS_FROM
    assert spread.chosen(settings.load(engine="ray"), few) == spread.InProcess()
    assert spread.chosen(settings.load(engine="ray"), many) == RayTasks()
    assert spread.chosen(settings.load(engine="ray", workers=3), many) == RayTasks(3)
    assert spread.chosen(settings.load(workers=3), many) == spread.Processes(3)
    assert spread.chosen(settings.load(workers=1), many) == spread.InProcess()


HEAVY = {"dagster", "pandas", "numpy", "pyarrow", "pandera", "scipy", "sqlalchemy", "pint", "duckdb"}


def test_what_a_process_that_reads_imports_is_little() -> None:
    code = f"import {spread.WORK}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert not HEAVY & set(loaded)
    assert len(loaded) < 450


def test_processes_that_read_come_from_one_that_has_imported_it_already() -> None:
    told = "__import__('time').sleep(0.2), __import__('os').getppid(), list(__import__('sys').modules)"
    found = list(spread.Processes(2).map(eval, [told] * 4))
    assert len({parent for _, parent, _ in found} - {os.getpid()}) == 1
    for *_, loaded in found:
        assert spread.WORK in loaded
        assert not HEAVY & set(loaded)


def test_a_process_that_reads_ends_where_the_one_that_waits_for_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    work = ["__import__('os').getpid()", *["__import__('time').sleep(60)"] * 3]
    lines = [
        "from chimera_pipeline.orchestration import spread",
        "if __name__ == '__main__':",
        f"    [print(done, flush=True) for done in spread.Processes(2).map(eval, {work})]",
    ]
    script.write_text("\n".join(lines))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as waiting:
        assert waiting.stdout is not None
        os.kill(int(waiting.stdout.readline()), 0)  # a worker lives
        waiting.kill()
        left, _ = waiting.communicate(timeout=30)  # the output ends with the last process that holds it
    assert left == ""


def test_settings_reach_a_process_in_another_folder_whole_but_for_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    text = 'artifacts = "data"\nout = "o"\nllm = "none"\nexpected_dirs = ["a", "b"]\n[limits]\nmax_columns = 10\n'
    Path(settings.CONFIG_FILE).write_text(text, "utf-8")
    given = settings.load(openai_key="hidden", alerts=["ntfy://hidden"], slo_ttft_s=0.5, model="x=y")
    variables, expected = given.environment(), given.portable()
    assert not [name for name, value in variables.items() if "hidden" in value or "***" in value]
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    Path(settings.CONFIG_FILE).write_text('out = "wrong"\nllm = "ollama"\n', "utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert found == expected
    assert (found.artifacts, found.out) == (str(tmp_path / "here" / "data"), tmp_path / "here" / "o")
    assert (found.openai_key, found.alerts) == (None, [])


def test_objects_keep_their_uri() -> None:
    assert settings.load(artifacts="s3://bucket/prefix").portable().artifacts == "s3://bucket/prefix"


def test_with_an_engine_of_many_machines_every_step_is_tried_four_times() -> None:
    policy = engine.retry(settings.load(engine="ray", retry_delay_s=7))
    assert isinstance(policy, dg.RetryPolicy)
    assert (policy.max_retries, policy.delay) == (3, 7)
