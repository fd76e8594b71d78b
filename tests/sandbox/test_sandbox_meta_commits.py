"""Every request by which Meta's vendors make something public, under every fault that takes its answer away."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from graph import made
from pictures import jpeg, mp4
from pretending import SIGNING_KEY, Member, Stopwatch, World
from shelf import Shelf

from amp.sandbox.accounts import feed_link

pytestmark = pytest.mark.anyio

Prepare = Callable[[Member, Shelf], Awaitable[tuple[str, dict[str, Any]]]]


async def media_publish(member: Member, shelf: Shelf) -> tuple[str, dict[str, Any]]:
    url = shelf.put(jpeg(1080, 1080))
    return "media_publish", {"creation_id": await made(member.post("/me/media", data={"image_url": url}))}


async def threads_publish(member: Member, _shelf: Shelf) -> tuple[str, dict[str, Any]]:
    form = {"media_type": "TEXT", "text": "Hello"}
    return "threads_publish", {"creation_id": await made(member.post("/me/threads", data=form))}


async def feed(_member: Member, _shelf: Shelf) -> tuple[str, dict[str, Any]]:
    return "feed", {"message": "Hello"}


async def photos(_member: Member, shelf: Shelf) -> tuple[str, dict[str, Any]]:
    return "photos", {"url": shelf.put(jpeg(9, 9))}


async def videos(_member: Member, shelf: Shelf) -> tuple[str, dict[str, Any]]:
    return "videos", {"file_url": shelf.put(mp4())}


async def photo_stories(member: Member, shelf: Shelf) -> tuple[str, dict[str, Any]]:
    form = {"url": shelf.put(jpeg(9, 9)), "published": "false"}
    return "photo_stories", {"photo_id": await made(member.post("/me/photos", data=form))}


def released(edge: str) -> Prepare:
    async def prepare(member: Member, shelf: Shelf) -> tuple[str, dict[str, Any]]:
        started = (await member.post(f"/me/{edge}", data={"upload_phase": "start"})).json()
        headers = {"Authorization": f"OAuth {member.token}", "file_url": shelf.put(mp4())}
        assert (await member.http.post(started["upload_url"], headers=headers)).status_code == 200
        return edge, {"upload_phase": "finish", "video_id": started["video_id"]}

    return prepare


COMMITS = [
    pytest.param("instagram", media_publish, id="instagram"),
    pytest.param("threads", threads_publish, id="threads"),
    pytest.param("facebook", feed, id="feed"),
    pytest.param("facebook", photos, id="photos"),
    pytest.param("facebook", videos, id="videos"),
    pytest.param("facebook", photo_stories, id="photo_stories"),
    pytest.param("facebook", released("video_reels"), id="video_reels"),
    pytest.param("facebook", released("video_stories"), id="video_stories"),
]


@pytest.mark.parametrize(
    ("fault", "status", "public"),
    [
        ("accept_then_500", 500, 1),
        ("malformed", 200, 1),
        ("duplicate", 400, 0),
        ("account_action", 400, 0),
        ("quota_exhausted", 400, 0),
    ],
)
@pytest.mark.parametrize(("vendor", "prepare"), COMMITS)
async def test_a_fault_at_a_commit(
    world: World,
    stopwatch: Stopwatch,
    shelf: Shelf,
    vendor: str,
    prepare: Prepare,
    fault: str,
    status: int,
    public: int,
) -> None:
    member = world.member(vendor)
    edge, form = await prepare(member, shelf)
    stopwatch.advance(seconds=30)
    await world.order(vendor, fault, count=1)
    answer = await member.post(f"/me/{edge}", data=form)
    assert answer.status_code == status, answer.text
    assert len(await world.ledger()) == public


@pytest.mark.parametrize(
    ("fault", "code"),
    [("rate_limit", None), ("rate_limit_no_headers", None), ("expired_token", 190), ("revoked_token", 190)],
)
@pytest.mark.parametrize(("vendor", "prepare"), COMMITS[:3])
async def test_a_caller_is_turned_away(
    world: World, stopwatch: Stopwatch, shelf: Shelf, vendor: str, prepare: Prepare, fault: str, code: int | None
) -> None:
    member = world.member(vendor)
    edge, form = await prepare(member, shelf)
    stopwatch.advance(seconds=30)
    await world.order(vendor, fault, count=1)
    answer = await member.post(f"/me/{edge}", data=form)
    assert (answer.status_code, answer.json()["error"]["code"] == code or code is None) == (400, True)
    assert ("x-app-usage" in answer.headers) == (fault != "rate_limit_no_headers")
    assert await world.ledger() == []


@pytest.mark.parametrize(
    ("vendor", "path", "form"),
    [
        ("facebook", "/me/feed", {"message": "Hello"}),
        ("threads", "/me/threads", {"media_type": "TEXT", "text": "Hello", "auto_publish_text": "true"}),
    ],
)
@pytest.mark.parametrize(("fault", "public"), [("accept_then_reset", 1), ("reset_before", 0)])
async def test_a_reset_breaks_the_connection(
    served: World, vendor: str, path: str, form: dict[str, str], fault: str, public: int
) -> None:
    await served.order(vendor, fault, count=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        await served.member(vendor).post(path, data=form)
    assert len(await served.ledger()) == public


async def test_a_reset_in_the_middle_of_a_reel_leaves_what_arrived(served: World) -> None:
    """Two parts, of which the second meets a broken connection; it is sent again from where the vendor stands."""
    member, film = served.member("facebook"), mp4(50_000)
    started = (await member.post("/me/video_reels", data={"upload_phase": "start"})).json()
    headers = {"Authorization": f"OAuth {member.token}", "offset": "0", "file_size": str(len(film))}
    await member.http.post(started["upload_url"], content=film[:20_000], headers=headers)
    await served.order("facebook", "reset_before", count=1)
    rest = headers | {"offset": "20000"}
    with pytest.raises(httpx2.RemoteProtocolError):
        await member.http.post(started["upload_url"], content=film[20_000:], headers=rest)
    status = (await member.get(f"/{started['video_id']}", params={"fields": "status"})).json()["status"]
    assert status["uploading_phase"]["bytes_transferred"] == 20_000
    answer = await member.http.post(started["upload_url"], content=film[20_000:], headers=rest)
    assert answer.json()["success"] is True


async def test_listings_can_lag_behind(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("facebook")
    await member.post("/me/feed", data={"message": "Hello"})
    await world.order("facebook", "listing_lag", seconds=60)
    assert (await member.get("/me/published_posts")).json()["data"] == []
    stopwatch.advance(seconds=61)
    assert len((await member.get("/me/published_posts")).json()["data"]) == 1


async def test_what_went_out_stands_in_the_feeds(world: World, stopwatch: Stopwatch, shelf: Shelf) -> None:
    """With its pictures, which the vendor fetched."""
    for vendor, prepare in (("instagram", media_publish), ("facebook", photos), ("facebook", released("video_reels"))):
        member = world.member(vendor)
        edge, form = await prepare(member, shelf)
        stopwatch.advance(seconds=30)
        assert (await member.post(f"/me/{edge}", data=form)).status_code == 200
    link = feed_link(SIGNING_KEY, world.owner)
    page = (await world.http.get(f"/sandbox/?{link}")).text
    assert '<span class="tag">reel</span>' in page
    for entry in await world.ledger():
        address = f"_media/{entry['vendor']}/{entry['media'][0]['id']}"
        is_picture = entry["kind"] == "post"
        assert (address in page) == is_picture
        assert (await world.http.get(f"/sandbox/{address}?{link}")).status_code == (200 if is_picture else 404)
