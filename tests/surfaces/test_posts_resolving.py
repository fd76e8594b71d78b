"""What a person says of a post of which nobody knows whether it is public."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from posts import act, create, error, get, put_into, statuses

from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


async def unconfirmed(world: World) -> dict[str, Any]:
    post = await create(world, "twitter", "linkedin")
    await put_into(world, post, "partial", twitter="unconfirmed", linkedin="published")
    return post


async def test_what_nobody_knows_is_shown_as_failed_and_is_no_matter_for_a_retry(world: World) -> None:
    post = await unconfirmed(world)
    assert statuses(await get(world, post)) == {"twitter": "failed", "linkedin": "published"}
    assert error(await act(world, post, "retry", platforms=["twitter"]), 409)["code"] == "INVALID_STATUS_TRANSITION"
    assert error(await act(world, post, "retry"), 409)["code"] == "INVALID_STATUS_TRANSITION"


async def test_a_person_may_say_that_it_was_published(world: World) -> None:
    post, url = await unconfirmed(world), "https://x.com/acme/status/1"
    resolved = good(await act(world, post, "resolve", platform="twitter", outcome="published", url=url))["post"]
    assert resolved["status"] == "published"
    assert statuses(resolved) == {"twitter": "published", "linkedin": "published"}
    assert resolved["platformPosts"][0]["url"] == url


async def test_a_person_may_say_that_it_was_not_and_then_it_is_sent_again(world: World) -> None:
    post = await unconfirmed(world)
    resolved = good(await act(world, post, "resolve", platform="twitter", outcome="not_published"))["post"]
    assert statuses(resolved) == {"twitter": "pending", "linkedin": "published"}
    assert resolved["platformPosts"][0]["nextAttemptAt"] is not None


async def test_a_person_may_leave_it(world: World) -> None:
    post = await unconfirmed(world)
    resolved = good(await act(world, post, "resolve", platform="twitter", outcome="leave"))["post"]
    assert (resolved["status"], statuses(resolved)["twitter"]) == ("partial", "failed")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"platform": "linkedin", "outcome": "published"}, 409),
        ({"platform": "facebook", "outcome": "published"}, 404),
        ({"platform": "twitter", "outcome": "perhaps"}, 400),
        ({"platform": "twitter", "outcome": "leave", "url": "https://example.com"}, 400),
        ({"platform": "twitter", "outcome": "published", "url": "javascript:alert(1)"}, 400),
        ({"platform": "twitter", "outcome": "published", "url": "x.com/acme/status/1"}, 400),
        ({"platform": "twitter"}, 400),
    ],
)
async def test_only_what_is_in_question_can_be_resolved(world: World, sent: dict[str, Any], status: int) -> None:
    post = await unconfirmed(world)
    codes = {400: "VALIDATION_FAILED", 404: "NOT_FOUND", 409: "INVALID_STATUS_TRANSITION"}
    assert error(await act(world, post, "resolve", **sent), status)["code"] == codes[status]
    assert statuses(await get(world, post))["twitter"] == "failed"


@pytest.mark.parametrize("verb", ["cancel", "DELETE"])
async def test_discarding_what_nobody_knows_leaves_it_at_that(world: World, verb: str) -> None:
    post = await create(world, "twitter", "linkedin", "threads")
    await put_into(world, post, "partial", twitter="unconfirmed", linkedin="published", threads="failed")
    path = f"/api/v1/posts/{post['id']}"
    discarded = good(await (world.test.delete(path) if verb == "DELETE" else act(world, post, "cancel")))["post"]
    assert discarded["status"] == "discarded"
    assert statuses(discarded) == {"twitter": "failed", "linkedin": "published", "threads": "cancelled"}
    assert discarded["platformPosts"][0]["error"]["code"] == "UNCONFIRMED", "it may be public"
    events = (await world.get(f"{path}/timeline"))["events"]
    assert (events[-1]["kind"], events[-1]["detail"]) == ("cancelled", {"left_open": ["twitter"]})
    for sent in ({}, {"platforms": ["twitter"]}):
        refused = error(await act(world, post, "retry", **sent), 409)
        assert refused["message"] == "A post that is discarded cannot be retried"


async def test_what_was_left_at_that_is_not_called_cancelled_either(world: World) -> None:
    post = await unconfirmed(world)
    good(await act(world, post, "resolve", platform="twitter", outcome="leave"))
    refused = error(await act(world, post, "resolve", platform="twitter", outcome="published"), 409)
    assert "was decided already" in refused["message"]
    discarded = good(await act(world, post, "cancel"))["post"]
    assert (discarded["status"], statuses(discarded)["twitter"]) == ("discarded", "failed")


async def test_a_retry_of_what_nobody_knows_says_where_to_decide_it(world: World) -> None:
    post = await unconfirmed(world)
    for sent in ({}, {"platforms": ["twitter"]}):
        refused = error(await act(world, post, "retry", **sent), 409)
        assert refused["message"].startswith("It is not known whether X published this: look at the account")
        assert f"POST /api/v1/posts/{post['id']}/resolve" in refused["message"]


async def test_what_was_not_published_is_queued_while_it_waits(world: World) -> None:
    post = await create(world, "twitter")
    await put_into(world, post, "failed", twitter="unconfirmed")
    resolved = good(await act(world, post, "resolve", platform="twitter", outcome="not_published"))["post"]
    assert (resolved["status"], statuses(resolved)) == ("queued", {"twitter": "pending"})
