"""TikTok: posting, from what the creator may choose to the post's public id. Every answer carries the envelope."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from pictures import jpeg, mp4, png, webp
from pretending import SIGNING_KEY, Member, Stopwatch, World
from shelf import Shelf

from amp.sandbox.accounts import feed_link

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20
PUBLIC = {"privacy_level": "PUBLIC_TO_EVERYONE", "title": "Hello #tiktok"}
OK = (200, "ok")


@pytest.fixture
def member(world: World) -> Member:
    return world.member("tiktok")


def said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def announce(member: Member, size: int, **changes: Any) -> httpx2.Response:
    """A video that will be sent in as few chunks as the rules allow."""
    chunk = min(size, 64 * MEGABYTE)
    source = {"source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": size // chunk}
    body = {"post_info": PUBLIC | changes.pop("post_info", {}), "source_info": source | changes}
    return await member.post("/v2/post/publish/video/init/", json=body)


async def put(member: Member, address: str, content: bytes, sent: str, **headers: str) -> httpx2.Response:
    headers = {"Content-Type": "video/mp4", "Content-Range": f"bytes {sent}"} | headers
    return await member.http.put(address, content=content, headers=headers)


async def publish(member: Member, content: bytes = mp4(), **changes: Any) -> str:
    """Announce and send a video; its publish id."""
    data = (await announce(member, len(content), **changes)).json()["data"]
    size = len(content)
    answer = await put(member, data["upload_url"], content, f"0-{size - 1}/{size}")
    assert answer.status_code == 201, answer.text
    return data["publish_id"]


async def publish_photos(member: Member, urls: list[str], **changes: Any) -> httpx2.Response:
    post = PUBLIC | {"title": "Two", "description": "Dots"} | changes.pop("post_info", {})
    source = {"source": "PULL_FROM_URL", "photo_images": urls, "photo_cover_index": 0} | changes.pop("source_info", {})
    body = {"media_type": "PHOTO", "post_mode": "DIRECT_POST", "post_info": post, "source_info": source} | changes
    return await member.post("/v2/post/publish/content/init/", json=body)


async def outcome(member: Member, publish_id: str) -> dict[str, Any]:
    answer = await member.post("/v2/post/publish/status/fetch/", json={"publish_id": publish_id})
    assert said(answer) == OK, answer.text
    return answer.json()["data"]


async def test_a_creator_chooses_among_options(member: Member) -> None:
    answer = await member.post("/v2/post/publish/creator_info/query/", json={})
    data = answer.json()["data"]
    assert said(answer) == OK
    assert answer.json()["error"]["log_id"]
    assert data["privacy_level_options"] == ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
    assert (data["creator_username"], data["max_video_post_duration_sec"]) == ("acme", 600)


async def test_a_video_is_worked_on_then_public_then_has_an_id(
    world: World, member: Member, stopwatch: Stopwatch
) -> None:
    publish_id = await publish(member, mp4(5000))
    assert publish_id.startswith("v_pub_file~v2-1.")
    working = {"status": "PROCESSING_UPLOAD", "publicaly_available_post_id": [], "uploaded_bytes": 5000}
    assert await outcome(member, publish_id) == working
    stopwatch.advance(seconds=4)
    assert await outcome(member, publish_id) == working | {"status": "PUBLISH_COMPLETE"}
    stopwatch.advance(seconds=15)
    [post_id] = (await outcome(member, publish_id))["publicaly_available_post_id"]
    [post] = await world.ledger()
    assert (post["remote_id"], post["kind"], post["text"]) == (str(post_id), "video", "Hello #tiktok")
    assert post["media"][0]["bytes"] == 5000


async def test_a_private_post_never_has_a_public_id(world: World, member: Member, stopwatch: Stopwatch) -> None:
    publish_id = await publish(member, post_info={"privacy_level": "SELF_ONLY"})
    stopwatch.advance(hours=1)
    done = await outcome(member, publish_id)
    assert (done["status"], done["publicaly_available_post_id"]) == ("PUBLISH_COMPLETE", [])
    assert (await world.ledger())[0]["remote_id"] == publish_id
    listed = await member.post("/v2/video/list/?fields=id", json={})
    assert listed.json()["data"]["videos"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"post_info": {"privacy_level": "EVERYBODY"}}, (400, "invalid_param"), id="no such level"),
        pytest.param(
            {"post_info": {"privacy_level": "FOLLOWER_OF_CREATOR"}},
            (403, "privacy_level_option_mismatch"),
            id="not this creator's",
        ),
        pytest.param(
            {"post_info": {"privacy_level": "SELF_ONLY", "brand_content_toggle": True}},
            (400, "invalid_param"),
            id="private branded content",
        ),
        pytest.param({"post_info": {"title": "😀" * 1100}}, OK, id="2200 UTF-16 units"),
        pytest.param({"post_info": {"title": "😀" * 1101}}, (400, "invalid_param"), id="a longer title"),
        pytest.param({"post_info": {"schedule_time": 1}}, (400, "invalid_param"), id="an unknown member"),
        pytest.param({"chunk_size": 4 * MEGABYTE, "total_chunk_count": 2}, (400, "invalid_param"), id="small chunks"),
        pytest.param({"chunk_size": 5 * MEGABYTE, "total_chunk_count": 2}, OK, id="the last takes the rest"),
        pytest.param({"chunk_size": 5 * MEGABYTE, "total_chunk_count": 3}, (400, "invalid_param"), id="rounded up"),
        pytest.param({"chunk_size": 11 * MEGABYTE, "total_chunk_count": 1}, OK, id="all at once"),
        pytest.param(
            {"video_size": 65 * MEGABYTE, "chunk_size": 65 * MEGABYTE, "total_chunk_count": 1},
            (400, "invalid_param"),
            id="more than 64 MB at once",
        ),
        pytest.param({"source": "MAGIC"}, (400, "invalid_param"), id="no such source"),
    ],
)
async def test_announcements_are_checked(member: Member, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    assert said(await announce(member, 11 * MEGABYTE, **changes)) == expected


async def test_chunks_come_in_order_and_whole(world: World, member: Member, stopwatch: Stopwatch) -> None:
    size, chunk = 11 * MEGABYTE, 5 * MEGABYTE
    film = mp4(size, seconds=601, index_last=True)
    data = (await announce(member, size, chunk_size=chunk, total_chunk_count=2)).json()["data"]
    address = data["upload_url"]
    assert address.startswith("http://sandbox.local/sandbox/tiktok/upload/video/?upload_id=")
    first, last = f"0-{chunk - 1}/{size}", f"{chunk}-{size - 1}/{size}"
    assert (await put(member, address, film[chunk:], last)).status_code == 416
    assert (await put(member, address, film[:chunk], first, **{"Content-Type": "text/plain"})).status_code == 400
    assert (await put(member, address, film[: chunk - 1], first)).status_code == 400
    assert (await put(member, address, film[:chunk], first)).status_code == 206
    assert (await put(member, address, film[:chunk], first)).status_code == 416
    assert (await outcome(member, data["publish_id"]))["uploaded_bytes"] == chunk
    assert (await put(member, address, film[chunk:], last)).status_code == 201
    stopwatch.advance(seconds=10)
    failed = await outcome(member, data["publish_id"])  # its length stands at its very end
    assert (failed["status"], failed["fail_reason"]) == ("FAILED", "duration_check_failed")
    assert await world.ledger() == []


async def test_an_upload_address_lives_an_hour(member: Member, stopwatch: Stopwatch) -> None:
    address = (await announce(member, 10)).json()["data"]["upload_url"]
    stopwatch.advance(hours=1)
    assert (await put(member, address, b"0123456789", "0-9/10")).status_code == 403
    assert (await put(member, address.replace("token=", "token=x"), b"0123456789", "0-9/10")).status_code == 404


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0" * 500, "file_format_check_failed"),
        (mp4(seconds=601), "duration_check_failed"),
        (mp4(width=300), "picture_size_check_failed"),
    ],
)
async def test_a_video_is_judged_by_its_bytes(
    member: Member, stopwatch: Stopwatch, content: bytes, reason: str
) -> None:
    publish_id = await publish(member, content)
    stopwatch.advance(seconds=10)
    assert (await outcome(member, publish_id))["fail_reason"] == reason


async def test_photos_are_fetched_from_their_addresses(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    answer = await publish_photos(member, [shelf.put(jpeg(1080, 1350)), shelf.put(webp())])
    publish_id = answer.json()["data"]["publish_id"]
    assert said(answer) == OK
    assert publish_id.startswith("p_pub_url~v2.")
    assert (await outcome(member, publish_id))["status"] == "PROCESSING_DOWNLOAD"
    stopwatch.advance(seconds=30)
    assert len((await outcome(member, publish_id))["publicaly_available_post_id"]) == 1
    [post] = await world.ledger()
    assert (post["kind"], post["text"]) == ("photos", "Two\nDots")
    assert [medium["media_type"] for medium in post["media"]] == ["image/jpeg", "image/webp"]
    link = feed_link(SIGNING_KEY, world.owner)
    assert "Two\nDots" in (await world.http.get(f"/sandbox/?{link}")).text
    shown = await world.http.get(f"/sandbox/_media/tiktok/{quote(post['media'][1]['id'], safe='')}?{link}")
    assert shown.content == webp()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png(), "file_format_check_failed"),
        (jpeg(2000, 2000), "picture_size_check_failed"),
        (jpeg(size=20 * MEGABYTE + 1), "picture_size_check_failed"),
        (None, "photo_pull_failed"),
    ],
    ids=["a PNG", "over 1080p", "over 20 MB", "nothing there"],
)
async def test_one_wrong_photo_fails_the_post(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf, content: bytes | None, reason: str
) -> None:
    url = f"{shelf.origin}/nothing" if content is None else shelf.put(content)
    answer = await publish_photos(member, [shelf.put(jpeg()), url])
    stopwatch.advance(seconds=30)
    failed = await outcome(member, answer.json()["data"]["publish_id"])
    assert (failed["status"], failed["fail_reason"]) == ("FAILED", reason)
    assert await world.ledger() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"source_info": {"photo_images": []}},
        {"source_info": {"photo_images": ["https://media.invalid/x.jpg"] * 36}},
        {"source_info": {"photo_cover_index": 1}},
        {"post_info": {"title": "x" * 91}},
        {"post_info": {"description": "x" * 4001}},
        {"post_info": {"privacy_level": None}},
        {"media_type": "VIDEO"},
    ],
)
async def test_photo_posts_are_checked(member: Member, shelf: Shelf, changes: dict[str, Any]) -> None:
    assert said(await publish_photos(member, [shelf.put(jpeg())], **changes)) == (400, "invalid_param")


@pytest.mark.parametrize(("content", "status"), [(mp4(), "PUBLISH_COMPLETE"), (None, "FAILED")])
async def test_a_video_may_be_pulled(
    member: Member, stopwatch: Stopwatch, shelf: Shelf, content: bytes | None, status: str
) -> None:
    url = shelf.put(content) if content else f"{shelf.origin}/nothing"
    body = {"post_info": PUBLIC, "source_info": {"source": "PULL_FROM_URL", "video_url": url}}
    data = (await member.post("/v2/post/publish/video/init/", json=body)).json()["data"]
    assert "upload_url" not in data
    stopwatch.advance(seconds=10)
    assert (await outcome(member, data["publish_id"]))["status"] == status


async def test_a_share_waits_in_the_inbox_and_is_no_post(world: World, member: Member, stopwatch: Stopwatch) -> None:
    source = {"source": "FILE_UPLOAD", "video_size": 500, "chunk_size": 500, "total_chunk_count": 1}
    for number in range(6):
        answer = await member.post("/v2/post/publish/inbox/video/init/", json={"source_info": source})
        if number == 5:
            assert said(answer) == (403, "spam_risk_too_many_pending_share")
            break
        await put(member, answer.json()["data"]["upload_url"], mp4(500), "0-499/500")
        stopwatch.advance(minutes=1)
        assert (await outcome(member, answer.json()["data"]["publish_id"]))["status"] == "SEND_TO_USER_INBOX"
    assert await world.ledger() == []


async def test_fifteen_posts_a_day_and_six_announcements_a_minute(member: Member, stopwatch: Stopwatch) -> None:
    for number in range(15):
        await publish(member, mp4(600 + number))
        stopwatch.advance(seconds=20)
    assert said(await announce(member, 10)) == (403, "spam_risk_too_many_posts")
    stopwatch.advance(hours=24)
    assert [said(await announce(member, 10)) for _ in range(7)] == [OK] * 6 + [(429, "rate_limit_exceeded")]


@pytest.mark.parametrize(("owner", "code"), [("other", "token_not_authorized_for_specified_publish_id")])
async def test_a_publish_id_is_its_users_own(world: World, member: Member, owner: str, code: str) -> None:
    publish_id = await publish(member)
    path = "/v2/post/publish/status/fetch/"
    theirs = await world.member("tiktok", owner).post(path, json={"publish_id": publish_id})
    assert said(theirs) == (403, code)
    assert said(await member.post(path, json={"publish_id": "v_pub_file~x"})) == (400, "invalid_publish_id")


async def test_an_unaudited_app_posts_to_private_accounts_only(world: World, member: Member) -> None:
    await world.order("tiktok", "unreviewed_app")
    options = (await member.post("/v2/post/publish/creator_info/query/", json={})).json()["data"]
    assert "PUBLIC_TO_EVERYONE" not in options["privacy_level_options"]
    assert said(await announce(member, 10)) == (403, "unaudited_client_can_only_post_to_private_accounts")
    await publish(member, post_info={"privacy_level": "SELF_ONLY"})
    for number in range(5):
        other = world.member("tiktok", f"other{number}")
        refused = said(await announce(other, 10, post_info={"privacy_level": "SELF_ONLY"}))
        if number == 4:
            assert refused == (403, "reached_active_user_cap")
            break
        await publish(other, post_info={"privacy_level": "SELF_ONLY"})


@pytest.mark.parametrize(
    ("fault", "code"),
    [("quota_exhausted", "spam_risk_too_many_posts"), ("account_action", "spam_risk_user_banned_from_posting")],
)
async def test_caps_are_told_with_200_to_those_who_ask_first(
    world: World, member: Member, fault: str, code: str
) -> None:
    await world.order("tiktok", fault)
    asked = await member.post("/v2/post/publish/creator_info/query/", json={})
    assert (said(asked), said(await announce(member, 10))) == ((200, code), (403, code))


async def test_a_lost_answer_to_the_last_chunk_is_found_by_status(
    world: World, member: Member, stopwatch: Stopwatch
) -> None:
    await world.order("tiktok", "accept_then_500", count=1)
    content = mp4(500)
    data = (await announce(member, 500)).json()["data"]
    assert (await put(member, data["upload_url"], content, "0-499/500")).status_code == 500
    stopwatch.advance(minutes=1)
    assert (await outcome(member, data["publish_id"]))["status"] == "PUBLISH_COMPLETE"
    assert len(await world.ledger()) == 1


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("processing_failed", "FAILED", "internal"),
        ("duplicate", "FAILED", "spam_risk_text"),
        ("processing_slow", "PROCESSING_UPLOAD", None),
    ],
)
async def test_processing_can_be_ordered_to_end_otherwise(
    world: World, member: Member, stopwatch: Stopwatch, fault: str, status: str, reason: str | None
) -> None:
    await world.order("tiktok", fault, count=1)
    publish_id = await publish(member)
    stopwatch.advance(seconds=60)
    found = await outcome(member, publish_id)
    assert (found["status"], found.get("fail_reason")) == (status, reason)


async def test_a_lost_answer_to_photos_leaves_one_post(world: World, member: Member, shelf: Shelf) -> None:
    await world.order("tiktok", "accept_then_500", count=1)
    assert said(await publish_photos(member, [shelf.put(jpeg())])) == (500, "internal_error")
    assert len(await world.ledger()) == 1


@pytest.mark.parametrize(
    ("mode", "scope", "expected"),
    [
        ("MEDIA_UPLOAD", "video.upload", OK),
        ("MEDIA_UPLOAD", "video.publish", (401, "scope_not_authorized")),
        ("DIRECT_POST", "video.upload", (401, "scope_not_authorized")),
    ],
)
async def test_photos_may_wait_in_the_inbox_too(
    world: World, stopwatch: Stopwatch, shelf: Shelf, mode: str, scope: str, expected: tuple[int, str]
) -> None:
    member = world.member("tiktok", scopes={scope})
    answer = await publish_photos(member, [shelf.put(jpeg())], post_mode=mode)
    assert said(answer) == expected
    stopwatch.advance(minutes=1)
    if expected == OK:
        assert (await outcome(member, answer.json()["data"]["publish_id"]))["status"] == "SEND_TO_USER_INBOX"
    assert await world.ledger() == []
