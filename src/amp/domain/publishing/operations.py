"""Posts: made, scheduled, sent now, cancelled. What goes out and when is decided here; `delivering.py` does it.

A race between a cancel and a delivery is decided by one compare-and-set on the delivery's row: whoever comes
first wins, and the loser is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.connections import operations as connections
from amp.domain.publishing import lifecycle
from amp.domain.publishing.draft import Created, Draft
from amp.domain.publishing.draft import Target as Target
from amp.domain.publishing.inserting import insert_post
from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.timeline import record
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import new_id


async def create_post(uow: UnitOfWork, draft: Draft, *, told: str = "SELECT ''") -> Created:
    """A draft, or a scheduled post when `scheduled_for` is given; a time that is past means at once. `told`: see
    `insert_post`.

    Errors: Invalid (no platform; no active account for a platform).
    """
    if not draft.targets:
        raise Invalid("At least one platform is required", code="no_platforms_selected", param="platforms")
    set_id = draft.platform_set_id or (await connections.default_set(uow)).id
    accounts = draft.accounts or await _resolved(uow, set_id, list(draft.targets))
    created = Created(new_id(), {platform: new_id() for platform in draft.targets})
    return replace(created, told=await insert_post(uow, created, set_id, accounts, draft, told))


async def _resolved(uow: UnitOfWork, set_id: UUID, platforms: Sequence[str]) -> Mapping[str, UUID]:
    found = await connections.resolve(uow, set_id, platforms)
    return {platform: connection.id for platform, connection in found.items()}


async def publish_now(uow: UnitOfWork, post_id: UUID) -> Post:
    """Send a draft or scheduled post at once, by the accounts that are connected now.

    Errors: NotFound; WrongStatus in any other state; Invalid when a platform has no active account any more.
    """
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.PUBLISHABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be published")
    await _renew_accounts(uow, post)
    await _set_due(uow, post, uow.clock.now())
    post.status = "queued"
    record(uow, post.id, "publish_requested")
    return post


async def _renew_accounts(uow: UnitOfWork, post: Post) -> None:
    """An account may have been connected anew since the post was made."""
    mine = select(PlatformPost.platform).where(PlatformPost.post_id == post.id, _not_begun())
    platforms = list((await uow.session.execute(mine)).scalars())
    for platform, connection_id in (await _resolved(uow, post.platform_set_id, platforms)).items():
        await uow.session.execute(
            update(PlatformPost)
            .where(PlatformPost.post_id == post.id, PlatformPost.platform == platform, _not_begun())
            .values(connection_id=connection_id)
        )


async def reschedule(uow: UnitOfWork, post_id: UUID, at: datetime) -> Post:
    """Move what has not begun to another moment. Errors: NotFound; WrongStatus when it has begun."""
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.PUBLISHABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be scheduled")
    await _set_due(uow, post, at)
    post.status, post.scheduled_for = "scheduled", at
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

    Errors: NotFound; WrongStatus when everything has begun or ended.
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
    """Send again what failed, or what of it is named, and nothing else.

    Errors: NotFound; Invalid for a platform that the post is not for; WrongStatus when nothing has failed, or one that
    is named has not.
    """
    post = await get_post(uow, post_id, lock=True)
    await _require_failed(uow, post, platforms)
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


async def _require_failed(uow: UnitOfWork, post: Post, platforms: Sequence[str] | None) -> None:
    if post.status == "discarded":
        raise WrongStatus("A post that is discarded cannot be retried")
    query = select(PlatformPost.platform, PlatformPost.status).where(PlatformPost.post_id == post.id)
    states = {row.platform: row.status for row in await uow.session.execute(query)}
    for platform in platforms or ():
        if platform not in states:
            raise Invalid(f"The post is not for {platform}", param="platforms")
        if states[platform] == "unconfirmed":
            raise WrongStatus(f"It is not known whether {platform} was published: decide that first")
        if states[platform] != "failed":
            raise WrongStatus(f"What is {states[platform]} on {platform} cannot be retried")


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


async def _set_due(uow: UnitOfWork, post: Post, at: datetime) -> None:
    await uow.session.execute(
        update(PlatformPost).where(PlatformPost.post_id == post.id, _not_begun()).values(due_at=at, next_attempt_at=at)
    )
    post.updated_at = uow.clock.now()


async def _underway(uow: UnitOfWork, post_id: UUID) -> bool:
    query = select(PlatformPost.id).where(PlatformPost.post_id == post_id, PlatformPost.intent_at.is_not(None))
    return (await uow.session.execute(query.limit(1))).first() is not None


def _not_begun() -> Any:
    return (PlatformPost.status == "pending") & PlatformPost.intent_at.is_(None)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
