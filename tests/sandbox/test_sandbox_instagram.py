"""Instagram, written from its documentation: containers, publishing, quotas, comments, insights, logging in."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from graph import assert_refused, finished, made, oauth_client
from pictures import jpeg, mp4, png
from pretending import Member, Stopwatch, World
from shelf import Shelf

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


@pytest.fixture
def member(world: World) -> Member:
    return world.member("instagram", "acme")


async def container(member: Member, **params: Any) -> httpx2.Response:
    return await member.post(f"/v26.0/{member.account}/media", data=params)


async def publish(member: Member, creation_id: str) -> httpx2.Response:
    return await member.post(f"/v26.0/{member.account}/media_publish", data={"creation_id": creation_id})


async def status(member: Member, creation_id: str) -> dict[str, Any]:
    answer = await member.get(f"/v26.0/{creation_id}", params={"fields": "id,status_code,status"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def published(member: Member, stopwatch: Stopwatch, **params: Any) -> str:
    """A medium made public; its id."""
    creation_id = await made(container(member, **params))
    stopwatch.advance(seconds=30)
    return await made(publish(member, creation_id))


async def test_a_picture_is_fetched_worked_on_and_published_once(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    url = shelf.put(jpeg(1080, 1350))
    creation_id = await made(container(member, image_url=url, caption="Hello #launch", alt_text="A cup"))
    assert (await status(member, creation_id))["status_code"] == "IN_PROGRESS"
    assert_refused(await publish(member, creation_id), 9007, 2207027)
    stopwatch.advance(seconds=5)
    assert (await status(member, creation_id))["status_code"] == "FINISHED"
    media_id = await made(publish(member, creation_id))
    assert (await status(member, creation_id))["status_code"] == "PUBLISHED"
    assert_refused(await publish(member, creation_id), 9007, 2207027)
    (entry,) = await world.ledger(vendor="instagram")
    assert (entry["remote_id"], entry["kind"], entry["text"]) == (media_id, "post", "Hello #launch")
    assert (entry["media"][0]["media_type"], entry["media"][0]["alt_text"]) == ("image/jpeg", "A cup")
    fields = "id,permalink,shortcode,timestamp,media_type,media_product_type,caption,username"
    shown = (await member.get(f"/{media_id}", params={"fields": fields})).json()
    assert (shown["media_type"], shown["media_product_type"]) == ("IMAGE", "FEED")
    assert shown["permalink"] == f"https://www.instagram.com/p/{shown['shortcode']}/"
    assert shown["timestamp"] == "2026-11-20T09:00:05+0000"


@pytest.mark.parametrize(
    ("params", "content", "code", "subcode"),
    [
        pytest.param({}, png(1080, 1080), 36001, 2207005, id="png"),
        pytest.param({}, jpeg(1080, 1440), 36003, 2207009, id="too tall"),
        pytest.param({}, jpeg(2000, 1000), 36003, 2207009, id="too wide"),
        pytest.param({}, jpeg(1080, 1080, 8 * MEGABYTE + 1), 36000, 2207004, id="too large"),
        pytest.param({}, b"<html>", 9004, 2207052, id="no picture"),
        pytest.param({}, None, 9004, 2207052, id="not there"),
        pytest.param({"caption": "a" * 2201}, jpeg(1080, 1080), 36004, 2207010, id="caption"),
        pytest.param({"caption": "#a " * 31}, jpeg(1080, 1080), 100, 2207040, id="hashtags"),
        pytest.param({"caption": "@a " * 21}, jpeg(1080, 1080), 100, 2207040, id="mentions"),
        pytest.param({"media_type": "GIF"}, jpeg(1080, 1080), 100, 2207023, id="media type"),
        pytest.param({"media_type": "VIDEO"}, jpeg(1080, 1080), 100, 2207067, id="VIDEO is gone"),
    ],
)
async def test_what_is_wrong_with_a_picture_is_said_at_once(
    member: Member, shelf: Shelf, params: dict[str, str], content: bytes | None, code: int, subcode: int
) -> None:
    url = shelf.put(content) if content is not None else f"{shelf.origin}/nothing"
    assert_refused(await container(member, image_url=url, **params), code, subcode)


async def test_media_within_our_own_network_are_not_fetched(member: Member) -> None:
    assert_refused(await container(member, image_url="http://127.0.0.1:1/picture.jpg"), 9004, 2207052)


@pytest.mark.parametrize(
    ("params", "content", "expected"),
    [
        pytest.param({"media_type": "REELS"}, mp4(seconds=3), "FINISHED", id="reel"),
        pytest.param({"media_type": "REELS"}, mp4(seconds=0), "FINISHED", id="in fragments, which say no length"),
        pytest.param({"media_type": "REELS"}, mp4(seconds=2.9), "2207026", id="too short"),
        pytest.param({"media_type": "REELS"}, mp4(seconds=901), "2207026", id="too long"),
        pytest.param({"media_type": "REELS"}, mp4(width=2160, height=3840), "2207026", id="too wide"),
        pytest.param({"media_type": "REELS"}, b"\0" * 2000, "2207026", id="no film"),
        pytest.param({"media_type": "REELS"}, None, "2207052", id="not there"),
        pytest.param({"media_type": "STORIES"}, mp4(seconds=60), "FINISHED", id="story"),
        pytest.param({"media_type": "STORIES"}, mp4(seconds=61), "2207026", id="long story"),
    ],
)
async def test_what_is_wrong_with_a_film_shows_in_the_status(
    member: Member, stopwatch: Stopwatch, shelf: Shelf, params: dict[str, str], content: bytes | None, expected: str
) -> None:
    url = shelf.put(content) if content is not None else f"{shelf.origin}/nothing"
    creation_id = await made(container(member, video_url=url, **params))
    stopwatch.advance(seconds=30)
    shown = await status(member, creation_id)
    assert shown["status_code"] == ("FINISHED" if expected == "FINISHED" else "ERROR")
    assert expected == "FINISHED" or shown["status"].endswith(expected)
    answer = await publish(member, creation_id)
    assert answer.status_code == (200 if expected == "FINISHED" else 400)


async def test_a_thumbnail_lies_within_its_film(member: Member, shelf: Shelf) -> None:
    url = shelf.put(mp4(seconds=10))
    late = await container(member, media_type="REELS", video_url=url, thumb_offset="10001")
    assert_refused(late, 1, 2207057)


async def test_a_carousel_holds_finished_items_in_order(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    picture, film = shelf.put(jpeg(1080, 1080)), shelf.put(mp4())
    children = [
        await made(container(member, image_url=picture, is_carousel_item="true", alt_text="One")),
        await made(container(member, media_type="VIDEO", video_url=film, is_carousel_item="true")),
    ]
    plain = await made(container(member, image_url=picture))
    assert_refused(await carousel(member, children), 9007, 2207027)
    stopwatch.advance(seconds=30)
    assert_refused(await carousel(member, children[:1]), 100, 2207028)
    assert_refused(await carousel(member, [*children, plain]), 100, 2207028)
    assert_refused(await carousel(member, [*children, "17800000000000000"]), 24, 2207006)
    assert_refused(await publish(member, children[0]), 24, 2207006)
    media_id = await published(member, stopwatch, media_type="CAROUSEL", children=",".join(children), caption="Both")
    (entry,) = await world.ledger()
    assert [medium["id"] for medium in entry["media"]] == children
    shown = (await member.get(f"/{media_id}", params={"fields": "media_type,children{id}"})).json()
    assert (shown["media_type"], len(shown["children"]["data"])) == ("CAROUSEL_ALBUM", 2)


async def carousel(member: Member, children: list[str]) -> httpx2.Response:
    return await container(member, media_type="CAROUSEL", children=",".join(children))


async def test_a_container_lives_for_a_day(member: Member, stopwatch: Stopwatch, shelf: Shelf) -> None:
    creation_id = await made(container(member, image_url=shelf.put(jpeg(1080, 1080))))
    stopwatch.advance(hours=24)
    assert (await status(member, creation_id))["status_code"] == "EXPIRED"
    assert_refused(await publish(member, creation_id), -2, 2207020)


async def test_a_day_has_a_hundred_posts(member: Member, stopwatch: Stopwatch, shelf: Shelf) -> None:
    url = shelf.put(jpeg(1080, 1080))
    ids = [await made(container(member, image_url=url)) for _ in range(101)]
    stopwatch.advance(seconds=5)
    answers = [await publish(member, creation_id) for creation_id in ids]
    assert {answer.status_code for answer in answers[:100]} == {200}
    assert_refused(answers[100], 9, 2207042)
    limit = (await member.get("/me/content_publishing_limit", params={"fields": "quota_usage,config"})).json()
    assert limit["data"] == [{"quota_usage": 100, "config": {"quota_total": 100, "quota_duration": 86400}}]
    stopwatch.advance(hours=23, minutes=59, seconds=58)
    stopwatch.advance(seconds=5)
    assert_refused(await publish(member, ids[100]), -2, 2207020)
    assert (await member.get("/me/content_publishing_limit")).json()["data"] == [{"quota_usage": 0}]


async def test_media_are_listed_by_pages_and_stories_apart(member: Member, stopwatch: Stopwatch, shelf: Shelf) -> None:
    url = shelf.put(jpeg(1080, 1080))
    ids = [await published(member, stopwatch, image_url=url, caption=f"{number}") for number in range(3)]
    story = await published(member, stopwatch, media_type="STORIES", image_url=url)
    first = (await member.get(f"/{member.account}/media", params={"fields": "id,caption", "limit": "2"})).json()
    assert [entry["id"] for entry in first["data"]] == ids[:0:-1]
    assert "next" in first["paging"]
    after = {"fields": "id", "limit": "2", "after": first["paging"]["cursors"]["after"]}
    second = (await member.get(f"/{member.account}/media", params=after)).json()
    assert [entry["id"] for entry in second["data"]] == ids[:1]
    assert "next" not in second["paging"]
    recent = {"since": str(int(stopwatch.now().timestamp()) - 70)}
    assert len((await member.get("/me/media", params=recent)).json()["data"]) == 2
    assert [entry["id"] for entry in (await member.get("/me/stories")).json()["data"]] == [story]
    stopwatch.advance(hours=24, seconds=1)
    assert (await member.get("/me/stories")).json() == {"data": []}


async def test_a_medium_takes_comments_until_they_are_turned_off(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    media_id = await published(member, stopwatch, image_url=shelf.put(jpeg(1080, 1080)))
    comment_id = await made(member.post(f"/{media_id}/comments", data={"message": "First"}))
    listed = (await member.get(f"/{media_id}/comments", params={"fields": "id,text"})).json()
    assert listed["data"] == [{"id": comment_id, "text": "First"}]
    assert [entry["kind"] for entry in await world.ledger()] == ["post", "comment"]
    assert (await member.post(f"/{media_id}", data={"comment_enabled": "false"})).json() == {"success": True}
    assert (await member.post(f"/{media_id}/comments", data={"message": "Second"})).status_code == 400


async def test_this_api_deletes_nothing(world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf) -> None:
    media_id = await published(member, stopwatch, image_url=shelf.put(jpeg(1080, 1080)))
    assert_refused(await member.delete(f"/{media_id}"), 100, 33)
    assert (await world.ledger())[0]["deleted_at"] is None


@pytest.mark.parametrize(
    ("params", "right", "wrong"),
    [
        ({}, "views,reach,likes,comments,saved,shares,total_interactions,follows,profile_visits", "replies"),
        ({"media_type": "REELS"}, "views,reach,likes,ig_reels_avg_watch_time,reels_skip_rate", "follows"),
        ({"media_type": "STORIES"}, "views,reach,replies,navigation,shares,follows", "saved"),
    ],
)
async def test_insights_depend_on_what_it_is_and_grow(
    member: Member, stopwatch: Stopwatch, shelf: Shelf, params: dict[str, str], right: str, wrong: str
) -> None:
    film = {"video_url": shelf.put(mp4())} if params.get("media_type") == "REELS" else {}
    media_id = await published(member, stopwatch, **(film or {"image_url": shelf.put(jpeg(1080, 1080))}), **params)
    stopwatch.advance(hours=5)
    answer = await member.get(f"/{media_id}/insights", params={"metric": right})
    values = {entry["name"]: entry["values"] for entry in answer.json()["data"]}
    assert list(values) == right.split(",")
    assert values["views"][0]["value"] > values["likes"][0]["value"] if "likes" in values else values["views"]
    for unknown in (wrong, "impressions"):
        assert_refused(await member.get(f"/{media_id}/insights", params={"metric": f"views,{unknown}"}), 100)
    counters = (await member.get(f"/{media_id}", params={"fields": "like_count,comments_count,view_count"})).json()
    assert counters["view_count"] == values["views"][0]["value"]


async def test_insights_of_the_account(member: Member, stopwatch: Stopwatch, shelf: Shelf) -> None:
    await published(member, stopwatch, image_url=shelf.put(jpeg(1080, 1080)))
    stopwatch.advance(hours=30)
    totals = {"metric": "views,likes,follows_and_unfollows", "metric_type": "total_value", "period": "day"}
    found = (await member.get("/me/insights", params=totals)).json()["data"]
    assert [entry["name"] for entry in found] == ["views", "likes", "follows_and_unfollows"]
    assert found[0]["total_value"]["value"] > 0
    series = (await member.get("/me/insights", params={"metric": "reach", "period": "day"})).json()["data"]
    assert sum(value["value"] for value in series[0]["values"]) > 0
    assert_refused(await member.get("/me/insights", params={"metric": "reach"}), 100)


async def test_the_profile_has_an_id_of_its_own_for_the_app(member: Member) -> None:
    fields = "user_id,username,name,account_type,profile_picture_url,followers_count,follows_count,media_count"
    shown = (await member.get("/v26.0/me", params={"fields": fields})).json()
    assert (shown["user_id"], shown["username"], shown["media_count"]) == (member.account, "acme", 0)
    assert shown["id"] != member.account
    assert_refused(await member.get("/me", params={"fields": "id,colour"}), 100)


@pytest.mark.parametrize(
    ("fault", "code", "subcode"),
    [("duplicate", 100, 1404082), ("quota_exhausted", 9, 2207042), ("account_action", 25, 2207050)],
)
async def test_ordered_refusals_leave_the_container_to_be_published(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf, fault: str, code: int, subcode: int
) -> None:
    creation_id = await finished(container(member, image_url=shelf.put(jpeg(1080, 1080))), stopwatch)
    await world.order("instagram", fault, count=1)
    assert_refused(await publish(member, creation_id), code, subcode)
    assert (await publish(member, creation_id)).status_code == 200


async def test_ordered_processing_fails_or_drags_on(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    url = shelf.put(jpeg(1080, 1080))
    await world.order("instagram", "processing_failed", count=1)
    await world.order("instagram", "processing_slow", count=1, seconds=600)
    failing, slow = [await finished(container(member, image_url=url), stopwatch) for _ in range(2)]
    assert (await status(member, failing))["status_code"] == "ERROR"
    assert (await status(member, slow))["status_code"] == "IN_PROGRESS"


async def test_logging_in_and_renewing(world: World) -> None:
    client = oauth_client(world, "instagram")
    query = {
        "client_id": client.client_id,
        "redirect_uri": "https://app.example/callback?x=1",
        "response_type": "code",
        "scope": "instagram_business_basic,instagram_business_content_publish",
        "state": "s1",
        "approve": "auto",
        "login": "acme.eats",
    }
    back = await world.http.get("/sandbox/instagram/oauth/authorize", params=query)
    assert back.headers["location"].endswith("#_")
    answer = parse_qs(urlsplit(back.headers["location"]).query)
    assert answer["state"] == ["s1"]
    form = {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "grant_type": "authorization_code",
        "redirect_uri": query["redirect_uri"],
        "code": answer["code"][0],
    }
    short = (await world.http.post("/sandbox/instagram/oauth/access_token", data=form)).json()
    assert short["permissions"] == "instagram_business_basic,instagram_business_content_publish"
    again = await world.http.post("/sandbox/instagram/oauth/access_token", data=form)
    assert (again.status_code, again.json()["error_type"]) == (400, "OAuthException")
    exchange = {"grant_type": "ig_exchange_token", "access_token": short["access_token"]}
    wrong = await world.http.get("/sandbox/instagram/access_token", params=exchange | {"client_secret": "no"})
    assert_refused(wrong, 1)
    right = exchange | {"client_secret": client.secret}
    long = (await world.http.get("/sandbox/instagram/access_token", params=right)).json()
    assert (long["token_type"], long["expires_in"] > 59 * 86_400) == ("bearer", True)
    refresh = {"grant_type": "ig_refresh_token", "access_token": long["access_token"]}
    assert_refused(await world.http.get("/sandbox/instagram/v26.0/refresh_access_token", params=refresh), 100)
    me = await world.http.get(
        "/sandbox/instagram/me", params={"fields": "user_id,username", "access_token": long["access_token"]}
    )
    assert (me.json()["user_id"], me.json()["username"]) == (short["user_id"], "acme.eats")


async def test_an_old_token_is_renewed(world: World, member: Member) -> None:
    refresh = {"grant_type": "ig_refresh_token", "access_token": member.token}
    fresh = (await world.http.get("/sandbox/instagram/refresh_access_token", params=refresh)).json()
    member.token = fresh["access_token"]
    assert (await member.get("/me")).status_code == 200
