"""Why did it not publish? Every decision, attempt, wait and answer in the life of a post, in order."""

from typing import Any
from uuid import UUID

import structlog

from amp.domain.publishing.models import TimelineEvent
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id


def record(uow: UnitOfWork, post_id: UUID, kind: str, *, platform_post_id: UUID | None = None, **detail: Any) -> None:
    """Add one event, in the transaction of what it tells. Never pass a token or a whole vendor answer."""
    uow.session.add(
        TimelineEvent(
            workspace_id=uow.workspace_id,
            id=new_id(),
            post_id=post_id,
            platform_post_id=platform_post_id,
            at=uow.clock.now(),
            kind=kind,
            detail={name: value for name, value in detail.items() if value is not None},
            request_id=current_request(),
        )
    )


def current_request() -> str | None:
    """The request or attempt in which this happens."""
    return structlog.contextvars.get_contextvars().get("request_id")
