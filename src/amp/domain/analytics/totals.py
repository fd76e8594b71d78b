"""Sums over the hourly rollups: the only source of every aggregate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from amp.domain.analytics.metrics import COUNTERS, engagement_rate, engagements
from amp.domain.analytics.models import HourlyRollup
from amp.engine.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Totals:
    """Sums for one group of a breakdown; `key` is empty for the whole."""

    key: tuple[str, ...]
    posts: int
    counters: dict[str, int]

    @property
    def engagements(self) -> int:
        return int(engagements(self.counters))

    @property
    def engagement_rate(self) -> float | None:
        return engagement_rate(self.engagements, self.counters["impressions"])


async def totals(
    uow: UnitOfWork, *, mission_id: UUID, by: Sequence[str] = (), since: datetime | None = None
) -> list[Totals]:
    """A mission's sums, by any of platform, type, pillar and topic; the largest number of impressions first."""
    keys = [getattr(HourlyRollup, name) for name in by]
    sums = [func.coalesce(func.sum(getattr(HourlyRollup, name)), 0).label(name) for name in ("posts", *COUNTERS)]
    query = select(*keys, *sums).where(HourlyRollup.mission_id == mission_id).group_by(*keys)
    if since:
        query = query.where(HourlyRollup.hour >= since)
    rows = (await uow.session.execute(query)).mappings()
    found = [
        Totals(
            key=tuple(str(row[name]) for name in by),
            posts=int(row["posts"]),
            counters={name: int(row[name]) for name in COUNTERS},
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: -each.counters["impressions"])


async def total(uow: UnitOfWork, *, mission_id: UUID, since: datetime | None = None) -> Totals:
    return (await totals(uow, mission_id=mission_id, since=since))[0]


def as_row(each: Totals, name: str) -> dict[str, Any]:
    """One line of a breakdown as the analytics contract shows it."""
    return {
        name: each.key[0],
        "posts": each.posts,
        "avg_engagement_rate": each.engagement_rate,
        "total_impressions": each.counters["impressions"],
    }
