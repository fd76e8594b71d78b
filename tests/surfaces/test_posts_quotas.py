"""What is told about quotas and far-off times when a post is scheduled, and how little is read to know it."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from posts import VIDEO, body, create, error, later, refusal
from sqlalchemy import Engine, event, text

from amp.domain.publishing import quotas
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode, encode, new_id
from amp.seed_mission import SEED_MISSION
from world import World, open_world

pytestmark = pytest.mark.anyio

REEL = {"media": [VIDEO], "platformOverrides": {"facebook": {"settings": {"placement": "reel"}}}}
TOO_FAR = ("9999-12-31T23:59:59Z", "2199-01-01T00:00:00Z")


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world


async def repeat(world: World, post: dict[str, Any], times: int, *, start: str, every: float) -> None:
    """As many deliveries like the first one of this post, from a moment on."""
    again = (
        "INSERT INTO platform_posts (workspace_id, id, post_id, platform, connection_id, status, parts, settings, "
        "due_at, next_attempt_at, created_at, updated_at) SELECT workspace_id, gen_random_uuid(), post_id, platform, "
        "connection_id, status, parts, settings, moment, moment, created_at, updated_at FROM platform_posts, "
        "LATERAL (SELECT CAST(:start AS timestamptz) + n * :every * interval '1 second' AS moment "
        "FROM generate_series(0, :times - 1) n) AS moments WHERE post_id = :post"
    )
    values = {"times": times, "start": start, "every": every, "post": decode(Kind.POST, post["id"], what="Post")}
    async with world.runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(text(again), values)


@contextmanager
def counted() -> Generator[list[str]]:
    """The statements that were sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_quota_of_one_kind_is_told_when_a_post_of_that_kind_is_scheduled(world: World) -> None:
    at = later(world, hours=5)
    first = await create(world, "facebook", scheduledFor=at, **REEL)
    await repeat(world, first, 29, start=at, every=60)
    refused = await refusal(world, "facebook", scheduledFor=at, **REEL)
    assert refused["details"]["problems"][0]["field"] == "scheduledFor"
    assert "takes 30 reels in 24 hours" in refused["message"]
    assert await create(world, "facebook", scheduledFor=at)
    assert await create(world, "facebook", scheduledFor=later(world, hours=30), **REEL)


async def test_what_was_scheduled_for_a_far_off_time_is_in_nobodys_way(world: World) -> None:
    post = await create(world, "facebook", scheduledFor=later(world), **REEL)
    await repeat(world, post, 1, start="9999-12-31T23:59:00Z", every=1)
    assert await create(world, "facebook", scheduledFor=later(world), **REEL)


async def test_a_full_account_is_looked_at_around_the_wanted_moment_and_nowhere_else(world: World) -> None:
    """Five thousand posts, one every nine seconds: the next twelve hours of X are full."""
    post, at = await create(world, "twitter"), world.runtime.clock.now().replace(microsecond=0) + timedelta(hours=1)
    await repeat(world, post, 5000, start=at.isoformat(), every=9)
    account = decode(Kind.ACCOUNT, post["platformPosts"][0]["connectionId"], what="Account")
    able = world.runtime.social.capabilities("twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        with counted() as sent:
            full = await quotas.room(uow, account, able, at + timedelta(hours=1))
        assert full
        assert full.opens_at > at + timedelta(hours=2)
        assert 1 < len(sent) <= 40
        for quota in able.quotas:
            around = await quotas.surroundings(uow, account, quota, at + timedelta(hours=1))
            assert 0 < len(around.moments) <= 4 * quota.posts + 1
        after_all = at + timedelta(seconds=9 * 5000, hours=3)
        assert await quotas.room(uow, account, able, after_all) is None


async def test_a_quota_of_which_no_end_is_near_says_so(world: World) -> None:
    post, at = await create(world, "twitter"), world.runtime.clock.now() + timedelta(hours=1)
    await repeat(world, post, 60_000, start=at.isoformat(), every=9)
    account = decode(Kind.ACCOUNT, post["platformPosts"][0]["connectionId"], what="Account")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        full = await quotas.room(uow, account, world.runtime.social.capabilities("twitter"), at + timedelta(hours=1))
    assert full
    assert "None fits before" in full.message


@pytest.mark.parametrize("at", TOO_FAR)
async def test_a_post_is_not_scheduled_for_a_time_that_nobody_means(world: World, at: str) -> None:
    for refused in (
        await refusal(world, "facebook", scheduledFor=at),
        error(await world.test.patch(f"/api/v1/posts/{(await create(world))['id']}", json={"scheduledFor": at})),
    ):
        assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_FAILED", "scheduledFor")
        assert "at most 730 days from now" in refused["message"]
    verdict = await world.post("/api/v1/posts/validate", await body(world, "facebook", scheduledFor=at))
    assert [problem["field"] for problem in verdict["problems"]] == ["scheduledFor"]
    assert await create(world, "facebook", scheduledFor=later(world, days=729))


@pytest.mark.parametrize("at", TOO_FAR)
async def test_a_mission_and_its_content_are_not_planned_for_a_time_that_nobody_means(world: World, at: str) -> None:
    mission = SEED_MISSION | {"start_immediately": False, "starts_at": at}
    content = {"content_id": encode(Kind.CONTENT, new_id()), "publish_at": at}
    for path, sent, field in (
        ("/v1/missions", mission, "starts_at"),
        ("/v1/publish/schedule", content, "publish_at"),
    ):
        answer = await world.test.post(path, json=sent)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["param"] == field
        assert "at most 730 days from now" in answer.json()["error"]["message"]
