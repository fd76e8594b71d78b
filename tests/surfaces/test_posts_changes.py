"""What becomes of a post on the Ampost contract: change, publish, cancel, follow."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from posts import IMAGE, VIDEO, act, body, create, error, get, later, new_set, put_into, statuses
from sqlalchemy import text

from amp.domain.publishing import operations as publishing
from amp.domain.publishing.draft import Draft, Target
from amp.kit.ids import Kind, decode, encode, new_id
from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here that leave sets and accounts as they are."""
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture
async def own_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world


STATUSES = ("draft", "scheduled", "queued", "posting", "published", "partial", "failed", "discarded")


async def change(world: World, post: dict[str, Any], **changes: Any) -> httpx2.Response:
    return await world.test.patch(f"/api/v1/posts/{post['id']}", json=changes)


async def test_any_subset_of_a_post_can_be_changed(world: World) -> None:
    overrides = {"linkedin": {"text": "Own words", "settings": {}}}
    post = await create(world, "linkedin", linkUrl="https://example.com/a", platformOverrides=overrides)
    changed = good(await change(world, post, content={"text": "Other"}))["post"]
    assert changed == post | {"text": "Other", "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > post["updatedAt"]
    changed = good(await change(world, post, content={"linkUrl": None, "platformOverrides": {}}))["post"]
    assert (changed["text"], changed["linkUrl"], changed["platformOverrides"]) == ("Other", None, {})
    changed = good(await change(world, post, content={"media": [IMAGE]}))["post"]
    assert changed["media"][0]["url"] == IMAGE["url"]
    assert good(await change(world, post, content={"media": []}))["post"]["media"] == []
    assert await get(world, post) == good(await world.test.get(f"/api/v1/posts/{post['id']}"))["post"]


async def test_a_time_makes_a_draft_scheduled_and_null_makes_it_a_draft_again(world: World) -> None:
    post, at = await create(world, "facebook"), later(world)
    changed = good(await change(world, post, scheduledFor=at))["post"]
    assert (changed["status"], changed["scheduledFor"]) == ("scheduled", at)
    assert changed["platformPosts"][0]["nextAttemptAt"] == at
    changed = good(await change(world, post, content={"text": "still scheduled"}))["post"]
    assert (changed["status"], changed["scheduledFor"]) == ("scheduled", at)
    changed = good(await change(world, post, scheduledFor=None))["post"]
    assert (changed["status"], changed["scheduledFor"]) == ("draft", None)
    assert changed["platformPosts"][0]["nextAttemptAt"] is None


async def accounts_of(world: World, set_id: str) -> dict[str, str]:
    """The ids of a set's accounts, by platform."""
    found = (await world.get("/api/v1/accounts", platformSetId=set_id))["accounts"]
    return {account["platform"]: account["id"] for account in found}


def connections_of(post: dict[str, Any]) -> dict[str, str]:
    return {delivery["platform"]: delivery["connectionId"] for delivery in post["platformPosts"]}


async def test_connections_are_resolved_automatically_from_the_platform_set(world: World) -> None:
    post = await create(world, "twitter", "facebook")
    accounts = await accounts_of(world, post["platformSetId"])
    assert connections_of(post) == {platform: accounts[platform] for platform in ("twitter", "facebook")}


async def test_other_platforms_resolve_the_accounts_anew(world: World) -> None:
    post = await create(world, "twitter", "facebook")
    accounts = await accounts_of(world, post["platformSetId"])
    before = {delivery["platform"]: delivery for delivery in post["platformPosts"]}
    changed = good(await change(world, post, platforms=["linkedin", "twitter"]))["post"]
    after = {delivery["platform"]: delivery for delivery in changed["platformPosts"]}
    assert set(after) == {"linkedin", "twitter"}
    assert after["twitter"]["id"] == before["twitter"]["id"], "what stays, stays the same"
    assert connections_of(changed) == {platform: accounts[platform] for platform in ("linkedin", "twitter")}


async def test_another_set_resolves_the_accounts_anew(own_world: World) -> None:
    world = own_world
    post = await create(world, "twitter")
    other = await new_set(world, "linkedin")
    assert error(await change(world, post, platformSetId=other))["code"] == "PLATFORM_NOT_CONNECTED"
    changed = good(await change(world, post, platformSetId=other, platforms=["linkedin"]))["post"]
    assert (changed["platformSetId"], changed["platforms"]) == (other, ["linkedin"])
    assert connections_of(changed) == await accounts_of(world, other)
    refused = error(await change(world, post, platformSetId="set_01h455vb4pex5vsknk084sn02q"), 404)
    assert refused["details"]["field"] == "platformSetId"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "VALIDATION_FAILED"),
        ({"content": None}, "VALIDATION_FAILED"),
        ({"platforms": None}, "VALIDATION_FAILED"),
        ({"platformSetId": None}, "VALIDATION_FAILED"),
        ({"status": "published"}, "VALIDATION_FAILED"),
        ({"content": {"title": "x"}}, "VALIDATION_FAILED"),
        ({"content": {"text": ""}}, "VALIDATION_FAILED"),
        ({"content": {"text": "x" * 281}}, "CONTENT_TOO_LONG"),
        ({"content": {"media": [IMAGE, VIDEO]}}, "MIXED_MEDIA_NOT_SUPPORTED"),
        ({"platforms": []}, "NO_PLATFORMS_SELECTED"),
        ({"platforms": ["bluesky"]}, "VALIDATION_FAILED"),
        ({"platforms": ["tiktok"]}, "UNSUPPORTED_MEDIA_CONFIG"),
        ({"scheduledFor": "2020-01-01T00:00:00Z"}, "VALIDATION_FAILED"),
        ({"scheduledFor": "2090-01-01T00:00:00"}, "VALIDATION_FAILED"),
        ({"scheduledFor": "2090-01-01T00:00:00Z"}, "VALIDATION_FAILED"),
    ],
)
async def test_a_change_that_makes_it_unsound_changes_nothing(world: World, changes: dict[str, Any], code: str) -> None:
    post = await create(world, "twitter")
    assert error(await change(world, post, **changes))["code"] == code
    assert await get(world, post) == post


@pytest.mark.parametrize("status", STATUSES)
async def test_only_a_draft_or_scheduled_post_can_be_changed(world: World, status: str) -> None:
    post = await create(world, "facebook", scheduledFor=later(world))
    await put_into(world, post, status)
    answer = await change(world, post, content={"text": "Other"})
    if status in ("draft", "scheduled"):
        assert good(answer)["post"]["text"] == "Other"
    else:
        assert error(answer, 409)["code"] == "INVALID_STATUS_TRANSITION"


@pytest.mark.parametrize("how", ["lease_until = now() + interval '1 minute'", "attempt = 1", "status = 'publishing'"])
async def test_what_has_begun_cannot_be_changed(world: World, how: str) -> None:
    post = await create(world, "facebook", "twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text(f"UPDATE platform_posts SET {how} WHERE platform = 'facebook'"))
    refused = error(await change(world, post, content={"text": "Other"}), 409)
    assert refused["code"] == "INVALID_STATUS_TRANSITION"


@pytest.mark.parametrize("verb", ["cancel", "DELETE"])
@pytest.mark.parametrize("status", STATUSES)
async def test_cancelling_and_deleting_discard_what_the_reference_says(world: World, status: str, verb: str) -> None:
    post = await create(world, "facebook", scheduledFor=later(world))
    await put_into(world, post, status)
    path = f"/api/v1/posts/{post['id']}"
    answer = await (world.test.delete(path) if verb == "DELETE" else world.test.post(f"{path}/cancel"))
    if status in ("draft", "scheduled", "queued", "partial", "failed"):
        discarded = good(answer)["post"]
        assert discarded["status"] == "discarded"
        assert discarded["platformPosts"][0]["status"] == "cancelled"
        assert discarded["platformPosts"][0]["nextAttemptAt"] is None
    else:
        assert error(answer, 409)["code"] == "INVALID_STATUS_TRANSITION"


async def test_discarding_leaves_alone_what_is_published(world: World) -> None:
    post = await create(world, "twitter", "linkedin")
    await put_into(world, post, "partial", twitter="published", linkedin="failed")
    discarded = good(await act(world, post, "cancel"))["post"]
    assert statuses(discarded) == {"twitter": "published", "linkedin": "cancelled"}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_draft_or_scheduled_post_can_be_published_at_once(world: World, status: str) -> None:
    post = await create(world, "facebook", scheduledFor=later(world, days=3))
    await put_into(world, post, status)
    before = world.runtime.clock.now()
    answer = await act(world, post, "publish")
    if status in ("draft", "scheduled"):
        queued = good(answer)["post"]
        assert queued["status"] == "queued"
        due = queued["platformPosts"][0]["nextAttemptAt"]
        assert before.isoformat() <= due.replace("Z", "+00:00") < (before + timedelta(minutes=1)).isoformat()
    else:
        assert error(answer, 409)["code"] == "INVALID_STATUS_TRANSITION"


async def test_the_same_platform_in_another_set_is_another_account(own_world: World) -> None:
    world = own_world
    post = await create(world, "twitter")
    other = await new_set(world, "twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        twin = (
            "INSERT INTO connections (workspace_id, id, platform_set_id, platform, remote_id, handle, display_name, "
            "status, scopes, created_at, updated_at) SELECT workspace_id, :id, :set, platform, remote_id, handle, "
            "display_name, 'active', scopes, created_at, updated_at FROM connections WHERE platform = 'twitter'"
        )
        before = decode(Kind.PLATFORM_SET, post["platformSetId"], what="set")
        await uow.session.execute(text(twin), {"id": new_id(), "set": before})
    changed = good(await change(world, post, platformSetId=other))["post"]
    assert connections_of(changed) == await accounts_of(world, other)
    back = good(await change(world, post, platformSetId=post["platformSetId"]))["post"]
    assert connections_of(back)["twitter"] == (await accounts_of(world, post["platformSetId"]))["twitter"]
    assert connections_of(back) != connections_of(changed)


async def test_publishing_uses_the_account_that_is_connected_now(own_world: World) -> None:
    world = own_world
    post = await create(world, "twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        again = new_id()
        await uow.session.execute(text("UPDATE connections SET status = 'revoked' WHERE platform = 'twitter'"))
        await uow.session.flush()
        anew = (
            "INSERT INTO connections (workspace_id, id, platform_set_id, platform, remote_id, handle, display_name, "
            "status, scopes, created_at, updated_at) SELECT workspace_id, :id, platform_set_id, platform, 'again', "
            "handle, display_name, 'active', scopes, created_at, updated_at FROM connections "
            "WHERE platform = 'twitter'"
        )
        await uow.session.execute(text(anew), {"id": again})
    queued = good(await act(world, post, "publish"))["post"]
    assert queued["platformPosts"][0]["connectionId"] == encode(Kind.ACCOUNT, again)


async def test_what_lost_its_account_cannot_be_published(own_world: World) -> None:
    world = own_world
    post = await create(world, "twitter")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text("UPDATE connections SET status = 'expired' WHERE platform = 'twitter'"))
    assert error(await act(world, post, "publish"))["code"] == "PLATFORM_NOT_CONNECTED"
    assert (await get(world, post))["status"] == "draft"


async def test_the_timeline_tells_every_decision_in_order(world: World) -> None:
    post = await create(world, "facebook", scheduledFor=later(world))
    good(await change(world, post, content={"text": "Other"}))
    good(await act(world, post, "publish"))
    good(await act(world, post, "cancel"))
    events = (await world.get(f"/api/v1/posts/{post['id']}/timeline"))["events"]
    assert [event["kind"] for event in events] == ["created", "edited", "publish_requested", "cancelled"]
    assert all(event["requestId"].startswith("req_") for event in events)
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert set(events[0]) == {"id", "at", "kind", "platform", "platformPostId", "requestId", "detail"}


async def missions_post(world: World) -> dict[str, Any]:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        at = uow.clock.now() + timedelta(days=1)
        draft = Draft({"twitter": Target(("Approved",))}, "Approved", scheduled_for=at, content_id=new_id())
        made = await publishing.create_post(uow, draft)
    return {"id": encode(Kind.POST, made.id)}


async def test_a_missions_post_is_seen_here_and_changed_there(world: World) -> None:
    post = await missions_post(world)
    shown = await get(world, post)
    assert (shown["text"], shown["status"]) == ("Approved", "scheduled")
    assert shown["userId"].startswith("usr_")
    for answer in (
        await change(world, post, content={"text": "Not approved"}),
        await act(world, post, "cancel"),
        await act(world, post, "publish"),
        await world.test.delete(f"/api/v1/posts/{post['id']}"),
    ):
        assert "mission" in error(answer, 409)["message"]
    assert await get(world, post) == shown


async def test_who_may_only_draft_publishes_nothing(world: World) -> None:
    drafter = world.client(await world.new_key(scopes=("draft",)))
    post = good(await drafter.post("/api/v1/posts", json=await body(world, "facebook")))["post"]
    path = f"/api/v1/posts/{post['id']}"
    for answer in (
        await drafter.post("/api/v1/posts", json=await body(world, "facebook", scheduledFor=later(world))),
        await drafter.patch(path, json={"scheduledFor": later(world)}),
        await drafter.post(f"{path}/publish"),
        await drafter.post(f"{path}/retry"),
        await drafter.delete(path),
    ):
        assert error(answer, 403)["code"] == "FORBIDDEN"
    assert good(await drafter.patch(path, json={"content": {"text": "Better"}}))["post"]["text"] == "Better"
    good(await change(world, post, scheduledFor=later(world)))
    assert error(await drafter.patch(path, json={"content": {"text": "Worse"}}), 403)["code"] == "FORBIDDEN"
    reader = world.client(await world.new_key(scopes=("read",)))
    assert error(await reader.post("/api/v1/posts", json=await body(world, "twitter")), 403)["code"] == "FORBIDDEN"
    assert good(await reader.get(path))["post"]["text"] == "Better"
