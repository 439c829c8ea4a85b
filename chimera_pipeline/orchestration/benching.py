"""`chimera bench` and `chimera profiles compare`: the prompt suite against a provider, and profiles side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.analysis import bench, gpu, statements
from chimera_pipeline.analysis.analyse import analyse
from chimera_pipeline.analysis.bench import Arm
from chimera_pipeline.analysis.model import Analysis, Mode, Probe
from chimera_pipeline.analysis.profiles import Profile
from chimera_pipeline.analysis.providers.choose import choose
from chimera_pipeline.analysis.providers.protocol import ModelError, Provider
from chimera_pipeline.errors import ModelRequired
from chimera_pipeline.facts import build as facts_room
from chimera_pipeline.facts import statistics
from chimera_pipeline.orchestration.agents import profile_of, where
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.settings import Settings

SEED = 7
_COMPARED = (("tokens_s", "warm"), ("client_ttft_s", "warm"), ("client_ttft_s", "cold"), ("total_s", "warm"))
_COUNTED = (("prompt_eval_count", "warm"), ("eval_count", "warm"))
_UNITS = {"tokens_s": "tokens/s", "client_ttft_s": "s", "total_s": "s"}
_NAMES = {"tokens_s": "decode rate", "client_ttft_s": "TTFT", "total_s": "total time"}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def provider_of(settings: Settings, model: str | None) -> Provider:
    """The provider that the settings lead to. Raises ModelRequired with the reason where there is none."""
    choice = choose(settings.llm, model, where(settings))
    if choice.provider is None:
        raise ModelRequired(choice.why)
    return choice.provider


def run_suite(settings: Settings, target: Path, *, repeats: int) -> dict[str, Any]:
    """Run the prompt suite and publish its artifact at `target`. Raises ModelRequired, InputError."""
    profile = profile_of(settings)
    provider = provider_of(settings, settings.model or profile.model)
    try:
        artifact = bench.run_suite(provider, profile, now=_now, repeats=repeats, seed=SEED)
    except ModelError as error:
        raise ModelRequired(str(error)) from error
    finally:
        provider.close()
    bench.write(artifact, target)
    return artifact


def compare_profiles(settings: Settings, names: Sequence[str], *, repeats: int) -> dict[str, Any]:
    """Profiles interleaved on one model: medians of paired requests, and how their analyses of a finished run fare.

    Warm requests give decode rate, TTFT and total; first requests of a block, after an unload, give the cold TTFT.
    Without a finished run under `out` there is nothing to analyse, and grounded share and fallback rate are None.
    """
    chosen = [profile_of(settings, name) for name in names]
    provider = provider_of(settings, settings.model or chosen[0].model)
    try:
        arms = bench.compare(
            provider, chosen, repeats=repeats, seed=SEED, now=_now, analyse=_analysis(settings, provider)
        )
        info = provider.describe()
    except ModelError as error:
        raise ModelRequired(str(error)) from error
    finally:
        provider.close()
    return {
        "schema_version": "1.0",
        "model": {"provider": info.provider, "model": info.name, "digest": info.digest},
        "seed": SEED,
        "repeats": repeats,
        "arms": [_arm(arm) for arm in arms],
        "comparisons": [
            {"base": arms[0].profile.name, "head": arm.profile.name, "metric": name, "phase": phase,
             **_paired(arms[0], arm, name, phase)}
            for arm in arms[1:]
            for name, phase in _COMPARED
        ],
    }  # fmt: skip


def _analysis(settings: Settings, provider: Provider) -> Callable[[Profile, int], Analysis] | None:
    """One analysis of the finished run under `out` with a profile, the seed moved by the block."""
    lake = Lake(settings.out)
    if not lake.table_path("facts", "all").is_file():
        return None
    facts = facts_room.from_frame(lake.read_frame("facts", "all"))
    proved = statements.build(facts)
    by_id = {fact.id: fact for fact in facts}

    probes: list[Probe] = []

    def one(profile: Profile, block: int) -> Analysis:
        known = probes[0] if probes else None
        seed = profile.seed + block
        found = analyse(proved, provider=provider, profile=profile, facts=by_id, seed=seed, probe=known)
        if found.probe is not None:
            probes.append(found.probe)  # asked once for all profiles: what is probed is the model
        return found

    return one


def _arm(arm: Arm) -> dict[str, Any]:
    failed = sum(bool(record["error"]) for record in arm.records)
    analyses = [found for found in arm.analyses if found.total]
    return {
        "profile": arm.profile.name,
        "device": arm.info.device if arm.info else None,
        "gaps": [f"{gap.kind}: {gap.consequence}" for gap in gpu.unused(arm.profile, arm.info)] if arm.info else [],
        "requests": len(arm.records),
        "failed": failed,
        "cold": sum(record["phase"] == "cold" for record in arm.records),
        "medians": {f"{phase} {name}": _median(arm, name, phase) for name, phase in (*_COMPARED, *_COUNTED)},
        "analyses": len(analyses),
        "grounded_share": arm.grounded_share,
        "fallback_rate": arm.fallback_rate,
        "fallback_reasons": sorted({found.reason for found in analyses if found.mode is Mode.DETERMINISTIC}),
    }


def _median(arm: Arm, name: str, phase: str) -> float | None:
    values = [row[name] for row in arm.records if row["phase"] == phase and row[name] is not None]
    return statistics.quantile(values, 0.5) if values else None


def _paired(base: Arm, head: Arm, name: str, phase: str) -> dict[str, Any]:
    """n pairs, the median ratio head / base, and its interval by order statistics where n supports one."""
    ratios = [second / first for first, second in bench.pairs(base, head, name, phase=phase) if first > 0]
    if not ratios:
        return {"n": 0, "median_ratio": None, "ci_low": None, "ci_high": None}
    interval = statistics.quantile_interval(ratios, 0.5)
    return {
        "n": len(ratios),
        "median_ratio": statistics.quantile(ratios, 0.5),
        "ci_low": interval.low if interval else None,
        "ci_high": interval.high if interval else None,
    }


def told(result: dict[str, Any]) -> list[str]:
    """The comparison of profiles as lines of text."""
    model = result["model"]
    lines = [
        f"{model['model']} by {model['provider']}; {result['repeats']} blocks of each profile, interleaved, order by "
        f"seed {result['seed']}"
    ]
    for arm in result["arms"]:
        name = f"{arm['profile']}, on {arm['device'] or 'an unknown device'}"
        lines.append(f"{name}: {arm['requests']} requests, {arm['failed']} failed, {arm['cold']} cold")
        lines += [f"  gap {gap}" for gap in arm["gaps"]]
        for metric, phase in _COMPARED:
            value = arm["medians"][f"{phase} {metric}"]
            shown = "not measured" if value is None else wording.quantity(value, _UNITS[metric])
            lines.append(f"  median {phase} {_NAMES[metric]}: {shown}")
        counts = [arm["medians"][f"{phase} {name}"] for name, phase in _COUNTED]
        if None not in counts:
            lines.append(f"  median tokens: {counts[0]:.0f} in, {counts[1]:.0f} out")
        lines += [f"  {line}" for line in _analyses(arm)]
    for one in result["comparisons"]:
        what = f"{one['phase']} {_NAMES[one['metric']]}"
        if one["median_ratio"] is None:
            lines.append(f"{what}: no pair of {one['phase']} requests in both {one['base']} and {one['head']}")
            continue
        interval = (
            f", 95 % interval {wording.number(one['ci_low'])} to {wording.number(one['ci_high'])}"
            if one["ci_low"] is not None
            else ", too few pairs for an interval"
        )
        ratio = wording.number(one["median_ratio"])
        verdict = _verdict(one)
        lines.append(f"{what}: {one['head']} / {one['base']} = {ratio} (median of {one['n']} pairs{interval}){verdict}")
    return lines


def _analyses(arm: dict[str, Any]) -> list[str]:
    if not arm["analyses"]:
        return ["analyses: none, for want of a finished run; run: chimera run ARTIFACTS, or give its --out"]
    share = arm["grounded_share"]
    grounded = "no answer to judge" if share is None else f"{wording.percent(share)} of answers passed verification"
    lines = [f"analyses: {arm['analyses']}; {grounded}; {wording.percent(arm['fallback_rate'])} fell back to rule"]
    return lines + [f"  because: {reason}" for reason in arm["fallback_reasons"]]


def _verdict(one: dict[str, Any]) -> str:
    if one["ci_low"] is None or one["ci_low"] <= 1 <= one["ci_high"]:
        return ": no clear difference"
    return ": higher" if one["ci_low"] > 1 else ": lower"
