"""Posts with their files, by form, from scripts and from browsers."""

import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from PIL import Image
from posts import create, default_set, error, get, later, refusal

from dashboard import browser
from films import film
from world import World, good

pytestmark = pytest.mark.anyio


def jpeg(width: int = 1080, height: int = 1080) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "JPEG")
    return file.getvalue()


async def send(
    client: httpx2.AsyncClient, world: World, *files: bytes, platforms: tuple[str, ...] = ("instagram",), **data: Any
) -> httpx2.Response:
    document = {"text": "Hello", "platforms": platforms, "platformSetId": await default_set(world), **data}
    parts = [("data", (None, json.dumps(document))), *(("files", ("photo.jpg", file)) for file in files)]
    return await client.post("/api/posts", files=parts)


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 640), "teal").save(file, form)
    return file.getvalue()


ACCEPTED = {
    "image/jpeg": lambda: picture("JPEG"),
    "image/png": lambda: picture("PNG"),
    "image/webp": lambda: picture("WEBP"),
    "video/mp4": lambda: film(720, 1280),
    "video/quicktime": lambda: film(720, 1280, brand=b"qt  "),
}
REFUSED = {
    "image/gif": lambda: picture("GIF"),
    "image/tiff": lambda: picture("TIFF"),
    "image/bmp": lambda: picture("BMP"),
    "application/pdf": lambda: b"%PDF-1.7 and so on",
    "text/html": lambda: b"<html>",
}


@pytest.mark.parametrize(("mime_type", "made"), ACCEPTED.items(), ids=ACCEPTED)
async def test_accepted_mime_types_are_those_of_the_reference_whatever_the_file_is_called(
    world: World, mime_type: str, made: Callable[[], bytes]
) -> None:
    (medium,) = good(await send(world.test, world, made(), platforms=("twitter",)))["post"]["media"]
    assert (medium["mimeType"], medium["filename"]) == (mime_type, "photo.jpg")


@pytest.mark.parametrize(("mime_type", "made"), REFUSED.items(), ids=REFUSED)
async def test_other_mime_types_are_refused_whatever_the_file_is_called(
    world: World, mime_type: str, made: Callable[[], bytes]
) -> None:
    refused = error(await send(world.test, world, made(), platforms=("twitter",)))
    assert (refused["code"], refused["details"]["field"]) == ("UNSUPPORTED_MEDIA_TYPE", "files[0]")


async def test_the_example_of_the_reference_makes_a_post_with_media_urls(world: World) -> None:
    answer = await send(world.test, world, jpeg())
    assert answer.status_code == 201, answer.text
    post = answer.json()["post"]
    assert (post["text"], post["status"], post["platforms"]) == ("Hello", "draft", ["instagram"])
    (medium,) = post["media"]
    assert medium["id"].startswith("med_")
    assert (medium["type"], medium["mimeType"], medium["width"], medium["filename"]) == (
        *("image", "image/jpeg", 1080, "photo.jpg"),
    )
    assert "storageKey" not in medium
    served = await world.client().get(medium["url"].removeprefix(world.runtime.settings.base_url))
    assert served.content == jpeg()
    assert await get(world, post) == post
    assert "ampost:mediaUpload" in answer.headers["RateLimit-Policy"]


async def test_a_browser_may_send_files_with_its_cookie_and_csrf_token(world: World) -> None:
    async with browser(world) as client:
        assert (await send(client, world, jpeg())).status_code == 201
        del client.headers["X-CSRF-Token"]
        assert error(await send(client, world, jpeg()), 403)["code"] == "CSRF_FAILED"
    assert error(await send(world.client(), world, jpeg()), 401)["code"] == "UNAUTHORIZED"


async def test_the_versioned_routes_take_no_cookie(world: World) -> None:
    async with browser(world) as client:
        assert error(await client.get("/api/v1/posts"), 401)["code"] == "UNAUTHORIZED"


async def test_files_are_typed_media_for_platforms_that_want_them_described(world: World) -> None:
    answer = await send(world.test, world, film(seconds=24), platforms=("youtube", "tiktok"))
    (medium,) = good(answer)["post"]["media"]
    assert (medium["type"], medium["mimeType"], medium["durationSeconds"]) == ("video", "video/mp4", 24)


async def test_a_file_is_checked_against_the_platforms_like_any_medium(world: World) -> None:
    refused = error(await send(world.test, world, jpeg(), film(), platforms=("twitter",)))
    assert refused["code"] == "MIXED_MEDIA_NOT_SUPPORTED"
    refused = error(await send(world.test, world, b"no picture at all", platforms=("twitter",)))
    assert refused["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert refused["details"]["field"] == "files[0]"


async def test_alternative_texts_go_with_the_files(world: World) -> None:
    files, texts = (jpeg(), jpeg(800, 800)), ["A teal square", None]
    post = good(await send(world.test, world, *files, platforms=("linkedin",), altTexts=texts))["post"]
    assert [medium["altText"] for medium in post["media"]] == texts
    assert error(await send(world.test, world, jpeg(), altTexts=["a", "b"]))["details"]["field"] == "altTexts"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"platforms": []}, "platforms"),
        ({"platformSetId": None}, "platformSetId"),
        ({"content": {"text": "x"}}, "content"),
        ({"scheduledFor": "2030-01-01T00:00:00"}, "scheduledFor"),
        ({"text": 5}, "text"),
        ({"media": [{"type": "audio", "url": "https://example.com/a"}]}, "media[0].type"),
    ],
)
async def test_the_data_is_checked_as_strictly_as_a_body(world: World, data: dict[str, Any], field: str) -> None:
    refused = error(await send(world.test, world, jpeg(), **data))
    assert refused["details"]["field"] == field


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[]", "The 'data' field must be a JSON object"),
        ('"text"', "The 'data' field must be a JSON object"),
        ('{"text": ', "The 'data' field is not valid JSON: Expecting value (line 1)"),
    ],
)
async def test_a_form_whose_data_is_no_object_is_told_so_of_its_data(world: World, data: str, message: str) -> None:
    refused = error(await world.test.post("/api/posts", files=[("data", (None, data))]))
    assert (refused["details"]["field"], refused["message"]) == ("data", message)


async def test_a_form_may_schedule_and_may_have_no_files(world: World) -> None:
    at = later(world)
    post = good(await send(world.test, world, platforms=("facebook",), scheduledFor=at))["post"]
    assert (post["status"], post["scheduledFor"], post["media"]) == ("scheduled", at, [])


async def test_a_medium_of_ours_can_be_used_again_and_claims_about_it_are_checked(world: World) -> None:
    (medium,) = good(await send(world.test, world, jpeg()))["post"]["media"]
    again = await create(world, "linkedin", media=[medium])
    assert again["media"][0]["id"] == medium["id"]
    changed = good(await world.test.patch(f"/api/v1/posts/{again['id']}", json={"content": {"text": "Other"}}))
    assert changed["post"]["media"] == again["media"]
    wrong = medium | {"width": 4000, "mimeType": "image/png"}
    sent = {"content": {"media": [wrong]}}
    refused = error(await world.test.patch(f"/api/v1/posts/{again['id']}", json=sent))
    fields = [problem["field"] for problem in refused["details"]["problems"]]
    assert fields == ["media[0].mimeType", "media[0].width"]
    stranger = world.client((await world.new_tenant()).test_key)
    set_id = good(await stranger.get("/api/v1/platform-sets"))["sets"][0]["id"]
    foreign = {"content": {"text": "x", "media": [medium]}, "platforms": ["linkedin"], "platformSetId": set_id}
    assert error(await stranger.post("/api/v1/posts", json=foreign))["details"]["field"] == "media[0].id"


async def test_a_duration_that_is_not_the_films_is_refused_but_for_a_second(world: World) -> None:
    (medium,) = good(await send(world.test, world, film(seconds=24), platforms=("facebook",)))["post"]["media"]
    assert await create(world, "facebook", media=[medium | {"durationSeconds": 24.6}])
    refused = await refusal(world, "facebook", media=[medium | {"durationSeconds": 60}])
    assert refused["details"]["field"] == "media[0].durationSeconds"
