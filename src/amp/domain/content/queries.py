"""Reads of content."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from amp.domain.content.models import Content
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.pagination import Cursor, Page, page_of, paged


@dataclass(frozen=True)
class ContentFilter:
    mission_id: UUID | None = None
    status: str | None = None
    platform: str | None = None
    type: str | None = None
    pillar: str | None = None
    topic: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def list_content(uow: UnitOfWork, cursor: Cursor, which: ContentFilter) -> Page[Content]:
    """Content, newest first. `created_after` includes its moment, `created_before` does not."""
    query = select(Content)
    for name in ("mission_id", "status", "platform", "type", "pillar", "topic"):
        wanted = getattr(which, name)
        if wanted is not None:
            query = query.where(getattr(Content, name) == wanted)
    if which.created_after:
        query = query.where(Content.created_at >= which.created_after)
    if which.created_before:
        query = query.where(Content.created_at < which.created_before)
    total = await uow.session.scalar(select(func.count()).select_from(query.subquery()))
    rows = (await uow.session.execute(paged(query, Content.id, cursor))).scalars().all()
    return page_of(rows, cursor, total or 0)
