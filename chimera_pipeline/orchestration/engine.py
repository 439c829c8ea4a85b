"""Where steps run: processes of this machine, or a cluster. One pipeline for both; the setting `engine` chooses.

A step says in its tags what it takes of a cluster, for Ray and for Kubernetes alike; on one machine nobody reads them,
and the pool `gpu` keeps the device for one step at a time. dagster-ray (extra `ray`) and
dagster-k8s are imported only where they are used.
"""

import json
import math
from typing import Any

import dagster as dg

from chimera_pipeline.errors import UsageError
from chimera_pipeline.orchestration import ray_tasks
from chimera_pipeline.settings import Settings

RAY_TAG = "dagster-ray/config"
K8S_TAG = "dagster-k8s/config"
GPU_LIMIT = "nvidia.com/gpu"
RETRIES = 3
"""One lost machine can take two tries: the step's own, and one on the machine not yet known to be lost."""


def tags(*, cpus: float = 1, gpus: float = 0) -> dict[str, Any]:
    """What a step takes of a cluster. Kubernetes has whole GPUs only; Ray shares one among several steps."""
    taken: dict[str, float] = {"num_cpus": cpus, **({"num_gpus": gpus} if gpus else {})}
    if not gpus:
        return {RAY_TAG: json.dumps(taken)}
    limits = {GPU_LIMIT: str(math.ceil(gpus))}
    return {
        RAY_TAG: json.dumps(taken),
        K8S_TAG: {"container_config": {"resources": {"limits": limits}}},
        "chimera/device": "gpu",
    }


def gpus(settings: Settings) -> float:
    """The GPUs of a step that may ask a model: none where no model is asked."""
    return 0 if settings.llm == "none" else settings.model_gpus


def retry(settings: Settings) -> dg.RetryPolicy | None:
    """How often a step is tried again. On one machine nothing is lost without the run itself."""
    return None if settings.engine == "local" else dg.RetryPolicy(max_retries=RETRIES, delay=settings.retry_delay_s)


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """What runs the steps of jobs. Raises UsageError where its extra is missing, or a cluster is named as it cannot be.

    The address of a Ray cluster comes from RAY_ADDRESS when a run starts; namespace, image and volumes of pods from the
    run launcher of the instance. Resources are in the tags alone: those given here would come before the tags.
    """
    match settings.engine:
        case "local":
            # steps are small: an interpreter for each would take longer than the step
            return dg.in_process_executor
        case "k8s":
            try:
                from dagster_k8s import k8s_job_executor
            except ImportError as error:
                raise UsageError(
                    f'engine = "k8s" needs dagster-k8s: pip install "chimera-pipeline[k8s]" ({error})'
                ) from error
            pods: dg.ExecutorDefinition = k8s_job_executor
            return pods
        case "ray":
            try:
                import ray  # noqa: F401 - dagster_ray does not bring it
                from dagster_ray import ray_executor
            except ImportError as error:
                raise UsageError(ray_tasks.missing(error)) from error
            ray_tasks.check_for_steps()
            variables = [f"{name}={value}" for name, value in sorted(settings.environment().items())]
            jobs: dg.ExecutorDefinition = ray_executor.configured({"ray": {"env_vars": variables}}, name="ray")
            return jobs
