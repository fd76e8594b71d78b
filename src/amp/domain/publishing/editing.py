"""Changing a post of which nothing has begun. Its deliveries are made anew from what it says now; a platform that stays
keeps the id of its delivery, and its account unless the change is about accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, select

from amp.domain.publishing import lifecycle, operations
from amp.domain.publishing.choosing import set_still_there
from amp.domain.publishing.describing import wanted_medium
from amp.domain.publishing.draft import Draft
from amp.domain.publishing.drafting import Override, Wanted, drafted
from amp.domain.publishing.inserting import insert_deliveries
from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.operations import get_post
from amp.domain.publishing.timeline import record
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Conflict
from amp.kit.ids import new_id


@dataclass(frozen=True)
class Changes:
    """The fields of `Wanted` that are to be others, by their names."""

    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def choose_anew(self) -> bool:
        """Whether the accounts are looked up again: also for what is to go out by itself from now on."""
        asks = self.fields.get("scheduled_for") is not None
        return asks or not self.fields.keys().isdisjoint(("platforms", "platform_set_id"))

    def apply(self, before: Wanted) -> Wanted:
        return replace(before, **self.fields)


def require_own(post: Post) -> None:
    """A mission's post publishes what was approved, when the mission's calendar says. Errors: Conflict."""
    if post.content_id:
        raise Conflict("This post belongs to a mission: approve, edit, move or cancel its content instead")


async def edit_post(uow: UnitOfWork, ports: Ports, post_id: UUID, changes: Changes) -> Post:
    """The accounts are those of before, unless platforms or set are changed, or it is given a time.

    Errors: NotFound; WrongStatus once anything of it has begun; Invalid for what cannot be published.
    """
    post = await get_post(uow, post_id, lock=True)
    require_own(post)
    if post.status not in lifecycle.PUBLISHABLE:
        raise WrongStatus(f"A post that is {post.status} cannot be changed")
    deliveries = await _not_begun(uow, post)
    wanted = changes.apply(_as_it_is(post, [delivery.platform for delivery in deliveries]))
    kept = None if changes.choose_anew else {delivery.platform: delivery.connection_id for delivery in deliveries}
    draft = (await drafted(uow, ports, wanted, besides=post.id, kept=kept)).sound()
    await _rewrite(uow, post, draft)
    await uow.session.execute(delete(PlatformPost).where(PlatformPost.post_id == post.id))
    known = {delivery.platform: delivery.id for delivery in deliveries}
    ids = {platform: known.get(platform) or new_id() for platform in draft.targets}
    await insert_deliveries(uow, post.id, ids, draft.accounts or {}, draft)
    record(uow, post.id, "edited", fields=sorted(changes.fields))
    return post


async def discard_post(uow: UnitOfWork, post_id: UUID) -> Post:
    """What may be public although nobody knows is left at that.

    Errors: NotFound; WrongStatus when it is published, being published, or discarded already; Conflict for a mission's
    post.
    """
    require_own(await get_post(uow, post_id, lock=True))
    return await operations.cancel(uow, post_id, leave=True)


async def publish_post(uow: UnitOfWork, ports: Ports, post_id: UUID) -> Post:
    """Send it now, if it is still fit to be published: what has been connected, or what time it is, may have changed.

    Errors: NotFound; WrongStatus unless it is a draft or scheduled; Invalid; Conflict for a mission's post.
    """
    post = await get_post(uow, post_id, lock=True)
    require_own(post)
    if post.status in lifecycle.PUBLISHABLE:
        wanted = _as_it_is(post, [delivery.platform for delivery in await _not_begun(uow, post)])
        with set_still_there():
            (await drafted(uow, ports, replace(wanted, scheduled_for=None), besides=post.id)).sound()
    return await operations.publish_now(uow, post_id)


async def _not_begun(uow: UnitOfWork, post: Post) -> Sequence[PlatformPost]:
    """The deliveries, held against whoever would claim them now."""
    query = select(PlatformPost).where(PlatformPost.post_id == post.id).order_by(PlatformPost.id).with_for_update()
    deliveries = (await uow.session.scalars(query)).all()
    if any(delivery.attempt or delivery.lease_until or delivery.status != "pending" for delivery in deliveries):
        raise WrongStatus("The post is being published right now and cannot be changed any more")
    return deliveries


def _as_it_is(post: Post, platforms: Sequence[str]) -> Wanted:
    return Wanted(
        text=post.text,
        platforms=platforms,
        platform_set_id=post.platform_set_id,
        media=[wanted_medium(kept) for kept in cast("list[dict[str, Any]]", post.media)],
        link_url=post.link_url,
        overrides={
            platform: Override(text=override.get("text"), settings=override.get("settings", {}))
            for platform, override in post.platform_overrides.items()
        },
        scheduled_for=post.scheduled_for,
        user_id=post.user_id,
    )


async def _rewrite(uow: UnitOfWork, post: Post, draft: Draft) -> None:
    assert draft.platform_set_id  # noqa: S101 - drafted from a Wanted, which names one
    post.text, post.link_url = draft.text, draft.link_url
    post.media, post.platform_overrides = [dict(medium) for medium in draft.media], dict(draft.overrides)
    post.platform_set_id, post.scheduled_for = draft.platform_set_id, draft.scheduled_for
    post.status = "scheduled" if draft.scheduled_for else "draft"
    post.updated_at = uow.clock.now()
    await uow.session.flush()
