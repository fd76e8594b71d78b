"""What works: posts compared by platform, type, pillar, topic and time of publication (`GET /analytics/performance`).

Compared are the posts that were published in the period, each with its counters of today.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from amp.domain.analytics.insights import DAYS
from amp.domain.analytics.metrics import engagement_rate
from amp.domain.analytics.models import Insight, TrackedPost, engagements_in_sql
from amp.domain.analytics.periods import Period
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid

BREAKDOWNS: Final = ("platform", "type", "pillar", "topic", "time")
SORTS: Final = ("engagement_rate", "impressions", "clicks")
_MOST_LINES: Final = 200
_MOST_RECOMMENDATIONS: Final = 10


async def performance(
    uow: UnitOfWork, period: Period, *, breakdown: Sequence[str], mission_id: UUID | None, sort_by: str
) -> dict[str, Any]:
    """Errors: Invalid for a breakdown or a sorting that does not exist."""
    compared = _Compared(uow, period, mission_id)
    found: dict[str, Any] = {}
    for name in breakdown:
        match name:
            case "platform":
                found["by_platform"] = await _platforms(compared, sort_by)
            case "time":
                found["by_time_of_day"] = [_hour(row) for row in await compared.by("hour")]
                found["by_day_of_week"] = [_day(row) for row in await compared.by("weekday")]
            case "type" | "pillar" | "topic":
                rows = _sorted(await compared.by(name), sort_by)
                found[f"by_{name}"] = [_average(name, row) for row in rows[:_MOST_LINES]]
            case _:
                raise Invalid(f"Unknown breakdown '{name}'. Known: {', '.join(BREAKDOWNS)}", param="breakdown")
    return {
        "period": str(period),
        "breakdowns": found,
        "recommendations": await _recommendations(uow, mission_id),
    }


class _Compared:
    """The posts of the period, grouped."""

    def __init__(self, uow: UnitOfWork, period: Period, mission_id: UUID | None) -> None:
        self._uow = uow
        self._period = period
        self._mission_id = mission_id
        local = func.timezone(period.zone.key, TrackedPost.published_at)
        self._columns: Mapping[str, Any] = {
            "hour": func.extract("hour", local),
            "weekday": func.extract("isodow", local) - 1,
        }

    async def by(self, *names: str) -> list[dict[str, Any]]:
        """Posts, impressions, engagements and clicks of each group."""
        keys = [self._columns.get(name, getattr(TrackedPost, name, None)).label(name) for name in names]
        sums = {
            "posts": func.count(),
            "impressions": func.sum(TrackedPost.impressions),
            "engagements": func.sum(engagements_in_sql()),
            "clicks": func.sum(TrackedPost.clicks),
        }
        query = select(*keys, *(value.label(name) for name, value in sums.items())).where(*self._conditions())
        rows = (await self._uow.session.execute(query.group_by(*keys).order_by(*keys))).mappings()
        return [{**row, **{name: int(row[name]) for name in sums}, **_rates(row)} for row in rows]

    def _conditions(self) -> list[ColumnElement[bool]]:
        period = self._period
        found = [TrackedPost.published_at >= period.since, TrackedPost.published_at < period.until]
        return [*found, TrackedPost.mission_id == self._mission_id] if self._mission_id else found


def _rates(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {"engagement_rate": engagement_rate(int(row["engagements"]), int(row["impressions"]))}


async def _platforms(compared: _Compared, sort_by: str) -> list[dict[str, Any]]:
    hours, days = await compared.by("platform", "hour"), await compared.by("platform", "weekday")
    return [
        {
            "platform": row["platform"],
            "posts": row["posts"],
            "impressions": row["impressions"],
            "engagement_rate": row["engagement_rate"],
            "clicks": row["clicks"],
            "best_time": _best(hours, row["platform"], "hour"),
            "best_day": _best(days, row["platform"], "weekday"),
        }
        for row in _sorted(await compared.by("platform"), sort_by)
    ]


def _best(rows: Sequence[Mapping[str, Any]], platform: str, name: str) -> str | None:
    """When a platform's posts engaged most so far; null while nobody saw any."""
    own = [row for row in rows if row["platform"] == platform and row["engagement_rate"] is not None]
    if not own:
        return None
    best = int(max(own, key=lambda row: row["engagement_rate"])[name])
    return DAYS[best] if name == "weekday" else f"{best:02}:00"


def _sorted(rows: list[dict[str, Any]], sort_by: str) -> list[dict[str, Any]]:
    if sort_by not in SORTS:
        raise Invalid(f"Unknown sorting '{sort_by}'. Known: {', '.join(SORTS)}", param="sort_by")
    return sorted(rows, key=lambda row: -(row[sort_by] or 0))


def _average(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    impressions = round(row["impressions"] / row["posts"])
    rate = row["engagement_rate"]
    return {name: row[name], "posts": row["posts"], "avg_engagement_rate": rate, "avg_impressions": impressions}


def _hour(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"hour": int(row["hour"]), "avg_engagement_rate": row["engagement_rate"], "posts": row["posts"]}


def _day(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"day": DAYS[int(row["weekday"])], "avg_engagement_rate": row["engagement_rate"], "posts": row["posts"]}


async def _recommendations(uow: UnitOfWork, mission_id: UUID | None) -> list[str]:
    """What the missions learned in their latest cycle; an empty list is honest."""
    latest = select(Insight.mission_id, func.max(Insight.cycle).label("cycle")).group_by(Insight.mission_id).subquery()
    query = (
        select(Insight.insight)
        .join(latest, (latest.c.mission_id == Insight.mission_id) & (latest.c.cycle == Insight.cycle))
        .order_by(Insight.confidence.desc())
        .limit(_MOST_RECOMMENDATIONS)
    )
    if mission_id:
        query = query.where(Insight.mission_id == mission_id)
    return list(dict.fromkeys((await uow.session.execute(query)).scalars()))
