"""optimum-benchmark reports: benchmark_report.json ({target: {latency, throughput, memory, energy}}),
benchmark.json ({config, report}), the flat csv with one row a run (report.<target>.latency.mean), and
the older layouts with units in their keys ("mean(s)", "list[s]", "mean[tokens/s]",
"forward.latency(s)").

Latencies are seconds; standard deviations have ddof 0. Old decode latencies are a difference and can be
negative: such a value is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, count, extra, pointer
from chimera_pipeline.readers.loadtest import checked, first, mapping, samples
from chimera_pipeline.readers.names import hardware_name, model_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

TARGETS = frozenset(
    [
        "load",
        "load_model",
        "load_dataset",
        "forward",
        "first_forward",
        "prefill",
        "decode",
        "per_token",
        "generate",
        "first_generate",
        "call",
        "first_call",
        "train",
        "training",
        "warmup",
        "overall",
        "load_from_pretrained",
    ]
)
KINDS = ("latency", "throughput", "memory", "energy", "efficiency")
_TIMES = {
    "mean": "mean_s",
    "stdev": "std_s",
    "std": "std_s",
    "p50": "median_s",
    "median": "median_s",
    "p90": "p90_s",
    "p95": "p95_s",
    "p99": "p99_s",
    "min": "min_s",
    "max": "max_s",
}
_UNIT_IN_KEY = re.compile(r"([\w.]+?)[\[(]([^\[\]()]+)[\])]\Z")
_SHAPE = ("batch_size", "sequence_length", "num_beams", "max_new_tokens", "min_new_tokens")


def _plain(mapping_: dict[str, Any]) -> dict[str, Any]:
    """Keys without their unit; the unit of "mean[tokens/s]" goes under `unit`."""
    out: dict[str, Any] = {}
    for key, value in mapping_.items():
        found = _UNIT_IN_KEY.match(str(key))
        if found:
            out.setdefault("unit", found.group(2))
            out[found.group(1)] = value
        else:
            out[str(key)] = value
    return out


def _targets(value: Any) -> dict[str, dict[str, Any]]:
    """target -> its measurements; {} where the object is no report."""
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, part in value.items():
        if name in TARGETS and isinstance(part, dict) and any(isinstance(part.get(kind), dict) for kind in KINDS):
            found[name] = part
    known = any(
        {"mean", "value"} & set(_plain(part[kind]))
        for part in found.values()
        for kind in ("latency", "throughput")
        if isinstance(part.get(kind), dict)
    )
    return found if known else {}


def matches(document: Document) -> bool:
    """Targets with a latency or a throughput, under `report` or at the top."""
    value = document.try_json()
    if not isinstance(value, dict):
        return False
    return bool(_targets(value.get("report")) if isinstance(value.get("report"), dict) else _targets(value))


def read(document: Document) -> Reading:
    """Rows of `timings` and `throughputs`, one a target; each target counts as one record."""
    reading = Reading(kind="optimum_benchmark", tool="optimum-benchmark")
    value = document.json
    nested = isinstance(value.get("report"), dict)
    identity = _identity(mapping(value.get("config")) if nested else {}, value)
    base = "/report" if nested else ""
    for name, part in _targets(value["report"] if nested else value).items():
        read_target(reading, identity, name, part, base + pointer(name))
    return reading


def read_target(reading: Reading, identity: Row, name: str, part: dict[str, Any], where: str) -> None:
    """Rows of one target; its identity is `identity`, its place `where`."""
    row: Row = {**identity, "locator": where, "case": name}
    latency, throughput = _plain(mapping(part.get("latency"))), _plain(mapping(part.get("throughput")))
    values = first(latency.get("values"), latency.get("list"))
    if latency:
        timed = {**row, "locator": f"{where}/latency"}
        _time(reading, timed, latency, values)
        reading.add("timings", timed, counts=False)
        if isinstance(values, list):
            samples(
                reading,
                timed,
                "time_s",
                values,
                str(latency.get("unit") or "s"),
                locator=_values_at(part, where),
            )
    stated = first(throughput.get("value"), throughput.get("mean"))
    if stated is not None:
        kept = {key: item for key, item in row.items() if key not in ("device", "dtype")}
        rate: Row = {
            **kept,
            "locator": f"{where}/throughput",
            "config": row["config"] | config({"device": row.get("device"), "dtype": row.get("dtype")}),
            "rate_unit": redact.printable(str(throughput.get("unit") or "1/s"))[:40],
        }
        rate["rate_mean"] = checked(reading, stated, None, locator=rate["locator"], field="throughput")
        if "stdev" in throughput:
            rate["rate_std"] = checked(reading, throughput["stdev"], None, locator=rate["locator"], field="stdev")
        rate["n"] = len(values) if isinstance(values, list) else _whole(latency.get("count"))
        reading.add("throughputs", rate, counts=False)
    _resources(reading, row, part, where)
    reading.records_ok += 1


def _values_at(part: dict[str, Any], where: str) -> str:
    key = next(
        (key for key in part["latency"] if str(key).split("[")[0].split("(")[0] in ("values", "list")),
        "values",
    )
    return where + pointer("latency", key)


def _time(reading: Reading, row: Row, latency: dict[str, Any], values: Any) -> None:
    unit = str(latency.get("unit") or "s")
    n = _whole(latency.get("count"))
    row["n"] = len(values) if n is None and isinstance(values, list) else n
    for source, target in _TIMES.items():
        if latency.get(source) is not None:
            row[target] = checked(reading, latency[source], unit, locator=row["locator"], field=source)
    if "std_s" in row:
        row["ddof"] = 0


def _whole(value: Any) -> int | None:
    try:
        return count(value)
    except ArtifactError:
        return None


def _resources(reading: Reading, row: Row, part: dict[str, Any], where: str) -> None:
    """Peak memory (bytes) and energy of a target: counters of the machine."""
    identity = {key: value for key, value in row.items() if key != "case"}
    for kind in ("memory", "energy"):
        stated = _plain(mapping(part.get(kind)))
        unit = str(stated.get("unit") or ("MB" if kind == "memory" else "kWh"))
        for name, value in stated.items():
            if name == "unit" or not isinstance(value, int | float | str):
                continue
            at = f"{where}/{kind}{pointer(name)}"
            number = checked(reading, value, unit if kind == "memory" else None, locator=at, field=name)
            task = redact.name(f"{row['case']}.{kind}.{name}")
            shown = "bytes" if kind == "memory" else unit
            extra(
                reading,
                {**identity, "task": task},
                "system",
                "max" if kind == "memory" else "sum",
                number,
                locator=at,
                unit=shown,
            )


def _identity(stated: dict[str, Any], whole: dict[str, Any]) -> Row:
    backend, environment = mapping(stated.get("backend")), mapping(stated.get("environment"))
    scenario = mapping(first(stated.get("scenario"), stated.get("benchmark")))
    shapes = {**mapping(scenario.get("input_shapes")), **mapping(scenario.get("generate_kwargs"))}
    flat: dict[str, Any] = {key: whole[key] for key in ("batch_size", "sequence_length") if key in whole}
    if "num_new_tokens" in whole:
        flat["max_new_tokens"] = whole["num_new_tokens"]
    return identity_row(backend, environment, {**flat, **shapes})


def identity_row(backend: dict[str, Any], environment: dict[str, Any], shapes: dict[str, Any]) -> Row:
    """The identity that backend, environment and input shapes of a configuration state."""
    row: Row = {"suite": "optimum-benchmark", "status": "ok"}
    if backend.get("model"):
        row["model"] = model_name(backend["model"])
    if backend.get("quantization_scheme"):
        row["quantization"] = redact.name(backend["quantization_scheme"])
    engine = first(backend.get("name"), str(backend.get("_target_", "")).rsplit(".", 1)[-1])
    if engine:
        versions = (backend.get("version"), environment.get(f"{engine}_version"))
        row["engine"] = redact.name("-".join(str(part) for part in (engine, first(*versions)) if part))
    device = str(backend.get("device") or "")
    gpus = _list(environment.get("gpu"))
    if device.startswith("cuda") and gpus:
        row["hardware"] = hardware_name(",".join(gpus))
    elif environment.get("cpu") and not device.startswith("cuda"):
        row["hardware"] = plain(environment["cpu"])
    if device:
        row["device"] = redact.name(device)
    if backend.get("torch_dtype"):
        row["dtype"] = redact.name(backend["torch_dtype"])
    options = {key: shapes.get(key) for key in _SHAPE}
    options["attn_implementation"] = backend.get("attn_implementation")
    row["config"] = config({key: None if value == "" else value for key, value in options.items()})
    return row


def _list(value: Any) -> list[str]:
    """A list of names, also where a csv cell prints it ("['Tesla T4']")."""
    if isinstance(value, str):
        try:
            value = json.loads(value.replace("'", '"')) if value.startswith("[") else [value]
        except (ValueError, RecursionError):
            return []
    return [str(item) for item in value if item] if isinstance(value, list) else []


READER = Reader("optimum-benchmark", 1, matches, read, takes_nonfinite=True, signs=Signs(keys=("report", *TARGETS)))
