"""What could not be found out is decided by a person, and by nobody else; and what races is decided in one row."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from amp.domain.publishing import deciding
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.claiming import Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.operations import Draft, Target
from amp.domain.publishing.retrying import retry
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import Conflict
from world import World

pytestmark = pytest.mark.anyio


async def scheduled(world: World, workspace: Scope, *platforms: str, due: datetime | None = None) -> UUID:
    async with world.runtime.units.begin(workspace) as uow:
        targets = {platform: Target(("Is it there?",)) for platform in platforms}
        draft = Draft(targets, "Is it there?", scheduled_for=due or uow.clock.now() - timedelta(seconds=1))
        return (await publishing.create_post(uow, draft)).id


async def in_doubt(world: World, workspace: Scope) -> UUID:
    """A post that X published and of which nobody knows whether LinkedIn did."""
    post_id = await scheduled(world, workspace, "twitter", "linkedin")
    async with world.runtime.units.begin(workspace) as uow:
        values = {"id": post_id, "now": uow.clock.now()}
        for statement in (
            "UPDATE platform_posts SET status = 'published', next_attempt_at = NULL, published_at = :now "
            "WHERE post_id = :id AND platform = 'twitter'",
            "UPDATE platform_posts SET status = 'unconfirmed', next_attempt_at = NULL, intent_at = :now, attempt = 1, "
            "first_intent_at = :now, error_code = 'UNCONFIRMED' WHERE post_id = :id AND platform = 'linkedin'",
        ):
            await uow.session.execute(text(statement), values)
        await publishing.settle(uow, await publishing.get_post(uow, post_id, lock=True))
    return post_id


async def state_of(world: World, workspace: Scope, post_id: UUID) -> tuple[Any, ...]:
    """The post's status; LinkedIn's status, code, address; and whether it is due and in question."""
    async with world.runtime.units.begin(workspace) as uow:
        found = await uow.session.execute(
            text(
                "SELECT p.status, d.status, d.error_code, d.url, d.next_attempt_at IS NOT NULL, "
                "d.intent_at IS NOT NULL "
                "FROM posts p JOIN platform_posts d ON d.post_id = p.id AND d.platform = 'linkedin' WHERE p.id = :id"
            ),
            {"id": post_id},
        )
        return tuple(found.one())


async def test_what_nobody_knows_is_partial_and_in_question(world: World) -> None:
    workspace = await world.test_scope()
    post_id = await in_doubt(world, workspace)
    assert await state_of(world, workspace, post_id) == ("partial", "unconfirmed", "UNCONFIRMED", None, False, True)


@pytest.mark.parametrize(
    ("decide", "ends"),
    [
        (
            lambda uow, post: deciding.it_was_published(uow, post, "linkedin", url="https://linkedin.com/1"),
            ("published", "published", None, "https://linkedin.com/1", False, False),
        ),
        (
            lambda uow, post: deciding.it_was_not_published(uow, post, "linkedin"),
            ("posting", "pending", None, None, True, False),
        ),
        (
            lambda uow, post: deciding.leave_it(uow, post, "linkedin"),
            ("partial", "failed", "UNCONFIRMED", None, False, False),
        ),
    ],
    ids=["it was published", "it was not: send again", "leave it"],
)
async def test_a_person_decides_once(world: World, decide: Any, ends: tuple[Any, ...]) -> None:
    workspace = await world.test_scope()
    post_id = await in_doubt(world, workspace)
    async with world.runtime.units.begin(workspace) as uow:
        await decide(uow, post_id)
    assert await state_of(world, workspace, post_id) == ends
    async with world.runtime.units.begin(workspace) as uow:
        kinds = await uow.session.scalars(text("SELECT kind FROM timeline_events WHERE post_id = :id"), {"id": post_id})
        assert "decided" in set(kinds)
        with pytest.raises(Conflict):
            await decide(uow, post_id)


async def test_what_is_in_question_is_not_retried(world: World) -> None:
    workspace = await world.test_scope()
    post_id = await in_doubt(world, workspace)
    for platforms in (None, ["linkedin"]):
        async with world.runtime.units.begin(workspace) as uow:
            with pytest.raises(Conflict):
                await retry(uow, world.runtime.ports, post_id, platforms)
    assert (await state_of(world, workspace, post_id))[1] == "unconfirmed"


@pytest.mark.parametrize("intent", ["now()", "NULL"])
async def test_what_is_in_question_is_not_cancelled_unless_somebody_leaves_it_at_that(
    world: World, intent: str
) -> None:
    """A mission that takes a post back would write another one in its place."""
    workspace = await world.test_scope()
    post_id = await in_doubt(world, workspace)
    async with world.runtime.units.begin(workspace) as uow:
        open_question = f"UPDATE platform_posts SET intent_at = {intent} WHERE status = 'unconfirmed'"
        await uow.session.execute(text(open_question))
    before = await state_of(world, workspace, post_id)
    with pytest.raises(Conflict, match="say what became of it"):
        async with world.runtime.units.begin(workspace) as uow:
            await publishing.cancel(uow, post_id)
    assert await state_of(world, workspace, post_id) == before


async def test_a_cancel_and_a_claim_never_both_win(world: World) -> None:
    """Forty posts, each cancelled while it is claimed: whoever comes first wins, and the other one is told."""
    workspace, units = await world.test_scope(), world.runtime.units
    courier = Courier(units, world.runtime.ports, missed_after=timedelta(days=1), lease=timedelta(seconds=60))
    async with units.begin(SYSTEM) as uow:
        await uow.session.execute(text("UPDATE platform_posts SET next_attempt_at = NULL, intent_at = NULL"))
    due = units.clock.now() - timedelta(seconds=1)
    posts = [await scheduled(world, workspace, "linkedin", due=due) for _ in range(40)]

    async def cancel(post_id: UUID) -> bool:
        try:
            async with units.begin(workspace) as uow:
                await publishing.cancel(uow, post_id)
        except Conflict:
            return False
        return True

    async def claim() -> set[UUID]:
        claims, _ = await claim_due(units, courier.terms, Room(8, 64, {}))
        return {claimed.post_id for claimed in claims}

    outcomes = await asyncio.gather(*(turn for post in posts for turn in (cancel(post), claim())))
    cancelled = {post for post, won in zip(posts, outcomes[::2], strict=True) if won}
    claimed = set[UUID]().union(*outcomes[1::2])
    assert cancelled | claimed == set(posts)
    assert not cancelled & claimed
    assert cancelled
    assert claimed
