"""Keeping samples: the vendor's cumulative counters as they are, and what they add to the hour.

A counter that falls is a correction by the vendor: its negative delta is kept, so that sums always equal the
latest counters. A sample that is kept twice counts once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from amp.domain.analytics.metrics import COUNTERS
from amp.domain.analytics.models import HourlyRollup, MetricSample, TrackedPost
from amp.engine.unit_of_work import UnitOfWork


async def keep_samples(uow: UnitOfWork, connection_id: UUID, counted: Mapping[str, Mapping[str, int]]) -> None:
    """Keep what one call told of an account's items, by remote id; unknown items are passed over."""
    query = (
        select(TrackedPost)
        .where(TrackedPost.connection_id == connection_id, TrackedPost.remote_id.in_(list(counted)))
        .order_by(TrackedPost.platform_post_id)
        .with_for_update()
    )
    now = uow.clock.now()
    for post in (await uow.session.execute(query)).scalars():
        await _keep(uow, post, counted[post.remote_id], now)


async def _keep(uow: UnitOfWork, post: TrackedPost, counters: Mapping[str, int], now: datetime) -> None:
    if post.sampled_at and post.sampled_at >= now:
        return
    latest = {name: int(counters.get(name, getattr(post, name))) for name in COUNTERS}
    deltas = {name: latest[name] - getattr(post, name) for name in COUNTERS}
    key = {"workspace_id": post.workspace_id, "platform_post_id": post.platform_post_id}
    await uow.session.execute(insert(MetricSample).values(**key, observed_at=now, **latest))
    for name, value in latest.items():
        setattr(post, name, value)
    post.sampled_at = now
    await uow.session.flush()
    if any(deltas.values()):
        await _add(uow, post, now, deltas)


async def count_post(uow: UnitOfWork, post: TrackedPost) -> None:
    """One more item, in the hour in which it was published."""
    await _add(uow, post, post.published_at, {"posts": 1})


async def _add(uow: UnitOfWork, post: TrackedPost, at: datetime, deltas: Mapping[str, int]) -> None:
    key: dict[str, Any] = {
        "workspace_id": post.workspace_id,
        "hour": at.replace(minute=0, second=0, microsecond=0),
        "mission_id": post.mission_id,
        "platform": post.platform,
        "type": post.type,
        "pillar": post.pillar,
        "topic": post.topic,
    }
    fresh = insert(HourlyRollup).values(**key, **deltas)
    added = {name: getattr(HourlyRollup, name) + getattr(fresh.excluded, name) for name in deltas}
    await uow.session.execute(fresh.on_conflict_do_update(index_elements=list(key), set_=added))
