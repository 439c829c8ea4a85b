"""From a shift to a verdict: test, effect and practical threshold, equivalence, and control over a family.

A comparison is a regression or an improvement only if its q value (Benjamini & Hochberg 1995) is at most
`ALPHA` and its effect at least the metric's practical threshold; one that could not have fired is
`insufficient`, never "no difference". Nothing here reads tables: arms come from `comparisons_arms`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chimera_pipeline.contracts.vocabulary import Metric
from chimera_pipeline.facts.comparisons_shift import Shift, smallest_p, smallest_p_paired
from chimera_pipeline.facts.statistics import Array

ALPHA = 0.05
POWER = 0.8
REGRESSION, IMPROVEMENT = "regression", "improvement"
NO_DIFFERENCE, EQUIVALENT = "no_clear_difference", "equivalent"
INSUFFICIENT, NOT_COMPARABLE = "insufficient", "not_comparable"
MOST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Head against base in one metric.

    `base_value` and `head_value` are medians of samples, or means as reported. `scope` says whether the n are
    runs (between_runs) or requests (within_run: the verdict then holds "in this run"). `differing` names keys
    in which the arms differ though they should not, `caveats` what weakens the verdict without ending it.
    With `absolute` the change and its threshold are differences of shares, not relative.
    `more_runs` is how many more an arm needs before the comparison can be settled, None where it is.
    """

    kind: str
    metric: str
    label: str
    unit: str
    better: str
    entity: str
    condition: str
    baseline: str
    threshold: float
    margin: float
    n_base: int
    n_head: int
    scope: str
    verdict: str
    reason: str
    base_series: str
    head_series: str
    base_value: float | None = None
    head_value: float | None = None
    shift: Shift | None = None
    paired: bool = False
    spread: float | None = None
    grade: str = "from_samples"
    primary: bool = True
    q: float | None = None
    family: int = 1
    more_runs: int | None = None
    differing: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    absolute: bool = False
    period: str = "all"

    @property
    def change(self) -> float | None:
        """The relative change: ratio - 1, or the shift relative to the base's median; None where unknown."""
        if self.shift is None:
            return None
        if self.absolute:
            return self.shift.difference
        if self.shift.ratio is not None:
            return self.shift.ratio - 1
        return self.shift.difference / abs(self.base_value) if self.base_value else None

    @property
    def only_in(self) -> str | None:
        """base or head, where the other side has no such series."""
        if self.base_series and self.head_series:
            return None
        return "base" if self.base_series else "head"

    def relative_interval(self, narrow: bool = False) -> tuple[float, float] | None:
        """The interval of `change`: at 95 %, or with `narrow` at 90 %."""
        found = self.shift and (self.shift.narrow if narrow else self.shift.interval)
        if self.shift is None or not found:
            return None
        if self.absolute:
            return found.low, found.high
        if self.shift.ratio is not None:
            return found.low - 1, found.high - 1
        if not self.base_value:
            return None
        return found.low / abs(self.base_value), found.high / abs(self.base_value)


def benjamini_hochberg(p: npt.ArrayLike) -> Array:
    """q values of a family of p values: the smallest level at which each would be rejected (BH 1995)."""
    values = np.asarray(p, dtype=np.float64)
    if values.size == 0:
        return values
    order = np.argsort(values, kind="stable")
    raised = values[order] * values.size / np.arange(1, values.size + 1)
    q = np.empty_like(values)
    q[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return q


def controlled(comparisons: Sequence[Comparison], alpha: float = ALPHA) -> list[Comparison]:
    """The comparisons with q values and verdicts: primary metrics are one family, all others a second one.

    Arms that cannot be compared, and tests that could not have fired, enter no family.
    """
    out = list(comparisons)
    for primary in (True, False):
        members = [i for i, found in enumerate(out) if found.primary is primary and _can_fire(found, alpha)]
        q = benjamini_hochberg([_p(out[i]) for i in members])
        for i, value in zip(members, q.tolist(), strict=True):
            out[i] = dataclasses.replace(out[i], q=value, family=len(members))
    return [decide(found, alpha) for found in out]


def _p(found: Comparison) -> float:
    assert found.shift is not None
    return found.shift.p


def _can_fire(found: Comparison, alpha: float) -> bool:
    return not found.differing and found.shift is not None and found.shift.p_min <= alpha


def decide(found: Comparison, alpha: float = ALPHA) -> Comparison:
    """The comparison with verdict, reason in words and `more_runs`; by q where there is one, else by p."""
    verdict, reason, more = _verdict(found, alpha)
    return dataclasses.replace(found, verdict=verdict, reason=reason, more_runs=more)


def _verdict(found: Comparison, alpha: float) -> tuple[str, str, int | None]:
    if found.differing:
        return NOT_COMPARABLE, f"the arms differ in {', '.join(found.differing)}", None
    if found.shift is None:
        return INSUFFICIENT, found.reason or "too few values, or no spread stated", _missing(found, alpha)
    change, test = found.change, found.shift
    if test.p_min > alpha:
        reason = f"with n={found.n_base} and n={found.n_head} no outcome has p below {test.p_min:.3g}"
        return INSUFFICIENT, reason, _missing(found, alpha)
    level = test.p if found.q is None else found.q
    matters = change is not None and abs(change) >= found.threshold
    if level <= alpha and matters and found.better in ("lower", "higher"):
        assert change is not None
        worse = (change > 0) == (found.better == "lower")
        return (REGRESSION if worse else IMPROVEMENT), f"p and effect beyond {found.threshold:.0%}", None
    inside = found.relative_interval(narrow=True)
    if inside is not None and -found.margin <= inside[0] and inside[1] <= found.margin:
        return EQUIVALENT, f"the 90 % interval lies within {found.margin:.0%} either way", None
    if matters and test.p <= alpha < level and test.p <= test.p_min * (1 + 1e-9):
        reason = f"arms fully apart, but no outcome of this n holds among {found.family} comparisons"
        return INSUFFICIENT, reason, _missing(found, alpha / found.family)
    if level <= alpha and not matters:
        return NO_DIFFERENCE, f"a difference below the practical threshold of {found.threshold:.0%}", None
    return NO_DIFFERENCE, "the test does not tell the arms apart", _wanting(found, alpha)


def _missing(found: Comparison, alpha: float) -> int | None:
    """How many more values each arm needs before the test can fire at `alpha`."""
    smallest = fewest_pairs(alpha) if found.paired else fewest_values(alpha)
    if found.grade == "reported":
        smallest = max(smallest, 5)
    lacking = smallest - min(found.n_base, found.n_head)
    return lacking if lacking > 0 else None


def fewest_values(alpha: float = ALPHA) -> int:
    """The smallest n per arm with which the rank permutation test can reach `alpha`: 4 for 0.05."""
    return next(n for n in range(1, 100) if smallest_p(n, n) <= alpha)


def fewest_pairs(alpha: float = ALPHA) -> int:
    """The smallest number of pairs with which the sign-flip test can reach `alpha`: 6 for 0.05."""
    return next(n for n in range(1, 400) if smallest_p_paired(n) <= alpha)


def _wanting(found: Comparison, alpha: float) -> int | None:
    """How many more values each arm needs to see a change of the practical threshold with 80 % power."""
    if found.spread is None or found.spread <= 0:
        return None
    step = math.log1p(found.threshold) / found.spread
    needed = noether_pairs(step, alpha) if found.paired else math.ceil(noether_total(step, alpha) / 2)
    more = needed - min(found.n_base, found.n_head)
    return more if 0 < more <= MOST_RUNS else None


def noether_total(step: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Values in both equal arms together that see a shift of `step` sd (Noether 1987, JASP 82:645)."""
    from scipy.special import ndtr

    superiority = float(ndtr(step / math.sqrt(2)))
    return noether_from_superiority(superiority, alpha, power)


def noether_from_superiority(superiority: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """N = (z_a/2 + z_b)² / (3 (P - 1/2)²) for arms of equal size and P = P(head > base)."""
    return math.ceil(_z(alpha, power) ** 2 / (3 * (superiority - 0.5) ** 2))


def noether_pairs(step: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Pairs that see a shift of `step` sd of the differences: (z_a/2 + z_b)² / (3 (P' - 1/2)²), Noether 1987.

    P' is the probability that the sum of two differences is above 0.
    """
    from scipy.special import ndtr

    positive = float(ndtr(step * math.sqrt(2)))
    return math.ceil(_z(alpha, power) ** 2 / (3 * (positive - 0.5) ** 2))


def _z(alpha: float, power: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2) + ndtri(power))


def blank(metric: Metric) -> dict[str, object]:
    """The fields of a comparison that follow from its metric."""
    return {
        "metric": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "better": metric.better,
        "threshold": metric.practical_threshold,
        "margin": metric.equivalence_margin,
    }


def regression_stands(comparisons: Sequence[Comparison]) -> bool:
    """Whether any comparison ends as a regression: what `--fail-on-regression` asks."""
    return any(found.verdict == REGRESSION for found in comparisons)
