"""Sending again what failed, and nothing else.

failed ── may it be public all the same? ─┬─ no ──> pending, due now, by the account that the set has now
                                          └─ yes, a person left it at that ──> only if it is named: looked for, by
                                             the account that it went out by, and sent if it is not there
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.connections import operations as connections
from amp.domain.publishing import lifecycle
from amp.domain.publishing.choosing import NOT_CONNECTED, accounts_of, must_reconnect, set_still_there, unusable
from amp.domain.publishing.doubt import is_left, undecided
from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.operations import get_post, settle
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.publishing.timeline import record
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid


async def retry(uow: UnitOfWork, ports: Ports, post_id: UUID, platforms: Sequence[str] | None = None) -> Post:
    """Send again what failed, or what of it is named. What may be public although it is called failed is left out
    unless it is named, and then looked for before anything is sent.

    Errors: NotFound; Invalid for a platform that the post is not for, or whose account cannot be used; WrongStatus
    when nothing has failed, or one that is named has not.
    """
    post = await get_post(uow, post_id, lock=True)
    if post.status == "discarded":
        raise WrongStatus("A post that is discarded cannot be retried")
    names = _Names(ports.get(SocialPlatforms))
    query = select(PlatformPost).where(PlatformPost.post_id == post_id).order_by(PlatformPost.id)
    deliveries = (await uow.session.scalars(query.execution_options(populate_existing=True))).all()
    chosen = _named(post, deliveries, platforms, names) if platforms is not None else _all(post, deliveries, names)
    left_out = [one.platform for one in deliveries if is_left(one) and one not in chosen]
    for delivery in (one for one in chosen if is_left(one)):
        await _look_first(uow, delivery, names)
    await _send_again(uow, post, [one for one in chosen if not is_left(one)], names)
    record(
        uow, post.id, "retry_requested", platforms=[one.platform for one in chosen], left_out=sorted(left_out) or None
    )
    await settle(uow, post)
    return post


class _Names:
    """What people call platforms."""

    def __init__(self, social: SocialPlatforms) -> None:
        self._social = social

    def __getitem__(self, platform: str) -> str:
        return self._social.capabilities(platform).name if platform in self._social.names() else platform[:40]


def _all(post: Post, deliveries: Sequence[PlatformPost], names: _Names) -> list[PlatformPost]:
    chosen = [one for one in deliveries if one.status == "failed" and not is_left(one)]
    if not chosen:
        reasons = [_why_not(post, one, names) for one in deliveries if one.status != "published"]
        raise WrongStatus("; ".join(reasons) if reasons else "All of this post is published: nothing is to be retried")
    return chosen


def _named(
    post: Post, deliveries: Sequence[PlatformPost], platforms: Sequence[str], names: _Names
) -> list[PlatformPost]:
    known = {one.platform: one for one in deliveries}
    for platform in platforms:
        if platform not in known:
            raise Invalid(f"The post is not for {names[platform]}", param="platforms")
        if known[platform].status != "failed":
            raise WrongStatus(_why_not(post, known[platform], names))
    return [known[platform] for platform in dict.fromkeys(platforms)]


def _why_not(post: Post, delivery: PlatformPost, names: _Names) -> str:
    """What is to be said about a delivery that a retry is not for."""
    name = names[delivery.platform]
    match delivery.status:
        case "unconfirmed":
            return undecided(name, post.id)
        case "failed":
            return (
                f"Nobody knows whether {name} published this, and it was left at that: name {delivery.platform} in "
                f"'platforms' to have it looked for, and sent if it is not there"
            )
        case "pending" if post.status in lifecycle.PUBLISHABLE:
            return f"Nothing was sent to {name} yet"
        case "pending":
            return f"It waits to be sent to {name}, and will be"
        case "published" | "cancelled" as status:
            return f"It is {status} on {name}"
        case _:
            return f"It is being sent to {name} right now"


async def _send_again(uow: UnitOfWork, post: Post, deliveries: Sequence[PlatformPost], names: _Names) -> None:
    if not deliveries:
        return
    with set_still_there():
        found = await accounts_of(uow, post.platform_set_id, [one.platform for one in deliveries])
    for delivery in deliveries:
        account = found.get(delivery.platform)
        if message := unusable(names[delivery.platform], account):
            raise Invalid(message, code=NOT_CONNECTED, param="platforms")
        assert account  # noqa: S101 - it is usable
        again: dict[str, Any] = {"status": "pending", "attempt": 0}
        if account.id != delivery.connection_id:
            again |= await _moved(uow, delivery, account.id, names)
        await _set(uow, delivery, **again)


async def _moved(uow: UnitOfWork, delivery: PlatformPost, account_id: UUID, names: _Names) -> Mapping[str, Any]:
    """To another account. What was uploaded by the one before is of no use to it, and a thread goes on where it began.

    Errors: Invalid for a thread of which parts may be public.
    """
    if len(delivery.parts) > 1 and delivery.first_intent_at:
        name, handle = names[delivery.platform], (await connections.get_connection(uow, delivery.connection_id)).handle
        message = f"Parts of this thread may be public: {must_reconnect(name, handle)}, for it goes on there"
        raise Invalid(message, code=NOT_CONNECTED, param="platforms")
    return {"connection_id": account_id, "state": {}, "first_intent_at": None, "resending": False}


async def _look_first(uow: UnitOfWork, delivery: PlatformPost, names: _Names) -> None:
    """Open the question again. Only the account that it went out by can show whether it did."""
    account = await connections.get_connection(uow, delivery.connection_id)
    if account.status != "active":
        message = f"{must_reconnect(names[delivery.platform], account.handle)}: only there it can be looked for"
        raise Invalid(message, code=NOT_CONNECTED, param="platforms")
    now = uow.clock.now()
    asked = {"status": "publishing", "attempt": 1, "intent_at": now}
    await _set(uow, delivery, **asked, first_intent_at=delivery.first_intent_at or now)


async def _set(uow: UnitOfWork, delivery: PlatformPost, **values: Any) -> None:
    now = uow.clock.now()
    afresh = {"due_at": now, "next_attempt_at": now, "searches": 0, "error_code": None, "error_message": None}
    again = update(PlatformPost).where(PlatformPost.id == delivery.id, PlatformPost.status == "failed")
    await uow.change(again.values(**{**afresh, "updated_at": now, **values}))
