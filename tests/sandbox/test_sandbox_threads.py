"""Threads, written from its documentation: containers, publishing, replies, quotas, insights, logging in."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from graph import assert_refused, finished, made, oauth_client
from pictures import gif, jpeg, mp4, png
from pretending import Member, Stopwatch, World
from shelf import Shelf
from sqlalchemy import insert

from amp.kit.database import Database
from amp.sandbox.social._threads_text import length
from amp.sandbox.tables import posts

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


@pytest.fixture
def member(world: World) -> Member:
    return world.member("threads", "acme")


async def container(member: Member, media_type: str = "TEXT", **params: Any) -> httpx2.Response:
    return await member.post(f"/v1.0/{member.account}/threads", data={"media_type": media_type, **params})


async def publish(member: Member, creation_id: str) -> httpx2.Response:
    return await member.post("/v1.0/me/threads_publish", params={"creation_id": creation_id})


async def status(member: Member, creation_id: str) -> dict[str, Any]:
    return (await member.get(f"/{creation_id}", params={"fields": "id,status,error_message"})).json()


async def published(member: Member, stopwatch: Stopwatch, media_type: str = "TEXT", **params: Any) -> str:
    return await made(publish(member, await finished(container(member, media_type, **params), stopwatch)))


async def test_a_text_waits_for_a_moment_and_is_published_once(
    world: World, member: Member, stopwatch: Stopwatch
) -> None:
    creation_id = await made(container(member, text="Hello"))
    assert (await status(member, creation_id))["status"] == "IN_PROGRESS"
    assert_refused(await publish(member, creation_id), 24, 4279009)
    stopwatch.advance(seconds=3)
    assert (await status(member, creation_id)) == {"id": creation_id, "status": "FINISHED"}
    post_id = await made(publish(member, creation_id))
    assert (await status(member, creation_id))["status"] == "PUBLISHED"
    assert_refused(await publish(member, creation_id), 24, 4279009)
    (entry,) = await world.ledger(vendor="threads")
    assert (entry["remote_id"], entry["text"], entry["kind"]) == (post_id, "Hello", "post")
    fields = "id,permalink,shortcode,timestamp,text,media_type,is_reply"
    shown = (await member.get(f"/v1.0/{post_id}", params={"fields": fields})).json()
    assert shown["permalink"] == f"https://www.threads.net/@acme/post/{shown['shortcode']}"
    assert (shown["media_type"], shown["is_reply"]) == ("TEXT_POST", False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", 3),
        ("äöü", 3),
        ("日本", 2),
        ("\N{ROCKET}", 4),
        ("a\N{HEAVY BLACK HEART}\ufe0f", 7),
        ("\N{THUMBS UP SIGN}\U0001f3fd", 8),
    ],
)
def test_emoji_count_as_bytes(text: str, expected: int) -> None:
    assert length(text) == expected


@pytest.mark.parametrize(
    ("params", "code", "subcode"),
    [
        pytest.param({"text": "a" * 501}, 100, None, id="too long"),
        pytest.param({"text": "\N{ROCKET}" * 126}, 100, None, id="too many bytes of emoji"),
        pytest.param({"text": " "}, 100, None, id="empty"),
        pytest.param({"text": " ".join(f"https://a.example/{n}" for n in range(6))}, 100, 4279058, id="links"),
        pytest.param({"text": "a", "link_attachment": "acme"}, 100, None, id="no link"),
        pytest.param({"text": "a", "reply_control": "nobody"}, 100, None, id="reply control"),
        pytest.param({"text": "a", "topic_tag": "a.b"}, 100, None, id="topic"),
        pytest.param({"text": "a", "reply_to_id": "18000000000000000"}, 24, 4279009, id="no such post"),
        pytest.param({"text": "a", "media_type": "STORY"}, 100, None, id="media type"),
        pytest.param({"text": "a", "media_type": "IMAGE"}, 100, None, id="no picture"),
        pytest.param({"text": "a", "poll_attachment": '{"option_a": "Yes"}'}, 100, None, id="poll of one"),
    ],
)
async def test_a_container_that_cannot_be(
    member: Member, params: dict[str, str], code: int, subcode: int | None
) -> None:
    assert_refused(await member.post("/me/threads", data={"media_type": "TEXT", **params}), code, subcode)


@pytest.mark.parametrize(
    ("content", "code", "subcode"),
    [
        pytest.param(jpeg(1000, 100), None, None, id="jpeg"),
        pytest.param(png(320, 320), None, None, id="png"),
        pytest.param(jpeg(1001, 100), 36003, 2207009, id="too wide"),
        pytest.param(jpeg(9, 9, 8 * MEGABYTE + 1), 36000, 2207004, id="too large"),
        pytest.param(gif(100, 100), 36001, 2207005, id="gif"),
        pytest.param(None, 9004, 2207052, id="not there"),
    ],
)
async def test_a_picture_is_fetched_and_judged(
    member: Member, shelf: Shelf, content: bytes | None, code: int | None, subcode: int | None
) -> None:
    url = shelf.put(content) if content is not None else f"{shelf.origin}/nothing"
    answer = await container(member, "IMAGE", image_url=url, text="Look", alt_text="A cup")
    if code is None:
        assert answer.status_code == 200, answer.text
    else:
        assert_refused(answer, code, subcode)
    if content is None:
        assert "could not be fetched from this URI" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mp4(seconds=300), None),
        (mp4(seconds=0), None),  # in fragments, which say no length
        (mp4(seconds=301), "INVALID_DURATION"),
        (b"\0" * 2000, "FAILED_PROCESSING_VIDEO"),
        (None, "FAILED_DOWNLOADING_VIDEO"),
    ],
)
async def test_what_is_wrong_with_a_film_shows_in_the_status(
    member: Member, stopwatch: Stopwatch, shelf: Shelf, content: bytes | None, message: str | None
) -> None:
    url = shelf.put(content) if content is not None else f"{shelf.origin}/nothing"
    creation_id = await finished(container(member, "VIDEO", video_url=url), stopwatch)
    shown = await status(member, creation_id)
    assert (shown["status"], shown.get("error_message")) == ("ERROR" if message else "FINISHED", message)
    assert (await publish(member, creation_id)).status_code == (400 if message else 200)


async def test_a_carousel_holds_finished_items_in_order(
    world: World, member: Member, stopwatch: Stopwatch, shelf: Shelf
) -> None:
    item = {"is_carousel_item": "true"}
    children = [
        await made(container(member, "IMAGE", image_url=shelf.put(png(99, 99)), **item)),
        await made(container(member, "VIDEO", video_url=shelf.put(mp4()), **item)),
    ]
    assert_refused(await container(member, "CAROUSEL", children=",".join(children)), 24, 4279009)
    stopwatch.advance(seconds=30)
    assert_refused(await container(member, "CAROUSEL", children=children[0]), 100)
    assert_refused(await publish(member, children[0]), 24, 4279009)
    await published(member, stopwatch, "CAROUSEL", children=",".join(children), text="Both")
    (entry,) = await world.ledger()
    assert [medium["id"] for medium in entry["media"]] == children


async def test_a_thread_is_a_chain_of_replies(world: World, member: Member, stopwatch: Stopwatch) -> None:
    first = await published(member, stopwatch, text="One")
    second = await published(member, stopwatch, text="Two", reply_to_id=first)
    third = await published(member, stopwatch, text="Three", reply_to_id=second)
    assert [entry["kind"] for entry in await world.ledger()] == ["post", "reply", "reply"]
    listed = (await member.get("/me/threads", params={"fields": "id,text,timestamp,permalink,is_reply"})).json()["data"]
    assert [post["id"] for post in listed] == [first]
    replies = (await member.get("/me/replies", params={"fields": "id,replied_to,root_post"})).json()["data"]
    assert replies == [
        {"id": third, "replied_to": {"id": second}, "root_post": {"id": first}},
        {"id": second, "replied_to": {"id": first}, "root_post": {"id": first}},
    ]
    assert [post["id"] for post in (await member.get(f"/{first}/replies")).json()["data"]] == [second]
    fields = "quota_usage,config,reply_quota_usage,reply_config"
    (limits,) = (await member.get("/me/threads_publishing_limit", params={"fields": fields})).json()["data"]
    assert (limits["quota_usage"], limits["reply_quota_usage"]) == (1, 2)
    assert (limits["config"]["quota_total"], limits["reply_config"]["quota_total"]) == (250, 1000)


async def test_a_link_becomes_a_card(member: Member, stopwatch: Stopwatch) -> None:
    attached = await published(member, stopwatch, text="Read", link_attachment="https://acme.com/a?b=1")
    written = await published(member, stopwatch, text="Read https://acme.com/c.")
    fields = {"fields": "link_attachment_url"}
    shown = [(await member.get(f"/{one}", params=fields)).json()["link_attachment_url"] for one in (attached, written)]
    assert shown == ["https://acme.com/a?b=1", "https://acme.com/c"]


async def test_what_is_left_empty_is_not_said(member: Member, stopwatch: Stopwatch) -> None:
    """As Meta's sample app sends its form."""
    poll = json.dumps({"option_a": "Yes", "option_b": "No"})
    empty = {"reply_control": "", "reply_to_id": "", "link_attachment": ""}
    post_id = await published(member, stopwatch, text="Well?", poll_attachment=poll, **empty)
    fields = "text,gif_url,reply_audience,link_attachment_url,topic_tag,poll_attachment,hide_status"
    shown = (await member.get(f"/{post_id}", params={"fields": fields})).json()
    poll_shown = {"option_a": "Yes", "option_b": "No"}
    assert shown == {"id": post_id, "text": "Well?", "reply_audience": "EVERYONE", "poll_attachment": poll_shown}


async def test_a_text_can_be_published_at_once(world: World, member: Member) -> None:
    post_id = await made(container(member, text="Now", auto_publish_text="true"))
    assert (await world.ledger())[0]["remote_id"] == post_id
    await world.order("threads", "accept_then_500", count=1)
    assert (await container(member, text="Not public")).status_code == 200
    assert (await container(member, text="Lost", auto_publish_text="true")).status_code == 500
    assert len(await world.ledger()) == 2


async def test_a_container_lives_for_a_day(member: Member, stopwatch: Stopwatch) -> None:
    creation_id = await made(container(member, text="Late"))
    stopwatch.advance(hours=24)
    assert (await status(member, creation_id))["status"] == "EXPIRED"
    assert_refused(await publish(member, creation_id), 24, 4279009)


@pytest.mark.parametrize(("kind", "total"), [("post", 250), ("reply", 1000)])
async def test_a_day_has_its_quota(
    world: World, database: Database, member: Member, stopwatch: Stopwatch, kind: str, total: int
) -> None:
    """The posts before the last are put there, not published one by one."""
    root = await published(member, stopwatch, text="Root")
    params = {"reply_to_id": root} if kind == "reply" else {}
    creation_id = await finished(container(member, text="One more", **params), stopwatch)
    common = {"owner": world.owner, "vendor": "threads", "account": member.account, "kind": kind, "text": ""}
    rest = {"shown_text": "", "media": [], "conversation": "", "extra": {"type": "TEXT_POST"}, "fingerprint": b""}
    rows = [
        common | rest | {"remote_id": f"17{number:015}", "created_at": stopwatch.now()}
        for number in range(total - (kind == "post"))
    ]
    async with database.connected() as connection:
        await connection.execute(insert(posts), rows)
    assert_refused(await publish(member, creation_id), 9, 2207042)
    stopwatch.advance(hours=23)
    stopwatch.advance(minutes=59)
    assert (await status(member, creation_id))["status"] == "FINISHED"
    assert_refused(await publish(member, creation_id), 9, 2207042)


async def test_deleting_says_what_and_only_so_often(world: World, member: Member, stopwatch: Stopwatch) -> None:
    ids = [await made(container(member, text=f"{number}", auto_publish_text="true")) for number in range(101)]
    answers = [await member.delete(f"/v1.0/{post_id}") for post_id in ids]
    assert answers[0].json() == {"success": True, "deleted_id": ids[0]}
    assert {answer.status_code for answer in answers[:100]} == {200}
    assert_refused(answers[100], 9, 2207042)
    assert_refused(await member.delete(f"/{ids[0]}"), 100, 33)
    reader = world.member("threads", "acme", scopes={"threads_basic"})
    assert_refused(await reader.delete(f"/{ids[100]}"), 10)


async def test_insights_of_a_post_and_of_the_account(member: Member, stopwatch: Stopwatch) -> None:
    post_id = await published(member, stopwatch, text="See https://acme.com")
    stopwatch.advance(hours=6)
    names = "views,likes,replies,reposts,quotes,shares"
    found = (await member.get(f"/{post_id}/insights", params={"metric": names})).json()["data"]
    assert [entry["name"] for entry in found] == names.split(",")
    assert found[0]["values"][0]["value"] > found[1]["values"][0]["value"] >= 0
    assert_refused(await member.get(f"/{post_id}/insights", params={"metric": "views,reach"}), 100)
    whole = "views,likes,followers_count,clicks"
    account = (await member.get("/me/threads_insights", params={"metric": whole})).json()["data"]
    views, likes, followers, clicks = account
    assert sum(value["value"] for value in views["values"]) == found[0]["values"][0]["value"]
    assert likes["total_value"]["value"] == found[1]["values"][0]["value"]
    assert followers["total_value"]["value"] > 0
    assert "link_total_values" in clicks
    since = {"metric": "followers_count", "since": "1763600000"}
    assert_refused(await member.get("/me/threads_insights", params=since), 100)


async def test_a_post_is_reposted(world: World, member: Member, stopwatch: Stopwatch) -> None:
    other = world.member("threads", "other")
    post_id = await published(other, stopwatch, text="Share me")
    await made(member.post(f"/{post_id}/repost"))
    assert [entry["kind"] for entry in await world.ledger()] == ["post", "reshare"]


@pytest.mark.parametrize(
    ("fault", "code", "subcode"),
    [("duplicate", 100, 1404082), ("quota_exhausted", 9, 2207042), ("account_action", 368, 4279013)],
)
async def test_ordered_refusals(
    world: World, member: Member, stopwatch: Stopwatch, fault: str, code: int, subcode: int
) -> None:
    creation_id = await finished(container(member, text="No"), stopwatch)
    await world.order("threads", fault, count=1)
    assert_refused(await publish(member, creation_id), code, subcode)
    assert (await publish(member, creation_id)).status_code == 200


async def test_a_rate_limit_says_until_when(world: World, member: Member) -> None:
    await world.order("threads", "rate_limit", count=1)
    refused = await container(member, text="No")
    assert_refused(refused, 4, 2446079)
    ((usage,),) = json.loads(refused.headers["x-business-use-case-usage"]).values()
    assert usage["estimated_time_to_regain_access"] > 0


async def test_the_profile(member: Member) -> None:
    fields = "id,username,name,threads_profile_picture_url,threads_biography,is_verified"
    shown = (await member.get("/v1.0/me", params={"fields": fields, "access_token": member.token})).json()
    assert (shown["id"], shown["username"], shown["is_verified"]) == (member.account, "acme", False)
    assert_refused(await member.get("/v2.0/me"), 2500)


async def test_logging_in_and_renewing(world: World) -> None:
    client = oauth_client(world, "threads")
    query = {
        "client_id": client.client_id,
        "redirect_uri": "https://app.example/callback",
        "response_type": "code",
        "scope": "threads_basic,threads_content_publish",
        "approve": "auto",
        "login": "acme",
    }
    back = (await world.http.get("/sandbox/threads/oauth/authorize", params=query)).headers["location"]
    assert back.endswith("#_")
    form = {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "grant_type": "authorization_code",
        "redirect_uri": query["redirect_uri"],
        "code": parse_qs(urlsplit(back).query)["code"][0],
    }
    short = (await world.http.post("/sandbox/threads/oauth/access_token", data=form)).json()
    assert set(short) == {"access_token", "user_id"}
    assert isinstance(short["user_id"], int)
    params = {"grant_type": "th_exchange_token", "client_secret": client.secret, "access_token": short["access_token"]}
    long = (await world.http.get("/sandbox/threads/access_token", params=params)).json()
    refresh = {"grant_type": "th_refresh_token", "access_token": long["access_token"]}
    assert_refused(await world.http.get("/sandbox/threads/refresh_access_token", params=refresh), 100)
    old = refresh | {"access_token": world.token("threads")}
    fresh = (await world.http.get("/sandbox/threads/v1.0/refresh_access_token", params=old)).json()
    assert (fresh["token_type"], fresh["expires_in"] > 59 * 86_400) == ("bearer", True)
    me = (await world.http.get("/sandbox/threads/me", params={"access_token": long["access_token"]})).json()
    assert me["id"] == str(short["user_id"])


@pytest.mark.parametrize("change", [{"scope": "threads_delete"}, {"scope": "threads_basic,colour"}, {"client_id": "x"}])
async def test_a_login_that_cannot_be(world: World, change: dict[str, str]) -> None:
    client = oauth_client(world, "threads")
    query = {
        "client_id": client.client_id,
        "redirect_uri": "https://app.example/callback",
        "response_type": "code",
        "scope": "threads_basic",
        "approve": "auto",
    }
    answer = await world.http.get("/sandbox/threads/oauth/authorize", params=query | change)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "OAuthException")
