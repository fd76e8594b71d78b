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
from amp.domain.publishing import doubt, lifecycle
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


async def cancel(uow: UnitOfWork, post_id: UUID, *, leave: bool = False) -> Post:
    """Discard a post: after this returned, nothing of it that had not begun goes out. `leave`: of what is unconfirmed
    nobody will know; it stays failed, for it may be public.

    Errors: NotFound; WrongStatus when everything has begun or ended, or it is not known whether it has.
    """
    post = await get_post(uow, post_id, lock=True)
    if post.status not in lifecycle.DISCARDABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be cancelled")
    mine, now = PlatformPost.post_id == post_id, uow.clock.now()
    taken = {"next_attempt_at": None, "lease_until": None, "fence": PlatformPost.fence + 1, "updated_at": now}
    left_open: Sequence[str] = ()
    if leave:
        in_doubt = update(PlatformPost).where(mine, PlatformPost.status == "unconfirmed")
        leaving = in_doubt.values(status="failed", intent_at=None, **taken).returning(PlatformPost.platform)
        left_open = (await uow.session.scalars(leaving)).all()
    settled = PlatformPost.status.in_(("published", "unconfirmed")) | doubt.left()
    open_ones = update(PlatformPost).where(mine, PlatformPost.intent_at.is_(None), ~settled)
    await uow.session.execute(open_ones.values(status="cancelled", **taken))
    await _require_nothing_underway(uow, post_id)
    post.status, post.updated_at = "discarded", now
    record(uow, post.id, "cancelled", left_open=sorted(left_open) or None)
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


async def _set_due(uow: UnitOfWork, post: Post, at: datetime) -> None:
    await uow.session.execute(
        update(PlatformPost).where(PlatformPost.post_id == post.id, _not_begun()).values(due_at=at, next_attempt_at=at)
    )
    post.updated_at = uow.clock.now()


async def _require_nothing_underway(uow: UnitOfWork, post_id: UUID) -> None:
    open_question = PlatformPost.intent_at.is_not(None) | (PlatformPost.status == "unconfirmed")
    query = select(PlatformPost.platform, PlatformPost.status).where(PlatformPost.post_id == post_id, open_question)
    for platform, status in await uow.session.execute(query):
        if status == "unconfirmed":
            raise WrongStatus(doubt.undecided(platform, post_id))
        raise WrongStatus("The post is being published right now and cannot be cancelled any more")


def _not_begun() -> Any:
    return (PlatformPost.status == "pending") & PlatformPost.intent_at.is_(None)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
