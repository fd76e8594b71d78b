"""LinkedIn: uploads to opaque addresses, parts with ETags, processing."""

from typing import Any

import httpx2
import pytest
from pictures import jpeg, mp4, pdf, png
from pretending import Member, Stopwatch, World
from test_sandbox_linkedin_posts import encoded, publish, speaking

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


@pytest.fixture
def member(world: World) -> Member:
    return speaking(world.member("linkedin", "ada"))


async def start(member: Member, kind: str, **changes: Any) -> httpx2.Response:
    request = {"owner": f"urn:li:person:{member.account}"} | changes
    return await member.post(f"/rest/{kind}s?action=initializeUpload", json={"initializeUploadRequest": request})


async def uploaded(member: Member, kind: str, content: bytes) -> str:
    """Put one file; its URN."""
    value = (await start(member, kind)).json()["value"]
    assert (await put(member, value["uploadUrl"], content)).status_code == 201
    return value[kind]


async def put(member: Member, address: str, content: bytes, **headers: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {member.token}"} | headers
    return await member.http.put(address, content=content, headers=headers)


async def start_video(member: Member, size: int) -> httpx2.Response:
    return await start(member, "video", fileSizeBytes=size, uploadCaptions=False, uploadThumbnail=False)


async def video_parts(member: Member, content: bytes) -> tuple[str, list[str]]:
    """Upload a video's parts without a token; its URN and the ETags in order."""
    value = (await start_video(member, len(content))).json()["value"]
    etags: list[str] = []
    for instruction in value["uploadInstructions"]:
        part = content[instruction["firstByte"] : instruction["lastByte"] + 1]
        answer = await member.http.put(instruction["uploadUrl"], content=part)
        assert answer.status_code == 200
        etags.append(answer.headers["etag"])
    return value["video"], etags


async def finalize(member: Member, urn: str, etags: list[str]) -> httpx2.Response:
    body = {"finalizeUploadRequest": {"video": urn, "uploadToken": "", "uploadedPartIds": etags}}
    return await member.post("/rest/videos?action=finalizeUpload", json=body)


async def test_an_image_goes_to_an_opaque_address_of_the_same_host(member: Member, stopwatch: Stopwatch) -> None:
    answer = await start(member, "image")
    value = answer.json()["value"]
    assert answer.status_code == 200
    assert value["uploadUrl"].startswith("http://sandbox.local/sandbox/linkedin/dms-uploads/")
    assert value["image"].startswith("urn:li:image:")
    assert value["uploadUrlExpiresAt"] > stopwatch.now().timestamp() * 1000


@pytest.mark.parametrize("content", [png(), jpeg()], ids=["png", "jpeg"])
async def test_several_images_make_one_post(member: Member, content: bytes) -> None:
    images = [{"id": await uploaded(member, "image", content), "altText": f"{number}"} for number in range(2)]
    answer = await publish(member, content={"multiImage": {"images": images}})
    assert (answer.status_code, answer.headers["x-restli-id"][:15]) == (201, "urn:li:ugcPost:")


@pytest.mark.parametrize("count", [1, 21])
async def test_several_means_2_to_20(member: Member, count: int) -> None:
    image = await uploaded(member, "image", png())
    answer = await publish(member, content={"multiImage": {"images": [{"id": image}] * count}})
    assert answer.status_code == 400


async def test_a_document_is_a_pdf(member: Member) -> None:
    good, bad = await uploaded(member, "document", pdf()), await uploaded(member, "document", png())
    assert (await publish(member, content={"media": {"id": good, "title": "Slides"}})).status_code == 201
    assert (await publish(member, "Bad", content={"media": {"id": bad, "title": "Slides"}})).status_code == 400


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"text", id="no picture"), pytest.param(png(6016, 6010), id="too many pixels")],
)
async def test_what_is_wrong_with_an_image_shows_when_a_post_wants_it(member: Member, content: bytes) -> None:
    image = await uploaded(member, "image", content)
    answer = await publish(member, content={"media": {"id": image}})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_VALUE_FOR_FIELD")


async def test_an_image_that_was_never_sent_cannot_be_posted(member: Member) -> None:
    image = (await start(member, "image")).json()["value"]["image"]
    assert (await publish(member, content={"media": {"id": image}})).status_code == 400


async def test_an_upload_address_is_good_once_and_for_a_day(member: Member, stopwatch: Stopwatch) -> None:
    address = (await start(member, "image")).json()["value"]["uploadUrl"]
    assert (await put(member, address, png())).status_code == 201
    assert (await put(member, address, png())).status_code == 400
    late = (await start(member, "image")).json()["value"]["uploadUrl"]
    stopwatch.advance(hours=24)
    assert (await put(member, late, png())).status_code == 403


async def test_an_image_upload_wants_the_token(member: Member, world: World) -> None:
    address = (await start(member, "image")).json()["value"]["uploadUrl"]
    assert (await member.http.put(address, content=png())).status_code == 401
    stranger = world.member("linkedin", "eve")
    assert (await put(stranger, address, png())).status_code == 403


@pytest.mark.parametrize("changes", [{"owner": "urn:li:person:other"}, {"colour": "red"}])
async def test_uploads_are_for_oneself_and_closed(member: Member, changes: dict[str, Any]) -> None:
    assert (await start(member, "image", **changes)).status_code in (400, 403)


async def test_a_video_has_parts_of_4_mb_with_etags_then_processing(member: Member, stopwatch: Stopwatch) -> None:
    urn, etags = await video_parts(member, mp4(4 * MEGABYTE + 10))
    assert len(etags) == 2
    assert (await show(member, urn))["status"] == "WAITING_UPLOAD"
    assert (await finalize(member, urn, etags)).status_code == 200
    assert (await show(member, urn))["status"] == "PROCESSING"
    early = await publish(member, content={"media": {"id": urn, "title": "Film"}})
    assert early.status_code == 400
    stopwatch.advance(seconds=10)
    assert (await show(member, urn))["status"] == "AVAILABLE"
    answer = await publish(member, content={"media": {"id": urn, "title": "Film"}})
    assert answer.headers["x-restli-id"].startswith("urn:li:ugcPost:")


async def show(member: Member, urn: str) -> dict[str, Any]:
    answer = await member.get(f"/rest/videos/{encoded(urn)}")
    assert answer.status_code == 200
    return answer.json()


async def test_the_etags_must_be_all_there_and_in_order(member: Member) -> None:
    urn, etags = await video_parts(member, mp4(4 * MEGABYTE + 10))
    for wrong in (etags[::-1], etags[:1], [*etags, "more"]):
        assert (await finalize(member, urn, wrong)).status_code == 400
    assert (await finalize(member, urn, etags)).status_code == 200


async def test_a_part_of_the_wrong_size_is_refused(member: Member) -> None:
    value = (await start_video(member, 100_000)).json()["value"]
    assert (await member.http.put(value["uploadInstructions"][0]["uploadUrl"], content=b"x")).status_code == 400


async def test_a_made_up_part_address_is_a_401(member: Member) -> None:
    answer = await member.http.put("/sandbox/linkedin/dms-uploads/secret/parts/0", content=b"x")
    assert answer.status_code == 401


async def test_a_file_that_is_no_video_fails_in_processing(member: Member, stopwatch: Stopwatch) -> None:
    urn, etags = await video_parts(member, b"\0" * 80_000)
    await finalize(member, urn, etags)
    stopwatch.advance(seconds=10)
    shown = await show(member, urn)
    assert (shown["status"], bool(shown["processingFailureReason"])) == ("PROCESSING_FAILED", True)


@pytest.mark.parametrize("size", [75 * 1024 - 1, 500 * MEGABYTE + 1])
async def test_a_video_has_75_kb_to_500_mb(member: Member, size: int) -> None:
    assert (await start_video(member, size)).status_code == 400


async def test_an_unknown_video_is_a_404(member: Member) -> None:
    assert (await member.get("/rest/videos/urn%3Ali%3Avideo%3Anone")).status_code == 404


@pytest.mark.parametrize("path", ["/rest/images", "/rest/images?action=upload", "/rest/videos?action=go"])
async def test_an_unknown_action_is_a_400(member: Member, path: str) -> None:
    assert (await member.post(path, json={})).status_code == 400


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(2.9, "PROCESSING_FAILED"), (3, "AVAILABLE"), (1800, "AVAILABLE"), (1801, "PROCESSING_FAILED")],
)
async def test_a_video_lasts_3_seconds_to_30_minutes(
    member: Member, stopwatch: Stopwatch, seconds: float, status: str
) -> None:
    urn, etags = await video_parts(member, mp4(80_000, seconds, index_last=True))
    await finalize(member, urn, etags)
    stopwatch.advance(seconds=10)
    assert (await show(member, urn))["status"] == status


@pytest.mark.parametrize(("scope", "status"), [("w_member_social", 403), ("r_member_social", 200)])
async def test_an_images_state_is_not_for_plain_members(world: World, scope: str, status: int) -> None:
    member = speaking(world.member("linkedin", "ada", scopes={"w_member_social", scope}))
    urn = await uploaded(member, "image", png())
    assert (await member.get(f"/rest/images/{encoded(urn)}")).status_code == status
