"""Sums over the hourly rollups: the only source of every aggregate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from amp.domain.analytics.metrics import COUNTERS, engagement_rate, engagements
from amp.domain.analytics.models import HourlyRollup
from amp.domain.analytics.periods import Granularity, Period, buckets
from amp.engine.unit_of_work import UnitOfWork

_LABELS: Final = {"hour": 'YYYY-MM-DD"T"HH24:00', "day": "YYYY-MM-DD", "week": "YYYY-MM-DD", "month": "YYYY-MM"}


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


@dataclass(frozen=True)
class Which:
    """What is summed: everything in the workspace, or less of it. `until` is not included."""

    mission_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    platforms: Sequence[str] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.mission_id:
            found.append(HourlyRollup.mission_id == self.mission_id)
        if self.since:
            found.append(HourlyRollup.hour >= self.since)
        if self.until:
            found.append(HourlyRollup.hour < self.until)
        if self.platforms:
            found.append(HourlyRollup.platform.in_(self.platforms))
        return found


async def totals(uow: UnitOfWork, which: Which, *, by: Sequence[str] = ()) -> list[Totals]:
    """Sums by any of platform, type, pillar and topic; the largest number of impressions first."""
    keys = [getattr(HourlyRollup, name) for name in by]
    query = select(*keys, *sums()).where(*which.conditions()).group_by(*keys)
    rows = (await uow.session.execute(query)).mappings()
    found = [_totals(tuple(str(row[name]) for name in by), row) for row in rows]
    return sorted(found, key=lambda each: -each.counters["impressions"])


def _totals(key: tuple[str, ...], row: Mapping[Any, Any]) -> Totals:
    return Totals(key, int(row["posts"]), {name: int(row[name]) for name in COUNTERS})


def sums() -> list[Any]:
    return [func.coalesce(func.sum(getattr(HourlyRollup, name)), 0).label(name) for name in ("posts", *COUNTERS)]


async def total(uow: UnitOfWork, which: Which) -> Totals:
    return (await totals(uow, which))[0]


async def series(uow: UnitOfWork, which: Which, period: Period, granularity: Granularity) -> dict[str, Totals]:
    """Sums by bucket, in order; the empty buckets of the period are there, as zeros."""
    local = func.timezone(period.zone.key, HourlyRollup.hour)
    bucket = func.to_char(func.date_trunc(granularity, local), _LABELS[granularity]).label("bucket")
    query = select(bucket, *sums()).where(*which.conditions()).group_by(bucket)
    rows = {row["bucket"]: row for row in (await uow.session.execute(query)).mappings()}
    nothing: Mapping[Any, Any] = dict.fromkeys(("posts", *COUNTERS), 0)
    return {name: _totals((name,), rows.get(name, nothing)) for name in buckets(period, granularity)}


def as_row(each: Totals, name: str) -> dict[str, Any]:
    """One line of a breakdown as the analytics contract shows it."""
    return {
        name: each.key[0],
        "posts": each.posts,
        "avg_engagement_rate": each.engagement_rate,
        "total_impressions": each.counters["impressions"],
    }
