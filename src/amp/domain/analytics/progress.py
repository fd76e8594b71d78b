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

_LUCK: Final = 0.78  # first guess of the log sd between posts, as measured on a real page
_PRIOR_POSTS: Final = 2.0  # what that guess is worth
_SHAPE: Final = 1.0  # of the gamma prior of what a young post will still earn: as variable as it is large
_WIDEST: Final = 3.0  # log variance beyond which counts are mostly zeros and the lognormal says nothing


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
    if final is not None:
        places = 2 if is_rate else 0
        final = Projection(*(round(value, places) for value in (final.final, final.low, final.high)))
    return Progress(
        metric=kpi.metric,
        target=kpi.target,
        current=current,
        progress_percent=floor(100 * (current or 0) / kpi.target + 1e-9),
        status=_status(kpi, current, final, sum(planned.values())),
        projected_final=final and final.final,
        projected_low=final and final.low,
        projected_high=final and final.high,
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
    variation = _variation(np.log(np.maximum(outlook.finals, 0) + 0.5))
    variance = float((outlook.doubts**2).sum()) + variation * _planned_squares(outlook, posts, remaining)
    low, high = _interval(ahead, variance)
    return Projection(known + ahead, known + low, known + high)


def _project_rate(
    metric: str, posts: Sequence[PublishedPost], remaining: Mapping[str, int], growth: Growth
) -> Projection | None:
    earned, shown = _outlook(metric, posts, growth), _outlook("impressions", posts, growth)
    if shown.counts.sum() <= 0:
        return None
    impressions = float(shown.finals.sum()) + shown.planned(remaining)
    rate = (float(earned.finals.sum()) + earned.planned(remaining)) / impressions
    # A post moves the rate by what it earns beyond its impressions' share: its own rate's luck, times its size.
    sizes = np.log(shown.finals + 1)
    variation = _variation(np.log(np.maximum(earned.finals, 0) + 0.5) - sizes) * (1 + _variation(sizes))
    variance = float(((earned.doubts / 2) ** 2).sum()) + variation * _planned_squares(earned, posts, remaining)
    low, high = _interval(100 * rate, variance * (100 / impressions) ** 2)
    return Projection(100 * rate, low, high)


def _variation(logs: Floats) -> float:
    """Squared coefficient of variation of lognormal numbers. Estimated from their logs, because few posts seldom
    hold one of the rare large ones that make the variance."""
    squares = float(((logs - logs.mean()) ** 2).sum()) + _PRIOR_POSTS * _LUCK**2
    return exp(min(squares / (len(logs) - 1 + _PRIOR_POSTS), _WIDEST)) - 1


def _planned_squares(outlook: _Outlook, posts: Sequence[PublishedPost], remaining: Mapping[str, int]) -> float:
    """What multiplies the variation of one post to give the variance of the sum of those to come: their own luck,
    and doubt about their mean."""
    total = 0.0
    for name, count in remaining.items():
        known = sum(post.platform == name for post in posts)
        mean = outlook.typical.get(name, float(outlook.finals.mean()))
        total += mean**2 * (count + count**2 / max(known, 1))
    return total


def _interval(mean: float, variance: float) -> tuple[float, float]:
    """Central 80 % of the lognormal of that mean and variance: never negative, with a long upper tail."""
    if mean <= 0:
        return 0.0, 0.0
    width = log(1 + variance / mean**2)
    return mean * exp(-width / 2 - Z80 * sqrt(width)), mean * exp(-width / 2 + Z80 * sqrt(width))


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
