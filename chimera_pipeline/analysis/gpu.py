"""What the NVIDIA GPUs of this machine did while a model was called, through NVML where that is installed.

Nothing is assumed where NVML or a GPU is absent: there are no samples then, and that is all.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chimera_pipeline.analysis.profiles import Profile
from chimera_pipeline.analysis.providers.protocol import ModelInfo
from chimera_pipeline.records import Gap, Row

EVERY_S = 0.5
MOST = 2_000


@contextlib.contextmanager
def sampled(now: Callable[[], dt.datetime], every_s: float = EVERY_S) -> Iterator[list[Row]]:
    """Samples taken while the block runs, as rows of at, device, metric, value, unit; empty without a GPU."""
    samples: list[Row] = []
    nvml = library()
    if nvml is None:
        yield samples
        return
    stop = threading.Event()

    def work() -> None:
        while len(samples) < MOST:
            samples.extend(_sample(nvml, now()))
            if stop.wait(every_s):
                return

    worker = threading.Thread(target=work, name="nvml", daemon=True)
    worker.start()
    try:
        yield samples
    finally:
        stop.set()
        worker.join(2)
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def library() -> Any:
    """NVML, initialised; None where it is not installed or finds no driver."""
    try:
        pynvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def devices() -> tuple[list[str], str]:
    """Name, memory and driver of each GPU; else why NVML sees none, empty where there simply is no driver."""
    try:
        pynvml = importlib.import_module("pynvml")
    except ImportError:
        return [], ""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        absent = (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
        return [], "" if error.value in absent else f"NVML: {error}"
    try:
        driver = _said(pynvml.nvmlSystemGetDriverVersion())
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [
            f"{_said(pynvml.nvmlDeviceGetName(handle))}, "
            f"{pynvml.nvmlDeviceGetMemoryInfo(handle).total / 2**30:.0f} GiB, driver {driver}"
            for handle in handles
        ], ""
    except pynvml.NVMLError as error:
        return [], f"NVML: {error}"
    finally:
        pynvml.nvmlShutdown()


def _said(text: str | bytes) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _sample(nvml: Any, at: dt.datetime) -> Iterator[Row]:
    with contextlib.suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            readings: tuple[tuple[str, Callable[[Any], float], str], ...] = (
                ("gpu_utilization", lambda h: nvml.nvmlDeviceGetUtilizationRates(h).gpu / 100, "ratio"),
                ("gpu_memory_used", lambda h: nvml.nvmlDeviceGetMemoryInfo(h).used, "bytes"),
                ("gpu_power", lambda h: nvml.nvmlDeviceGetPowerUsage(h) / 1000, "W"),
            )
            for metric, read, unit in readings:
                with contextlib.suppress(nvml.NVMLError):
                    yield {
                        "at": at,
                        "device": f"gpu{index}",
                        "metric": metric,
                        "value": float(read(handle)),
                        "unit": unit,
                    }


def summary(samples: Iterable[Row]) -> list[dict[str, Any]]:
    """By device and metric: how many samples, their mean and their largest value, in the unit of the samples."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in samples:
        found.setdefault((row["device"], row["metric"], row["unit"]), []).append(float(row["value"]))
    return [
        {"device": device, "metric": metric, "unit": unit, "n": len(values), "mean": sum(values) / len(values),
         "max": max(values)}
        for (device, metric, unit), values in sorted(found.items())
    ]  # fmt: skip


def unused(profile: Profile, info: ModelInfo) -> tuple[Gap, ...]:
    """The gap `no_gpu_used` where GPU layers were asked for and none were used."""
    on_cpu = info.gpu_share == 0 or (info.gpu_share is None and info.device == "cpu")
    if not profile.num_gpu or not on_cpu:
        return ()
    return (
        Gap(
            kind="no_gpu_used",
            table="llm_calls",
            subject=f"profile {profile.name}",
            field="hardware",
            severity="warning",
            consequence="the calls of this run say nothing about GPU performance",
            remedy="make the GPU visible to the model server, or set num_gpu to 0",
        ),
    )
