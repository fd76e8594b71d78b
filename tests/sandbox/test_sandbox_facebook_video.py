"""Facebook: films in the feed, reels and stories, in all the ways in which their bytes come."""

import json
from typing import Any

import httpx2
import pytest
from graph import assert_refused, made
from pictures import jpeg, mp4
from pretending import Member, Stopwatch, World
from shelf import Shelf

pytestmark = pytest.mark.anyio


@pytest.fixture
def page(world: World) -> Member:
    return world.member("facebook", "acme")


async def videos(page: Member, **params: Any) -> httpx2.Response:
    return await page.post(f"/v26.0/{page.account}/videos", data=params)


async def transferred(page: Member, content: bytes) -> dict[str, str]:
    """Start and transfer; the session."""
    session = (await videos(page, upload_phase="start", file_size=len(content))).json()
    offsets = session
    while offsets["start_offset"] != offsets["end_offset"]:
        start, end = int(offsets["start_offset"]), int(offsets["end_offset"])
        form = {
            "upload_phase": "transfer",
            "upload_session_id": session["upload_session_id"],
            "start_offset": str(start),
        }
        files = {"video_file_chunk": ("chunk", content[start:end])}
        answer = await page.post(f"/{page.account}/videos", data=form, files=files)
        assert answer.status_code == 200, answer.text
        offsets = answer.json()
    return session


async def status(page: Member, video_id: str) -> dict[str, Any]:
    answer = await page.get(f"/v26.0/{video_id}", params={"fields": "status,permalink_url,post_id"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rupload(page: Member, address: str, content: bytes, **headers: str) -> httpx2.Response:
    whole = {"Authorization": f"OAuth {page.token}", "offset": "0", "file_size": str(len(content))}
    return await page.http.post(address, content=content, headers=whole | headers)


async def phase(page: Member, edge: str, **params: Any) -> httpx2.Response:
    return await page.post(f"/v26.0/{page.account}/{edge}", data=params)


async def uploaded(page: Member, edge: str, content: bytes) -> str:
    started = (await phase(page, edge, upload_phase="start")).json()
    answer = await rupload(page, started["upload_url"], content)
    assert answer.json()["success"] is True, answer.text
    return started["video_id"]


async def test_a_film_in_three_phases(world: World, page: Member, stopwatch: Stopwatch) -> None:
    session = await transferred(page, mp4(9_000_000, seconds=60))
    finish = {"upload_phase": "finish", "upload_session_id": session["upload_session_id"], "title": "Film"}
    assert (await videos(page, description="Watch", **finish)).json() == {"success": True}
    assert_refused(await videos(page, **finish), 1363020)
    shown = await status(page, session["video_id"])
    assert shown["status"]["publishing_phase"]["status"] == "in_progress"
    listed = await page.get(f"/{page.account}/published_posts")
    assert listed.json()["data"] == []
    stopwatch.advance(seconds=30)
    shown = await status(page, session["video_id"])
    assert shown["status"]["video_status"] == "ready"
    assert shown["status"]["publishing_phase"]["status"] == "complete"
    (entry,) = await world.ledger()
    assert (entry["remote_id"], entry["text"], entry["kind"]) == (shown["post_id"], "Watch", "video")
    assert shown["permalink_url"] == f"/{page.account}/videos/{session['video_id']}/"
    assert (await page.get(f"/{page.account}/published_posts")).json()["data"][0]["id"] == shown["post_id"]
    assert (await page.delete(f"/{session['video_id']}")).json() == {"success": True}
    assert (await world.ledger())[0]["deleted_at"] is not None


async def test_a_transfer_goes_on_where_it_stands(page: Member) -> None:
    session = (await videos(page, upload_phase="start", file_size=2000)).json()
    form = {"upload_phase": "transfer", "upload_session_id": session["upload_session_id"], "start_offset": "100"}
    files = {"video_file_chunk": ("chunk", mp4(2000))}
    answer = await page.post(f"/{page.account}/videos", data=form, files=files)
    assert_refused(answer, 1363037)
    assert json.loads(answer.json()["error"]["error_data"]) == {"start_offset": "0", "end_offset": "2000"}
    early = await videos(page, upload_phase="finish", upload_session_id=session["upload_session_id"])
    assert_refused(early, 1363033)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(mp4(seconds=0.5), 1363025, id="too short"),
        pytest.param(mp4(seconds=2401), 1363026, id="too long"),
        pytest.param(jpeg(9, 9, 2000), 1363024, id="no film"),
        pytest.param(b"\0" * 1000, 1363022, id="too small"),
        pytest.param(None, 389, id="not there"),
    ],
)
async def test_a_film_that_cannot_be(
    world: World, page: Member, shelf: Shelf, content: bytes | None, code: int
) -> None:
    url = shelf.put(content) if content is not None else f"{shelf.origin}/nothing"
    assert_refused(await videos(page, file_url=url), code)
    assert await world.ledger() == []


async def test_a_film_in_fragments_says_no_length_and_is_taken(world: World, page: Member, shelf: Shelf) -> None:
    await made(videos(page, file_url=shelf.put(mp4(seconds=0)), description="In fragments"))
    assert [entry["text"] for entry in await world.ledger()] == ["In fragments"]


async def test_a_film_is_fetched_or_sent_or_uploaded_before(
    world: World, page: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    film = mp4(50_000)
    fetched = await made(videos(page, file_url=shelf.put(film), description="Fetched"))
    path = f"/{page.account}/videos"
    sent = await made(page.post(path, data={"description": "Sent"}, files={"source": ("a.mp4", film)}))
    query = {"file_name": "a.mp4", "file_length": str(len(film)), "file_type": "video/mp4"}
    upload = (await page.post("/v26.0/4242/uploads", params=query)).json()["id"]
    headers = {"Authorization": f"OAuth {page.token}", "file_offset": "0"}
    part = await page.post(f"/v26.0/{upload}", content=film[:20_000], headers=headers)
    assert part.json() == (await page.get(f"/v26.0/{upload}", headers=headers)).json()
    assert_refused(await page.post(f"/v26.0/{upload}", content=film, headers=headers), 100)
    rest = await page.post(f"/v26.0/{upload}", content=film[20_000:], headers=headers | {"file_offset": "20000"})
    before = await made(videos(page, fbuploader_video_file_chunk=rest.json()["h"], description="Before"))
    assert [entry["text"] for entry in await world.ledger()] == ["Fetched", "Sent", "Before"]
    stopwatch.advance(seconds=30)
    for video_id in (fetched, sent, before):
        assert (await status(page, video_id))["status"]["video_status"] == "ready"


async def test_a_reel_is_uploaded_and_released(world: World, page: Member, stopwatch: Stopwatch) -> None:
    started = (await phase(page, "video_reels", upload_phase="start")).json()
    video_id, address = started["video_id"], started["upload_url"]
    assert address == f"http://sandbox.local/sandbox/facebook/video-upload/v26.0/{video_id}"
    early = await phase(page, "video_reels", upload_phase="finish", video_id=video_id)
    assert_refused(early, 6000, 1363130)
    film = mp4(90_000, seconds=30)
    assert_refused(await rupload(page, address, film, Authorization=f"Bearer {page.token}"), 104)
    assert (await rupload(page, address, film, offset="7")).json()["debug_info"]["type"] == "OffsetInvalidError"
    partly = await rupload(page, address, film[:40_000], file_size=str(len(film)))
    assert partly.status_code == 200
    assert (await status(page, video_id))["status"]["uploading_phase"] == {
        "status": "in_progress",
        "bytes_transferred": 40_000,
    }
    rest = await rupload(page, address, film[40_000:], offset="40000", file_size=str(len(film)))
    assert rest.json()["success"] is True
    assert (await status(page, video_id))["status"]["publishing_phase"] == {"status": "not_started"}
    finish = {"upload_phase": "finish", "video_id": video_id, "video_state": "PUBLISHED", "description": "My reel"}
    post_id = (await phase(page, "video_reels", **finish)).json()["post_id"]
    assert_refused(await phase(page, "video_reels", **finish), 100)
    stopwatch.advance(seconds=30)
    shown = await status(page, video_id)
    assert (shown["status"]["publishing_phase"]["status"], shown["post_id"]) == ("complete", post_id)
    (entry,) = await world.ledger()
    assert (entry["remote_id"], entry["kind"], entry["text"]) == (post_id, "reel", "My reel")
    listed = (await page.get(f"/{page.account}/video_reels", params={"fields": "id,description,created_time"})).json()
    assert listed["data"][0]["id"] == video_id
    metric = {"metric": "blue_reels_play_count"}
    assert (await page.get(f"/{video_id}/video_insights", params=metric)).json()["data"][0]["values"]


@pytest.mark.parametrize(
    ("edge", "content", "code"),
    [
        pytest.param("video_reels", mp4(seconds=2), 1363025, id="short reel"),
        pytest.param("video_reels", mp4(seconds=91), 1363026, id="long reel"),
        pytest.param("video_reels", mp4(width=480, height=854), 1363042, id="small reel"),
        pytest.param("video_stories", mp4(seconds=61), 1363026, id="long story"),
        pytest.param("video_stories", b"\0" * 2000, 1363024, id="no film"),
    ],
)
async def test_what_is_wrong_with_a_reel_shows_in_its_status(
    world: World, page: Member, stopwatch: Stopwatch, edge: str, content: bytes, code: int
) -> None:
    video_id = await uploaded(page, edge, content)
    assert (await phase(page, edge, upload_phase="finish", video_id=video_id)).json() == {"success": True}
    stopwatch.advance(seconds=30)
    found = (await status(page, video_id))["status"]
    assert (found["video_status"], found["processing_phase"]["errors"][0]["code"]) == ("error", code)
    assert await world.ledger() == []


async def test_a_reels_file_is_fetched_too(page: Member, shelf: Shelf) -> None:
    started = (await phase(page, "video_reels", upload_phase="START")).json()
    headers = {"Authorization": f"OAuth {page.token}", "file_url": shelf.put(mp4())}
    assert (await page.http.post(started["upload_url"], headers=headers)).json()["success"] is True
    assert (await status(page, started["video_id"]))["status"]["uploading_phase"]["status"] == "complete"


async def test_a_day_has_thirty_reels(page: Member) -> None:
    for number in range(31):
        video_id = await uploaded(page, "video_reels", mp4(2000))
        answer = await phase(page, "video_reels", upload_phase="finish", video_id=video_id, video_state="PUBLISHED")
        if number < 30:
            assert answer.status_code == 200
    assert_refused(answer, 613)


async def test_stories_of_a_photo_and_of_a_film(world: World, page: Member, stopwatch: Stopwatch) -> None:
    files = {"source": ("a.jpg", jpeg(9, 9))}
    photo_id = await made(page.post(f"/{page.account}/photos", data={"published": "false"}, files=files))
    first = (await phase(page, "photo_stories", photo_id=photo_id)).json()
    assert first["success"] is True
    assert_refused(await phase(page, "photo_stories", photo_id=photo_id), 100)
    video_id = await uploaded(page, "video_stories", mp4(seconds=60))
    second = (await phase(page, "video_stories", upload_phase="finish", video_id=video_id)).json()
    assert [entry["remote_id"] for entry in await world.ledger()] == [first["post_id"], second["post_id"]]
    assert {entry["kind"] for entry in await world.ledger()} == {"story"}
    stopwatch.advance(seconds=30)
    listed = (await page.get(f"/{page.account}/stories", params={"status": "PUBLISHED"})).json()["data"]
    assert [(story["post_id"], story["media_id"]) for story in listed] == [
        (second["post_id"], video_id),
        (first["post_id"], photo_id),
    ]
    stopwatch.advance(hours=24)
    assert (await page.get(f"/{page.account}/stories", params={"status": "PUBLISHED"})).json()["data"] == []


@pytest.mark.parametrize("edge", ["videos", "video_reels", "video_stories"])
async def test_the_answer_to_a_release_can_be_lost(world: World, page: Member, shelf: Shelf, edge: str) -> None:
    if edge == "videos":
        params = {"file_url": shelf.put(mp4())}
    else:
        params = {"upload_phase": "finish", "video_id": await uploaded(page, edge, mp4())}
    await world.order("facebook", "accept_then_500", count=1)
    assert (await phase(page, edge, **params)).status_code == 500
    assert len(await world.ledger()) == 1


@pytest.mark.parametrize("edge", ["videos", "video_reels"])
async def test_ordered_processing_fails_or_drags_on(
    world: World, page: Member, stopwatch: Stopwatch, shelf: Shelf, edge: str
) -> None:
    async def one() -> str:
        if edge == "videos":
            return await made(videos(page, file_url=shelf.put(mp4())))
        video_id = await uploaded(page, edge, mp4())
        await phase(page, edge, upload_phase="finish", video_id=video_id)
        return video_id

    await world.order("facebook", "processing_failed", count=1)
    await world.order("facebook", "processing_slow", count=1, seconds=600)
    failing, slow = await one(), await one()
    stopwatch.advance(seconds=60)
    assert (await status(page, failing))["status"]["video_status"] == "error"
    assert (await status(page, slow))["status"]["video_status"] == "processing"
    stopwatch.advance(seconds=600)
    assert (await status(page, slow))["status"]["publishing_phase"]["status"] == "complete"
    assert len(await world.ledger()) == 1
