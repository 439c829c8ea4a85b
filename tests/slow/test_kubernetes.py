"""What Kubernetes would be asked for, rendered by dagster-k8s itself; no cluster takes part."""

from __future__ import annotations

from typing import Any

import pytest
from dagster_k8s import k8s_job_executor
from dagster_k8s.job import DagsterK8sJobConfig, construct_dagster_k8s_job, get_user_defined_k8s_config

from chimera_pipeline import settings
from chimera_pipeline.orchestration.assembly import build_definitions

pytestmark = pytest.mark.slow
LAUNCHER = {
    "job_image": "registry.example/chimera:0.1",
    "dagster_home": "/opt/dagster",
    "instance_config_map": "instance",
}


def pods(**flags: Any) -> dict[str, dict[str, Any]]:
    """The pod spec of every step."""
    definitions = build_definitions(settings=settings.load(engine="k8s", **flags))
    out = {}
    for job in ("ingest_job", "report_job"):
        resolved = definitions.resolve_job_def(job)
        assert resolved.executor_def is k8s_job_executor
        for node in resolved.nodes:
            rendered = construct_dagster_k8s_job(
                DagsterK8sJobConfig(**LAUNCHER),
                args=["dagster", "api", "execute_step"],
                job_name=f"step-{node.name.replace('_', '-')}",
                # raises where a key of the tag is misspelt
                user_defined_k8s_config=get_user_defined_k8s_config(node.definition.tags),
            )
            out[node.name] = rendered.to_dict()["spec"]["template"]["spec"]
    return out


def limits(spec: dict[str, Any]) -> dict[str, str]:
    """The limits of the one container of a pod."""
    (container,) = spec["containers"]
    return dict((container["resources"] or {}).get("limits") or {})


def test_the_gpu_limit_reaches_the_pod_of_each_model_step_and_no_other() -> None:
    found = pods()
    assert len(found) == 9
    assert {name: limits(spec) for name, spec in found.items() if limits(spec)} == {
        "collector_brief": {"nvidia.com/gpu": "1"},
        "analysis": {"nvidia.com/gpu": "1"},
    }
    assert {spec["restart_policy"] for spec in found.values()} == {"Never"}


def test_no_pod_asks_for_a_gpu_where_no_model_is_asked() -> None:
    assert {name: limits(spec) for name, spec in pods(llm="none").items() if limits(spec)} == {}
