"""By which accounts a post goes out, when they are chosen anew, and what is said of one that cannot be used."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from posts import body, create, error, get, later
from sqlalchemy import text

from amp.kit.ids import Kind, encode, new_id
from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world


async def change(world: World, statement: str, **values: Any) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text(statement), values)


async def lose(world: World, platform: str, *, status: str) -> None:
    lost = f"UPDATE connections SET status = '{status}' WHERE platform = :platform AND status <> 'revoked'"
    await change(world, lost, platform=platform)


async def replace(world: World, platform: str) -> str:
    """Another account takes the place of the one that was disconnected; its id."""
    await lose(world, platform, status="revoked")
    fresh = new_id()
    another = (
        "INSERT INTO connections (workspace_id, id, platform_set_id, platform, remote_id, handle, display_name, "
        "status, scopes, created_at, updated_at) "
        "SELECT workspace_id, :id, platform_set_id, platform, 'another', 'another', "
        "display_name, 'active', scopes, created_at, updated_at FROM connections WHERE platform = :platform"
    )
    await change(world, another, id=fresh, platform=platform)
    return encode(Kind.ACCOUNT, fresh)


async def patch(world: World, post: dict[str, Any], **changes: Any) -> Any:
    return await world.test.patch(f"/api/v1/posts/{post['id']}", json=changes)


def account_of(post: dict[str, Any]) -> str:
    return post["platformPosts"][0]["connectionId"]


@pytest.mark.parametrize("status", ["expired", "revoked"])
async def test_the_words_of_a_draft_can_be_changed_whatever_became_of_its_account(world: World, status: str) -> None:
    post = await create(world, "twitter")
    await lose(world, "twitter", status=status)
    changed = good(await patch(world, post, content={"text": "Better"}))["post"]
    assert (changed["text"], account_of(changed)) == ("Better", account_of(post))
    assert good(await patch(world, post, scheduledFor=None))["post"]["status"] == "draft"


async def test_words_alone_leave_the_accounts_as_they_are_and_platforms_choose_them_anew(world: World) -> None:
    post = await create(world, "twitter")
    another = await replace(world, "twitter")
    changed = good(await patch(world, post, content={"text": "Better"}))["post"]
    assert account_of(changed) == account_of(post)
    assert account_of(good(await patch(world, post, platforms=["twitter"]))["post"]) == another


async def test_what_is_given_a_time_goes_out_by_the_account_of_that_moment(world: World) -> None:
    post = await create(world, "facebook")
    another = await replace(world, "facebook")
    assert account_of(good(await patch(world, post, scheduledFor=later(world)))["post"]) == another
    await lose(world, "facebook", status="expired")
    assert error(await patch(world, post, scheduledFor=later(world)))["code"] == "PLATFORM_NOT_CONNECTED"


async def test_an_account_that_is_there_wants_to_be_connected_again_and_not_for_the_first_time(world: World) -> None:
    draft = await create(world, "twitter")
    (account,) = (await world.get("/api/v1/accounts", platform="twitter"))["accounts"]
    await lose(world, "twitter", status="expired")
    for answer in (
        await world.test.post("/api/v1/posts", json=await body(world, "twitter")),
        await patch(world, draft, platforms=["twitter"]),
        await world.test.post(f"/api/v1/posts/{draft['id']}/publish"),
    ):
        refused = error(answer)
        assert refused["code"] == "PLATFORM_NOT_CONNECTED"
        assert refused["message"] == f"The X account {account['handle']} must be connected again"
    await lose(world, "twitter", status="revoked")
    refused = error(await world.test.post("/api/v1/posts", json=await body(world, "twitter")))
    assert refused["message"] == "The platform set has no active X account. Connect one, or leave X out"


async def test_a_set_that_is_deleted_is_not_there_for_posts_either(world: World) -> None:
    made = (await world.post("/api/v1/platform-sets", {"name": "Gone"}))["set"]["id"]
    await change(world, "UPDATE connections SET platform_set_id = (SELECT id FROM platform_sets WHERE name = 'Gone')")
    post = await create(world, "twitter", set_id=made)
    good(await world.test.delete(f"/api/v1/platform-sets/{made}"))
    for answer in (
        await world.test.post("/api/v1/posts", json=await body(world, "twitter", set_id=made)),
        await world.test.post("/api/v1/posts/validate", json=await body(world, "twitter", set_id=made)),
        await patch(world, post, platformSetId=made),
        await patch(world, post, platforms=["twitter"]),
    ):
        refused = error(answer, 404)
        assert (refused["code"], refused["details"]) == ("NOT_FOUND", {"field": "platformSetId"})
    assert good(await patch(world, post, content={"text": "Still mine"}))["post"]["text"] == "Still mine"
    refused = error(await world.test.post(f"/api/v1/posts/{post['id']}/publish"))
    assert (refused["code"], refused["details"]) == ("PLATFORM_NOT_CONNECTED", {"field": "platformSetId"})
    assert "was deleted" in refused["message"]
    assert (await get(world, post))["status"] == "draft"
