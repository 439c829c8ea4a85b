"""System telemetry exports: {export_timestamp, metrics: [{timestamp, system{}, gpu[], ollama{}}]}, and the empty
export of an inference log ({total_inferences: 0, raw_metrics: []}), which is no zero measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.periods import parse_instant
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import number, pointer
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

# counter -> (metric name, unit in the file, unit in the table)
_SYSTEM = {
    "cpu_percent": ("cpu_utilization", None, "percent"),
    "memory_percent": ("memory_utilization", None, "percent"),
    "memory_used_gb": ("memory_used", "gib", "bytes"),
    "memory_total_gb": ("memory_total", "gib", "bytes"),
    "disk_usage_percent": ("disk_utilization", None, "percent"),
    "network_sent_mb": ("network_sent_total", "mib", "bytes"),
    "network_recv_mb": ("network_received_total", "mib", "bytes"),
}
_GPU = {
    "temperature": ("gpu_temperature", None, "degC"),
    "power_draw": ("gpu_power", None, "W"),
    "power_limit": ("gpu_power_limit", None, "W"),
    "utilization_gpu": ("gpu_utilization", None, "percent"),
    "utilization_memory": ("gpu_memory_utilization", None, "percent"),
    "memory_used_mb": ("gpu_memory_used", "mib", "bytes"),
    "memory_total_mb": ("gpu_memory_total", "mib", "bytes"),
    "clock_graphics": ("gpu_clock_graphics", None, "MHz"),
    "clock_memory": ("gpu_clock_memory", None, "MHz"),
}


def matches(document: Document) -> bool:
    """An export of samples with a `system` part, or an export that says it holds no inferences."""
    value = document.try_json()
    if not isinstance(value, dict):
        return False
    samples = value.get("metrics")
    if isinstance(samples, list) and "export_timestamp" in value:
        return all(isinstance(sample, dict) and "timestamp" in sample for sample in samples)
    return value.get("total_inferences") == 0 and value.get("raw_metrics") == []


def read(document: Document) -> Reading:
    """Rows of `system_samples`, one a counter; each sample of the file counts as one record."""
    reading = Reading(kind="system_telemetry", tool="system-telemetry")
    for index, sample in enumerate(document.json.get("metrics") or ()):
        instant = parse_instant(sample["timestamp"])
        for row in _counters(index, sample):
            row["at"] = row["measured_at"] = instant.iso() if instant else None
            row["time_naive"] = instant.naive if instant else False
            reading.add("system_samples", row, counts=False)
        reading.records_ok += 1
    return reading


def _counters(index: int, sample: dict[str, Any]) -> Iterator[Row]:
    devices: list[tuple[str, dict[str, Any], dict[str, Any], str | None]] = [
        (pointer("metrics", index, "system"), sample.get("system") or {}, _SYSTEM, None)
    ]
    for slot, gpu in enumerate(sample.get("gpu") or ()):
        devices.append((pointer("metrics", index, "gpu", slot), gpu, _GPU, redact.name(gpu.get("name"))))
    for where, values, known, hardware in devices:
        for counter, (metric, unit, shown) in known.items():
            value = number(values.get(counter), locator=where, field=counter)
            if value is not None:
                yield {
                    "locator": f"{where}/{counter}",
                    "suite": "system_telemetry",
                    "hardware": hardware,
                    "device": hardware or "host",
                    "metric": metric,
                    "value": value if unit is None else canonical(value, unit),
                    "unit": shown,
                    "config": {},
                    "status": "ok",
                }


READER = Reader("system-telemetry", 1, matches, read, signs=Signs(keys=("export_timestamp", "total_inferences")))
