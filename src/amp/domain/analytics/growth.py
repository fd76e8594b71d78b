"""How a post's counts grow with its age: a shipped curve per platform, the account's own once it has enough posts,
and the projection of a young post's count to its final one.

    count
      |              _______----- final, 30 days after publishing
      |        __---
      |     _-         fraction(age) = count at that age / final
      |   /
      +--/-------------------------- age in hours, on a log scale
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import exp, log
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FINAL_AGE: Final = 720.0
"""Hours after which a count is final: collection ends 30 days after publishing."""

KNOTS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, FINAL_AGE)
"""Ages, in hours, at which a curve is stored; between them it runs straight in log age."""

MATURE_AGE: Final = 168.0
"""Hours from which a post's last count can teach a curve; what is still missing then is taken from the prior."""

ENOUGH_POSTS: Final = 50
"""Mature posts from which an account's own curve replaces the shipped one."""

Z80: Final = 1.2816
"""Standard normal quantile that bounds a central 80 % interval."""

# Log-logistic (half-life in hours, steepness). X and Facebook put half of the first day's reactions at 24 minutes
# and at 1 h 42, with the shape of the public samples (Spasojevic et al., KDD 2015, arXiv 1506.02089). The others
# are assumptions, ordered by how long each network keeps showing a post; they matter until 50 posts are known.
_SHIPPED: Final[Mapping[str, tuple[float, float]]] = {
    "twitter": (0.45, 0.75),
    "threads": (1.0, 0.8),
    "facebook": (2.1, 0.9),
    "instagram": (4.0, 0.9),
    "linkedin": (8.0, 0.9),
    "tiktok": (12.0, 0.8),
    "youtube": (36.0, 0.7),
}
_UNKNOWN_PLATFORM: Final = (3.0, 0.8)

# Log sd of (final / expected final) when next to nothing has been seen; it falls with the square root of what is
# still to come. 0.9 lies between the news items of Moniz and Torgo 2018 at 1 h (1.2) and single posts (0.8).
_SHIPPED_SPREAD: Final = 0.9


@dataclass(frozen=True, slots=True)
class Series:
    """One counter of one post over time: points of (age in hours, cumulative count)."""

    platform: str
    points: Sequence[tuple[float, float]]
    counter: str = "engagements"


@dataclass(frozen=True, slots=True)
class Projection:
    """A final count with its central 80 % interval."""

    final: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One platform's growth, stored at `KNOTS`.

    `gains` holds, per knot, the 10th, 50th and 90th percentile of log(final + 1) - slope x log(count + 1): quantiles
    and not a normal spread, because late risers make the errors skewed. A learned slope lies below 1, because an
    early lead is partly luck.
    """

    fractions: Floats
    slopes: Floats
    gains: Floats

    def fraction(self, age: float) -> float:
        """Part of all final counts together that is seen at `age` hours, in (0, 1]."""
        return self._at(age, self.fractions)

    def spread(self, age: float) -> float:
        """Log sd of one post's final count given its count at `age` hours; 0 once final."""
        return (self._at(age, self.gains[2]) - self._at(age, self.gains[0])) / (2 * Z80)

    def project(self, age: float, count: float) -> Projection:
        """The final count of a post that stands at `count` after `age` hours; never below `count`."""
        if age >= FINAL_AGE:
            return Projection(count, count, count)
        lead = self._at(age, self.slopes) * log(count + 1)
        gains = [self._at(age, self.gains[i]) for i in range(3)]
        low, final, high = (max(count, exp(lead + gain) - 1) for gain in gains)
        return Projection(final, low, high)

    def _at(self, age: float, values: Floats) -> float:
        return float(np.interp(log(max(age, KNOTS[0])), np.log(KNOTS), values))


@dataclass(frozen=True, slots=True)
class Growth:
    """The curves of one account: learned ones by (platform, counter), the shipped one for everything else."""

    learned: Mapping[tuple[str, str], Curve] = field(default_factory=dict[tuple[str, str], Curve])

    def curve(self, platform: str, counter: str = "engagements") -> Curve:
        return self.learned.get((platform, counter)) or shipped(platform)


SHIPPED: Final = Growth()
"""What a new account starts with."""


@cache
def shipped(platform: str) -> Curve:
    """The curve used until the account has `ENOUGH_POSTS`; the same for every counter of a platform."""
    half_life, steepness = _SHIPPED.get(platform, _UNKNOWN_PLATFORM)
    raw = 1 / (1 + (half_life / np.array(KNOTS)) ** steepness)
    fractions = raw / raw[-1]
    spread = Z80 * _SHIPPED_SPREAD * np.sqrt(1 - fractions)
    gains = -np.log(fractions) + np.array([-1.0, 0.0, 1.0])[:, None] * spread
    return Curve(fractions, np.ones(len(KNOTS)), gains)


def learn(series: Iterable[Series]) -> Growth:
    """The account's own curves, for each platform and counter with at least `ENOUGH_POSTS` mature posts."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for each in series:
        if each.points and each.points[-1][0] >= MATURE_AGE:
            groups.setdefault((each.platform, each.counter), []).append(each)
    return Growth({key: _learn(group) for key, group in groups.items() if len(group) >= ENOUGH_POSTS})


def _learn(group: Sequence[Series]) -> Curve:
    prior = shipped(group[0].platform)
    counts = np.maximum.accumulate([_at_knots(each, prior) for each in group], axis=1)
    totals = counts.sum(axis=0)
    fractions = (totals + prior.fractions) / (totals[-1] + 1)  # one prior engagement keeps an all-zero account finite
    x, y = np.log(counts + 1), np.log(counts[:, -1] + 1)
    slopes = _slopes(x, y)
    gains: Floats = np.quantile(y[:, None] - slopes * x, [0.1, 0.5, 0.9], axis=0)
    return Curve(fractions, slopes, gains)


def _slopes(x: Floats, y: Floats) -> Floats:
    """Least-squares slope of y on each column of x, pulled to 1 with the weight of one post a unit away."""
    dx, dy = x - x.mean(axis=0), y - y.mean()
    return (dx.T @ dy + 1) / ((dx**2).sum(axis=0) + 1)


def _at_knots(series: Series, prior: Curve) -> Floats:
    """The series' counts at `KNOTS`: between and beyond its points it follows the prior's shape."""
    points: Floats = np.array(series.points, dtype=np.float64)
    ages: Floats = np.log(np.maximum(points[:, 0], KNOTS[0]))
    knots: Floats = np.log(KNOTS)
    shape: Floats = np.interp(ages, knots, prior.fractions)
    counts: Floats = np.interp(knots, ages, points[:, 1] / shape)
    return prior.fractions * counts
