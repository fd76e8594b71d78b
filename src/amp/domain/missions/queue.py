"""The mission's queue: everything unsent, in the order of its slots. Paused it is held; after a pause what was
missed moves forward, in order, into the next moments of the calendar."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import select

from amp.domain.content import operations as content_operations
from amp.domain.content.approval import UNSENT
from amp.domain.content.models import Content
from amp.domain.missions.calendar import Rhythm, upcoming
from amp.domain.missions.draft import Constraints
from amp.domain.missions.models import Mission, Slot
from amp.domain.publishing import operations as publishing
from amp.engine.unit_of_work import UnitOfWork


async def unsent(uow: UnitOfWork, mission_id: UUID, statuses: Sequence[str] = UNSENT) -> list[Content]:
    query = (
        select(Content)
        .where(Content.mission_id == mission_id, Content.status.in_(statuses))
        .order_by(Content.publish_at, Content.id)
        .with_for_update()
    )
    return list((await uow.session.execute(query)).scalars())


async def hold(uow: UnitOfWork, mission: Mission) -> None:
    """Hold what is scheduled. What has begun goes out: it is past the point of no return."""
    for content in await unsent(uow, mission.id, ("scheduled",)):
        if content.post_id:
            await publishing.hold(uow, content.post_id)


async def catch_up(uow: UnitOfWork, mission: Mission) -> None:
    """Give everything unsent a moment that is still to come, in the old order; schedule what was held."""
    waiting = [content for content in await unsent(uow, mission.id) if await _not_begun(uow, content)]
    now = uow.clock.now()
    moments = moved_forward([content.publish_at for content in waiting], now, _rhythm(mission))
    for content, moment in zip(waiting, moments, strict=True):
        content.publish_at = moment
        await _move_slot(uow, content.slot_id, moment)
        if content.status in ("approved", "scheduled"):
            await content_operations.schedule(uow, content, moment)


async def _not_begun(uow: UnitOfWork, content: Content) -> bool:
    """False for what was past the point of no return when the mission was paused; it reports back by itself."""
    return content.status != "scheduled" or not content.post_id or await publishing.is_waiting(uow, content.post_id)


def moved_forward(moments: Sequence[datetime | None], now: datetime, rhythm: Rhythm) -> list[datetime]:
    """As many moments from `now` on, in order: those that are still to come, then the calendar's next ones."""
    ahead = sorted(moment for moment in moments if moment and moment >= now)
    missing = len(moments) - len(ahead)
    following = (moment for moment in upcoming(rhythm, now) if moment not in ahead)
    return sorted([*ahead, *islice(following, missing)])


async def next_free(uow: UnitOfWork, mission: Mission) -> datetime:
    """The next moment of the calendar at which nothing of the mission goes out."""
    now = uow.clock.now()
    taken = set((await uow.session.execute(select(Slot.publish_at).where(Slot.mission_id == mission.id))).scalars())
    return next(moment for moment in upcoming(_rhythm(mission), now) if moment > now and moment not in taken)


async def move(uow: UnitOfWork, content: Content, moment: datetime) -> None:
    content.publish_at, content.updated_at = moment, uow.clock.now()
    await _move_slot(uow, content.slot_id, moment)


async def withdraw(uow: UnitOfWork, mission: Mission) -> None:
    """Cancel whatever is scheduled. Errors: Conflict when a post is on its way right now."""
    for content in await unsent(uow, mission.id, ("scheduled",)):
        await content_operations.unschedule(uow, content)


async def close(uow: UnitOfWork, mission: Mission) -> None:
    """The mission is over: what nobody approved will not go out any more."""
    for content in await unsent(uow, mission.id, ("generating", "generated", "pending_review", "approved")):
        content.status, content.updated_at = "cancelled", uow.clock.now()


async def _move_slot(uow: UnitOfWork, slot_id: UUID, moment: datetime) -> None:
    slot = await uow.session.get(Slot, (uow.workspace_id, slot_id))
    if slot:
        slot.publish_at = moment


def _rhythm(mission: Mission) -> Rhythm:
    fields = dict(mission.constraints)
    fields["posting_times"] = tuple(fields["posting_times"])
    fields["excluded_topics"] = tuple(fields["excluded_topics"])
    assert mission.starts_at is not None  # noqa: S101 - a mission with content has started
    return Constraints(**fields).rhythm(mission.starts_at)
