"""Analytics (`/analytics/...` of the AMP contract)."""

from typing import Any

from amp.domain.analytics import reports
from amp.domain.missions import operations as missions
from amp.kit.ids import Kind, decode
from amp.surfaces.surface import Surface, Uow

router = Surface("analytics")


@router.get("/analytics/missions/{mission_id}", needs="read")
async def mission_analytics(uow: Uow, mission_id: str) -> dict[str, Any]:
    """What a mission achieved so far, how it stands against its KPIs, and what was learned."""
    mission = await missions.get_mission(uow, decode(Kind.MISSION, mission_id, what="Mission"))
    return await reports.mission_analytics(uow, mission)
