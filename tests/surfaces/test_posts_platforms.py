"""The table of supported platforms of the Ampost reference, row by row, and what it says of placements and settings."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from posts import FITTING, IMAGE, create, later, refusal

from world import World, good, open_world

pytestmark = pytest.mark.anyio

VIDEO: dict[str, Any] = {
    "type": "video",
    "url": "https://cdn.example.com/a.mp4",
    "mimeType": "video/mp4",
    "sizeBytes": 18_432_000,
    "width": 720,
    "height": 1280,
    "durationSeconds": 24,
}
GIF: dict[str, Any] = {
    "type": "gif",
    "url": "https://cdn.example.com/a.gif",
    "mimeType": "image/gif",
    "sizeBytes": 90_000,
    "width": 480,
    "height": 480,
}
MEDIA = {"one image": [IMAGE], "images": [IMAGE, IMAGE], "video": [VIDEO], "gif": [GIF]}


@dataclass(frozen=True)
class Row:
    """Of the table; the media as keys of `MEDIA`."""

    text_only: bool
    scheduling: bool
    media: tuple[str, ...]


TABLE = {
    "instagram": Row(text_only=False, scheduling=True, media=("one image", "images", "video")),
    "facebook": Row(text_only=True, scheduling=True, media=("one image", "images", "video")),
    "twitter": Row(text_only=True, scheduling=False, media=("one image", "images", "video", "gif")),
    "linkedin": Row(text_only=True, scheduling=False, media=("one image", "images", "video")),
    "tiktok": Row(text_only=False, scheduling=False, media=("one image", "video")),
    "youtube": Row(text_only=False, scheduling=True, media=("video",)),
    "threads": Row(text_only=True, scheduling=False, media=("one image", "images", "video")),
}
MORE = {("tiktok", "images")}
"""What the vendor takes beyond the table."""


def named(rows: dict[str, str]) -> dict[str, Any]:
    return {"argvalues": rows.items(), "ids": [f"{platform}: {says}" for platform, says in rows.items()]}


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here: they leave sets and accounts as they are."""
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


async def test_only_these_platforms_are_supported(world: World) -> None:
    refused = await refusal(world, "myspace")
    assert refused["message"].partition("Supported: ")[2] == ", ".join(sorted(TABLE))
    accounts = (await world.get("/api/v1/accounts"))["accounts"]
    assert {account["platform"] for account in accounts} == set(TABLE)


@pytest.mark.parametrize(
    ("platform", "says"), **named({name: "Yes" if row.text_only else "No" for name, row in TABLE.items()})
)
async def test_text_only_posts_are_as_the_platform_table_says(world: World, platform: str, says: str) -> None:
    if says == "Yes":
        assert (await create(world, platform, media=[]))["media"] == []
    else:
        assert (await refusal(world, platform, media=[]))["code"] == "UNSUPPORTED_MEDIA_CONFIG"


@pytest.mark.parametrize(
    ("platform", "says"), **named({name: "Yes" if row.scheduling else "No" for name, row in TABLE.items()})
)
async def test_scheduling_is_as_the_platform_table_says(world: World, platform: str, says: str) -> None:
    assert (await create(world, platform))["status"] == "draft"
    if says == "Yes":
        assert (await create(world, platform, scheduledFor=later(world)))["status"] == "scheduled"
    else:
        refused = await refusal(world, platform, scheduledFor=later(world))
        (problem,) = refused["details"]["problems"]
        assert (problem["platform"], problem["field"], problem["code"]) == (
            *(platform, "scheduledFor", "VALIDATION_FAILED"),
        )


@pytest.mark.parametrize(
    ("platform", "kind"),
    sorted(set(product(TABLE, MEDIA)) - MORE),
    ids=[f"{platform}: {kind}" for platform, kind in sorted(set(product(TABLE, MEDIA)) - MORE)],
)
async def test_media_support_is_as_the_platform_table_says(world: World, platform: str, kind: str) -> None:
    if kind in TABLE[platform].media:
        post = await create(world, platform, media=MEDIA[kind])
        assert [medium["type"] for medium in post["media"]] == [medium["type"] for medium in MEDIA[kind]]
    else:
        refused = await refusal(world, platform, media=MEDIA[kind])
        codes = {problem["code"] for problem in refused["details"]["problems"]}
        assert codes & {"UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_CONFIG"}


async def test_linkedin_takes_one_video_and_not_two(world: World) -> None:
    refused = await refusal(world, "linkedin", media=[VIDEO, VIDEO])
    assert refused["code"] == "UNSUPPORTED_MEDIA_CONFIG"


async def test_linkedin_takes_an_article_link_with_a_thumbnail(world: World) -> None:
    overrides = {"linkedin": {"settings": {"articleTitle": "Launch"}}}
    post = await create(
        world, "linkedin", media=[IMAGE], linkUrl="https://example.com/launch", platformOverrides=overrides
    )
    assert (post["linkUrl"], post["media"][0]["url"]) == ("https://example.com/launch", IMAGE["url"])


@pytest.mark.parametrize(
    ("media", "why"),
    [([VIDEO, VIDEO], "two videos"), ([IMAGE], "image-only"), ([IMAGE, VIDEO], "mixed media"), ([], "text-only")],
    ids=["two videos", "image-only", "mixed media", "text-only"],
)
async def test_youtube_requires_exactly_one_video(world: World, media: list[dict[str, Any]], why: str) -> None:
    refused = await refusal(world, "youtube", media=media)
    codes = {problem["code"] for problem in refused["details"]["problems"]}
    assert ("MIXED_MEDIA_NOT_SUPPORTED" in codes) is (why == "mixed media")
    assert "scheduledFor" not in str(refused)


PLACEMENTS = [
    ("instagram", "feed", [IMAGE], None),
    ("instagram", "story", [IMAGE], None),
    ("instagram", "story", [VIDEO], None),
    ("instagram", "reel", [VIDEO], None),
    ("instagram", "carousel", [IMAGE, IMAGE], None),
    ("instagram", "carousel", [IMAGE], "INVALID_PLACEMENT"),
    ("instagram", "reel", [IMAGE], "INVALID_PLACEMENT"),
    ("instagram", "reel", [VIDEO, VIDEO], "INVALID_PLACEMENT"),
    ("instagram", "story", [IMAGE, IMAGE], "INVALID_PLACEMENT"),
    ("instagram", "wall", [IMAGE], "VALIDATION_FAILED"),
    ("facebook", "feed", [], None),
    ("facebook", "feed", [IMAGE, IMAGE], None),
    ("facebook", "story", [IMAGE], None),
    ("facebook", "story", [VIDEO], None),
    ("facebook", "reel", [VIDEO], None),
    ("facebook", "reel", [IMAGE], "INVALID_PLACEMENT"),
    ("facebook", "reel", [], "INVALID_PLACEMENT"),
    ("facebook", "story", [IMAGE, IMAGE], "INVALID_PLACEMENT"),
    ("facebook", "carousel", [IMAGE, IMAGE], "VALIDATION_FAILED"),
]


@pytest.mark.parametrize(
    ("platform", "placement", "media", "code"),
    PLACEMENTS,
    ids=[
        f"{platform} {placement}: {'+'.join(one['type'] for one in media) or 'nothing'}"
        for platform, placement, media, _ in PLACEMENTS
    ],
)
async def test_placement_selection_is_validated_against_the_media_configuration(
    world: World, platform: str, placement: str, media: list[dict[str, Any]], code: str | None
) -> None:
    overrides = {platform: {"settings": {"placement": placement}}}
    if code is None:
        post = await create(world, platform, media=media, platformOverrides=overrides)
        assert post["platformOverrides"][platform]["settings"] == {"placement": placement}
        return
    (problem,) = (await refusal(world, platform, media=media, platformOverrides=overrides))["details"]["problems"]
    assert (problem["field"], problem["code"]) == ("settings.placement", code)


@pytest.mark.parametrize(
    ("known", "field"),
    [
        ({"durationSeconds": 4}, None),
        ({"durationSeconds": 60}, None),
        ({"width": None, "height": None, "durationSeconds": None}, None),
        ({"durationSeconds": 3}, "media[0].durationSeconds"),
        ({"durationSeconds": 61}, "media[0].durationSeconds"),
        ({"width": 1280, "height": 720}, "media[0].width"),
    ],
    ids=["4 seconds", "60 seconds", "no metadata", "3 seconds", "61 seconds", "16:9"],
)
async def test_facebook_reels_expect_9_16_video_between_4_and_60_seconds_when_metadata_is_available(
    world: World, known: dict[str, Any], field: str | None
) -> None:
    wanted = {"media": [VIDEO | known], "platformOverrides": {"facebook": {"settings": {"placement": "reel"}}}}
    if field is None:
        assert await create(world, "facebook", **wanted)
    else:
        assert (await refusal(world, "facebook", **wanted))["details"]["field"] == field


SETTINGS: dict[str, dict[str, Any]] = {
    "tiktok": {
        "privacyLevel": "SELF_ONLY",
        "disableComment": True,
        "disableDuet": True,
        "disableStitch": True,
        "brandContentToggle": True,
        "brandOrganicToggle": True,
        "isAigc": True,
        "videoCoverTimestampMs": 1500,
    },
    "youtube": {
        "title": "Explicit YouTube title",
        "description": "Launch walkthrough",
        "tags": ["launch", "demo"],
        "categoryId": "28",
        "privacyStatus": "unlisted",
        "publishAt": "2099-01-01T00:00:00Z",
        "notifySubscribers": False,
        "selfDeclaredMadeForKids": True,
        "containsSyntheticMedia": True,
    },
    "linkedin": {
        "visibility": "CONNECTIONS",
        "articleTitle": "Launch",
        "articleDescription": "All of it",
        "altText": "Product dashboard",
    },
}
EVERY = [(platform, name) for platform, settings in SETTINGS.items() for name in settings]


@pytest.mark.parametrize(("platform", "name"), EVERY, ids=[f"{platform} {name}" for platform, name in EVERY])
async def test_every_setting_of_the_reference_is_supported(world: World, platform: str, name: str) -> None:
    value = SETTINGS[platform][name]
    content = {"media": FITTING.get(platform, []), "linkUrl": "https://example.com" if "article" in name else None}
    overrides = {platform: {"settings": {name: value}}}
    post = await create(world, platform, **content, platformOverrides=overrides)
    assert post["platformOverrides"] == overrides
    wrong = {platform: {"settings": {name: {"not": "this"}}}}
    refused = await refusal(world, platform, **content, platformOverrides=wrong)
    assert refused["code"] == "VALIDATION_FAILED"
    assert refused["details"]["field"].startswith(f"settings.{name}")
    unknown = {platform: {"settings": {f"{name}X": value}}}
    refused = await refusal(world, platform, **content, platformOverrides=unknown)
    assert refused["details"]["field"] == f"settings.{name}X"


@pytest.mark.parametrize("visibility", ["PUBLIC", "CONNECTIONS", "LOGGED_IN"])
async def test_linkedin_visibility_supports_public_and_connections(world: World, visibility: str) -> None:
    overrides = {"linkedin": {"settings": {"visibility": visibility}}}
    if visibility == "LOGGED_IN":
        refused = await refusal(world, "linkedin", platformOverrides=overrides)
        assert refused["details"]["field"] == "settings.visibility"
    else:
        assert await create(world, "linkedin", platformOverrides=overrides)


async def test_the_reference_that_is_served_tells_the_same_table(world: World) -> None:
    page = (await world.client().get("/llm.txt")).text
    for platform, row in TABLE.items():
        (line,) = [line for line in page.splitlines() if f"| `{platform}` |" in line]
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[3:5] == ["yes" if row.text_only else "no", "yes" if row.scheduling else "no"]


async def test_the_defaults_of_youtube_are_told_where_settings_are_told(world: World) -> None:
    page = (await world.client().get("/llm.txt")).text
    assert 'Setting `privacyStatus` ("private" | "unlisted" | "public", default `private`)' in page
    assert "Setting `categoryId` (string, default `22`)" in page


async def test_a_form_takes_the_settings_of_platforms_too(world: World) -> None:
    data = {"text": "Hello", "platforms": ["linkedin"], "platformOverrides": {"linkedin": {"settings": {"colour": 1}}}}
    sets = good(await world.test.get("/api/v1/platform-sets"))["sets"]
    parts = [("data", (None, json.dumps({**data, "platformSetId": sets[0]["id"]})))]
    answer = await world.test.post("/api/posts", files=parts)
    assert answer.json()["error"]["details"]["field"] == "settings.colour"
