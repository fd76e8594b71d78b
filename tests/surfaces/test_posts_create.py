"""Creating posts on the Ampost contract: what the reference says of drafts, schedules, platforms and media."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from posts import IMAGE, PLATFORMS, VIDEO, body, create, default_set, error, get, later, new_set, refusal

from world import World, good, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here that leave sets and accounts as they are."""
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture
async def own_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture(scope="module")
async def all_scheduling(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("all"), ampost_scheduling="all") as world:
        yield world


async def test_a_post_has_all_fields_of_the_reference(world: World) -> None:
    settings = {"visibility": "CONNECTIONS"}
    overrides = {"linkedin": {"text": "Hello LinkedIn", "settings": settings}}
    post = await create(
        world, "linkedin", "facebook", linkUrl="https://example.com/launch", platformOverrides=overrides
    )
    assert set(post) == {
        *("id", "userId", "platformSetId", "text", "media", "linkUrl", "platformOverrides", "platforms"),
        *("platformPosts", "status", "scheduledFor", "createdAt", "updatedAt"),
    }
    assert post["text"] == "Hello from Ampost!"
    assert post["linkUrl"] == "https://example.com/launch"
    assert post["platformOverrides"] == overrides
    assert post["platforms"] == ["linkedin", "facebook"]
    assert post["platformSetId"] == await default_set(world)
    assert post["userId"].startswith("usr_")
    assert post["createdAt"] == post["updatedAt"]
    assert post["createdAt"].endswith("Z")
    for delivery in post["platformPosts"]:
        assert set(delivery) == {
            *("id", "platform", "status", "connectionId", "remoteId", "url", "publishedAt", "error", "attempts"),
            *("nextAttemptAt", "notes"),
        }
        assert delivery["status"] == "pending"
    assert await get(world, post) == post


async def test_media_come_back_as_they_were_described(world: World) -> None:
    described = {**IMAGE, "filename": "a.jpg", "altText": "A graph", "thumbnailUrl": None, "durationSeconds": None}
    post = await create(world, "linkedin", media=[described])
    assert post["media"] == [described]


async def test_the_user_is_who_made_the_key(world: World) -> None:
    session = await world.log_in()
    person = world.client(session["access_token"])
    made = good(await person.post("/v1/auth/keys", json={"name": "mine", "environment": "test"}))
    answer = await world.client(made["key"]).post("/api/v1/posts", json=await body(world, "twitter"))
    by_key = good(answer)["post"]["userId"]
    whoami = good(await person.get("/v1/auth/whoami"))
    assert by_key == whoami["user"]["id"]
    assert (await create(world))["userId"] == by_key, "keys that nobody made act for the owner"


async def test_without_a_time_a_post_is_a_draft_and_waits_for_nobody(world: World) -> None:
    for time in ({}, {"scheduledFor": None}):
        post = await create(world, "twitter", **time)
        assert (post["status"], post["scheduledFor"]) == ("draft", None)
        assert post["platformPosts"][0]["nextAttemptAt"] is None


async def test_with_a_future_time_a_post_is_scheduled_for_it(world: World) -> None:
    at = later(world, hours=3)
    post = await create(world, "facebook", scheduledFor=at)
    assert (post["status"], post["scheduledFor"]) == ("scheduled", at)
    assert post["platformPosts"][0]["nextAttemptAt"] == at


async def test_a_time_with_another_offset_is_the_same_moment(world: World) -> None:
    at = (world.runtime.clock.now() + timedelta(days=1)).replace(microsecond=0)
    post = await create(world, "facebook", scheduledFor=at.isoformat().replace("+00:00", "+00:00"))
    assert post["scheduledFor"] == at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "time", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00", "2030-01-01", "tomorrow", 1893456000, "1893456000", True]
)
async def test_a_time_that_is_past_or_says_no_zone_or_is_no_time_is_refused(world: World, time: Any) -> None:
    refused = await refusal(world, "facebook", scheduledFor=time)
    assert refused["code"] == "VALIDATION_FAILED"
    assert refused["details"]["field"] == "scheduledFor"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_operator_may_open_scheduling_on_every_platform(all_scheduling: World, platform: str) -> None:
    assert (await create(all_scheduling, platform, scheduledFor=later(all_scheduling)))["status"] == "scheduled"


async def test_every_post_is_scoped_to_a_platform_set(world: World) -> None:
    wanted = await body(world, "twitter")
    del wanted["platformSetId"]
    refused = error(await world.test.post("/api/v1/posts", json=wanted))
    assert (refused["code"], refused["details"]) == ("VALIDATION_FAILED", {"field": "platformSetId"})
    other = await world.new_tenant()
    for foreign in ("set_uuid", "post_01h455vb4pex5vsknk084sn02q", "set_01h455vb4pex5vsknk084sn02q"):
        await _not_found(world, await body(world, "twitter", set_id=foreign))
    mine = await body(world, "twitter")
    answer = await world.client(other.test_key).post("/api/v1/posts", json=mine)
    assert error(answer, 404)["code"] == "NOT_FOUND"


async def _not_found(world: World, wanted: dict[str, Any]) -> None:
    refused = error(await world.test.post("/api/v1/posts", json=wanted), 404)
    assert refused["details"]["field"] == "platformSetId"


async def test_at_least_one_platform_is_needed(world: World) -> None:
    wanted = await body(world)
    for document in (wanted, {name: value for name, value in wanted.items() if name != "platforms"}):
        refused = error(await world.test.post("/api/v1/posts", json=document))
        assert refused["code"] == "NO_PLATFORMS_SELECTED"


async def test_each_platform_needs_an_active_account_in_the_set(own_world: World) -> None:
    world = own_world
    other = await new_set(world, "twitter", "linkedin")
    refused = await refusal(world, "twitter", "facebook", "linkedin", set_id=other)
    assert refused["code"] == "PLATFORM_NOT_CONNECTED"
    assert [problem["platform"] for problem in refused["details"]["problems"]] == ["facebook"]
    assert (await create(world, "twitter", "linkedin", set_id=other))["platformSetId"] == other
    assert (await refusal(world, "twitter"))["code"] == "PLATFORM_NOT_CONNECTED"


async def test_a_platform_that_is_named_twice_gets_one_post(world: World) -> None:
    post = await create(world, "twitter", "twitter")
    assert post["platforms"] == ["twitter"]


async def test_bluesky_is_planned_and_says_so(world: World) -> None:
    refused = await refusal(world, "bluesky")
    assert refused["code"] == "VALIDATION_FAILED"
    assert "planned" in refused["message"]
    assert "twitter" in refused["message"]


async def test_an_unknown_platform_is_refused_with_those_that_are_known(world: World) -> None:
    refused = await refusal(world, "myspace")
    assert refused["details"]["field"] == "platforms"
    assert all(platform in refused["message"] for platform in PLATFORMS)
    overrides = {"myspace": {"text": "hi"}}
    refused = await refusal(world, "twitter", platformOverrides=overrides)
    assert refused["details"]["field"] == "platformOverrides.myspace"


async def test_text_is_counted_as_each_platform_counts(world: World) -> None:
    assert (await refusal(world, "twitter", text="ä" * 281))["code"] == "CONTENT_TOO_LONG"
    assert (await refusal(world, "twitter", text="字" * 141))["code"] == "CONTENT_TOO_LONG"
    assert (await create(world, "twitter", text=f"{'a' * 256} https://example.com/{'x' * 300}"))["status"] == "draft"
    assert (await refusal(world, "twitter", "linkedin", text="a" * 281))["details"]["problems"][0][
        "platform"
    ] == "twitter"


async def test_an_override_is_what_the_platform_gets(world: World) -> None:
    long = "a" * 1000
    assert (await refusal(world, "twitter", "linkedin", text=long))["code"] == "CONTENT_TOO_LONG"
    assert await create(world, "twitter", "linkedin", text=long, platformOverrides={"twitter": {"text": "short"}})
    refused = await refusal(world, "twitter", platformOverrides={"twitter": {"text": long}})
    assert refused["code"] == "CONTENT_TOO_LONG"


@pytest.mark.parametrize("platform", ["tiktok", "youtube"])
async def test_tiktok_and_youtube_refuse_bare_media_urls(world: World, platform: str) -> None:
    refused = await refusal(world, platform, media=[], mediaUrls=["https://cdn.example.com/a.mp4"])
    assert refused["code"] == "VALIDATION_FAILED"
    assert "explicit media" in refused["message"]
    assert refused["details"]["field"] == "mediaUrls[0]"


async def test_linkedin_refuses_bare_urls_of_videos_only(world: World) -> None:
    refused = await refusal(world, "linkedin", media=[], mediaUrls=["https://cdn.example.com/a.mp4?x=1"])
    assert "explicit media" in str(refused["details"])
    post = await create(world, "linkedin", media=[], mediaUrls=["https://cdn.example.com/a.png?x=1"])
    assert post["media"][0]["mimeType"] == "image/png"


@pytest.mark.parametrize("platform", ["facebook", "instagram", "threads", "twitter"])
async def test_other_platforms_still_take_bare_media_urls(world: World, platform: str) -> None:
    post = await create(world, platform, media=[], mediaUrls=["https://cdn.example.com/a.jpg"])
    assert post["media"][0]["type"] == "image"
    assert post["media"][0]["url"] == "https://cdn.example.com/a.jpg"


async def test_media_and_media_urls_do_not_go_together(world: World) -> None:
    refused = await refusal(world, "twitter", media=[IMAGE], mediaUrls=["https://cdn.example.com/a.jpg"])
    assert refused["details"]["field"] == "mediaUrls"


@pytest.mark.parametrize("platform", ["tiktok", "youtube"])
@pytest.mark.parametrize("lacking", ["mimeType", "sizeBytes"])
async def test_tiktok_and_youtube_need_media_described(world: World, platform: str, lacking: str) -> None:
    media = [{name: value for name, value in VIDEO.items() if name != lacking}]
    refused = await refusal(world, platform, media=media)
    assert lacking in refused["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "audio"}, "media[0].type"),
        ({"url": "ftp://cdn.example.com/a.jpg"}, "media[0].url"),
        ({"url": "nonsense"}, "media[0].url"),
        ({"url": ""}, "media[0].url"),
        ({"mimeType": "video/mp4"}, "media[0].mimeType"),
        ({"sizeBytes": "many"}, "media[0].sizeBytes"),
        ({"sizeBytes": -1}, "media[0].sizeBytes"),
        ({"width": 0}, "media[0].width"),
        ({"id": "med_01h455vb4pex5vsknk084sn02q"}, "media[0].id"),
        ({"thumbnailUrl": "nonsense"}, "media[0].thumbnailUrl"),
        ({"colour": "red"}, "media[0].colour"),
    ],
)
async def test_a_medium_that_makes_no_sense_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    refused = await refusal(world, "twitter", media=[IMAGE | change])
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_FAILED", field)


@pytest.mark.parametrize(
    ("platform", "media", "code"),
    [
        ("twitter", [IMAGE, VIDEO], "MIXED_MEDIA_NOT_SUPPORTED"),
        ("youtube", [IMAGE], "UNSUPPORTED_MEDIA_TYPE"),
        ("youtube", [IMAGE, VIDEO], "MIXED_MEDIA_NOT_SUPPORTED"),
        ("youtube", [VIDEO, VIDEO], "UNSUPPORTED_MEDIA_CONFIG"),
        ("twitter", [IMAGE] * 5, "UNSUPPORTED_MEDIA_CONFIG"),
        ("linkedin", [IMAGE | {"mimeType": "image/tiff"}], "UNSUPPORTED_MEDIA_TYPE"),
        ("facebook", [VIDEO | {"type": "gif", "mimeType": "image/gif"}], "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_media_that_a_platform_does_not_take_are_refused(
    world: World, platform: str, media: list[dict[str, Any]], code: str
) -> None:
    refused = await refusal(world, platform, media=media)
    assert code in [problem["code"] for problem in refused["details"]["problems"]]


YOUTUBE_LATER = {"privacyStatus": "private", "publishAt": "2099-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("settings", "content", "field"),
    [
        (YOUTUBE_LATER | {"privacyStatus": "public"}, {}, "settings.publishAt"),
        (YOUTUBE_LATER | {"publishAt": "2020-01-01T00:00:00Z"}, {}, "settings.publishAt"),
        ({}, {"text": ""}, "text"),
        ({"colour": "red"}, {}, "settings.colour"),
        ({"privacyStatus": "secret"}, {}, "settings.privacyStatus"),
    ],
)
async def test_youtube_settings_are_checked(
    world: World, settings: dict[str, Any], content: dict[str, Any], field: str
) -> None:
    refused = await refusal(world, "youtube", platformOverrides={"youtube": {"settings": settings}}, **content)
    assert refused["details"]["field"] == field


async def test_youtubes_own_schedule_and_ours_do_not_go_together(world: World) -> None:
    overrides = {"youtube": {"settings": YOUTUBE_LATER}}
    assert (await create(world, "youtube", platformOverrides=overrides))["status"] == "draft"
    refused = await refusal(world, "youtube", platformOverrides=overrides, scheduledFor=later(world))
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_FAILED", "settings.publishAt")


async def test_a_youtube_title_may_stand_in_for_the_text(world: World) -> None:
    overrides = {"youtube": {"settings": {"title": "Explicit YouTube title"}}}
    assert await create(world, "youtube", text="", platformOverrides=overrides)


@pytest.mark.parametrize(
    "settings",
    [{"organizationId": "urn:li:organization:1"}, {"articleTitle": "A title"}, {"articleDescription": "More"}],
)
async def test_linkedin_takes_no_organization_and_no_article_without_a_link(
    world: World, settings: dict[str, Any]
) -> None:
    refused = await refusal(world, "linkedin", platformOverrides={"linkedin": {"settings": settings}})
    assert refused["code"] == "VALIDATION_FAILED"
    assert refused["details"]["field"] == f"settings.{next(iter(settings))}"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"publish": True}, "publish"),
        ({"content": {"text": "Hi", "title": "x"}}, "title"),
        ({"content": None}, "content"),
        ({"content": {"text": 5}}, "text"),
        ({"content": {"text": "Hi", "platformOverrides": {"twitter": {"texts": "x"}}}}, None),
        ({"platforms": "twitter"}, "platforms"),
        ({"platforms": [1]}, "platforms[0]"),
    ],
)
async def test_a_body_is_taken_as_the_reference_says_and_no_other_way(
    world: World, change: dict[str, Any], field: str | None
) -> None:
    refused = error(await world.test.post("/api/v1/posts", json=await body(world, "twitter") | change))
    assert refused["code"] == "VALIDATION_FAILED"
    assert field is None or refused["details"]["field"] == field


BAD = {"text": "字" * 3000, "media": [IMAGE, VIDEO], "linkUrl": "nonsense"}


async def test_all_problems_are_told_at_once_each_with_platform_field_code_and_message(own_world: World) -> None:
    world = own_world
    await new_set(world, "threads")
    refused = await refusal(world, "twitter", "linkedin", "threads", "bluesky", scheduledFor=later(world), **BAD)
    problems = refused["details"]["problems"]
    assert all(set(problem) == {"platform", "field", "code", "message"} for problem in problems)
    told = {(problem["platform"], problem["code"]) for problem in problems}
    assert {
        (None, "VALIDATION_FAILED"),
        ("threads", "PLATFORM_NOT_CONNECTED"),
        ("twitter", "CONTENT_TOO_LONG"),
        ("twitter", "MIXED_MEDIA_NOT_SUPPORTED"),
        ("linkedin", "VALIDATION_FAILED"),
    } <= told
    assert refused["code"] == problems[0]["code"]


async def test_validating_tells_the_same_without_saving(world: World) -> None:
    wanted = await body(world, "twitter", "linkedin", **BAD)
    refused = error(await world.test.post("/api/v1/posts", json=wanted))
    before = await world.count("posts")
    verdict = await world.post("/api/v1/posts/validate", wanted)
    assert verdict == {"valid": False, "problems": refused["details"]["problems"]}
    assert await world.post("/api/v1/posts?dryRun=true", wanted) == verdict
    sound = await body(world, "twitter")
    assert await world.post("/api/v1/posts/validate", sound) == {"valid": True, "problems": []}
    assert await world.post("/api/v1/posts?dryRun=true", sound) == {"valid": True, "problems": []}
    assert await world.count("posts") == before


async def test_a_post_that_does_not_fit_the_vendors_quota_is_refused_when_it_is_scheduled(
    all_scheduling: World,
) -> None:
    world, at = all_scheduling, later(all_scheduling, hours=2)
    for _ in range(6):
        await create(world, "tiktok", scheduledFor=at)
    refused = await refusal(world, "tiktok", scheduledFor=at)
    assert refused["details"]["problems"][0]["field"] == "scheduledFor"
    assert "6 posts" in refused["message"]
    assert await create(world, "tiktok", scheduledFor=later(world, hours=3))


async def test_an_idempotency_key_makes_one_post(own_world: World) -> None:
    world = own_world
    wanted, key = await body(world, "twitter"), {"Idempotency-Key": "one"}
    first, second = [good(await world.test.post("/api/v1/posts", json=wanted, headers=key)) for _ in range(2)]
    assert first == second
    assert (await world.get("/api/v1/posts"))["total"] == 1
