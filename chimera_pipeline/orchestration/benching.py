"""`chimera bench` and `chimera profiles compare`: the prompt suite against a provider, and profiles side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chimera_pipeline import wording
from chimera_pipeline.analysis import bench
from chimera_pipeline.analysis.bench import Arm
from chimera_pipeline.analysis.providers.choose import choose
from chimera_pipeline.analysis.providers.protocol import ModelError, Provider
from chimera_pipeline.errors import ModelRequired
from chimera_pipeline.facts import statistics
from chimera_pipeline.orchestration.agents import profile_of, where
from chimera_pipeline.settings import Settings

SEED = 7
_COMPARED = (("tokens_s", "tokens/s"), ("client_ttft_s", "s"), ("total_s", "s"))


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
    """Profiles interleaved on one model: medians of paired warm requests, with the ratio and its interval."""
    chosen = [profile_of(settings, name) for name in names]
    provider = provider_of(settings, settings.model or chosen[0].model)
    try:
        arms = bench.compare(provider, chosen, repeats=repeats, seed=SEED, now=_now)
    except ModelError as error:
        raise ModelRequired(str(error)) from error
    finally:
        provider.close()
    return {
        "schema_version": "1.0",
        "arms": [_arm(arm) for arm in arms],
        "comparisons": [
            {"base": arms[0].profile.name, "head": arm.profile.name, "metric": name, **_paired(arms[0], arm, name)}
            for arm in arms[1:]
            for name, _ in _COMPARED
        ],
    }


def _arm(arm: Arm) -> dict[str, Any]:
    failed = sum(bool(record["error"]) for record in arm.records)
    return {"profile": arm.profile.name, "requests": len(arm.records), "failed": failed}


def _paired(base: Arm, head: Arm, name: str) -> dict[str, Any]:
    """n pairs, the median ratio head / base, and its interval by order statistics where n supports one."""
    ratios = [second / first for first, second in bench.pairs(base, head, name) if first > 0]
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
    lines = [f"{arm['profile']}: {arm['requests']} requests, {arm['failed']} failed" for arm in result["arms"]]
    for one in result["comparisons"]:
        if one["median_ratio"] is None:
            lines.append(f"{one['metric']}: no pair of warm requests in both {one['base']} and {one['head']}")
            continue
        interval = (
            f", 95 % interval {wording.number(one['ci_low'])} to {wording.number(one['ci_high'])}"
            if one["ci_low"] is not None
            else ", too few pairs for an interval"
        )
        ratio = wording.number(one["median_ratio"])
        lines.append(f"{one['metric']}: {one['head']} / {one['base']} = {ratio} (median of {one['n']} pairs{interval})")
    return lines
