"""What the counters are called and what is derived from them: the one definition every number of the product uses."""

from collections.abc import Mapping
from typing import Final

COUNTERS: Final = (
    "impressions",
    "reach",
    "likes",
    "comments",
    "shares",
    "clicks",
    "saves",
    "video_views",
    "followers_gained",
)
"""Cumulative counts of one published item, by the names in which they are stored."""

ENGAGEMENTS: Final = ("likes", "comments", "shares", "saves", "clicks")
"""The counters whose sum is `engagements`."""

KPI_COUNTERS: Final[Mapping[str, str]] = {
    "impressions": "impressions",
    "clicks": "clicks",
    "link_clicks": "clicks",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
    "followers_gained": "followers_gained",
    "reach": "reach",
}
"""KPI metric of the missions API -> the counter it sums; `engagement_rate` is the one KPI that sums none."""

RATE_KPIS: Final = frozenset({"engagement_rate"})


def engagements(counters: Mapping[str, float]) -> float:
    """Likes, comments, shares, saves and clicks together; a counter the vendor does not report counts 0."""
    return sum(counters.get(name, 0) for name in ENGAGEMENTS)


def engagement_rate(engagements: float, impressions: float) -> float | None:
    """Percent of impressions that engaged, to 2 places; None when there were no impressions to speak of."""
    if impressions <= 0:
        return None
    return round(100 * engagements / impressions, 2)


def change_percent(current: float, base: float) -> float | None:
    """Percent by which `current` is above `base`, to 1 place; None when the base is 0."""
    if base == 0:
        return None
    return round(100 * (current - base) / abs(base), 1)


def rewards_per_impression(targets: Mapping[str, float]) -> bool:
    """Whether the optimiser steers by a rate (some KPI is one, or there is none at all) or by counts per post."""
    return not targets or any(metric in RATE_KPIS for metric in targets)


def reward(counters: Mapping[str, float], targets: Mapping[str, float]) -> float:
    """The count of successes of one post, as a mission with these KPI `targets` (metric -> target) values it.

    Beside a rate KPI every engagement counts 1 and those a count KPI also names count once more; impressions and
    reach add nothing, being what the rate divides by. Without a rate KPI each counter is worth the reciprocal of
    its target, scaled so that the scarcest counts 1: 100,000 impressions weigh as much as 1,000 clicks.
    """
    counts = {KPI_COUNTERS[metric]: target for metric, target in targets.items() if metric not in RATE_KPIS}
    if rewards_per_impression(targets):
        named = [name for name in counts if name not in {"impressions", "reach"}]
        return engagements(counters) + sum(counters.get(name, 0) for name in named)
    scarcest = min(counts.values())
    return sum(counters.get(name, 0) * scarcest / target for name, target in counts.items())
