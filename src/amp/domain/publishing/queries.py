"""Reads of publishing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from amp.domain.publishing.models import PlatformPost, TimelineEvent
from amp.engine.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Event:
    id: UUID
    at: datetime
    kind: str
    platform_post_id: UUID | None
    platform: str | None
    request_id: str | None
    detail: dict[str, Any]


async def events_of(uow: UnitOfWork, post_id: UUID) -> Sequence[Event]:
    """The timeline of a post, oldest first."""
    delivery = (PlatformPost.workspace_id == TimelineEvent.workspace_id) & (
        PlatformPost.id == TimelineEvent.platform_post_id
    )
    columns = (TimelineEvent.id, TimelineEvent.at, TimelineEvent.kind, TimelineEvent.platform_post_id)
    query = (
        select(*columns, PlatformPost.platform, TimelineEvent.request_id, TimelineEvent.detail)
        .outerjoin(PlatformPost, delivery)
        .where(TimelineEvent.post_id == post_id)
        .order_by(TimelineEvent.id)
    )
    return [Event(*row) for row in await uow.session.execute(query)]
