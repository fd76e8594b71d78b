"""The shapes of the Ampost reference, `PostContent`, `PostMedia` and `Post`, field by field, wherever posts are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import NoneType
from typing import Any

import pytest
from posts import IMAGE, VIDEO, body, create, error, later, put_into
from test_posts_upload import jpeg, send

from world import World, good, open_world

pytestmark = pytest.mark.anyio

Types = tuple[type, ...]

CONTENT: dict[str, Types] = {"text": (str,), "media": (list,), "linkUrl": (str, NoneType), "platformOverrides": (dict,)}
POST: dict[str, Types] = CONTENT | {
    "id": (str,),
    "userId": (str,),
    "platformPosts": (list,),
    "status": (str,),
    "scheduledFor": (str, NoneType),
    "createdAt": (str,),
    "updatedAt": (str,),
    "platformSetId": (str,),
}
MEDIA: dict[str, Types] = {"type": (str,), "url": (str,)}
MEDIA_IF_KNOWN: dict[str, Types] = {
    "id": (str,),
    "filename": (str,),
    "mimeType": (str,),
    "sizeBytes": (int,),
    "width": (int, NoneType),
    "height": (int, NoneType),
    "durationSeconds": (int, float, NoneType),
    "altText": (str, NoneType),
    "thumbnailUrl": (str, NoneType),
}
DESCRIBED = {
    "type and url": {"type": "image", "url": "https://cdn.example.com/a.jpg"},
    "all that is optional is null": dict.fromkeys(MEDIA_IF_KNOWN)
    | {"type": "image", "url": "https://example.com/a.jpg"},
    "an image with everything": {**IMAGE, "filename": "a.jpg", "altText": "A graph"},
    "a video with everything": {**VIDEO, "filename": "a.mp4", "thumbnailUrl": "https://cdn.example.com/a.jpg"},
}


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


def has_shape_of_post(post: dict[str, Any]) -> bool:
    _of(post, POST)
    for medium in post["media"]:
        _of(medium, MEDIA, MEDIA_IF_KNOWN)
        assert medium["type"] in ("image", "video", "gif")
        assert set(medium) <= set(MEDIA | MEDIA_IF_KNOWN)
    return True


def _of(document: dict[str, Any], required: dict[str, Types], optional: dict[str, Types] | None = None) -> None:
    for name, types in {**required, **(optional or {})}.items():
        assert name in document or name not in required, name
        if name in document:
            assert type(document[name]) in types, f"{name}: {document[name]!r}"


@pytest.mark.parametrize("described", DESCRIBED.values(), ids=DESCRIBED)
async def test_post_media_has_the_fields_and_types_of_the_reference(world: World, described: dict[str, Any]) -> None:
    post = await create(world, "facebook", media=[described])
    assert has_shape_of_post(post)
    (shown,) = post["media"]
    told = {name: value for name, value in described.items() if name != "mimeType"}
    assert {name: shown.get(name) for name in told} == told
    assert shown["mimeType"] == (described.get("mimeType") or "image/jpeg"), "guessed where it was not said"


async def test_a_bare_address_becomes_a_post_media(world: World) -> None:
    assert has_shape_of_post(await create(world, "facebook", media=[], mediaUrls=["https://cdn.example.com/a.gif.jpg"]))


async def test_a_file_of_ours_is_a_post_media_too(world: World) -> None:
    post = good(await send(world.test, world, jpeg(), platforms=("facebook",)))["post"]
    assert has_shape_of_post(post)
    assert set(post["media"][0]) >= {"id", "filename", "mimeType", "sizeBytes", "width", "height"}


@pytest.mark.parametrize("name", [*MEDIA, *MEDIA_IF_KNOWN])
async def test_each_field_of_post_media_is_taken_by_its_type_only(world: World, name: str) -> None:
    wanted = await body(world, "facebook", media=[IMAGE | {name: ["no such thing"]}])
    refused = error(await world.test.post("/api/v1/posts", json=wanted))
    assert refused["details"]["field"] == f"media[0].{name}"


@pytest.mark.parametrize("name", MEDIA)
async def test_post_media_needs_type_and_url(world: World, name: str) -> None:
    lacking = {key: value for key, value in IMAGE.items() if key != name}
    refused = error(await world.test.post("/api/v1/posts", json=await body(world, "facebook", media=[lacking])))
    assert refused["details"]["field"] == f"media[0].{name}"


@pytest.mark.parametrize(
    ("name", "wrong"), [("text", 5), ("text", None), ("media", {}), ("linkUrl", 5), ("platformOverrides", [])]
)
async def test_each_field_of_post_content_is_taken_by_its_type_only(world: World, name: str, wrong: Any) -> None:
    refused = error(await world.test.post("/api/v1/posts", json=await body(world, "facebook", **{name: wrong})))
    assert refused["details"]["field"] == name


Act = Callable[[World, str], Awaitable[Any]]

ANSWERS: dict[str, Act] = {
    "get": lambda world, path: world.test.get(path),
    "update": lambda world, path: world.test.patch(path, json={"content": {"text": "Other"}}),
    "cancel": lambda world, path: world.test.post(f"{path}/cancel"),
    "delete": lambda world, path: world.test.delete(path),
    "publish": lambda world, path: world.test.post(f"{path}/publish"),
}


@pytest.mark.parametrize("act", ANSWERS.values(), ids=ANSWERS)
async def test_every_route_of_a_post_answers_200_with_the_post(world: World, act: Act) -> None:
    post = await create(world, "facebook", media=[IMAGE], scheduledFor=later(world))
    answer = await act(world, f"/api/v1/posts/{post['id']}")
    assert answer.status_code == 200
    assert answer.json().keys() == {"post"}
    assert answer.json()["post"]["id"] == post["id"]
    assert has_shape_of_post(answer.json()["post"])


async def test_retrying_answers_200_with_the_post(world: World) -> None:
    post = await create(world, "facebook", media=[IMAGE])
    await put_into(world, post, "failed", facebook="failed")
    answer = await world.test.post(f"/api/v1/posts/{post['id']}/retry")
    assert (answer.status_code, answer.json().keys()) == (200, {"post"})
    assert has_shape_of_post(answer.json()["post"])


async def test_a_list_holds_posts_of_the_same_shape(world: World) -> None:
    await create(world, "facebook", media=[IMAGE])
    page = await world.get("/api/v1/posts")
    assert (page["limit"], page["offset"]) == (20, 0)
    assert all(has_shape_of_post(post) for post in page["posts"])


async def test_the_shape_of_post_media_is_told_as_the_reference_tells_it(world: World) -> None:
    page = (await world.client().get("/llm.txt")).text
    told = page.partition("\nPostMedia {\n")[2].partition("\n}\n")[0]
    for field in ("id?: string", "filename?: string", "mimeType?: string", "sizeBytes?: integer", "url: string"):
        assert f"  {field};" in told
    for field in ("width?: integer | null", "durationSeconds?: number | null", "altText?: string | null"):
        assert f"  {field};" in told
    assert '  type: "image" | "video" | "gif";' in told
