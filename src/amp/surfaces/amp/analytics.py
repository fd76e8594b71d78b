"""Analytics (`/analytics/...` of the AMP contract)."""

from typing import Any
from uuid import UUID

from amp.domain.analytics import costs, overview, performance, reports
from amp.domain.analytics.periods import Period, granularity_of, period_of
from amp.domain.missions import operations as missions
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.workspaces import own_time_zone
from amp.kit.errors import Invalid
from amp.kit.ids import Kind, decode
from amp.surfaces.door import Door
from amp.surfaces.surface import AtDoor, Surface, Uow

router = Surface("analytics")


@router.get("/analytics", needs="read")
async def analytics_overview(
    uow: Uow,
    door: AtDoor,
    period: str = "30d",
    start_date: str | None = None,
    end_date: str | None = None,
    platforms: str | None = None,
    granularity: str = "day",
) -> dict[str, Any]:
    """How all missions did in a period, against the period before it."""
    asked = await _period(uow, period, start_date, end_date)
    wanted = _platforms(door, platforms)
    return await overview.overview(uow, asked, platforms=wanted, granularity=granularity_of(granularity))


@router.get("/analytics/missions/{mission_id}", needs="read")
async def mission_analytics(uow: Uow, mission_id: str) -> dict[str, Any]:
    """What a mission achieved so far, how it stands against its KPIs, and what was learned."""
    mission = await missions.get_mission(uow, decode(Kind.MISSION, mission_id, what="Mission"))
    return await reports.mission_analytics(uow, mission)


@router.get("/analytics/performance", needs="read")
async def analytics_performance(
    uow: Uow,
    period: str = "30d",
    breakdown: str = ",".join(performance.BREAKDOWNS),
    mission_id: str | None = None,
    sort_by: str = "engagement_rate",
) -> dict[str, Any]:
    """What works: the posts of a period compared by platform, type, pillar, topic and time."""
    asked = await _period(uow, period)
    names = list(dict.fromkeys(breakdown.split(",")))
    mission = await _mission(uow, mission_id)
    return await performance.performance(uow, asked, breakdown=names, mission_id=mission, sort_by=sort_by)


@router.get("/analytics/costs", needs="read")
async def analytics_costs(
    uow: Uow, period: str = "30d", start_date: str | None = None, end_date: str | None = None
) -> dict[str, Any]:
    """What the writing of a period cost: by provider, mission, stage and day, and what to expect."""
    return await costs.costs(uow, await _period(uow, period, start_date, end_date))


async def _period(uow: Uow, name: str, start: str | None = None, end: str | None = None) -> Period:
    zone = await own_time_zone(uow)
    first = await overview.oldest(uow) if name == "all" else None
    return period_of(name, start, end, now=uow.clock.now(), zone=zone, first=first)


def _platforms(door: Door, text: str | None) -> list[str]:
    """Errors: Invalid for a platform that nobody knows."""
    names = list(dict.fromkeys(text.split(","))) if text else []
    for name in names:
        try:
            door.ports.get(SocialPlatforms).capabilities(name)
        except Invalid as error:
            raise Invalid(error.message, param="platforms") from error
    return names


async def _mission(uow: Uow, text: str | None) -> UUID | None:
    """Errors: NotFound for a mission that is not there, or somebody else's."""
    if text is None:
        return None
    return (await missions.get_mission(uow, decode(Kind.MISSION, text, what="Mission"))).id
