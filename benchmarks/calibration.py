"""Alarm and detection rates of the history analysis beside four peers, on the same seeded series.

    python benchmarks/calibration.py [--otava PYTHON] [--write docs/statistics.md] [--quick]

Null series and series with a step at half; noise sd 2 % of the level. Peers: a fixed percentage, the z-score rule
of conbench, Mann-Whitney as asv uses it, Apache Otava (in an interpreter of its own, see history_speed.py). A peer
decides on each series alone, so that its rate over a family follows from its rate on one; ours is simulated.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from chimera_pipeline.facts.comparisons_shift import smallest_p, unpaired
from chimera_pipeline.facts.comparisons_verdict import ALPHA, benjamini_hochberg
from chimera_pipeline.facts.history_changes import FEWEST, search

sys.path.insert(0, str(Path(__file__).parent))
from history_speed import otava

SEED = 20_251_123
SD = 0.02
LEVEL = 100.0
POINTS = (3, 6, 10, 14, 20, 50, 200)
STEPS = (0.01, 0.02, 0.05, 0.10)
FAMILIES = (1, 3, 10, 100, 1000)
PERCENT = 0.05
Z = 5.0
ASV_P = 0.002
BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
Rates = dict[str, float]


def _gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape)


def _heavy(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_t(3, shape) / np.sqrt(3)


def _bimodal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """30 % of runs in a mode that is six sd of a mode away, as with a turbo clock that is on or off."""
    values = np.where(rng.random(shape) < 0.3, 1.8, 0.0) + 0.3 * rng.standard_normal(shape)
    return (values - 0.54) / np.sqrt(1.8**2 * 0.21 + 0.09)


def _autocorrelated(phi: float) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        values = rng.standard_normal(shape)
        values[:, 1:] *= np.sqrt(1 - phi**2)
        for at in range(1, shape[1]):
            values[:, at] += phi * values[:, at - 1]
        return values

    return draw


NOISE = {
    "Gaussian": _gaussian,
    "heavy tails (t, 3 df)": _heavy,
    "bimodal": _bimodal,
    "autocorrelated 0.3": _autocorrelated(0.3),
    "autocorrelated 0.6": _autocorrelated(0.6),
}


def draw(noise: str, count: int, points: int, step: float = 0.0, seed: int = SEED) -> np.ndarray:
    """`count` series; with `step` the second half is higher by that share of the level."""
    rng = np.random.default_rng([seed, list(NOISE).index(noise), points, round(1000 * step)])
    values = LEVEL * (1 + SD * NOISE[noise](rng, (count, points)))
    values[:, points // 2 :] += LEVEL * step
    return values


def ours(values: np.ndarray) -> np.ndarray:
    """p of each series, every series a family of its own; 1 where none can be had."""
    return np.array([search([row])[0].p or 1.0 for row in values])


def fixed_percent(values: np.ndarray) -> np.ndarray:
    """Whether any point of the second half is off the mean of all points before it by more than 5 %."""
    means = _before(values)
    return (np.abs(values / means - 1) > PERCENT)[:, values.shape[1] // 2 :].any(axis=1)


def conbench(values: np.ndarray) -> np.ndarray:
    """Whether any point of the second half is more than 5 sd of all points before it off their mean."""
    half = max(2, values.shape[1] // 2)
    out = np.zeros(values.shape[0], dtype=bool)
    for at in range(half, values.shape[1]):
        history = values[:, :at]
        out |= np.abs(values[:, at] - history.mean(axis=1)) > Z * history.std(axis=1, ddof=1)
    return out


def _before(values: np.ndarray) -> np.ndarray:
    counts = np.arange(1, values.shape[1] + 1)
    means = np.cumsum(values, axis=1) / counts
    return np.concatenate([values[:, :1], means[:, :-1]], axis=1)


def asv(values: np.ndarray) -> np.ndarray:
    """Mann-Whitney of the halves (told where the step would be) at p < 0.002, where n lets it fire."""
    from scipy.stats import mannwhitneyu

    half = values.shape[1] // 2
    if smallest_p(half, values.shape[1] - half) / 2 >= ASV_P:
        return np.zeros(values.shape[0], dtype=bool)
    return mannwhitneyu(values[:, :half], values[:, half:], axis=1).pvalue < ASV_P


def told(values: np.ndarray) -> np.ndarray:
    """p of our comparison of two arms, told the halves as asv is; 1 where it cannot fire."""
    half = values.shape[1] // 2
    if smallest_p(half, values.shape[1] - half) > ALPHA:
        return np.ones(values.shape[0])
    return np.array([unpaired(row[:half], row[half:]).p for row in values])


PEERS = {"fixed 5 %": fixed_percent, "conbench z > 5": conbench, "asv (Mann-Whitney)": asv}
TOLD, FOUND = "ours, told the halves", "ours"


def one_series(noise: str, points: int, count: int, python: str | None) -> dict[str, Rates]:
    """{method: {alarm, and detection for each step}} on single series; ours also at each peer's alarm rate."""
    data = {f"{step:g}": draw(noise, count, points, step) for step in (0.0, *STEPS)}
    out = {name: {key: float(rule(values).mean()) for key, values in data.items()} for name, rule in PEERS.items()}
    if python:
        found = otava(python, data)
        out["Apache Otava"] = {key: float(np.mean([bool(p) for p in found[key]["found"]])) for key in data}
    rivals = list(out)
    for mine, rule in ((TOLD, told), (FOUND, ours)):
        p = {key: rule(values) for key, values in data.items()}
        out[mine] = {key: float((values <= ALPHA).mean()) for key, values in p.items()}
        for name in rivals:
            level = _level(p["0"], out[name]["0"])
            out[f"{mine} at the alarm rate of {name}"] = {key: float((v < level).mean()) for key, v in p.items()}
    return out


def _level(null: np.ndarray, rate: float) -> float:
    """The level below which no more than `rate` of the null series have their p."""
    allowed = int(rate * null.size + 1e-9)
    return float(np.sort(null)[allowed]) if allowed < null.size else 1.0


def any_alarm(noise: str, points: int, size: int, families: int, seed: int = SEED) -> float:
    """The share of all-null families of `size` series in which ours raises any alarm (q <= 0.05)."""
    if points < FEWEST:
        return 0.0
    values = draw(noise, size * families, points, seed=seed + size)
    return float(np.mean([(_q(values[at : at + size]) <= ALPHA).any() for at in range(0, size * families, size)]))


def _q(values: np.ndarray) -> np.ndarray:
    return benjamini_hochberg([found.p if found.p is not None else 1.0 for found in search(list(values))])


def mixed(noise: str, points: int, families: int, python: str | None = None) -> dict[str, tuple[float, float]]:
    """{method: (false discovery rate, share of steps found)} in families of 100 series, 10 with a step of 5 %."""
    truth = np.arange(100) < 10
    null, step = draw(noise, 100 * families, points, seed=SEED + 1), draw(noise, 100 * families, points, 0.05, SEED + 1)
    values = np.where(np.tile(truth, families)[:, None], step, null)
    alarms = {name: rule(values) for name, rule in PEERS.items()}
    if python:
        alarms["Apache Otava"] = np.array([bool(p) for p in otava(python, {"x": values})["x"]["found"]])
    parts = np.split(values, families)
    alarms["ours"] = np.concatenate([_q(part) <= ALPHA for part in parts])
    out = {}
    for name, found in alarms.items():
        grid = found.reshape(families, 100)
        false, total = (grid & ~truth).sum(axis=1), grid.sum(axis=1)
        out[name] = float(np.mean(false / np.maximum(total, 1))), float(grid[:, truth].mean())
    return out


def report(python: str | None, quick: bool) -> str:
    """The tables in Markdown."""
    count = 200 if quick else 800
    names = [*PEERS, *(["Apache Otava"] if python else []), TOLD, FOUND]
    head = f"Seed {SEED}, {count} series a cell, noise sd {SD:.0%}, step at half; alarm = share of null series."
    lines = [BEGIN, "", head, "", "### One series: alarm rate, then detection of steps of 1, 2, 5 and 10 %", ""]
    lines += ["| noise | points | " + " | ".join(names) + " |", "|---|--:" + "|---" * len(names) + "|"]
    matched = ["", "### Detection of steps of 2 and 5 % at the alarm rate of each peer: peer / ours", ""]
    matched += ["Beside asv, which is told the halves, stands ours told the halves.", ""]
    rivals = names[:-2]
    matched += ["| noise | points | " + " | ".join(rivals) + " |", "|---|--:" + "|---" * len(rivals) + "|"]
    alarms: dict[tuple[str, int], dict[str, Rates]] = {}
    for noise in NOISE:
        for points in POINTS:
            rates = alarms[noise, points] = one_series(noise, points, count, python)
            cells = [_cell(name, points, rates[name]) for name in names]
            lines.append(f"| {noise} | {points} | " + " | ".join(cells) + " |")
            if points >= FEWEST:
                pairs = [_pair(name, rates) for name in rivals]
                matched.append(f"| {noise} | {points} | " + " | ".join(pairs) + " |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join([*lines, *matched, *_families(alarms, names, quick), *_mixed(python, names, quick), "", END])


def _cell(name: str, points: int, rates: Rates) -> str:
    silent = not any(rates.values())
    if (name == FOUND and points < FEWEST) or (silent and (name.startswith("asv") or name == TOLD)):
        return "cannot fire"
    return " / ".join(f"{rates[key]:.3f}" for key in ("0", "0.01", "0.02", "0.05", "0.1"))


def _pair(name: str, rates: dict[str, Rates]) -> str:
    peer = rates[name]
    if not peer["0"]:
        return "no alarm"
    mine = rates[f"{TOLD if name.startswith('asv') else FOUND} at the alarm rate of {name}"]
    return ", ".join(f"{peer[key]:.3f} / {mine[key]:.3f}" for key in ("0.02", "0.05"))


def _families(alarms: dict[tuple[str, int], dict[str, Rates]], names: list[str], quick: bool) -> list[str]:
    lines = ["", "### All-null families: chance of any alarm", ""]
    names = [*names[:-2], FOUND]
    lines += ["| noise | points | series | " + " | ".join(names) + " |", "|---|--:|--:" + "|--:" * len(names) + "|"]
    for noise in NOISE:
        for points in (p for p in POINTS if p >= FEWEST):
            for size in FAMILIES:
                repeats = 20 if quick else {1: 1, 3: 400, 10: 400, 100: 150, 1000: 40}[size]
                cells = [1 - (1 - alarms[noise, points][name]["0"]) ** size for name in names[:-1]]
                mine = alarms[noise, points]["ours"]["0"] if size == 1 else any_alarm(noise, points, size, repeats)
                shown = " | ".join(f"{value:.3f}" for value in [*cells, mine])
                lines.append(f"| {noise} | {points} | {size} | {shown} |")
                print(lines[-1], file=sys.stderr, flush=True)
    return lines


def _mixed(python: str | None, names: list[str], quick: bool) -> list[str]:
    lines = ["", "### Mixed families, 10 of 100 series step by 5 %: false discovery rate, share of steps found", ""]
    names = [*names[:-2], FOUND]
    lines += ["| noise | points | " + " | ".join(names) + " |", "|---|--:" + "|---" * len(names) + "|"]
    for noise in NOISE:
        for points in (20, 50, 200):
            found = mixed(noise, points, 5 if quick else 40, python)
            cells = [f"{found[name][0]:.3f}, {found[name][1]:.3f}" for name in names]
            lines.append(f"| {noise} | {points} | " + " | ".join(cells) + " |")
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> int:
    """Print the tables, or put them between the marks of a document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--otava", default=os.environ.get("OTAVA_PYTHON"))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    text = report(args.otava, args.quick)
    if args.write:
        before, _, rest = args.write.read_text("utf-8").partition(BEGIN)
        args.write.write_text(before + text + rest.partition(END)[2], "utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
