"""What callers see of a post while it goes out, and when it has: statuses, reasons, addresses and notes, with the
vendors of the sandbox behind it."""

import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from deliveries import claim, claim_what_is_due, finish, look, put_off_what_is_held, step
from PIL import Image
from sqlalchemy import text

from amp.kit.ids import Kind, decode
from connecting import at_vendor, order
from films import film
from serving import SECRET
from sites import plain, site
from world import World, good, open_world

pytestmark = pytest.mark.anyio

Bring = Callable[[World], Awaitable[dict[str, Any]]]


@pytest.fixture
async def world(server: str, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Publishes to the served sandbox, and fetches media from this machine, too."""
    shared = {"sandbox_url": f"{server}/sandbox", "public_url": server, "secret_key": SECRET}
    async with open_world(database_url, tmp_path, allow_private_urls=True, **shared) as world:
        yield world


def picture(color: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 640), color).save(file, "JPEG")
    return file.getvalue()


async def default_set(world: World) -> str:
    (chosen,) = (await world.get("/api/v1/platform-sets"))["sets"]
    return chosen["id"]


async def drafted(world: World, *platforms: str, scheduled_for: str | None = None, **content: Any) -> dict[str, Any]:
    body = {"content": {"text": "Look at this", **content}, "platforms": platforms, "scheduledFor": scheduled_for}
    return (await world.post("/api/v1/posts", {**body, "platformSetId": await default_set(world)}))["post"]


async def filmed(world: World, *platforms: str, **content: Any) -> dict[str, Any]:
    """With a film of ours, which has to be uploaded to the vendor."""
    data = {"text": "Watch this", "platforms": platforms, "platformSetId": await default_set(world), **content}
    parts = [("data", (None, json.dumps(data))), ("files", ("film.mp4", film(seconds=10)))]
    return good(await world.test.post("/api/posts", files=parts))["post"]


async def publish(world: World, post: dict[str, Any]) -> dict[str, Any]:
    return (await world.post(f"/api/v1/posts/{post['id']}/publish"))["post"]


async def queued(world: World, *platforms: str, **content: Any) -> dict[str, Any]:
    return await publish(world, await drafted(world, *(platforms or ("twitter",)), **content))


async def scheduled(world: World) -> dict[str, Any]:
    next_year = world.runtime.clock.now().year + 1
    return await drafted(world, "facebook", scheduled_for=f"{next_year}-01-01T09:00:00Z")


async def publishing(world: World) -> dict[str, Any]:
    post = await queued(world, text="Just now")
    assert await claim(world, post)
    return await look(world, post)


async def uploading(world: World) -> dict[str, Any]:
    post = await publish(world, await filmed(world, "twitter"))
    assert await claim(world, post)
    return await look(world, post)


async def processing(world: World) -> dict[str, Any]:
    await order(world, vendor="twitter", fault="processing_slow", seconds=600)
    return await step(world, await publish(world, await filmed(world, "twitter")))


async def with_a_quick_vendor(world: World, vendor: str) -> None:
    """Who needs no time to work on films."""
    await order(world, vendor=vendor, fault="processing_slow", seconds=0.1)


async def published(world: World) -> dict[str, Any]:
    return await finish(world, await queued(world, text="It is out"))


async def failed(world: World) -> dict[str, Any]:
    await order(world, vendor="linkedin", fault="duplicate")
    return await finish(world, await queued(world, "linkedin", text="Said before"))


async def partial(world: World) -> dict[str, Any]:
    await order(world, vendor="linkedin", fault="duplicate")
    return await finish(world, await queued(world, "twitter", "linkedin", text="Said before, there"))


async def discarded(world: World) -> dict[str, Any]:
    return (await world.post(f"/api/v1/posts/{(await scheduled(world))['id']}/cancel"))["post"]


POST_STATUSES: dict[str, Bring] = {
    "draft": lambda world: drafted(world, "twitter"),
    "scheduled": scheduled,
    "queued": queued,
    "posting": processing,
    "published": published,
    "partial": partial,
    "failed": failed,
    "discarded": discarded,
}
PLATFORM_STATUSES: dict[str, Bring] = {
    "pending": queued,
    "uploading": uploading,
    "processing": processing,
    "publishing": publishing,
    "published": published,
    "failed": failed,
    "cancelled": discarded,
}


@pytest.mark.parametrize(("status", "bring"), POST_STATUSES.items(), ids=POST_STATUSES)
async def test_every_post_status_of_the_reference_is_reached(world: World, status: str, bring: Bring) -> None:
    post = await bring(world)
    assert post["status"] == status
    assert await look(world, post) == post
    listed = (await world.get("/api/v1/posts", status=status, limit=100))["posts"]
    assert post["id"] in {one["id"] for one in listed}


@pytest.mark.parametrize(("status", "bring"), PLATFORM_STATUSES.items(), ids=PLATFORM_STATUSES)
async def test_every_per_platform_status_of_the_reference_is_reached(world: World, status: str, bring: Bring) -> None:
    (delivery,) = (await bring(world))["platformPosts"]
    assert delivery["status"] == status


@pytest.mark.parametrize("status", ["draft", "scheduled"])
async def test_create_does_not_publish_immediately(world: World, status: str) -> None:
    post = await POST_STATUSES[status](world)
    assert await claim_what_is_due(world, post) == []
    (delivery,) = (await look(world, post))["platformPosts"]
    assert (delivery["status"], delivery["attempts"], delivery["remoteId"]) == ("pending", 0, None)
    assert await claim_what_is_due(world, await publish(world, post))


async def test_what_is_published_tells_where_and_what_one_should_know(world: World) -> None:
    await with_a_quick_vendor(world, "youtube")
    post = await finish(world, await publish(world, await filmed(world, "youtube", platformOverrides=LATER)))
    (delivery,) = post["platformPosts"]
    assert (post["status"], delivery["error"], delivery["nextAttemptAt"]) == ("published", None, None)
    assert delivery["remoteId"]
    assert delivery["remoteId"] in delivery["url"]
    assert delivery["publishedAt"].endswith("Z")
    assert "2099-01-01" in delivery["notes"][0]


LATER = {"youtube": {"settings": {"publishAt": "2099-01-01T00:00:00Z"}}}


async def test_youtube_privacy_status_defaults_to_private_and_category_id_to_22(world: World) -> None:
    await with_a_quick_vendor(world, "youtube")
    post = await filmed(world, "youtube")
    assert post["platformOverrides"] == {}
    (delivery,) = (await finish(world, await publish(world, post)))["platformPosts"]
    kept = "SELECT extra FROM sandbox.uploads WHERE vendor = 'youtube' AND remote_id = :id"
    video = (await at_vendor(world, kept, id=delivery["remoteId"])).scalar_one()
    assert video["status"]["privacyStatus"] == "private"
    assert video["snippet"]["categoryId"] == "22"


@pytest.mark.parametrize(
    ("vendor", "fault", "code"),
    [
        ("facebook", "account_action", "PAGE_IDENTITY_CONFIRMATION_REQUIRED"),
        ("linkedin", "revoked_token", "AUTH_REVOKED"),
        ("twitter", "revoked_token", "REFRESH_TOKEN_EXPIRED"),
    ],
)
async def test_what_a_vendor_refuses_is_the_error_of_its_part_of_the_post(
    world: World, vendor: str, fault: str, code: str
) -> None:
    await order(world, vendor=vendor, fault=fault)
    (delivery,) = (await finish(world, await queued(world, vendor)))["platformPosts"]
    assert (delivery["status"], delivery["error"]["code"]) == ("failed", code)
    assert delivery["error"]["message"]


@pytest.mark.parametrize(("status", "code"), [("expired", "AUTH_EXPIRED"), ("revoked", "PLATFORM_NOT_CONNECTED")])
async def test_an_account_that_was_lost_meanwhile_is_the_error_of_its_part_of_the_post(
    world: World, status: str, code: str
) -> None:
    post = await queued(world, "linkedin")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text("UPDATE connections SET status = :status"), {"status": status})
    (delivery,) = (await step(world, post))["platformPosts"]
    assert (delivery["status"], delivery["error"]["code"]) == ("failed", code)
    assert re.fullmatch(
        r"The LinkedIn account \S+ (must be connected again|was disconnected)", delivery["error"]["message"]
    )


async def test_while_media_cannot_be_fetched_the_post_is_pending_and_its_error_says_why(world: World) -> None:
    async with site() as stranger:
        image = {"type": "image", "mimeType": "image/jpeg", "sizeBytes": 9000, "url": stranger.url("/a")}
        stranger.answers = {"/a": plain(b"", status="503 Busy")}
        post = await step(world, await queued(world, "linkedin", text="Pictured", media=[image]))
        (delivery,) = post["platformPosts"]
        assert (delivery["status"], delivery["attempts"]) == ("pending", 1)
        assert delivery["error"] == {
            "code": "MEDIA_UPLOAD_FAILED",
            "message": "media[0] cannot be fetched now: The server of this URL answers with status 503",
        }
        assert delivery["nextAttemptAt"] > post["createdAt"]
        stranger.answers = {"/a": plain(picture())}
        (delivery,) = (await finish(world, post))["platformPosts"]
        assert (delivery["status"], delivery["error"]) == ("published", None)


async def test_media_that_are_gone_are_media_upload_failed_at_once(world: World) -> None:
    async with site() as stranger:
        image = {"type": "image", "mimeType": "image/jpeg", "sizeBytes": 9000, "url": stranger.url("/a")}
        stranger.answers = {"/a": plain(b"", status="404 Not Found")}
        (delivery,) = (await step(world, await queued(world, "linkedin", media=[image])))["platformPosts"]
    assert (delivery["status"], delivery["error"]["code"]) == ("failed", "MEDIA_UPLOAD_FAILED")
    assert delivery["nextAttemptAt"] is None


async def test_settings_that_were_kept_under_older_rules_fail_in_words(world: World) -> None:
    post = await queued(world, "linkedin", text="From before")
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        kept = {"settings": '{"visibility": 5}', "post": decode(Kind.POST, post["id"], what="Post")}
        changed = "UPDATE platform_posts SET settings = CAST(:settings AS jsonb) WHERE post_id = :post"
        await uow.session.execute(text(changed), kept)
    (delivery,) = (await step(world, post))["platformPosts"]
    assert (delivery["status"], delivery["error"]["code"]) == ("failed", "VALIDATION_FAILED")
    assert delivery["error"]["message"] == "LinkedIn setting visibility must be 'PUBLIC' or 'CONNECTIONS'"


async def test_a_server_that_is_away_is_said_to_be_away_in_words(world: World) -> None:
    async with site() as closed:
        pass
    image = {"type": "image", "mimeType": "image/jpeg", "sizeBytes": 9000, "url": closed.url("/a")}
    post = await step(world, await queued(world, "linkedin", text="Nobody there", media=[image]))
    message = "media[0] cannot be fetched now: 127.0.0.1 could not be reached"
    assert post["platformPosts"][0]["error"]["message"] == message
    waiting = (await world.get(f"/api/v1/posts/{post['id']}/timeline"))["events"][-1]
    assert (waiting["kind"], waiting["detail"]["reason"]) == ("waiting", message)


@pytest.mark.parametrize(
    ("fault", "code"), [("rate_limit", "RATE_LIMITED"), ("malformed", None), ("reset_before", None)]
)
async def test_while_a_vendor_makes_it_wait_the_error_says_for_what_and_goes_with_the_reason(
    world: World, fault: str, code: str | None
) -> None:
    await order(world, vendor="linkedin", fault=fault, count=1)
    post = await step(world, await queued(world, "linkedin", text=f"Not now: {fault}"))
    (delivery,) = post["platformPosts"]
    assert (delivery["error"] or {}).get("code") == code, "an answer that was lost is no failure"
    assert delivery["nextAttemptAt"]
    (delivery,) = (await finish(world, post))["platformPosts"]
    assert (delivery["status"], delivery["error"]) == ("published", None)


async def test_a_vendor_that_is_away_is_said_to_be_away_in_words(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path, sandbox_url="http://127.0.0.1:9/sandbox") as world:
        post = await step(world, await queued(world, "twitter", text="Nobody there"))
    (delivery,) = post["platformPosts"]
    assert (delivery["status"], delivery["error"]["code"]) == ("pending", "PLATFORM_ERROR")
    assert delivery["error"]["message"] == "127.0.0.1 could not be reached (All connection attempts failed)"


async def test_what_a_limit_of_the_account_holds_back_says_so_too(world: World) -> None:
    await order(world, vendor="linkedin", fault="rate_limit", count=1)
    await step(world, await queued(world, "linkedin", text="The first"))
    second = await queued(world, "linkedin", text="The second")
    await put_off_what_is_held(world)
    (delivery,) = (await look(world, second))["platformPosts"]
    assert (delivery["status"], delivery["attempts"]) == ("pending", 0)
    assert delivery["error"] == {"code": "RATE_LIMITED", "message": "the platform's rate limit holds this back"}
    (delivery,) = (await finish(world, second))["platformPosts"]
    assert (delivery["status"], delivery["error"]) == ("published", None)


async def test_what_goes_on_no_longer_says_what_it_waited_for(world: World) -> None:
    await order(world, vendor="twitter", fault="rate_limit", count=1)
    await order(world, vendor="twitter", fault="processing_slow", seconds=600)
    post = await step(world, await publish(world, await filmed(world, "twitter")))
    assert post["platformPosts"][0]["error"]["code"] == "RATE_LIMITED"
    (delivery,) = (await step(world, post))["platformPosts"]
    assert (delivery["status"], delivery["error"]) == ("processing", None)
