"""X: media in one shot and in chunks, processing over the clock, and what a post may show."""

import base64
from typing import Any

import httpx2
import pytest
from pictures import animated, gif, jpeg, mp4, pdf, png
from pretending import Member, Stopwatch, World

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


async def one_shot(member: Member, content: bytes, category: str = "tweet_image", **fields: str) -> httpx2.Response:
    data = {"media_category": category, **fields}
    return await member.post("/2/media/upload", data=data, files={"media": ("file", content)})


async def started(member: Member, size: int, category: str = "tweet_video", kind: str = "video/mp4") -> httpx2.Response:
    body = {"media_type": kind, "total_bytes": size, "media_category": category}
    return await member.post("/2/media/upload/initialize", json=body)


async def append(member: Member, media_id: str, number: int, content: bytes) -> httpx2.Response:
    path = f"/2/media/upload/{media_id}/append"
    return await member.post(path, data={"segment_index": str(number)}, files={"media": ("part", content)})


async def chunked(member: Member, content: bytes, category: str = "tweet_video", kind: str = "video/mp4") -> Any:
    """Upload in two chunks and finalize; the finalize answer's data."""
    media_id = (await started(member, len(content), category, kind)).json()["data"]["id"]
    half = len(content) // 2
    for number, part in enumerate((content[:half], content[half:])):
        assert (await append(member, media_id, number, part)).status_code == 200
    answer = await member.post(f"/2/media/upload/{media_id}/finalize")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def status(member: Member, media_id: str) -> Any:
    answer = await member.get(f"/2/media/upload?command=STATUS&media_id={media_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def post_with(member: Member, *media_ids: str) -> httpx2.Response:
    return await member.post("/2/tweets", json={"text": "Look", "media": {"media_ids": list(media_ids)}})


@pytest.mark.parametrize("content", [png(), jpeg(), gif()], ids=["png", "jpeg", "gif"])
async def test_a_picture_is_ready_at_once(world: World, content: bytes) -> None:
    member = world.member("twitter")
    answer = await one_shot(member, content)
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["size"] == len(content)
    assert data["media_key"] == f"3_{data['id']}"
    assert "processing_info" not in data
    assert (await post_with(member, data["id"])).status_code == 201
    assert (await world.ledger())[0]["media"][0]["bytes"] == len(content)


async def test_a_picture_may_come_as_base64_in_json(world: World) -> None:
    body = {"media": base64.b64encode(png()).decode(), "media_category": "tweet_image"}
    assert (await world.member("twitter").post("/2/media/upload", json=body)).status_code == 200


async def test_the_text_of_a_post_ends_with_the_link_of_its_media(world: World) -> None:
    member = world.member("twitter")
    media_id = (await one_shot(member, png())).json()["data"]["id"]
    assert (await post_with(member, media_id)).json()["data"]["text"].startswith("Look https://t.co/")


async def test_media_may_stand_without_text(world: World) -> None:
    member = world.member("twitter")
    media_id = (await one_shot(member, png())).json()["data"]["id"]
    assert (await member.post("/2/tweets", json={"media": {"media_ids": [media_id]}})).status_code == 201


@pytest.mark.parametrize(
    ("content", "category", "fields"),
    [
        pytest.param(b"just text", "tweet_image", {}, id="bytes that are no picture"),
        pytest.param(pdf(), "tweet_image", {}, id="a document"),
        pytest.param(png(size=5 * MEGABYTE + 1), "tweet_image", {}, id="more than 5 MB"),
        pytest.param(png(), "tweet_gif", {}, id="a PNG as a GIF"),
        pytest.param(mp4(), "tweet_video", {}, id="a video in one shot"),
        pytest.param(png(), "dm_image", {}, id="a picture for messages"),
        pytest.param(png(), "picture", {}, id="an unknown category"),
        pytest.param(png(), "tweet_image", {"title": "x"}, id="an unknown field"),
    ],
)
async def test_one_shot_uploads_are_checked(
    world: World, content: bytes, category: str, fields: dict[str, str]
) -> None:
    answer = await one_shot(world.member("twitter"), content, category, **fields)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-request")


async def test_a_video_is_worked_on_before_it_can_be_shown(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    data = await chunked(member, mp4(width=720, height=1280))
    assert data["processing_info"] == {"state": "pending", "check_after_secs": 1}
    refused = await post_with(member, data["id"])
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["message"] == "Your media IDs are invalid."
    stopwatch.advance(seconds=2)
    working = (await status(member, data["id"]))["processing_info"]
    assert working["state"] == "in_progress"
    assert 0 < working["progress_percent"] < 100
    stopwatch.advance(seconds=5)
    assert (await status(member, data["id"]))["processing_info"]["state"] == "succeeded"
    assert (await post_with(member, data["id"])).status_code == 201


async def test_a_file_that_is_no_video_fails_in_processing(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    data = await chunked(member, b"\0" * 1000)
    stopwatch.advance(seconds=10)
    failed = (await status(member, data["id"]))["processing_info"]
    assert failed["state"] == "failed"
    assert failed["error"]["message"]
    assert (await post_with(member, data["id"])).status_code == 400


@pytest.mark.parametrize(
    ("film", "state"),
    [
        ({"seconds": 7500, "width": 1280, "height": 720, "index_last": True}, "succeeded"),
        ({"seconds": 7501, "width": 720, "height": 1280, "index_last": True}, "failed"),
        ({"seconds": 0.4, "width": 720, "height": 1280}, "failed"),
        ({"width": 1080, "height": 1920}, "succeeded"),
        ({"width": 1920, "height": 1200}, "succeeded"),
        ({"width": 1200, "height": 1921}, "failed"),
        ({"width": 1920, "height": 1201}, "failed"),
        ({"width": 1000, "height": 300}, "failed"),
        ({"width": 31, "height": 31}, "failed"),
    ],
)
async def test_a_video_is_judged_by_its_index(
    world: World, stopwatch: Stopwatch, film: dict[str, Any], state: str
) -> None:
    member = world.member("twitter")
    data = await chunked(member, mp4(**film))
    stopwatch.advance(seconds=10)
    answer = await member.get(f"/2/media/upload?media_id={data['id']}")  # the command is not required
    assert answer.json()["data"]["processing_info"]["state"] == state


@pytest.mark.parametrize(("seconds", "answer"), [(1200, 201), (1201, 403)])
async def test_a_film_over_twenty_minutes_is_refused_when_it_is_posted(
    world: World, stopwatch: Stopwatch, seconds: int, answer: int
) -> None:
    member = world.member("twitter")
    data = await chunked(member, mp4(seconds=seconds))
    stopwatch.advance(seconds=10)
    posted = await post_with(member, data["id"])
    assert posted.status_code == answer
    assert "longer than 20 minutes" in posted.text or answer == 201


@pytest.mark.parametrize(("frames", "state"), [(350, "succeeded"), (351, "failed")])
async def test_animated_gifs_have_a_last_frame(world: World, stopwatch: Stopwatch, frames: int, state: str) -> None:
    member = world.member("twitter")
    data = await chunked(member, animated(frames), "tweet_gif", "image/gif")
    stopwatch.advance(seconds=10)
    assert (await status(member, data["id"]))["processing_info"]["state"] == state


@pytest.mark.parametrize(("frame", "state"), [((1280, 1080), "succeeded"), ((1281, 1080), "failed")])
async def test_animated_gifs_have_a_largest_frame(
    world: World, stopwatch: Stopwatch, frame: tuple[int, int], state: str
) -> None:
    member = world.member("twitter")
    data = await chunked(member, gif(*frame), "tweet_gif", "image/gif")
    stopwatch.advance(seconds=10)
    assert (await status(member, data["id"]))["processing_info"]["state"] == state


@pytest.mark.parametrize(
    ("size", "category", "kind"),
    [
        pytest.param(8192 * MEGABYTE + 1, "tweet_video", "video/mp4", id="a video over 8 GB"),
        pytest.param(15 * MEGABYTE + 1, "tweet_gif", "image/gif", id="a GIF over 15 MB"),
        pytest.param(0, "tweet_video", "video/mp4", id="nothing"),
        pytest.param(10, "tweet_video", "image/png", id="a picture as a video"),
        pytest.param(10, "subtitles", "text/srt", id="subtitles"),
        pytest.param(10, "movie", "video/mp4", id="an unknown category"),
    ],
)
async def test_a_chunked_upload_is_checked_before_it_starts(world: World, size: int, category: str, kind: str) -> None:
    assert (await started(world.member("twitter"), size, category, kind)).status_code == 400


async def test_initialize_answers_id_key_and_expiry(world: World) -> None:
    data = (await started(world.member("twitter"), 10)).json()["data"]
    assert data == {"id": data["id"], "media_key": f"7_{data['id']}", "expires_after_secs": 86400}


async def test_append_says_when_the_upload_expires(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    media_id = (await started(member, 10)).json()["data"]["id"]
    answer = await append(member, media_id, 0, b"12345")
    assert answer.json() == {"data": {"expires_at": int(stopwatch.now().timestamp()) + 86400}}


async def test_segments_may_come_in_any_order_and_again(world: World) -> None:
    member, content = world.member("twitter"), mp4(900)
    media_id = (await started(member, 900)).json()["data"]["id"]
    for number, part in ((1, content[600:]), (0, b"wrong"), (0, content[:600])):
        assert (await append(member, media_id, number, part)).status_code == 200
    assert (await member.post(f"/2/media/upload/{media_id}/finalize")).status_code == 200


@pytest.mark.parametrize(
    "parts", [{0: 5}, {0: 5, 2: 5}, {0: 5, 1: 6}, {}], ids=["too little", "a gap", "too much", "nothing"]
)
async def test_finalize_wants_every_byte(world: World, parts: dict[int, int]) -> None:
    member = world.member("twitter")
    media_id = (await started(member, 10)).json()["data"]["id"]
    for number, size in parts.items():
        await append(member, media_id, number, b"x" * size)
    assert (await member.post(f"/2/media/upload/{media_id}/finalize")).status_code == 400


@pytest.mark.parametrize(("number", "size"), [(1000, 1), (0, 0), (0, 5 * MEGABYTE + 1)])
async def test_segments_are_numbered_to_999_and_hold_5_mb(world: World, number: int, size: int) -> None:
    member = world.member("twitter")
    media_id = (await started(member, 10 * MEGABYTE)).json()["data"]["id"]
    assert (await append(member, media_id, number, b"x" * size)).status_code == 400


async def test_an_unknown_upload_is_a_404(world: World) -> None:
    member = world.member("twitter")
    assert (await append(member, "12", 0, b"x")).status_code == 404
    assert (await member.get("/2/media/upload?command=STATUS&media_id=12")).status_code == 404


async def test_somebody_elses_upload_is_unknown(world: World) -> None:
    media_id = (await one_shot(world.member("twitter", "one"), png())).json()["data"]["id"]
    assert (await post_with(world.member("twitter", "two"), media_id)).status_code == 400


async def test_an_upload_expires_after_a_day(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    media_id = (await one_shot(member, png())).json()["data"]["id"]
    stopwatch.advance(hours=24)
    assert (await post_with(member, media_id)).status_code == 400


async def test_four_photos_or_one_video_but_no_mix(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    photos = [(await one_shot(member, png(8, place))).json()["data"]["id"] for place in range(1, 5)]
    video = (await chunked(member, mp4(width=720, height=1280)))["id"]
    stopwatch.advance(seconds=10)
    assert (await post_with(member, photos[0], video)).status_code == 400
    assert (await post_with(member, *photos)).status_code == 201


async def test_alternative_text_is_kept_with_the_medium(world: World) -> None:
    member = world.member("twitter")
    media_id = (await one_shot(member, png())).json()["data"]["id"]
    described = await member.post(
        "/2/media/metadata", json={"id": media_id, "metadata": {"alt_text": {"text": "A dot"}}}
    )
    assert described.status_code == 200
    await post_with(member, media_id)
    assert (await world.ledger())[0]["media"][0]["alt_text"] == "A dot"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "12", "metadata": {"alt_text": {"text": "unknown id"}}},
        {"id": "12", "metadata": {"alt_text": {"text": "a" * 1001}}},
        {"id": "12", "metadata": {"alt_text": "text"}},
        {"id": "12"},
    ],
)
async def test_alternative_text_is_checked(world: World, body: dict[str, Any]) -> None:
    assert (await world.member("twitter").post("/2/media/metadata", json=body)).status_code == 400


async def test_uploads_need_the_media_scope(world: World) -> None:
    member = world.member("twitter", scopes={"tweet.write", "tweet.read", "users.read"})
    assert (await one_shot(member, png())).status_code == 403
