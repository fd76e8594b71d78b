"""YouTube: a video's way in: session, bytes in pieces, interruptions, processing, and what makes it public."""

import json
from typing import Any

import httpx2
import pytest
from pictures import mp4, png
from pretending import Member, Stopwatch, World

pytestmark = pytest.mark.anyio

UNIT = 256 << 10
SNIPPET = {"title": "Hello", "description": "From the sandbox", "tags": ["one", "two words"], "categoryId": "22"}
PRIVATE = {"privacyStatus": "private", "selfDeclaredMadeForKids": False}
PUBLIC = {"privacyStatus": "public"}


@pytest.fixture
def member(world: World) -> Member:
    return world.member("youtube")


def reason(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["errors"][0]["reason"]


async def start(
    member: Member,
    size: int | None,
    *,
    snippet: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    kind: str = "video/mp4",
    **query: str,
) -> httpx2.Response:
    headers = {"X-Upload-Content-Type": kind} | ({"X-Upload-Content-Length": str(size)} if size is not None else {})
    params = {"uploadType": "resumable", "part": "snippet,status", "notifySubscribers": "false"} | query
    body = {"snippet": SNIPPET | (snippet or {}), "status": PRIVATE if status is None else status}
    return await member.post("/upload/youtube/v3/videos", params=params, headers=headers, json=body)


async def session(member: Member, size: int | None, **changes: Any) -> str:
    answer = await start(member, size, **changes)
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    return answer.headers["location"]


async def put(member: Member, address: str, content: bytes, sent: str | None = None) -> httpx2.Response:
    """Without a token: the address is proof enough."""
    headers = {"Content-Range": f"bytes {sent}"} if sent else {}
    return await member.http.put(address, content=content, headers=headers)


async def uploaded(member: Member, content: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """Upload a video in one piece; the resource that comes back."""
    content = mp4() if content is None else content
    answer = await put(member, await session(member, len(content), **changes), content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def video(member: Member, video_id: str, part: str = "snippet,status,processingDetails,statistics") -> Any:
    answer = await member.get(f"/youtube/v3/videos?part={part}&id={video_id}")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return items[0] if items else None


async def test_a_video_comes_in_pieces(world: World, member: Member) -> None:
    content = mp4(3 * UNIT + 1000, seconds=75, index_last=True)
    total = len(content)
    address = await session(member, total)
    assert address.startswith("http://sandbox.local/sandbox/youtube/upload/youtube/v3/videos?uploadType=resumable")
    first = await put(member, address, content[: 2 * UNIT], f"0-{2 * UNIT - 1}/{total}")
    assert (first.status_code, first.headers["range"]) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert await world.ledger() == []
    last = await put(member, address, content[2 * UNIT :], f"{2 * UNIT}-{total - 1}/{total}")
    made = last.json()
    assert (last.status_code, made["kind"], len(made["id"])) == (200, "youtube#video", 11)
    assert (made["status"]["uploadStatus"], made["status"]["privacyStatus"]) == ("uploaded", "private")
    assert (await video(member, made["id"], "contentDetails"))["contentDetails"]["duration"] == "PT1M15S"
    [post] = await world.ledger()
    assert (post["remote_id"], post["kind"], post["text"]) == (made["id"], "video", "Hello\nFrom the sandbox")
    assert post["media"][0]["bytes"] == total


async def test_a_probe_tells_where_to_go_on_and_afterwards_what_came_of_it(member: Member) -> None:
    content = mp4(2 * UNIT)
    address, total = await session(member, 2 * UNIT), 2 * UNIT
    nothing = await put(member, address, b"", f"*/{total}")
    assert (nothing.status_code, nothing.headers.get("range")) == (308, None)
    await put(member, address, content[:UNIT], f"0-{UNIT - 1}/{total}")
    half = await put(member, address, b"", f"*/{total}")
    assert (half.status_code, half.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    made = await put(member, address, content[UNIT:], f"{UNIT}-{total - 1}/{total}")
    again = await put(member, address, b"", f"*/{total}")
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        pytest.param(1000, f"0-999/{2 * UNIT}", id="no multiple of 256 KiB"),
        pytest.param(UNIT, f"{UNIT}-{2 * UNIT - 1}/{2 * UNIT}", id="a gap"),
        pytest.param(UNIT, f"0-{UNIT - 1}/{3 * UNIT}", id="another total"),
        pytest.param(UNIT, f"0-{UNIT}/{2 * UNIT}", id="not its size"),
        pytest.param(UNIT, "0-/5", id="unreadable"),
    ],
)
async def test_pieces_are_checked(member: Member, size: int, sent: str) -> None:
    address = await session(member, 2 * UNIT)
    assert reason(await put(member, address, b"x" * size, sent)) == (400, "badRequest")


async def test_the_total_may_be_unknown_until_the_end(member: Member) -> None:
    content = mp4(UNIT + 10)
    address = await session(member, None)
    assert (await put(member, address, content[:UNIT], f"0-{UNIT - 1}/*")).status_code == 308
    last = await put(member, address, content[UNIT:], f"{UNIT}-{UNIT + 9}/{UNIT + 10}")
    assert last.status_code == 200


async def test_a_session_lives_a_week(member: Member, stopwatch: Stopwatch) -> None:
    address = await session(member, 10)
    assert (await put(member, address.replace("upload_id=", "upload_id=x"), b"", "*/10")).status_code == 404
    stopwatch.advance(days=7)
    assert (await put(member, address, b"", "*/10")).status_code == 410


async def test_a_token_that_is_sent_along_must_count(world: World, member: Member) -> None:
    address = await session(member, 10)
    headers = {"Authorization": f"Bearer {world.token('youtube', 'somebody')}", "Content-Range": "bytes */10"}
    assert (await world.http.put(address, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"snippet": {"title": ""}}, (400, "invalidTitle")),
        ({"snippet": {"title": "x" * 101}}, (400, "invalidTitle")),
        ({"snippet": {"title": "<b>"}}, (400, "invalidTitle")),
        ({"snippet": {"description": "é" * 2501}}, (400, "invalidDescription")),
        ({"snippet": {"tags": ["x" * 250, "y" * 250]}}, (400, "invalidTags")),
        ({"snippet": {"categoryId": "99"}}, (400, "invalidCategoryId")),
        ({"snippet": {"heading": "x"}}, (400, "badRequest")),
        ({"status": {"privacyStatus": "secret"}}, (400, "badRequest")),
        ({"status": {"privacyStatus": "public", "publishAt": "2026-12-01T10:00:00Z"}}, (400, "invalidPublishAt")),
        ({"status": {"privacyStatus": "private", "publishAt": "soon"}}, (400, "invalidPublishAt")),
        ({"part": "snippet"}, (400, "unexpectedPart")),
        ({"part": "snippet,status,sound"}, (400, "unknownPart")),
        ({"part": ""}, (400, "missingRequiredParameter")),
        ({"notify": "false"}, (400, "badRequest")),
        ({"kind": "image/png"}, (400, "badContent")),
    ],
)
async def test_a_video_is_checked_before_its_bytes(
    member: Member, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert reason(await start(member, 100, **changes)) == expected


async def test_a_small_video_may_come_at_once(world: World, member: Member) -> None:
    metadata = json.dumps({"snippet": SNIPPET, "status": PUBLIC})
    head = f"--x\r\nContent-Type: application/json\r\nMIME-Version: 1.0\r\n\r\n{metadata}\r\n--x\r\n"
    body = (head + "Content-Type: video/mp4\r\n\r\n").encode() + mp4(5000) + b"\r\n--x--"
    answer = await member.post(
        "/upload/youtube/v3/videos?uploadType=multipart&part=snippet,status",
        content=body,
        headers={"Content-Type": 'multipart/related; boundary="x"'},
    )
    assert (answer.status_code, answer.json()["snippet"]["title"]) == (200, "Hello")
    assert (await world.ledger())[0]["media"][0]["bytes"] == 5000
    bare = await member.post(
        "/upload/youtube/v3/videos?uploadType=media&part=id", content=mp4(), headers={"Content-Type": "video/mp4"}
    )
    assert bare.status_code == 200


async def test_processing_takes_a_while(member: Member, stopwatch: Stopwatch) -> None:
    made = await uploaded(member)
    working = await video(member, made["id"])
    assert working["processingDetails"]["processingStatus"] == "processing"
    assert working["status"]["uploadStatus"] == "uploaded"
    stopwatch.advance(seconds=5)
    done = await video(member, made["id"])
    assert (done["processingDetails"], done["status"]["uploadStatus"]) == (
        {"processingStatus": "succeeded"},
        "processed",
    )


@pytest.mark.parametrize(
    ("content", "fault", "how"),
    [
        (b"\0" * 500, None, {"uploadStatus": "failed", "failureReason": "invalidFile"}),
        (png(), None, {"uploadStatus": "failed", "failureReason": "invalidFile"}),
        (mp4(seconds=13 * 3600), None, {"uploadStatus": "rejected", "rejectionReason": "length"}),
        (mp4(), "processing_failed", {"uploadStatus": "failed", "failureReason": "conversion"}),
        (mp4(), "duplicate", {"uploadStatus": "rejected", "rejectionReason": "duplicate"}),
        (mp4(), "processing_slow", {"uploadStatus": "uploaded"}),
    ],
)
async def test_what_fails_later_was_accepted_and_is_never_public(
    world: World, member: Member, stopwatch: Stopwatch, content: bytes, fault: str | None, how: dict[str, str]
) -> None:
    if fault:
        await world.order("youtube", fault, count=1)
    made = await uploaded(member, content, status=PUBLIC)
    stopwatch.advance(seconds=60)
    status = (await video(member, made["id"]))["status"]
    assert {name: status.get(name) for name in how} == how
    assert len(await world.ledger()) == (1 if fault == "processing_slow" else 0)


@pytest.mark.parametrize(
    ("status", "views"), [(PUBLIC, True), (PRIVATE, False), ({"privacyStatus": "unlisted"}, False)]
)
async def test_only_public_videos_earn_views(
    member: Member, stopwatch: Stopwatch, status: dict[str, Any], views: bool
) -> None:
    made = await uploaded(member, status=status)
    stopwatch.advance(days=1)
    statistics = (await video(member, made["id"]))["statistics"]
    assert isinstance(statistics["viewCount"], str)
    assert (int(statistics["viewCount"]) > 0) is views


async def test_a_scheduled_video_turns_public_at_its_hour(member: Member, stopwatch: Stopwatch) -> None:
    made = await uploaded(member, status=PRIVATE | {"publishAt": "2026-11-20T12:00:00Z"})
    assert made["status"]["publishAt"] == "2026-11-20T12:00:00Z"
    seen: list[tuple[str, bool]] = []
    for _ in range(2):
        stopwatch.advance(hours=2)
        found = await video(member, made["id"])
        seen.append((found["status"]["privacyStatus"], found["statistics"]["viewCount"] != "0"))
    assert seen == [("private", False), ("public", True)]


async def test_an_unverified_projects_videos_are_locked_private(world: World, member: Member) -> None:
    await world.order("youtube", "unreviewed_app")
    made = await uploaded(member, status=PUBLIC)
    assert made["status"]["privacyStatus"] == "private"


async def test_a_partly_accepted_piece_is_continued(world: World, member: Member) -> None:
    content, total = mp4(4 * UNIT), 4 * UNIT
    address = await session(member, total)
    await world.order("youtube", "partial_chunk", count=1)
    half = await put(member, address, content, f"0-{total - 1}/{total}")
    assert (half.status_code, half.headers["range"]) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert (await put(member, address, content[2 * UNIT :], f"{2 * UNIT}-{total - 1}/{total}")).status_code == 200


async def test_a_lost_answer_to_the_last_piece_is_found_by_a_probe(world: World, member: Member) -> None:
    content = mp4()
    address = await session(member, len(content))
    await world.order("youtube", "accept_then_500", count=1)
    assert reason(await put(member, address, content, f"0-{len(content) - 1}/{len(content)}")) == (500, "backendError")
    found = await put(member, address, b"", f"*/{len(content)}")
    assert found.json()["id"] == (await world.ledger())[0]["remote_id"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("quota_exhausted", (403, "quotaExceeded")),
        ("account_action", (401, "youtubeSignupRequired")),
        ("rate_limit", (429, "rateLimitExceeded")),
        ("expired_token", (401, "authError")),
    ],
)
async def test_a_start_can_be_ordered_to_fail(
    world: World, member: Member, fault: str, expected: tuple[int, str]
) -> None:
    await world.order("youtube", fault, count=1)
    assert reason(await start(member, 10)) == expected


async def test_an_app_uploads_a_hundred_videos_a_day_until_midnight_in_california(
    world: World, member: Member, stopwatch: Stopwatch
) -> None:
    other = world.member("youtube", "other")  # another channel, the same app
    for number in range(99):
        await start(member, 10, part="" if number % 2 else "snippet,status")  # invalid ones count too
    assert (await start(other, 10)).status_code == 200
    assert reason(await start(member, 10)) == (403, "quotaExceeded")
    assert (await member.get("/youtube/v3/videos?part=id&id=x")).status_code == 200
    stopwatch.advance(hours=22, minutes=59)  # 07:59 UTC, 23:59 there
    assert (await start(member, 10)).status_code == 403
    stopwatch.advance(minutes=1)
    assert (await start(member, 10)).status_code == 200


async def test_a_sender_that_goes_away_has_left_what_arrived(served: World) -> None:
    member = served.member("youtube")
    content, total = mp4(4 * UNIT), 4 * UNIT
    address = await session(member, total)

    async def half() -> Any:
        yield content[: 2 * UNIT]
        raise ConnectionResetError

    headers = {"Content-Range": f"bytes 0-{total - 1}/{total}", "Content-Length": str(total)}
    with pytest.raises(ConnectionResetError):
        await member.http.put(address, content=half(), headers=headers)
    probe = await put(member, address, b"", f"*/{total}")
    while "range" not in probe.headers:  # the server may still be noticing
        probe = await put(member, address, b"", f"*/{total}")
    received = int(probe.headers["range"].rpartition("-")[2]) + 1
    assert 0 < received <= 2 * UNIT
    rest = await put(member, address, content[received:], f"{received}-{total - 1}/{total}")
    assert rest.status_code == 200
