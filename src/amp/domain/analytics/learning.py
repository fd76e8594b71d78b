"""What a cycle taught: insights that hold up, and what came of what was decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from amp.domain.analytics.allocation import Observation
from amp.domain.analytics.totals import total
from amp.engine.unit_of_work import UnitOfWork


async def write_insights(
    uow: UnitOfWork, mission_id: UUID, cycle: int, observed: Sequence[Observation], *, per_impression: bool
) -> list[str]:
    return []


async def outcome_of(uow: UnitOfWork, mission_id: UUID, *, since: datetime) -> dict[str, Any]:
    """What the mission's posts earned since then."""
    sums = await total(uow, mission_id=mission_id, since=since)
    return {
        "posts": sums.posts,
        "impressions": sums.counters["impressions"],
        "engagements": sums.engagements,
        "engagement_rate": sums.engagement_rate,
    }
