"""A mission's published posts as the statistics want them, read as columns."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, select

from amp.domain.analytics.effects import Observation
from amp.domain.analytics.metrics import COUNTERS, reward
from amp.domain.analytics.models import TrackedPost
from amp.domain.analytics.progress import PublishedPost
from amp.domain.missions.models import Mission
from amp.engine.unit_of_work import UnitOfWork

_COLUMNS = ("platform", "pillar", "type", "published_at", "sampled_at", *COUNTERS)


async def watched_posts(uow: UnitOfWork, mission: Mission) -> Sequence[Row[Any]]:
    """The posts whose counters have been read, oldest first."""
    columns = cast("Select[Any]", select(*(getattr(TrackedPost, name) for name in _COLUMNS)))
    mine = columns.where(TrackedPost.mission_id == mission.id, TrackedPost.sampled_at.is_not(None))
    return (await uow.session.execute(mine.order_by(TrackedPost.published_at))).all()


def counters_of(row: Row[Any]) -> dict[str, float]:
    return {name: float(getattr(row, name)) for name in COUNTERS}


def age_hours(row: Row[Any]) -> float:
    return (row.sampled_at - row.published_at) / timedelta(hours=1)


def published_post(row: Row[Any]) -> PublishedPost:
    return PublishedPost(row.platform, row.published_at, age_hours(row), counters_of(row))


def observation(row: Row[Any], mission: Mission) -> Observation:
    """The post as the optimizer learns from it; what counts as success follows from the mission's KPIs."""
    counters = counters_of(row)
    local = row.published_at.astimezone(ZoneInfo(mission.constraints["timezone"]))
    return Observation(
        platform=row.platform,
        pillar=row.pillar,
        type=row.type,
        weekday=local.weekday(),
        hour=local.hour,
        published_at=row.published_at,
        impressions=counters["impressions"],
        engagements=reward(counters, targets(mission)),
        age_hours=age_hours(row),
    )


def targets(mission: Mission) -> dict[str, float]:
    return {kpi["metric"]: kpi["target"] for kpi in mission.kpis}
