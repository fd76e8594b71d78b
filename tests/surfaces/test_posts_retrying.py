"""Sending again what failed: what is sent, by which account, and what is said when there is nothing to send."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from posts import act, create, error, get, put_into, statuses
from sqlalchemy import text

from amp.kit.ids import Kind, encode, new_id
from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world


STATUSES = ("draft", "scheduled", "queued", "posting", "published", "partial", "failed", "discarded")


async def change(world: World, statement: str, **values: Any) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text(statement), values)


async def failed(world: World, *platforms: str) -> dict[str, Any]:
    post = await create(world, *platforms)
    await put_into(world, post, "failed", **dict.fromkeys(platforms, "failed"))
    return post


async def left(world: World, **others: str) -> dict[str, Any]:
    """Of X nobody knows, and a person left it at that."""
    post = await create(world, "twitter", *others)
    status = "partial" if "published" in others.values() else "failed"
    await put_into(world, post, status, twitter="unconfirmed", **others)
    return good(await act(world, post, "resolve", platform="twitter", outcome="leave"))["post"]


async def test_retrying_touches_only_what_failed(world: World) -> None:
    post = await create(world, "twitter", "linkedin", "threads")
    await put_into(world, post, "partial", twitter="published", linkedin="failed", threads="failed")
    shown = await get(world, post)
    assert shown["platformPosts"][1]["error"] == {"code": "PUBLISH_FAILED", "message": "It failed"}
    retried = good(await act(world, post, "retry", platforms=["linkedin"]))["post"]
    assert statuses(retried) == {"twitter": "published", "linkedin": "pending", "threads": "failed"}
    assert retried["platformPosts"][1]["error"] is None
    assert retried["platformPosts"][1]["nextAttemptAt"] is not None
    retried = good(await act(world, post, "retry"))["post"]
    assert statuses(retried) == {"twitter": "published", "linkedin": "pending", "threads": "pending"}


@pytest.mark.parametrize(
    ("platforms", "status", "code"),
    [
        (["twitter"], 409, "INVALID_STATUS_TRANSITION"),
        (["twitter", "linkedin"], 409, "INVALID_STATUS_TRANSITION"),
        (["facebook"], 400, "VALIDATION_FAILED"),
        ([], 400, "VALIDATION_FAILED"),
        ("linkedin", 400, "VALIDATION_FAILED"),
    ],
)
async def test_only_platforms_that_failed_can_be_named_for_a_retry(
    world: World, platforms: Any, status: int, code: str
) -> None:
    post = await create(world, "twitter", "linkedin")
    await put_into(world, post, "partial", twitter="published", linkedin="failed")
    assert error(await act(world, post, "retry", platforms=platforms), status)["code"] == code
    assert statuses(await get(world, post)) == {"twitter": "published", "linkedin": "failed"}


@pytest.mark.parametrize("status", STATUSES)
async def test_where_nothing_failed_there_is_nothing_to_retry(world: World, status: str) -> None:
    post = await create(world, "twitter")
    await put_into(world, post, status)
    assert error(await act(world, post, "retry"), 409)["code"] == "INVALID_STATUS_TRANSITION"


async def test_what_is_sent_again_is_queued_while_it_waits(world: World) -> None:
    post = await failed(world, "twitter")
    retried = good(await act(world, post, "retry"))["post"]
    assert (retried["status"], statuses(retried)) == ("queued", {"twitter": "pending"})
    listed = (await world.get("/api/v1/posts", status="queued"))["posts"]
    assert [one["id"] for one in listed] == [post["id"]]
    refused = error(await act(world, post, "retry"), 409)
    assert refused["message"] == "It waits to be sent to X, and will be"


@pytest.mark.parametrize(
    ("post_is", "x_is", "said"),
    [
        ("draft", "pending", "Nothing was sent to X yet"),
        ("posting", "publishing", "It is being sent to X right now"),
        ("published", "published", "is published"),
        ("failed", "unconfirmed", "It is not known whether X published this"),
    ],
)
async def test_why_there_is_nothing_to_retry_is_true(world: World, post_is: str, x_is: str, said: str) -> None:
    post = await create(world, "twitter")
    await put_into(world, post, post_is, twitter=x_is)
    for sent in ({}, {"platforms": ["twitter"]}):
        refused = error(await act(world, post, "retry", **sent), 409)
        assert refused["code"] == "INVALID_STATUS_TRANSITION"
        assert said in refused["message"]
    if x_is == "unconfirmed":
        assert f"POST /api/v1/posts/{post['id']}/resolve" in refused["message"]


async def test_what_may_be_public_is_not_sent_by_a_retry_that_does_not_name_it(world: World) -> None:
    post = await left(world)
    refused = error(await act(world, post, "retry"), 409)
    assert refused["code"] == "INVALID_STATUS_TRANSITION"
    assert "name twitter in 'platforms' to have it looked for" in refused["message"]
    assert await get(world, post) == post
    post = await left(world, linkedin="failed")
    retried = good(await act(world, post, "retry"))["post"]
    assert statuses(retried) == {"twitter": "failed", "linkedin": "pending"}
    assert retried["platformPosts"][0] == post["platformPosts"][0]
    events = (await world.get(f"/api/v1/posts/{post['id']}/timeline"))["events"]
    assert events[-1]["detail"] == {"platforms": ["linkedin"], "left_out": ["twitter"]}


async def test_what_may_be_public_is_looked_for_when_a_retry_names_it(world: World) -> None:
    post = await left(world, linkedin="published")
    await change(world, "UPDATE platform_posts SET searches = 2 WHERE status = 'failed'")
    retried = good(await act(world, post, "retry", platforms=["twitter"]))["post"]
    assert (retried["status"], statuses(retried)["twitter"]) == ("posting", "publishing")
    assert retried["platformPosts"][0]["error"] is None
    asked = "SELECT intent_at IS NOT NULL, searches, attempt FROM platform_posts WHERE platform = 'twitter'"
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        assert tuple((await uow.session.execute(text(asked))).one()) == (True, 0, 1)


@pytest.mark.parametrize("status", ["expired", "revoked"])
async def test_only_the_account_that_it_went_out_by_shows_what_became_of_it(world: World, status: str) -> None:
    post = await left(world)
    await change(world, "UPDATE connections SET status = :status WHERE platform = 'twitter'", status=status)
    refused = error(await act(world, post, "retry", platforms=["twitter"]))
    assert refused["code"] == "PLATFORM_NOT_CONNECTED"
    assert "must be connected again: only there it can be looked for" in refused["message"]
    assert await get(world, post) == post


async def replaced(world: World, platform: str) -> str:
    """Another account is in the place of the one that was disconnected; its id."""
    fresh = new_id()
    await change(world, "UPDATE connections SET status = 'revoked' WHERE platform = :platform", platform=platform)
    another = (
        "INSERT INTO connections (workspace_id, id, platform_set_id, platform, remote_id, handle, display_name, "
        "status, scopes, created_at, updated_at) SELECT workspace_id, :id, platform_set_id, platform, 'another', "
        "'another', display_name, 'active', scopes, created_at, updated_at FROM connections WHERE platform = :platform"
    )
    await change(world, another, id=fresh, platform=platform)
    return encode(Kind.ACCOUNT, fresh)


async def test_a_retry_goes_out_by_the_account_that_is_connected_now(world: World) -> None:
    post = await failed(world, "linkedin")
    await change(world, """UPDATE platform_posts SET state = '{"images": ["old"]}', resending = true""")
    another = await replaced(world, "linkedin")
    retried = good(await act(world, post, "retry"))["post"]
    assert retried["platformPosts"][0]["connectionId"] == another
    kept = "SELECT state, resending FROM platform_posts"
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        assert tuple((await uow.session.execute(text(kept))).one()) == ({}, False), "uploads are the old account's"


async def test_a_retry_by_the_same_account_goes_on_where_it_was(world: World) -> None:
    post = await failed(world, "linkedin")
    await change(world, """UPDATE platform_posts SET state = '{"images": ["kept"]}', searches = 1""")
    good(await act(world, post, "retry"))
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        kept = await uow.session.execute(text("SELECT state, searches FROM platform_posts"))
        assert tuple(kept.one()) == ({"images": ["kept"]}, 0)


async def test_a_thread_of_which_parts_may_be_public_does_not_go_on_elsewhere(world: World) -> None:
    post = await failed(world, "twitter")
    begun = (
        """UPDATE platform_posts SET parts = '["one", "two"]', first_intent_at = now(), state = '{"parts": ["1"]}'"""
    )
    await change(world, begun)
    await replaced(world, "twitter")
    refused = error(await act(world, post, "retry"))
    assert refused["code"] == "PLATFORM_NOT_CONNECTED"
    assert "Parts of this thread may be public" in refused["message"]
    assert statuses(await get(world, post)) == {"twitter": "failed"}


@pytest.mark.parametrize(
    ("status", "said"), [("expired", "must be connected again"), ("revoked", "has no active X account")]
)
async def test_a_retry_without_an_account_says_what_to_do(world: World, status: str, said: str) -> None:
    post = await failed(world, "twitter")
    await change(world, "UPDATE connections SET status = :status WHERE platform = 'twitter'", status=status)
    refused = error(await act(world, post, "retry"))
    assert refused["code"] == "PLATFORM_NOT_CONNECTED"
    assert said in refused["message"]
    assert statuses(await get(world, post)) == {"twitter": "failed"}


async def test_a_platform_that_is_named_twice_is_sent_and_told_once(world: World) -> None:
    post = await failed(world, "twitter", "linkedin")
    good(await act(world, post, "retry", platforms=["twitter", "twitter"]))
    events = (await world.get(f"/api/v1/posts/{post['id']}/timeline"))["events"]
    assert (events[-1]["kind"], events[-1]["detail"]) == ("retry_requested", {"platforms": ["twitter"]})
