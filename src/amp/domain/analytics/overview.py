"""How everything in a workspace did in a period: `GET /analytics` of the seed."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select

from amp.domain.analytics.metrics import change_percent, engagement_rate
from amp.domain.analytics.models import HourlyRollup, TrackedPost, engagements_in_sql
from amp.domain.analytics.periods import Granularity, Period
from amp.domain.analytics.totals import Totals, Which, series, total, totals
from amp.domain.content.models import Content
from amp.domain.missions.models import Mission
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import Kind, encode

_TOP: Final = 5
_PREVIEW: Final = 80


async def overview(
    uow: UnitOfWork, period: Period, *, platforms: Sequence[str] = (), granularity: Granularity = "day"
) -> dict[str, Any]:
    """Every sum here is the sum of its series and of its platforms: they come from the same rollups."""
    which, earlier = within(period, platforms), within(period.before(), platforms)
    found, before = await total(uow, which), await total(uow, earlier)
    buckets = await series(uow, which, period, granularity)
    return {
        "period": {"start": period.start.isoformat(), "end": period.end.isoformat()},
        "summary": {
            "missions_active": await uow.session.scalar(
                select(func.count()).select_from(Mission).where(Mission.status == "active")
            ),
            "content_published": found.posts,
            "total_impressions": found.counters["impressions"],
            "total_engagements": found.engagements,
            "overall_engagement_rate": found.engagement_rate,
            "total_link_clicks": found.counters["clicks"],
            "followers_gained": found.counters["followers_gained"],
        },
        "trends": {
            "impressions": trend(found.counters["impressions"], before.counters["impressions"]),
            "engagement_rate": trend(found.engagement_rate, before.engagement_rate),
        },
        "by_platform": {each.key[0]: _platform(each) for each in await totals(uow, which, by=("platform",))},
        "time_series": [_point(name, each) for name, each in buckets.items()],
        "top_content": await _top_content(uow, period, platforms),
    }


def within(period: Period, platforms: Sequence[str] = ()) -> Which:
    return Which(since=period.since, until=period.until, platforms=platforms)


async def oldest(uow: UnitOfWork) -> Any:
    """The first hour that anything is known of."""
    return await uow.session.scalar(select(func.min(HourlyRollup.hour)))


def trend(current: float | None, previous: float | None) -> dict[str, Any]:
    """Against the period before; no percentage where that one had nothing."""
    now, then = current or 0, previous or 0
    direction = "up" if now > then else "down" if now < then else "flat"
    change = change_percent(now, then)
    return {"current": current, "previous": previous, "change_percent": change, "direction": direction}


def _platform(each: Totals) -> dict[str, Any]:
    return {
        "posts_published": each.posts,
        "impressions": each.counters["impressions"],
        "engagements": each.engagements,
        "engagement_rate": each.engagement_rate,
    }


def _point(name: str, each: Totals) -> dict[str, Any]:
    impressions = each.counters["impressions"]
    return {"date": name, "impressions": impressions, "engagements": each.engagements, "posts": each.posts}


async def _top_content(uow: UnitOfWork, period: Period, platforms: Sequence[str]) -> list[dict[str, Any]]:
    """What was published in the period and seen most, with its counters of today."""
    columns = (
        TrackedPost.content_id,
        TrackedPost.platform,
        TrackedPost.impressions,
        engagements_in_sql().label("engaged"),
    )
    query = (
        select(*columns, Content.parts[0].astext.label("text"))
        .join(Content, (Content.workspace_id == TrackedPost.workspace_id) & (Content.id == TrackedPost.content_id))
        .where(TrackedPost.published_at >= period.since, TrackedPost.published_at < period.until)
        .order_by(TrackedPost.impressions.desc(), TrackedPost.platform_post_id)
        .limit(_TOP)
    )
    if platforms:
        query = query.where(TrackedPost.platform.in_(platforms))
    return [
        {
            "content_id": encode(Kind.CONTENT, row.content_id),
            "platform": row.platform,
            "impressions": row.impressions,
            "engagement_rate": engagement_rate(row.engaged, row.impressions),
            "preview": row.text if len(row.text) <= _PREVIEW else f"{row.text[: _PREVIEW - 1]}…",
        }
        for row in await uow.session.execute(query)
    ]
