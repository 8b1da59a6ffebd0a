"""Is a difference between two runs on the same samples more than chance? McNemar's test, a bootstrap, the power."""

import math

import numpy as np

from core.evaluation.intervals import Z95

SURE = 0.05
DRAWS = 10_000
_POWER_80 = 0.8416212335729143  # the 80 % point of the standard normal distribution


def mcnemar(fixed: int, broken: int) -> float:
    """The exact two-sided p (McNemar 1947): twice the binomial tail of the smaller count at one half, at most 1."""
    total = fixed + broken
    if total == 0:
        return 1.0
    # lgamma and not comb: a tail over thousands of discordant pairs overflows a float otherwise
    tail = sum(
        math.exp(math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2))
        for k in range(min(fixed, broken) + 1)
    )
    return min(1.0, 2 * tail)


def paired_bootstrap(fixed: int, broken: int, samples: int, *, draws: int = DRAWS) -> tuple[float, float]:
    """The 95 % interval of the accuracy's change, by drawing the samples anew ``draws`` times, each with both runs'
    answers. Only the counts matter, so a draw is one multinomial.

    Half a sample is lent to fixed and to broken each, and one to the rest (Agresti and Min 2005): with none seen
    broken, "never breaks" would be claimed otherwise. The seed is fixed: the same runs give the same interval.
    """
    if samples == 0:
        return -1.0, 1.0
    cells = np.array([fixed + 0.5, broken + 0.5, samples - fixed - broken + 1.0])
    drawn = np.random.default_rng(0).multinomial(samples + 2, cells / cells.sum(), size=draws)
    change = (drawn[:, 0] - drawn[:, 1]) / (samples + 2)
    low, high = np.quantile(change, [0.025, 0.975])
    value = (fixed - broken) / samples
    return min(float(low), value), max(float(high), value)


def smallest_difference(fixed: int, broken: int, samples: int) -> float:
    """The smallest change of accuracy that McNemar's test would find 8 times in 10 with this many samples, if as many
    samples change sides as here (Connor 1987, with the correction for an exact test). A share; 1 without samples.
    """
    if samples == 0:
        return 1.0
    sides = min(1.0, max(fixed + broken, 1) / samples)
    found = 0.0
    for _ in range(50):  # both sides hold the difference; the step shrinks at once
        least = max(sides, found)
        after = (Z95 * math.sqrt(least) + _POWER_80 * math.sqrt(max(least - found**2, 0.0))) / math.sqrt(samples)
        found, before = min(1.0, after + 1 / samples), found
        if abs(found - before) < 1e-9:
            break
    return found
