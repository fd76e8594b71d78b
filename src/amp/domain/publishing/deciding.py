"""What only a person can decide: whether something that could not be found out was published.

unconfirmed ──┬─ it was ─────────────────> published, with the address if the person gives it
              ├─ it was not: send again ─> pending, due now
              └─ leave it ───────────────> failed
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.publishing.doubt import is_left
from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.publishing.messages import PlatformPostFailed, PlatformPostPublished
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.operations import get_post, settle
from amp.domain.publishing.timeline import record
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import NotFound


async def it_was_published(uow: UnitOfWork, post_id: UUID, platform: str, *, url: str | None = None) -> Post:
    """A person saw it. Errors: NotFound; WrongStatus when nothing is in question."""
    post, delivery = await _in_question(uow, post_id, platform)
    published_at = delivery.first_intent_at or uow.clock.now()
    await _decide(
        uow, delivery, status="published", url=url, published_at=published_at, error_code=None, error_message=None
    )
    record(uow, post.id, "decided", platform_post_id=delivery.id, decision="published", url=url)
    await settle(uow, post)
    await uow.announce(
        PlatformPostPublished(workspace_id=uow.workspace_id, platform_post_id=delivery.id, post_id=post.id)
    )
    return post


async def it_was_not_published(uow: UnitOfWork, post_id: UUID, platform: str) -> Post:
    """A person looked and it is not there: send it again, now. Errors: NotFound; WrongStatus when nothing is in
    question."""
    post, delivery = await _in_question(uow, post_id, platform)
    now = uow.clock.now()
    again: dict[str, Any] = {"due_at": now, "next_attempt_at": now, "attempt": 0, "searches": 0, "resending": False}
    state = {**delivery.state, "unproven": False}
    await _decide(uow, delivery, status="pending", state=state, error_code=None, error_message=None, **again)
    record(uow, post.id, "decided", platform_post_id=delivery.id, decision="not published, send again")
    await settle(uow, post)
    return post


async def leave_it(uow: UnitOfWork, post_id: UUID, platform: str) -> Post:
    """Whatever became of it, nobody pursues it: only a retry that names it does, and looks for it first.

    Errors: NotFound; WrongStatus when nothing is in question.
    """
    post, delivery = await _in_question(uow, post_id, platform)
    await _decide(uow, delivery, status="failed", searches=0)
    record(uow, post.id, "decided", platform_post_id=delivery.id, decision="left")
    await settle(uow, post)
    await uow.announce(PlatformPostFailed(workspace_id=uow.workspace_id, platform_post_id=delivery.id, post_id=post.id))
    return post


async def _in_question(uow: UnitOfWork, post_id: UUID, platform: str) -> tuple[Post, PlatformPost]:
    post = await get_post(uow, post_id, lock=True)
    query = select(PlatformPost).where(PlatformPost.post_id == post_id, PlatformPost.platform == platform)
    delivery = (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if delivery is None:
        raise NotFound(f"This post does not go to {platform}")
    if delivery.status != "unconfirmed":
        decided = "was decided already" if is_left(delivery) else f"is known: {delivery.status}"
        raise WrongStatus(f"What became of this post on {platform} {decided}")
    return post, delivery


async def _decide(uow: UnitOfWork, delivery: PlatformPost, **values: Any) -> None:
    """The fence goes up, so that nobody who held the delivery before can still change it."""
    decided = update(PlatformPost).where(PlatformPost.id == delivery.id, PlatformPost.status == "unconfirmed")
    fence = PlatformPost.fence + 1
    values |= {"intent_at": None, "lease_until": None, "fence": fence, "updated_at": uow.clock.now()}
    await uow.change(decided.values(**values))
