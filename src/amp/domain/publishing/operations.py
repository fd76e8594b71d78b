"""Posts: made, scheduled, sent now, cancelled. What goes out and when is decided here; `delivering.py` does it.

A race between a cancel and a delivery is decided by one compare-and-set on the delivery's row: whoever comes
first wins, and the loser is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.connections import operations as connections
from amp.domain.publishing import lifecycle
from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.timeline import record
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import new_id


@dataclass(frozen=True)
class Target:
    """What one platform gets: the parts of a thread (a plain post has one) and the platform's own settings."""

    parts: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Draft:
    targets: Mapping[str, Target]
    """By platform."""
    text: str
    media: Sequence[dict[str, Any]] = ()
    link_url: str | None = None
    platform_set_id: UUID | None = None
    """None: the default set."""
    scheduled_for: datetime | None = None
    """None: a draft, or sent at once when `publish_now` is called."""
    content_id: UUID | None = None


async def create_post(uow: UnitOfWork, draft: Draft) -> Post:
    """A draft, or a scheduled post when `scheduled_for` is given; a time that is past means at once.

    Errors: Invalid (no platform; no active account for a platform).
    """
    if not draft.targets:
        raise Invalid("At least one platform is required", code="no_platforms_selected", param="platforms")
    now = uow.clock.now()
    set_id = draft.platform_set_id or (await connections.default_set(uow)).id
    accounts = await connections.resolve(uow, set_id, list(draft.targets))
    post = Post(
        workspace_id=uow.workspace_id,
        id=new_id(),
        platform_set_id=set_id,
        text=draft.text,
        media=list(draft.media),
        link_url=draft.link_url,
        status="scheduled" if draft.scheduled_for else "draft",
        scheduled_for=draft.scheduled_for,
        content_id=draft.content_id,
        created_at=now,
        updated_at=now,
    )
    uow.session.add(post)
    await uow.session.flush()
    for platform, target in draft.targets.items():
        uow.session.add(_delivery(post, platform, accounts[platform].id, target, draft, now))
    record(uow, post.id, "created", scheduled_for=_iso(draft.scheduled_for), platforms=list(draft.targets))
    await uow.session.flush()
    return post


def _delivery(
    post: Post, platform: str, connection_id: UUID, target: Target, draft: Draft, now: datetime
) -> PlatformPost:
    return PlatformPost(
        workspace_id=post.workspace_id,
        id=new_id(),
        post_id=post.id,
        platform=platform,
        connection_id=connection_id,
        status="pending",
        parts=list(target.parts),
        media=list(draft.media),
        link_url=draft.link_url,
        settings=dict(target.settings),
        due_at=draft.scheduled_for,
        next_attempt_at=draft.scheduled_for,
        created_at=now,
        updated_at=now,
    )


async def publish_now(uow: UnitOfWork, post_id: UUID) -> Post:
    """Send a draft or scheduled post at once. Errors: NotFound; Conflict in any other state."""
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.PUBLISHABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be published")
    await _set_due(uow, post, uow.clock.now(), status="queued")
    record(uow, post.id, "publish_requested")
    return post


async def reschedule(uow: UnitOfWork, post_id: UUID, at: datetime) -> Post:
    """Move what has not begun to another moment. Errors: NotFound; Conflict when it has begun."""
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.PUBLISHABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be scheduled")
    await _set_due(uow, post, at, status="scheduled")
    record(uow, post.id, "scheduled", scheduled_for=_iso(at))
    return post


async def hold(uow: UnitOfWork, post_id: UUID) -> bool:
    """Take a scheduled post back without discarding it (a pause). False: too late, it has begun."""
    post = await get_post(uow, post_id, lock=True)
    if post.status != "scheduled":
        return False
    held = await uow.change(
        update(PlatformPost).where(PlatformPost.post_id == post_id, _not_begun()).values(next_attempt_at=None)
    )
    if held:
        record(uow, post.id, "held")
    return held > 0


async def cancel(uow: UnitOfWork, post_id: UUID) -> Post:
    """Discard a post: after this returned, nothing of it that had not begun goes out.

    Errors: NotFound; Conflict when everything has begun or ended.
    """
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.DISCARDABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be cancelled")
    await uow.session.execute(
        update(PlatformPost)
        .where(PlatformPost.post_id == post_id, PlatformPost.status != "published", PlatformPost.intent_at.is_(None))
        .values(status="cancelled", next_attempt_at=None, lease_until=None, fence=PlatformPost.fence + 1)
    )
    if await _underway(uow, post_id):
        raise WrongStatus("The post is being published right now and cannot be cancelled any more")
    post.status, post.updated_at = "discarded", uow.clock.now()
    record(uow, post.id, "cancelled")
    return post


async def retry(uow: UnitOfWork, post_id: UUID, platforms: Sequence[str] | None = None) -> Post:
    """Send again what failed, and nothing else. Errors: NotFound; Conflict when nothing (named) has failed."""
    post = await get_post(uow, post_id, lock=True)
    again = update(PlatformPost).where(PlatformPost.post_id == post_id, PlatformPost.status == "failed")
    if platforms is not None:
        again = again.where(PlatformPost.platform.in_(platforms))
    now = uow.clock.now()
    renewed = await uow.change(
        again.values(status="pending", next_attempt_at=now, due_at=now, attempt=0, error_code=None, error_message=None)
    )
    if not renewed:
        raise WrongStatus("Nothing of this post has failed")
    record(uow, post.id, "retry_requested", platforms=list(platforms) if platforms else None)
    await settle(uow, post)
    return post


async def settle(uow: UnitOfWork, post: Post) -> None:
    """Bring the (locked) post's status in line with its deliveries."""
    await uow.session.flush()
    states = (await uow.session.execute(select(PlatformPost.status).where(PlatformPost.post_id == post.id))).scalars()
    post.status = lifecycle.post_status(list(states), before=post.status)
    post.updated_at = uow.clock.now()


async def get_post(uow: UnitOfWork, post_id: UUID, *, lock: bool = False) -> Post:
    query = select(Post).where(Post.id == post_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    post = (await uow.session.execute(query)).scalar_one_or_none()
    if post is None:
        raise NotFound("Post not found", code="post_not_found")
    return post


async def is_waiting(uow: UnitOfWork, post_id: UUID) -> bool:
    """Is it scheduled, and nothing of it begun?"""
    return (await get_post(uow, post_id, lock=True)).status == "scheduled"


async def _set_due(uow: UnitOfWork, post: Post, at: datetime, *, status: str) -> None:
    await uow.session.execute(
        update(PlatformPost).where(PlatformPost.post_id == post.id, _not_begun()).values(due_at=at, next_attempt_at=at)
    )
    post.status, post.scheduled_for, post.updated_at = status, at, uow.clock.now()


async def _underway(uow: UnitOfWork, post_id: UUID) -> bool:
    query = select(PlatformPost.id).where(PlatformPost.post_id == post_id, PlatformPost.intent_at.is_not(None))
    return (await uow.session.execute(query.limit(1))).first() is not None


def _not_begun() -> Any:
    return (PlatformPost.status == "pending") & PlatformPost.intent_at.is_(None)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
