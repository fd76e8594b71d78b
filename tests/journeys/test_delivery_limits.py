"""Who goes first, and who has to wait: accounts take turns, a vendor that hangs holds nobody else back, limits hold
back what they are about, and what is too old does not go at all."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from amp.domain.publishing import operations as publishing
from amp.domain.publishing import quotas
from amp.domain.publishing.claiming import PATIENCE, Claimed, Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.holding import put_off
from amp.domain.publishing.lifecycle import post_status
from amp.domain.publishing.operations import Draft, Target
from amp.domain.publishing.outcomes import Outcomes
from amp.domain.publishing.recording import Log, Recorder
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.queries import workspace_of
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import ProviderFailed, RateLimited
from amp.runtime import open_test_workspace
from world import World

pytestmark = pytest.mark.anyio

PLENTY = Room(500, 500, {})


@pytest.fixture(autouse=True)
async def nothing_else_is_due(world: World) -> None:
    await change(world, "UPDATE platform_posts SET next_attempt_at = NULL, lease_until = NULL, intent_at = NULL")
    await change(world, "DELETE FROM holds")


async def change(world: World, statement: str, **values: Any) -> None:
    async with world.runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(text(statement), values)


async def rows(world: World, statement: str, **values: Any) -> Sequence[Any]:
    async with world.runtime.units.begin(SYSTEM) as uow:
        return (await uow.session.execute(text(statement), values)).all()


async def scope_of(world: World) -> Scope:
    """The test workspace of another tenant, with accounts of its own."""
    async with world.runtime.units.begin(SYSTEM) as uow:
        tenant = await tenants.create_tenant(uow, "Acme", plan="enterprise")
        workspace = await workspace_of(uow.session, tenant.id, "test")
    await open_test_workspace(world.runtime, tenant.id)
    return Scope(tenant_id=tenant.id, workspace_id=workspace.id)


async def schedule(
    world: World,
    scope: Scope,
    posts: int = 1,
    platform: str = "twitter",
    late: float = 1.0,
    settings: dict[str, Any] | None = None,
    **draft: Any,
) -> list[UUID]:
    """Posts that are overdue by so many seconds."""
    async with world.runtime.units.begin(scope) as uow:
        due = uow.clock.now() - timedelta(seconds=late)
        made = [
            await publishing.create_post(
                uow,
                Draft(
                    {platform: Target((f"Thought {number}",), settings or {})}, "Thought", scheduled_for=due, **draft
                ),
            )
            for number in range(posts)
        ]
    return [post.id for post in made]


def courier(world: World) -> Courier:
    runtime = world.runtime
    return Courier(runtime.units, runtime.ports, missed_after=timedelta(hours=24), lease=timedelta(seconds=60))


async def claim(world: World, room: Room = PLENTY, **more: Any) -> tuple[list[UUID], list[tuple[UUID, datetime, str]]]:
    """The posts of what can be claimed now, and of what has to wait: until when, and why."""
    claims, blocked = await claim_due(world.runtime.units, courier(world).terms, room, **more)
    return [claimed.post_id for claimed in claims], [(one.post_id, one.until, one.reason) for one in blocked]


async def claimed_of(world: World) -> Claimed:
    claims, _ = await claim_due(world.runtime.units, courier(world).terms, PLENTY)
    (claimed,) = claims
    return claimed


async def test_five_hundred_posts_of_one_account_do_not_keep_another_waiting(world: World) -> None:
    busy, other = await scope_of(world), await scope_of(world)
    await change(world, "UPDATE connections SET held_until = NULL")
    await schedule(world, busy, 90, late=60)
    (single,) = await schedule(world, other, late=1)
    claimed, _ = await claim(world, Room(10, 500, {}))
    assert single in claimed
    assert len(claimed) == 10


async def test_a_queue_of_blocked_posts_in_front_is_looked_past(world: World) -> None:
    busy, other = await scope_of(world), await scope_of(world)
    for late in range(60, 50, -1):  # ten moments of one account: only the first may start
        await schedule(world, busy, late=late)
    (single,) = await schedule(world, other, late=1)
    assert single not in (await claim(world, scan=5))[0]
    assert single in (await claim(world, scan=50))[0]


async def test_overdue_posts_of_one_account_start_in_the_order_of_their_times(world: World) -> None:
    scope = await scope_of(world)
    (second,) = await schedule(world, scope, late=30)
    (first,) = await schedule(world, scope, late=60)
    assert (await claim(world))[0] == [first]
    assert (await claim(world))[0] == []
    await change(
        world, "UPDATE platform_posts SET claimed_at = claimed_at - :long WHERE post_id = :id", long=PATIENCE, id=first
    )
    assert (await claim(world))[0] == [second]


async def test_a_full_lane_holds_nobody_else_back(world: World) -> None:
    scope = await scope_of(world)
    (stuck,) = await schedule(world, scope, platform="twitter")
    (free,) = await schedule(world, scope, platform="linkedin")
    assert (await claim(world, Room(10, 10, {"test twitter": 0})))[0] == [free]
    assert (await claim(world))[0] == [stuck]


async def test_a_late_start_publishes_the_oldest_first(world: World) -> None:
    scopes = [await scope_of(world) for _ in range(3)]
    made = {
        late: (await schedule(world, scope, late=late))[0] for scope, late in zip(scopes, (50, 90, 70), strict=True)
    }
    claimed, _ = await claim(world)
    assert claimed == [made[90], made[70], made[50]]


async def test_what_is_overdue_by_more_than_a_day_is_missed_and_not_sent(world: World) -> None:
    scope = await scope_of(world)
    (post,) = await schedule(world, scope, late=25 * 3600)
    await courier(world).deliver(await claimed_of(world))
    (row,) = await rows(
        world,
        "SELECT p.status, d.status AS delivery, d.error_code, d.first_intent_at FROM posts p "
        "JOIN platform_posts d ON d.post_id = p.id WHERE p.id = :id",
        id=post,
    )
    assert tuple(row) == ("failed", "failed", "MISSED", None)


async def test_a_post_beyond_the_quota_waits_for_the_window_and_says_so(world: World) -> None:
    """X takes 100 posts of an account in 15 minutes: 99 went out, the last 899 s ago; one more may go."""
    scope = await scope_of(world)
    await schedule(world, scope, 99)
    now = world.runtime.clock.now()
    oldest = now - timedelta(seconds=899)
    await change(
        world,
        "UPDATE platform_posts SET status = 'published', next_attempt_at = NULL, published_at = :at "
        "WHERE workspace_id = :scope",
        at=oldest,
        scope=scope.workspace_id,
    )
    waiting = await schedule(world, scope, 3)
    claims, blocked = await claim_due(world.runtime.units, courier(world).terms, PLENTY)
    assert len(claims) == 1
    assert {one.reason for one in blocked} == {"quota"}
    assert {one.until for one in blocked} == {oldest + timedelta(minutes=15)}
    await put_off(world.runtime.units, blocked)
    told = await rows(
        world,
        "SELECT t.detail ->> 'reason' AS reason, d.next_attempt_at, d.status, d.intent_at FROM platform_posts d "
        "JOIN timeline_events t ON t.platform_post_id = d.id AND t.kind = 'waiting' WHERE d.post_id = ANY(:ids)",
        ids=waiting,
    )
    assert len(told) == 2
    for row in told:
        assert "no more posts" in row.reason
        assert (row.status, row.intent_at, row.next_attempt_at) == ("pending", None, oldest + timedelta(minutes=15))


@pytest.mark.parametrize("parts", [1, 3])
async def test_a_quota_is_known_when_a_post_is_scheduled(world: World, parts: int) -> None:
    """98 of X's 100 in 15 minutes are scheduled around noon: a thread of three does not fit, one post does."""
    scope = await scope_of(world)
    noon = world.runtime.clock.now() + timedelta(days=1)
    ids = await schedule(world, scope, 98)
    await change(
        world,
        "UPDATE platform_posts SET due_at = :at, next_attempt_at = :at WHERE post_id = ANY(:ids)",
        at=noon,
        ids=ids,
    )
    (row,) = await rows(world, "SELECT DISTINCT connection_id FROM platform_posts WHERE post_id = ANY(:ids)", ids=ids)
    able = world.runtime.social.capabilities("twitter")
    async with world.runtime.units.begin(scope) as uow:
        shortly_before = noon - timedelta(minutes=5)
        full = await quotas.room(uow, row.connection_id, able, shortly_before, parts=parts)
        assert await quotas.room(uow, row.connection_id, able, noon - timedelta(minutes=15), parts=parts) is None
        assert await quotas.left(uow, row.connection_id, able, noon) == 2
    if parts == 1:
        assert full is None
    else:
        assert full
        assert full.opens_at == noon + timedelta(minutes=15)


async def test_a_quota_of_one_kind_holds_back_that_kind_and_nothing_else(world: World) -> None:
    """A Page takes 30 reels in a day: of 60 deliveries 28 were reels, and one is under way; one more may go."""
    scope, reel = await scope_of(world), {"placement": "reel"}
    await schedule(world, scope, 28, platform="facebook", settings=reel)
    await schedule(world, scope, 31, platform="facebook")
    now = world.runtime.clock.now()
    oldest = now - timedelta(hours=23)
    await change(
        world,
        "UPDATE platform_posts SET status = 'published', next_attempt_at = NULL, published_at = :at "
        "WHERE workspace_id = :scope",
        at=oldest,
        scope=scope.workspace_id,
    )
    (underway,) = await schedule(world, scope, platform="facebook", settings=reel)
    assert (await claim(world))[0] == [underway]
    reels = await schedule(world, scope, 2, platform="facebook", settings=reel)
    others = await schedule(world, scope, 2, platform="facebook", settings={"placement": "feed"})
    await change(world, "UPDATE platform_posts SET attempt = 1 WHERE workspace_id = :scope", scope=scope.workspace_id)
    free, held = await claim(world)
    assert len(set(free) & set(reels)) == 1
    assert set(others) < set(free)
    assert [(until, reason) for _, until, reason in held] == [(oldest + timedelta(hours=24), "quota")]


async def test_a_quota_of_one_kind_is_known_when_such_a_post_is_scheduled(world: World) -> None:
    scope, reel = await scope_of(world), {"placement": "reel"}
    await schedule(world, scope, 29, platform="facebook", settings=reel)
    (gone, *_) = await schedule(world, scope, 5, platform="facebook")
    await change(world, "UPDATE platform_posts SET published_at = due_at WHERE post_id = :id", id=gone)
    (row,) = await rows(
        world, "SELECT DISTINCT connection_id FROM platform_posts WHERE workspace_id = :id", id=scope.workspace_id
    )
    able, at = world.runtime.social.capabilities("facebook"), world.runtime.clock.now() + timedelta(hours=1)
    async with world.runtime.units.begin(scope) as uow:
        assert await quotas.room(uow, row.connection_id, able, at, settings=reel) is None
        full = await quotas.room(uow, row.connection_id, able, at, settings=reel, parts=2)
        assert full
        assert "takes 30 reels in 24 hours" in full.message
        assert await quotas.room(uow, row.connection_id, able, at, parts=2) is None
        assert await quotas.left(uow, row.connection_id, able, at) is None
        assert await quotas.left_of(uow, {row.connection_id: able}, at) == {}


@pytest.mark.parametrize("scope_of_limit", ["connection", "app", "vendor"])
async def test_a_rate_limit_holds_back_what_it_is_about_and_nothing_else(world: World, scope_of_limit: Any) -> None:
    one, other = await scope_of(world), await scope_of(world)
    await schedule(world, one)
    claimed = await claimed_of(world)
    until = world.runtime.clock.now() + timedelta(minutes=5)
    record = Log(Recorder(world.runtime.units), claimed)
    remedy = RateLimited(until, scope=scope_of_limit)
    await Outcomes(world.runtime.units, record, claimed).failed(ProviderFailed("X: slow down", remedy=remedy))
    (mine,) = await schedule(world, one)
    (theirs,) = await schedule(world, other)
    (elsewhere,) = await schedule(world, one, platform="linkedin")
    free, held = await claim(world)
    assert elsewhere in free
    assert (theirs in free) == (scope_of_limit == "connection")
    assert (mine, until, "rate limit") in held
    await change(world, "UPDATE platform_posts SET next_attempt_at = NULL WHERE post_id = :id", id=mine)
    if theirs not in free:  # the same platform in the other environment is another app of ours
        await change(world, "UPDATE workspaces SET environment = 'other' WHERE id = :id", id=other.workspace_id)
        assert (await claim(world))[0] == [theirs]
    (told,) = await rows(
        world,
        "SELECT detail ->> 'scope' AS scope, detail ->> 'reason' AS reason FROM timeline_events "
        "WHERE platform_post_id = :id AND kind = 'waiting'",
        id=claimed.id,
    )
    assert tuple(told) == (scope_of_limit, "X: slow down")


async def test_the_database_and_we_agree_what_deliveries_make_of_a_post(world: World) -> None:
    states = ["pending", "uploading", "publishing", "processing", "published", "failed", "cancelled", "unconfirmed"]
    combinations = [list(some) for size in range(4) for some in product(states, repeat=size)]
    for before in ("draft", "scheduled", "queued", "posting", "partial", "failed"):
        found = await rows(
            world,
            "SELECT post_status(ARRAY(SELECT jsonb_array_elements_text(c)), :before) AS status "
            "FROM jsonb_array_elements(CAST(:all AS jsonb)) WITH ORDINALITY AS a(c, n) ORDER BY n",
            all=json.dumps(combinations),
            before=before,
        )
        assert [row.status for row in found] == [post_status(some, before=before) for some in combinations]
