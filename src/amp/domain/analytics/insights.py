"""What may be said about posts that were published: statements with a posterior probability, or none at all.

    effects fitted -> one contrast per level: this level against the rest, all else equal
                   -> averaged over how much its kind of effect may matter, "not at all" included
                   -> said when P(lift > 5 %) >= 0.8 and both sides have 8 posts

Tests on pooled impressions make nine false statements a mission where nothing matters. This makes one in a hundred
missions, because each kind of effect is given a fair chance of being nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from math import erf, exp, log, prod, sqrt
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from amp.domain.analytics.effects import DAYPARTS, Floats, Observation, Posterior, effects, fit
from amp.domain.analytics.growth import SHIPPED, Growth

Mask = npt.NDArray[np.bool_]
Kind = Literal["timing", "content"]

MINIMUM_POSTS: Final = 8
MINIMUM_CONFIDENCE: Final = 0.8
RELEVANT_LIFT: Final = 0.05
"""The lift that confidence is about: smaller ones are not worth acting on."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_CONTENT: Final = {"pillar": 0.3, "type": 0.25}
_TIMING: Final = {"weekday": 0.1, "daypart": 0.15, "weekday:daypart": 0.1}

# Sd that a kind of effect may have -> its prior probability. The first is as good as none at all, and timing gets
# more of it: on real pages weekday and hour explain next to nothing.
_CONTENT_PRIOR: Final = {0.01: 0.5, 0.15: 0.15, 0.3: 0.2, 0.6: 0.15}
_TIMING_PRIOR: Final = {0.01: 0.7, 0.1: 0.12, 0.2: 0.12, 0.4: 0.06}


@dataclass(frozen=True, slots=True)
class Insight:
    """One statement. `lift` is a fraction (0.4 = 40 % above the rest, negative below), `low` and `high` bound its
    central 80 %, and `confidence` is the probability that it exceeds 5 % in the stated direction."""

    type: Kind
    dimension: str
    level: tuple[str, ...]
    text: str
    confidence: float
    lift: float
    low: float
    high: float
    posts: int
    other_posts: int


@dataclass(frozen=True, slots=True)
class Best:
    """A best day or time: `value` only on evidence; `descriptive` is merely the top of what happened so far."""

    value: str | None
    confidence: float | None
    descriptive: str | None


def find_insights(
    observations: Sequence[Observation],
    *,
    now: datetime,
    growth: Growth = SHIPPED,
    per_impression: bool = True,
) -> tuple[Insight, ...]:
    """Everything that may be said, the surest first; often nothing."""
    posts = [each for each in observations if each.impressions > 0]
    if len(posts) < 2 * MINIMUM_POSTS:
        return ()
    groups = {"platform": 0.5, **_CONTENT, **_TIMING}
    fitted = fit(posts, now=now, growth=growth, per_impression=per_impression, groups=groups)
    said = [
        *_family(fitted, posts, "content", list(_CONTENT), _CONTENT_PRIOR),
        *_family(fitted, posts, "timing", list(_TIMING), _TIMING_PRIOR),
    ]
    return tuple(sorted(said, key=lambda each: (-each.confidence, -abs(each.lift))))


def recommend(insights: Iterable[Insight]) -> tuple[str, ...]:
    """What to do about each insight, in the same order; nothing is recommended on anything else."""
    return tuple(_advice(each) for each in insights)


def best_day(observations: Sequence[Observation], insights: Iterable[Insight]) -> Best:
    """The weekday that is known to beat the rest, as "Tuesday"."""
    top = _top(observations, lambda each: each.weekday)
    known = _strongest(insights, "weekday")
    descriptive = None if top is None else DAYS[top]
    return Best(known and DAYS[int(known.level[0])], known and known.confidence, descriptive)


def best_time(observations: Sequence[Observation], insights: Iterable[Insight]) -> Best:
    """The time that is known to beat the rest, as "14:00": the top hour of the part of the day that does."""
    known = _strongest(insights, "daypart")
    part = DAYPARTS.index(known.level[0]) if known else None
    inside = [each for each in observations if each.hour // 4 == part]
    top, value = _top(observations, lambda each: each.hour), _top(inside, lambda each: each.hour)
    return Best(_clock(value), known and known.confidence, _clock(top))


def _family(
    fitted: Posterior,
    posts: Sequence[Observation],
    kind: Kind,
    dimensions: Sequence[str],
    prior: Mapping[float, float],
) -> list[Insight]:
    """The insights of related dimensions, averaged over every combination of sds that their effects may have."""
    worlds: list[Posterior] = []
    scores: list[float] = []
    for sds in product(prior, repeat=len(dimensions)):
        worlds.append(replace(fitted, sds={**fitted.sds, **dict(zip(dimensions, sds, strict=True))}))
        scores.append(worlds[-1].log_evidence + log(prod(prior[sd] for sd in sds)))
    weights = np.exp(np.array(scores) - max(scores))
    belief = _Belief(worlds, weights / weights.sum(), _presence(fitted, posts))
    stated = [each for name in dimensions for each in _state(belief, posts, kind, name)]
    return _without_echoes(belief, stated)


_Stated = tuple[Insight, Mask]
"""A statement and the posts it is about."""


def _without_echoes(belief: "_Belief", stated: Sequence[_Stated]) -> list[Insight]:
    """The statements that stand by themselves, not for what is said of others: where threads are good, single posts
    are not bad for being no threads, and a Tuesday afternoon is not good for being an afternoon."""
    kept: list[_Stated] = []
    for insight, mine in sorted(stated, key=lambda each: _rank(each[0])):
        rest = ~mine
        for other, theirs in kept:
            if other.lift * insight.lift < 0:
                rest &= ~theirs
        if not rest.any() or _is_sum(insight, [each for each, _ in stated]):
            continue
        if _odds(belief.lift(insight.dimension, mine, rest), insight.lift > 0) >= MINIMUM_CONFIDENCE:
            kept.append((insight, mine))
    return [insight for insight, _ in kept]


def _rank(insight: Insight) -> tuple[bool, float, bool]:
    """Whole days and parts of days first, then the surest, and of two that are equally sure the good news."""
    return ":" in insight.dimension, -round(insight.confidence, 2), insight.lift < 0


def _is_sum(insight: Insight, stated: Iterable[Insight]) -> bool:
    """Whether a part of one weekday is no better or worse than what is said of the weekday and of the part."""
    parts = [each for each in stated if set(each.level) < set(insight.level) and each.lift * insight.lift > 0]
    explained = sum(log(1 + each.lift) for each in parts)
    return bool(parts) and abs(log(1 + insight.lift)) < abs(explained) + log(1 + RELEVANT_LIFT)


def _state(belief: "_Belief", posts: Sequence[Observation], kind: Kind, dimension: str) -> list[_Stated]:
    """What may be said of each level of the dimension against all others."""
    levels = [effects(post, [dimension])[0][1] for post in posts]
    stated: list[_Stated] = []
    for level in dict.fromkeys(levels):
        mine = np.array([each == level for each in levels])
        count, others = int(mine.sum()), int((~mine).sum())
        if min(count, others) < MINIMUM_POSTS:
            continue
        lift = belief.lift(dimension, mine, ~mine)
        confidence = max(_odds(lift, better=True), _odds(lift, better=False))
        if confidence >= MINIMUM_CONFIDENCE:
            size, low, high = (exp(value) - 1 for value in (lift.mean, lift.quantile(0.1), lift.quantile(0.9)))
            text = _text(dimension, level, size)
            insight = Insight(kind, dimension, level, text, confidence, size, low, high, count, others)
            stated.append((insight, mine))
    return stated


def _odds(lift: "_Mixture", better: bool) -> float:
    """Probability that the lift is relevant in that direction."""
    line = log(1 + RELEVANT_LIFT)
    odds = 1 - lift.below(line) if better else lift.below(-line)
    return min(max(odds, 0.0), 1.0)


def _presence(fitted: Posterior, posts: Sequence[Observation]) -> Floats:
    """Posts over effects: 1 where the post takes part in the effect."""
    matrix = np.zeros((len(posts), len(fitted.columns)))
    for row, post in zip(matrix, posts, strict=True):
        row[[0, *(fitted.columns[each] for each in effects(post, fitted.sds))]] = 1
    return matrix


@dataclass(frozen=True, slots=True)
class _Belief:
    """Posteriors under every combination of sds, with their probabilities, and the posts they speak of."""

    worlds: Sequence[Posterior]
    weights: Floats
    presence: Floats

    def lift(self, dimension: str, mine: Mask, rest: Mask) -> "_Mixture":
        """Log lift of some posts over others along the dimension, everything else about them held equal."""
        traits = set(dimension.split(":"))
        involved = np.array([bool(traits & set(group.split(":"))) for group, _ in self.worlds[0].columns])
        contrast = (self.presence[mine].mean(axis=0) - self.presence[rest].mean(axis=0)) * involved
        means = np.array([contrast @ world.mean for world in self.worlds])
        sds = np.sqrt([contrast @ world.covariance @ contrast for world in self.worlds])
        return _Mixture(means, sds, self.weights)


@dataclass(frozen=True, slots=True)
class _Mixture:
    """A weighted mixture of normals: the posterior of one log lift."""

    means: Floats
    sds: Floats
    weights: Floats

    @property
    def mean(self) -> float:
        return float(self.weights @ self.means)

    def below(self, value: float) -> float:
        shares = zip(self.means.tolist(), self.sds.tolist(), self.weights.tolist(), strict=True)
        return sum(weight * (1 + erf((value - mean) / (sd * sqrt(2)))) / 2 for mean, sd, weight in shares)

    def quantile(self, share: float) -> float:
        low, high = float((self.means - 6 * self.sds).min()), float((self.means + 6 * self.sds).max())
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle) < share else (low, middle)
        return (low + high) / 2


def _text(dimension: str, level: tuple[str, ...], lift: float) -> str:
    name = _plural(dimension, level)
    if dimension != "pillar":  # a pillar is spelled as the user spells it
        name = name[0].upper() + name[1:]
    if lift >= 1:
        return f"{name} get {1 + lift:.1f}x the engagement of the rest"
    return f"{name} {'outperform' if lift > 0 else 'underperform'} by {abs(lift):.0%}"


def _advice(insight: Insight) -> str:
    name, by = _plural(insight.dimension, insight.level), f"{abs(insight.lift):.0%}"
    better = insight.lift > 0
    if insight.type == "timing":
        times = _when(insight.dimension, insight.level)
        if better:
            return f"Shift more posting to {times}s"
        return f"Consider pausing {times} posts due to lower engagement"
    if better:
        return f"Increase the share of {name} - they outperform the rest by {by}"
    return f"Reduce the share of {name} - they underperform the rest by {by}"


_TYPES: Final = {
    "post": "single posts",
    "thread": "threads",
    "image": "image posts",
    "carousel": "carousels",
    "video_script": "videos",
}


def _plural(dimension: str, level: tuple[str, ...]) -> str:
    if dimension == "type":
        return _TYPES.get(level[0], f"{level[0]} posts")
    return f"{level[0] if dimension == 'pillar' else _when(dimension, level)} posts"


def _when(dimension: str, level: tuple[str, ...]) -> str:
    day = DAYS[int(level[0])] if dimension.startswith("weekday") else ""
    return f"{day} {level[-1] if dimension.endswith('daypart') else ''}".strip()


def _strongest(insights: Iterable[Insight], dimension: str) -> Insight | None:
    good = [each for each in insights if each.dimension == dimension and each.lift > 0]
    return max(good, key=lambda each: each.lift, default=None)


def _top(observations: Sequence[Observation], key: Callable[[Observation], int]) -> int | None:
    """The key with the highest pooled rate."""
    sums: dict[int, tuple[float, float]] = {}
    for each in observations:
        earned, shown = sums.get(key(each), (0.0, 0.0))
        sums[key(each)] = earned + each.engagements, shown + each.impressions
    rates = {value: earned / shown for value, (earned, shown) in sums.items() if shown > 0}
    return max(rates, key=lambda value: (rates[value], -value), default=None)


def _clock(hour: int | None) -> str | None:
    return None if hour is None else f"{hour:02d}:00"
