"""What posts earn and why: an additive hierarchical Bayes model.

    log rate of a post = account + pillar + type + weekday + daypart      each effect ~ Normal(0, its group's sd)
                       + platform + platform x (pillar, type, daypart)    and the sds are learned from the posts
                       + recent changes of the pillars
                       + the post's own luck                              ~ Normal(0, noise)

Additive because a mission has some 180 posts and 500 arms, which must lend each other strength. Per post and not
per impression because a post's impressions are not independent: its luck swamps the binomial noise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from amp.domain.analytics.growth import SHIPPED, Growth

Floats = npt.NDArray[np.float64]
Column = tuple[str, tuple[str, ...]]
"""One effect: the group's name and the level, one word for each trait of the group."""

DAYPARTS: Final = ("night", "early morning", "morning", "afternoon", "evening", "late evening")
"""Parts of four hours, the first from 00:00 local time: what a post's hour is pooled into."""

GROUPS: Final[Mapping[str, float]] = {
    "platform": 0.5,
    "pillar": 0.3,
    "type": 0.25,
    "weekday": 0.1,
    "daypart": 0.15,
    "platform:pillar": 0.1,
    "platform:type": 0.1,
    "platform:daypart": 0.1,
    "drift:pillar": 0.15,
}
"""Group of effects -> first guess of its sd in log rate. On real pages content explains a third of the variance
and timing next to nothing of it, hence the order."""

DRIFT_DAYS: Final = (7, 14, 28)
"""A drift effect per level sets in this many days ago, so that tastes that changed are followed in two or three weeks
and not in as many half-lives. Where nothing changes it costs a hundredth of the oracle's gain."""

_GUESS_WEIGHT: Final = 2.0  # the first guess of a sd counts as this many effects, and of the noise as many posts
_NOISE: Final = 0.78  # first guess of the sd between posts of one arm, as measured on a real page
_ITERATIONS: Final = 30


@dataclass(frozen=True, slots=True)
class Arm:
    """Everything about a post that can be chosen. Weekday (0 = Monday) and hour are in the mission's zone."""

    platform: str
    pillar: str
    type: str
    weekday: int
    hour: int


@dataclass(frozen=True, slots=True)
class Observation(Arm):
    """One published post and its latest counters, read `age_hours` after publishing.

    `engagements` is whatever the mission counts as success (see `metrics.reward`).
    """

    published_at: datetime
    impressions: float
    engagements: float
    age_hours: float


_TRAITS: Final[Mapping[str, Callable[[Arm], str]]] = {
    "platform": lambda arm: arm.platform,
    "pillar": lambda arm: arm.pillar,
    "type": lambda arm: arm.type,
    "weekday": lambda arm: str(arm.weekday),
    "daypart": lambda arm: DAYPARTS[arm.hour // 4],
}


def effects(arm: Arm, groups: Iterable[str], age_days: float = 0.0) -> list[Column]:
    """The effects that a post of this arm and age takes part in; a post yet to come has all of the drift."""
    found: list[Column] = []
    for group in groups:
        drifts, traits = _parse(group)
        level = tuple(trait(arm) for trait in traits)
        if drifts:
            found += [(group, (*level, str(days))) for days in DRIFT_DAYS if age_days <= days]
        else:
            found.append((group, level))
    return found


@cache
def _parse(group: str) -> tuple[bool, tuple[Callable[[Arm], str], ...]]:
    names = group.split(":")
    return names[0] == "drift", tuple(_TRAITS[name] for name in names if name != "drift")


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known about every effect: jointly normal, the account's own level in column 0.

    `gram` and `moment` are the evidence of the posts, from which mean and covariance follow given the sds.
    """

    columns: Mapping[Column, int]
    gram: Floats
    moment: Floats
    sds: Mapping[str, float]
    noise: float
    posts: int
    per_impression: bool
    mean: Floats = field(init=False)
    covariance: Floats = field(init=False)

    def __post_init__(self) -> None:
        covariance = np.linalg.inv(self.gram + np.diag(1 / self._priors()))
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(self, "mean", covariance @ self.moment)

    def _priors(self) -> Floats:
        """Prior variance of every effect; that of the account's own level is as good as none."""
        return np.array([100.0, *(self.sds[group] ** 2 for group, _ in list(self.columns)[1:])])

    @property
    def log_evidence(self) -> float:
        """Log probability of the posts given the sds, up to a constant that they share."""
        volume = np.linalg.slogdet(self.covariance)[1] - np.log(self._priors()).sum()
        return float(self.moment @ self.mean + volume) / 2

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator, size: int = 1, width: float = 1.0) -> Floats:
        """`size` draws of the arms' log rates; an effect never observed comes from its group's prior."""
        rows, fresh = self._rows(arms)
        values, axes = np.linalg.eigh(rows @ self.covariance @ rows.T + fresh @ fresh.T)
        # The symmetric root: equal arms make the covariance singular, and the signs of the axes differ by machine.
        root = axes * np.sqrt(np.maximum(values, 0)) @ axes.T
        return rows @ self.mean + width * rng.standard_normal((size, len(arms))) @ root

    def expected_rate(self, arm: Arm) -> float | None:
        """What posts there earn on average: percent of impressions (or count per post); None before any data."""
        if not self.posts:
            return None
        level = float((self._rows([arm])[0] @ self.mean)[0])
        return (100 if self.per_impression else 1) * exp(level + self.noise**2 / 2)

    def _rows(self, arms: Sequence[Arm]) -> tuple[Floats, Floats]:
        """The arms over the known columns, and over the unknown ones scaled by the sd of their prior."""
        rows = [effects(arm, self.sds) for arm in arms]
        unseen: dict[Column, int] = {}
        for each in chain.from_iterable(rows):
            if each not in self.columns:
                unseen.setdefault(each, len(unseen))
        known, fresh = np.zeros((len(arms), len(self.mean))), np.zeros((len(arms), len(unseen)))
        known[:, 0] = 1
        for i, row in enumerate(rows):
            for each in row:
                if each in unseen:
                    fresh[i, unseen[each]] = self.sds[each[0]]
                else:
                    known[i, self.columns[each]] = 1
        return known, fresh


def fit(
    observations: Sequence[Observation],
    *,
    now: datetime,
    growth: Growth = SHIPPED,
    per_impression: bool = True,
    half_life_days: float = 60.0,
    groups: Mapping[str, float] = GROUPS,
) -> Posterior:
    """Learn the effects from published posts; posts without any impression say nothing and are left out.

    `per_impression` False models counts per post instead of rates, for missions whose KPIs are all counts.
    Old posts fade with `half_life_days`, so that a change of the audience is followed.
    """
    posts = [each for each in observations if each.impressions > 0]
    several = len({each.platform for each in posts}) > 1
    sds = {name: sd for name, sd in groups.items() if several or not name.startswith("platform:")}
    days = [max((now - each.published_at).total_seconds(), 0) / 86400 for each in posts]
    columns, cells, rows = _design([effects(each, sds, age) for each, age in zip(posts, days, strict=True)])
    targets, variances = _targets(posts, growth, per_impression)
    weights = 0.5 ** (np.array(days) / half_life_days)
    return _estimate(_Evidence(columns, cells, rows, targets, variances, weights, per_impression), sds)


@dataclass(frozen=True, slots=True)
class _Evidence:
    columns: Mapping[Column, int]
    cells: Floats  # one row of 0 and 1 per distinct arm, over the columns
    rows: npt.NDArray[np.intp]  # the cell of each post
    targets: Floats  # log rate of each post
    variances: Floats  # of the target, from counting and from projecting
    weights: Floats
    per_impression: bool


def _design(posts: Iterable[Iterable[Column]]) -> tuple[dict[Column, int], Floats, npt.NDArray[np.intp]]:
    columns: dict[Column, int] = {("account", ()): 0}
    cells: dict[tuple[int, ...], int] = {}
    rows: list[int] = []
    for post in posts:
        cell = (0, *(columns.setdefault(effect, len(columns)) for effect in post))
        rows.append(cells.setdefault(cell, len(cells)))
    matrix = np.zeros((len(cells), len(columns)))
    for cell, row in cells.items():
        matrix[row, list(cell)] = 1
    return columns, matrix, np.array(rows, dtype=np.intp)


def _targets(posts: Sequence[Observation], growth: Growth, per_impression: bool) -> tuple[Floats, Floats]:
    """Log rate (or log count) of every post at its final age, and the variance of that number as a measurement."""
    earned = np.array([max(each.engagements, 0) for each in posts])
    shown = np.array([each.impressions for each in posts])
    curves = [growth.curve(each.platform) for each in posts]
    seen = np.array([curve.fraction(each.age_hours) for curve, each in zip(curves, posts, strict=True)])
    spread = np.array([curve.spread(each.age_hours) for curve, each in zip(curves, posts, strict=True)])
    if not per_impression:
        return np.log(earned + 0.5) - np.log(seen), 1 / (earned + 0.5) + spread**2
    shown_seen = np.array([growth.curve(p.platform, "impressions").fraction(p.age_hours) for p in posts])
    # Impressions grow with the same attention as engagements: half of the projection's error cancels in the rate.
    rates: Floats = np.log((earned + 0.5) / (shown + 1)) + np.log(shown_seen / seen)
    return rates, 1 / (earned + 0.5) + (spread / 2) ** 2


def _estimate(evidence: _Evidence, guesses: Mapping[str, float]) -> Posterior:
    """Expectation maximisation over the sds of the groups and the noise between posts."""
    names = list(guesses)
    member = np.array([names.index(group) for group, _ in list(evidence.columns)[1:]], dtype=np.intp)
    sizes = np.bincount(member, minlength=len(names)) + _GUESS_WEIGHT
    first = np.array(list(guesses.values())) ** 2
    posterior = _solve(evidence, guesses, _NOISE**2)
    for _ in range(_ITERATIONS if posterior.posts else 0):
        squares = posterior.mean**2 + np.diag(posterior.covariance)
        variances = (np.bincount(member, squares[1:], len(names)) + _GUESS_WEIGHT * first) / sizes
        sds = dict(zip(names, np.sqrt(variances).tolist(), strict=True))
        posterior = _solve(evidence, sds, _noise(evidence, posterior))
    return posterior


def _solve(evidence: _Evidence, sds: Mapping[str, float], noise: float) -> Posterior:
    """The posterior given the variances: `noise` that between posts, `sds` those of the groups."""
    weights = evidence.weights / (noise + evidence.variances)
    inner = np.bincount(evidence.rows, weights, len(evidence.cells))
    outer = np.bincount(evidence.rows, weights * evidence.targets, len(evidence.cells))
    return Posterior(
        columns=evidence.columns,
        gram=evidence.cells.T @ (inner[:, None] * evidence.cells),
        moment=evidence.cells.T @ outer,
        sds=sds,
        noise=noise**0.5,
        posts=len(evidence.targets),
        per_impression=evidence.per_impression,
    )


def _noise(evidence: _Evidence, posterior: Posterior) -> float:
    """The next variance between posts: the expected square of each post's luck, given the effects."""
    noise = posterior.noise**2
    share = noise / (noise + evidence.variances)
    error = evidence.targets - (evidence.cells @ posterior.mean)[evidence.rows]
    doubt = ((evidence.cells @ posterior.covariance) * evidence.cells).sum(axis=1)[evidence.rows]
    luck = share**2 * (error**2 + doubt) + (1 - share) * noise
    guess = _GUESS_WEIGHT * _NOISE**2
    return float(((evidence.weights * luck).sum() + guess) / (evidence.weights.sum() + _GUESS_WEIGHT))
