"""What a cycle taught: insights that hold up, and what came of what was decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from amp.domain.analytics.effects import Observation
from amp.domain.analytics.insights import Insight as Statement
from amp.domain.analytics.insights import find_insights
from amp.domain.analytics.models import Insight
from amp.domain.analytics.totals import Which, total
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id


async def write_insights(
    uow: UnitOfWork, mission_id: UUID, cycle: int, observed: Sequence[Observation], *, per_impression: bool
) -> list[str]:
    """Store everything that may be said after this cycle, and give the statements; often none."""
    now = uow.clock.now()
    found = find_insights(observed, now=now, per_impression=per_impression)
    for each in found:
        uow.session.add(
            Insight(
                workspace_id=uow.workspace_id,
                id=new_id(),
                mission_id=mission_id,
                cycle=cycle,
                type=each.type,
                insight=each.text,
                confidence=each.confidence,
                evidence=_evidence(each),
                created_at=now,
            )
        )
    return [f"{each.text}." for each in found]


def _evidence(each: Statement) -> dict[str, Any]:
    return {
        "lift": round(each.lift, 3),
        "interval_80": [round(each.low, 3), round(each.high, 3)],
        "posts": each.posts,
        "other_posts": each.other_posts,
    }


async def outcome_of(uow: UnitOfWork, mission_id: UUID, *, since: datetime) -> dict[str, Any]:
    """What the mission's posts earned since then."""
    sums = await total(uow, Which(mission_id=mission_id, since=since))
    return {
        "posts": sums.posts,
        "impressions": sums.counters["impressions"],
        "engagements": sums.engagements,
        "engagement_rate": sums.engagement_rate,
    }
