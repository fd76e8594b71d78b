"""What nobody knows, and a person left at that: a retry that names it looks for it, and never puts it there twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from deliveries import finish, step
from posts import act, create
from sqlalchemy import text

from connecting import at_vendor, order
from serving import SECRET
from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(server: str, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Publishes to the served sandbox."""
    shared = {"sandbox_url": f"{server}/sandbox", "public_url": server, "secret_key": SECRET}
    async with open_world(database_url, tmp_path, **shared) as world:
        yield world


async def left(world: World, words: str, fault: str) -> dict[str, Any]:
    """X's answer was lost, nobody could find out since, and a person left it at that."""
    post = await create(world, "twitter", text=words)
    good(await act(world, post, "publish"))
    await order(world, vendor="twitter", fault=fault, count=1)
    (delivery,) = (await step(world, post))["platformPosts"]
    assert delivery["status"] == "publishing"
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        given_up = (
            "UPDATE platform_posts SET status = 'unconfirmed', next_attempt_at = NULL, error_code = 'UNCONFIRMED', "
            "error_message = 'It is not known'"
        )
        await uow.session.execute(text(given_up))
        await uow.session.execute(text("UPDATE posts SET status = 'failed'"))
    return good(await act(world, post, "resolve", platform="twitter", outcome="leave"))["post"]


async def public(world: World, words: str) -> int:
    counted = "SELECT count(*) FROM sandbox.posts WHERE vendor = 'twitter' AND text = :words AND deleted_at IS NULL"
    return (await at_vendor(world, counted, words=words)).scalar_one()


@pytest.mark.parametrize(("fault", "were_there"), [("accept_then_500", 1), ("reset_before", 0)])
async def test_what_may_be_public_is_there_once_after_a_retry_that_names_it(
    world: World, fault: str, were_there: int
) -> None:
    words = f"Once {uuid4().hex}"
    post = await left(world, words, fault)
    assert await public(world, words) == were_there
    assert (await act(world, post, "retry")).status_code == 409
    good(await act(world, post, "retry", platforms=["twitter"]))
    ended = await finish(world, post)
    assert (ended["status"], ended["platformPosts"][0]["error"]) == ("published", None)
    assert await public(world, words) == 1
