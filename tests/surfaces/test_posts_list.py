"""Listing and finding posts on the Ampost contract."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from posts import create, default_set, error, get, later, new_set, put_into

from world import World, good

pytestmark = pytest.mark.anyio

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
"""Everything that can be stored, the separators that our documents are put together with included."""


async def listed(world: World, **query: Any) -> dict[str, Any]:
    return await world.get("/api/v1/posts", **query)


async def found(world: World, search: str, **query: Any) -> list[str]:
    return [post["text"] for post in (await listed(world, search=search, **query))["posts"]]


async def test_a_list_has_the_newest_first_and_says_how_many_there_are(world: World) -> None:
    assert await listed(world) == {"posts": [], "total": 0, "limit": 20, "offset": 0}
    posts = [await create(world, "twitter", text=f"Post {number}") for number in range(3)]
    assert await listed(world) == {"posts": posts[::-1], "total": 3, "limit": 20, "offset": 0}
    assert await listed(world, limit=1, offset=1) == {"posts": [posts[1]], "total": 3, "limit": 1, "offset": 1}
    assert await listed(world, offset=9) == {"posts": [], "total": 3, "limit": 20, "offset": 9}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("offset", "-1"),
        ("status", "sent"),
        ("platform", "myspace"),
        ("platform", "bluesky"),
        ("colour", "red"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(world: World, name: str, value: str) -> None:
    refused = error(await world.test.get("/api/v1/posts", params={name: value}))
    assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_FAILED", name)


async def test_limit_defaults_to_20_and_offset_to_0(world: World) -> None:
    posts = [await create(world, "twitter", text=f"Post {number}") for number in range(21)]
    page = await listed(world)
    assert page["posts"] == posts[:0:-1]
    assert (page["total"], page["limit"], page["offset"]) == (21, 20, 0)
    assert (await listed(world, limit=100))["posts"] == posts[::-1]


async def test_a_list_has_at_most_100_posts(world: World) -> None:
    assert (await listed(world, limit=100))["limit"] == 100


async def test_filters_narrow_the_list_and_its_total(world: World) -> None:
    other = await new_set(world, "threads")
    wanted = {
        "draft": await create(world, "twitter"),
        "scheduled": await create(world, "facebook", scheduledFor=later(world)),
        "set": await create(world, "threads", set_id=other),
    }
    for query, names in (
        ({"status": "draft"}, ["set", "draft"]),
        ({"status": "scheduled"}, ["scheduled"]),
        ({"status": "published"}, []),
        ({"platform": "twitter"}, ["draft"]),
        ({"platform": "threads", "status": "draft"}, ["set"]),
        ({"platform": "threads", "status": "scheduled"}, []),
        ({"platformSetId": other}, ["set"]),
        ({"platformSetId": await default_set(world)}, ["scheduled", "draft"]),
        ({"platformSetId": "set_01h455vb4pex5vsknk084sn02q"}, []),
        ({"platformSetId": "nonsense"}, []),
        ({"search": "hello", "platform": "facebook"}, ["scheduled"]),
        ({"search": "hello", "status": "draft", "limit": "1", "offset": "1"}, ["draft"]),
    ):
        page = await listed(world, **query)
        assert [post["id"] for post in page["posts"]] == [wanted[name]["id"] for name in names], query
        assert page["total"] == (2 if "offset" in query else len(names)), query


@pytest.mark.parametrize(
    "status", ["draft", "scheduled", "queued", "posting", "published", "partial", "failed", "discarded"]
)
async def test_every_status_can_be_filtered_by(world: World, status: str) -> None:
    post = await create(world, "twitter")
    await put_into(world, post, status)
    assert [one["id"] for one in (await listed(world, status=status))["posts"]] == [post["id"]]


async def test_search_finds_the_beginnings_of_words_in_text_and_link(world: World) -> None:
    one = "Launching #Ünïcode_Day: see https://example.com/some-path, version 2.5!"
    await create(world, "facebook", text=one, linkUrl="https://docs.acme.org/guide?utm=spring")
    await create(world, "twitter", text="Something else")
    for search in (
        *("launching", "LAUNCH", "launch some", "some launch", "ünï", "#Ünïcode", "day", "example", "example.com"),
        *("path", "2.5", "https://example.com/some-path", "acme", "docs.acme", "guide", "spring"),
    ):
        assert one in await found(world, search), search
    for search in ("aunching", "launched", "launch nothing", "example.net", "hello", "workspace", "launch else"):
        assert await found(world, search) == [], search
    assert await found(world, "some") == ["Something else", one]


async def test_a_search_without_a_word_in_it_finds_nothing_and_an_empty_one_everything(world: World) -> None:
    await create(world, "twitter")
    assert (await listed(world, search="!?"))["total"] == 0
    for search in ("", "  "):
        assert (await listed(world, search=search))["total"] == 1


async def test_a_page_behind_the_last_still_says_how_many_were_found(world: World) -> None:
    await create(world, "twitter")
    assert await listed(world, search="hello", offset=5) == {"posts": [], "total": 1, "limit": 20, "offset": 5}


async def test_an_edited_post_is_found_by_its_new_words_only(world: World) -> None:
    post = await create(world, "twitter", text="before")
    good(await world.test.patch(f"/api/v1/posts/{post['id']}", json={"content": {"text": "after"}}))
    assert await found(world, "before") == []
    assert await found(world, "after") == ["after"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(search=ANY_TEXT)
@pytest.mark.anyio
async def test_no_search_is_an_error(world: World, search: str) -> None:
    answer = await world.test.get("/api/v1/posts", params={"search": search})
    assert answer.status_code == 200, answer.text


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=ANY_TEXT, alt=ANY_TEXT)
@pytest.mark.anyio
async def test_what_was_written_comes_back_unchanged(world: World, text: str, alt: str) -> None:
    image = {"type": "image", "url": "https://cdn.example.com/a.jpg", "altText": alt}
    overrides = {"linkedin": {"text": text + "!", "settings": {}}}
    post = await create(world, "linkedin", text=f"{text} \x1fpost\x1f", media=[image], platformOverrides=overrides)
    assert post["text"] == f"{text} \x1fpost\x1f"
    assert post["media"][0]["altText"] == alt
    assert post["platformOverrides"] == overrides
    assert (await listed(world, limit=1))["posts"] == [post]


async def test_nobody_sees_the_posts_of_others(world: World) -> None:
    post = await create(world, "twitter", text="secret plans")
    stranger = world.client((await world.new_tenant()).test_key)
    for path in (
        "/api/v1/posts",
        "/api/v1/posts?search=secret",
        f"/api/v1/posts?platformSetId={post['platformSetId']}",
    ):
        assert good(await stranger.get(path))["total"] == 0
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/cancel"),
        ("POST", "/publish"),
        ("POST", "/retry"),
        ("GET", "/timeline"),
        ("POST", "/resolve"),
    ):
        content = {
            "PATCH": {"content": {"text": "mine"}},
            "/resolve": {"platform": "twitter", "outcome": "leave"},
        }
        sent = content.get(method) or content.get(path)
        answer = await stranger.request(method, f"/api/v1/posts/{post['id']}{path}", json=sent)
        assert error(answer, 404)["code"] == "POST_NOT_FOUND", path
    assert await get(world, post) == post
    live = good(await world.live.get("/api/v1/posts"))
    assert live["total"] == 0, "the other environment of the same tenant is as foreign"


@pytest.mark.parametrize("name", ["post_01h455vb4pex5vsknk084sn02q", "set_01h455vb4pex5vsknk084sn02q", "1", "post_"])
async def test_a_post_that_does_not_exist_is_404(world: World, name: str) -> None:
    assert error(await world.test.get(f"/api/v1/posts/{name}"), 404)["code"] == "POST_NOT_FOUND"


async def test_without_a_key_nothing_is_told(world: World) -> None:
    for token in (None, "amp_test_nonsense"):
        refused = await world.client(token).get("/api/v1/posts")
        assert error(refused, 401)["code"] == "UNAUTHORIZED"


async def test_the_mounts_do_not_hide_each_other(world: World) -> None:
    assert (await world.get("/api/amp/v1/auth/whoami"))["tenant"]
    assert "param" in (await world.test.get("/api/amp/v1/missions?limit=0")).json()["error"]
    assert error(await world.test.get("/api/v1/nothing"), 404)["code"] == "NOT_FOUND"
    assert error(await world.test.get("/api/nothing"), 404)["code"] == "NOT_FOUND"
    assert error(await world.test.put("/api/v1/posts"), 405)["code"] == "METHOD_NOT_ALLOWED"
    refused = await world.test.post("/api/v1/posts", content=b"x", headers={"Content-Type": "text/plain"})
    assert error(refused, 415)["code"] == "UNSUPPORTED_CONTENT_TYPE"
