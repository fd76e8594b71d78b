"""How far a mission is with each KPI, where it will end, and which way it is heading.

    final of a count = counted so far + still to come from published posts + posts still planned x what one earns
    final of a rate  = the same sum of engagements over the same sum of impressions

Posts are what is counted forward and not days, so that a paused week projects nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, floor, log, sqrt
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from amp.domain.analytics.growth import SHIPPED, Z80, Growth, Projection
from amp.domain.analytics.metrics import KPI_COUNTERS, RATE_KPIS, engagement_rate, engagements

Floats = npt.NDArray[np.float64]
Status = Literal["on_track", "at_risk", "behind", "exceeded"]
Trend = Literal["improving", "stable", "declining"]

TREND_POSTS: Final = 6
TREND_DAYS: Final = 7
"""Posts, and days between the first and the last, below which every trend is stable."""

# A post's count varies about the mean by as much as the mean (log sd 0.78 between posts). That guess is worth two
# posts, and shapes the gamma prior of what a young post will still earn.
_VARIATION: Final = 1.0
_PRIOR_POSTS: Final = 2.0
_SHAPE: Final = 1 / _VARIATION**2


@dataclass(frozen=True, slots=True)
class Kpi:
    """A target of the mission; `platform` "all" counts every platform."""

    metric: str
    target: float
    platform: str = "all"


@dataclass(frozen=True, slots=True)
class PublishedPost:
    """A published post and its latest counters, read `age_hours` after publishing."""

    platform: str
    published_at: datetime
    age_hours: float
    counters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Progress:
    """One row of `kpi_progress`; the projection and its central 80 % are None before anything was published."""

    metric: str
    target: float
    current: float | None
    progress_percent: int
    status: Status
    projected_final: float | None
    projected_low: float | None
    projected_high: float | None
    trend: Trend


def measure_progress(
    kpi: Kpi, posts: Sequence[PublishedPost], *, remaining: Mapping[str, int], growth: Growth = SHIPPED
) -> Progress:
    """Progress of `kpi` given what was published; `remaining` counts the posts still planned on each platform."""
    mine = [post for post in posts if kpi.platform in ("all", post.platform)]
    planned = {name: count for name, count in remaining.items() if kpi.platform in ("all", name)}
    is_rate = kpi.metric in RATE_KPIS
    current = _current_rate(mine) if is_rate else _total(mine, kpi.metric)
    project = _project_rate if is_rate else _project_count
    final = project(kpi.metric, mine, planned, growth) if mine else None
    shown = (None, None, None)
    if final is not None:
        places = 2 if is_rate else None
        shown = round(final.final, places), round(final.low, places), round(final.high, places)
    return Progress(
        metric=kpi.metric,
        target=kpi.target,
        current=current,
        progress_percent=floor(100 * (current or 0) / kpi.target + 1e-9),
        status=_status(kpi, current, final, sum(planned.values())),
        projected_final=shown[0],
        projected_low=shown[1],
        projected_high=shown[2],
        trend=_trend(kpi.metric, mine, growth),
    )


def _status(kpi: Kpi, current: float | None, final: Projection | None, remaining: int) -> Status:
    """A count that reached its target has exceeded it for good; a rate can still fall and is at best on track."""
    if kpi.metric not in RATE_KPIS and (current or 0) >= kpi.target:
        return "exceeded"
    if final is None:
        return "on_track" if remaining else "behind"
    if final.final >= kpi.target:
        return "on_track"
    return "at_risk" if final.high >= kpi.target else "behind"


def _count(post: PublishedPost, metric: str) -> float:
    return engagements(post.counters) if metric in RATE_KPIS else post.counters.get(KPI_COUNTERS[metric], 0)


def _total(posts: Sequence[PublishedPost], metric: str) -> float:
    return sum(_count(post, metric) for post in posts)


def _current_rate(posts: Sequence[PublishedPost]) -> float | None:
    return engagement_rate(_total(posts, "engagement_rate"), _total(posts, "impressions"))


@dataclass(frozen=True, slots=True)
class _Outlook:
    """Where the posts' counts will end: per post, with the sd of that, and for an average post of each platform."""

    counts: Floats
    finals: Floats
    doubts: Floats
    typical: Mapping[str, float]

    def planned(self, remaining: Mapping[str, int]) -> float:
        """What the posts still to come will add; a platform without any post yet earns the average of all."""
        mean = float(self.finals.mean())
        return sum(count * self.typical.get(name, mean) for name, count in remaining.items())


def _outlook(metric: str, posts: Sequence[PublishedPost], growth: Growth) -> _Outlook:
    counter = "impressions" if metric in {"impressions", "reach"} else "engagements"
    curves = [growth.curve(post.platform, counter) for post in posts]
    seen = np.array([curve.fraction(post.age_hours) for curve, post in zip(curves, posts, strict=True)])
    spread = np.array([curve.spread(post.age_hours) for curve, post in zip(curves, posts, strict=True)])
    counts = np.array([_count(post, metric) for post in posts], dtype=np.float64)
    finals, typical = counts.copy(), dict[str, float]()
    for name in {post.platform for post in posts}:
        own = np.array([post.platform == name for post in posts])
        mean = max(float(counts[own].sum() / seen[own].sum()), 1e-9)
        # Gamma prior on each post's own level: what a post did so far counts for more the more of it is seen.
        ahead = (np.maximum(counts[own], 0) + _SHAPE) / (seen[own] + _SHAPE / mean)
        finals[own] += (1 - seen[own]) * ahead
        typical[name] = float(finals[own].mean())
    return _Outlook(counts, finals, finals * spread, typical)


def _project_count(
    metric: str, posts: Sequence[PublishedPost], remaining: Mapping[str, int], growth: Growth
) -> Projection:
    outlook = _outlook(metric, posts, growth)
    known = float(outlook.counts.sum())
    ahead = float(outlook.finals.sum()) - known + outlook.planned(remaining)
    if ahead <= 0:
        return Projection(known, known, known)
    variance = float((outlook.doubts**2).sum()) + _planned_variance(outlook.finals, outlook, posts, remaining)
    # A lognormal of that mean and variance: what is ahead cannot be negative and has a long upper tail.
    width = log(1 + variance / ahead**2)
    low, high = (ahead * exp(-width / 2 + side * Z80 * sqrt(width)) for side in (-1, 1))
    return Projection(known + ahead, known + low, known + high)


def _project_rate(
    metric: str, posts: Sequence[PublishedPost], remaining: Mapping[str, int], growth: Growth
) -> Projection | None:
    earned, shown = _outlook(metric, posts, growth), _outlook("impressions", posts, growth)
    impressions = float(shown.finals.sum()) + shown.planned(remaining)
    if shown.counts.sum() <= 0:
        return None
    rate = (float(earned.finals.sum()) + earned.planned(remaining)) / impressions
    # Only what a post earns beyond its impressions' share moves the rate; counts that grow alike mostly cancel.
    beyond = earned.finals - rate * shown.finals
    variance = _planned_variance(beyond, earned, posts, remaining) + float(((earned.doubts / 2) ** 2).sum())
    margin = Z80 * sqrt(variance) / impressions
    return Projection(100 * rate, max(100 * (rate - margin), 0.0), 100 * (rate + margin))


def _planned_variance(
    values: Floats, outlook: _Outlook, posts: Sequence[PublishedPost], remaining: Mapping[str, int]
) -> float:
    """Variance of the sum of `values` over the posts to come: their own luck, and doubt about their mean."""
    guess = _PRIOR_POSTS * (_VARIATION * float(outlook.finals.mean())) ** 2
    total = 0.0
    for name, count in remaining.items():
        own = values[[post.platform == name for post in posts]]
        sample = own if len(own) else values
        squares = float(((sample - sample.mean()) ** 2).sum())
        each = (guess + squares) / (_PRIOR_POSTS + len(sample) - 1)
        total += count * each + count**2 * each / max(len(own), 1)
    return total


def _trend(metric: str, posts: Sequence[PublishedPost], growth: Growth) -> Trend:
    """Sign of the slope over publishing time of what posts earn (in log), when it exceeds its standard error."""
    if metric in RATE_KPIS:
        posts = [post for post in posts if post.counters.get("impressions", 0) > 0]
    if len(posts) < TREND_POSTS:
        return "stable"
    times = np.array([post.published_at.timestamp() / 86400 for post in posts])
    if np.ptp(times) < TREND_DAYS:
        return "stable"
    level = np.log(np.maximum(_outlook(metric, posts, growth).finals, 0) + 0.5)
    if metric in RATE_KPIS:
        level -= np.log(_outlook("impressions", posts, growth).finals + 1)
    for name in {post.platform for post in posts}:  # a platform that joins late is no trend
        own = np.array([post.platform == name for post in posts])
        times[own] -= times[own].mean()
        level[own] -= level[own].mean()
    room = float(times @ times)
    if room < 1e-9:
        return "stable"
    slope = float(times @ level) / room
    error = sqrt(float(((level - slope * times) ** 2).sum()) / (len(posts) - 2) / room)
    if abs(slope) <= error:
        return "stable"
    return "improving" if slope > 0 else "declining"
