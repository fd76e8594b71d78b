"""Facebook Pages, written from the documentation: posts, photos, comments, insights, and what is refused."""

import json
from typing import Any

import httpx2
import pytest
from graph import assert_refused, made
from pictures import gif, jpeg, png
from pretending import Member, Stopwatch, World
from shelf import Shelf

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


@pytest.fixture
def page(world: World) -> Member:
    return world.member("facebook", "acme")


async def feed(page: Member, **params: Any) -> httpx2.Response:
    return await page.post(f"/v26.0/{page.account}/feed", data=params)


async def photo(page: Member, content: bytes, **params: Any) -> httpx2.Response:
    return await page.post(f"/v26.0/{page.account}/photos", data=params, files={"source": ("a.jpg", content)})


async def published_posts(page: Member, **params: str) -> dict[str, Any]:
    answer = await page.get(f"/v26.0/{page.account}/published_posts", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_text_is_public_at_once(world: World, page: Member) -> None:
    post_id = await made(feed(page, message="Hello & <welcome>"))
    assert post_id.startswith(f"{page.account}_")
    (entry,) = await world.ledger(vendor="facebook")
    assert (entry["remote_id"], entry["text"], entry["media"]) == (post_id, "Hello & <welcome>", [])
    fields = "id,permalink_url,created_time,message,is_published"
    shown = (await page.get(f"/v26.0/{post_id}", params={"fields": fields})).json()
    assert shown == {
        "id": post_id,
        "permalink_url": f"https://www.facebook.com/{page.account}/posts/{post_id.partition('_')[2]}",
        "created_time": "2026-11-20T09:00:00+0000",
        "message": "Hello & <welcome>",
        "is_published": True,
    }


async def test_the_same_cannot_be_said_twice_in_a_row(world: World, page: Member) -> None:
    assert (await feed(page, message="Again")).status_code == 200
    assert_refused(await feed(page, message=" Again "), 506, 1455006)
    assert (await feed(page, message="Again", link="https://acme.com/")).status_code == 200
    assert (await feed(page, message="Again")).status_code == 200
    assert len(await world.ledger()) == 3


@pytest.mark.parametrize(
    ("params", "code", "subcode"),
    [
        ({}, 100, 1349125),
        ({"message": " "}, 100, 1349125),
        ({"message": "a" * 63_207}, 100, None),
        ({"link": "acme"}, 1609005, None),
        ({"message": "a", "scheduled_publish_time": "1800000000", "published": "false"}, 100, None),
        ({"message": "a", "attached_media": '[{"media_fbid": "1"}]'}, 100, 1366051),
        ({"message": "a", "attached_media": "[1"}, 100, None),
        ({"message": "a", "attached_media": "1,2"}, 100, None),
    ],
)
async def test_a_post_that_cannot_be(page: Member, params: dict[str, str], code: int, subcode: int | None) -> None:
    assert_refused(await feed(page, **params), code, subcode)


@pytest.mark.parametrize("content", [png(100, 100), jpeg(100, 100), gif(100, 100)], ids=["png", "jpeg", "gif"])
async def test_one_photo_is_a_post(world: World, page: Member, content: bytes) -> None:
    answer = (await photo(page, content, message="Look", alt_text_custom="A cup")).json()
    (entry,) = await world.ledger()
    assert (entry["remote_id"], entry["text"]) == (answer["post_id"], "Look")
    assert (entry["media"][0]["id"], entry["media"][0]["alt_text"]) == (answer["id"], "A cup")


async def test_a_photo_is_fetched_from_its_address(world: World, page: Member, shelf: Shelf) -> None:
    url = shelf.put(jpeg(100, 100))
    answer = await page.post(f"/{page.account}/photos", data={"url": url, "caption": "Look"})
    assert (answer.status_code, (await world.ledger())[0]["text"]) == (200, "Look")
    missing = await page.post(f"/{page.account}/photos", data={"url": f"{shelf.origin}/nothing"})
    assert_refused(missing, 324, 2069019)


@pytest.mark.parametrize("content", [b"<html>", jpeg(9, 9, 10 * MEGABYTE + 1)], ids=["no picture", "too large"])
async def test_a_photo_is_a_picture_of_a_size(page: Member, content: bytes) -> None:
    assert_refused(await photo(page, content), 1366046)


@pytest.mark.parametrize("indexed", [False, True])
async def test_several_photos_are_shown_by_one_post(world: World, page: Member, indexed: bool) -> None:
    ids = [await made(photo(page, jpeg(9, 9), published="false")) for _ in range(3)]
    assert await world.ledger() == []
    members = [json.dumps({"media_fbid": remote_id}) for remote_id in ids]
    numbered = {f"attached_media[{number}]": member for number, member in enumerate(members)}
    attached = numbered if indexed else {"attached_media": f"[{','.join(members)}]"}
    post_id = await made(feed(page, message="All", **attached))
    (entry,) = await world.ledger()
    assert [medium["id"] for medium in entry["media"]] == ids
    assert_refused(await feed(page, message="More", **attached), 100, 1366051)
    fields = "attachments{media_type,subattachments}"
    (shown,) = (await published_posts(page, fields=fields))["data"]
    (album,) = shown["attachments"]["data"]
    assert (shown["id"], album["media_type"], len(album["subattachments"]["data"])) == (post_id, "album", 3)


async def test_published_posts_come_by_pages_newest_first(page: Member, stopwatch: Stopwatch) -> None:
    ids: list[str] = []
    for number in range(5):
        ids.insert(0, await made(feed(page, message=f"Post {number}")))
        stopwatch.advance(minutes=1)
    since = str(int(stopwatch.now().timestamp()) - 4 * 60)
    first = await published_posts(page, fields="id,message,created_time", since=since, limit="3")
    assert [post["id"] for post in first["data"]] == ids[:3]
    after = first["paging"]["cursors"]["after"]
    rest = await page.http.get(first["paging"]["next"], headers={"Authorization": f"Bearer {page.token}"})
    assert [post["id"] for post in rest.json()["data"]] == ids[3:4]
    again = await published_posts(page, fields="id,message,created_time", since=since, after=after)
    assert rest.json()["data"] == again["data"]
    back = await page.http.get(rest.json()["paging"]["previous"], headers={"Authorization": f"Bearer {page.token}"})
    assert back.json()["data"] == first["data"]


async def test_a_post_takes_comments_another_text_and_its_end(world: World, page: Member) -> None:
    post_id = await made(feed(page, message="Helo"))
    comment_id = await made(page.post(f"/{post_id}/comments", data={"message": "First"}))
    assert (await page.post(f"/{post_id}", data={"message": "Hello"})).json() == {"success": True}
    counters = "shares,comments.summary(true).limit(0),reactions.summary(true).limit(0)"
    shown = (await page.get(f"/{post_id}", params={"fields": f"message,{counters}"})).json()
    assert (shown["message"], shown["comments"]["summary"]["total_count"], shown["comments"]["data"]) == (
        "Hello",
        1,
        [],
    )
    listed = (await page.get(f"/{post_id}/comments", params={"fields": "id,message"})).json()
    assert listed["data"] == [{"id": comment_id, "message": "First"}]
    assert (await page.delete(f"/{post_id}")).json() == {"success": True}
    assert_refused(await page.delete(f"/{post_id}"), 100, 33)
    assert_refused(await page.get(f"/{post_id}"), 100, 33)
    assert (await world.ledger())[0]["deleted_at"] is not None
    assert_refused(await page.post("/1_2/comments", data={"message": "Where?"}), 100, 33)


async def test_insights_grow_and_one_unknown_name_fails_all(page: Member, stopwatch: Stopwatch) -> None:
    post_id = await made(feed(page, message="See https://acme.com"))
    stopwatch.advance(hours=6)
    names = "post_media_view,post_clicks,post_reactions_by_type_total"
    found = (await page.get(f"/{post_id}/insights", params={"metric": names})).json()["data"]
    views, clicks, kinds = (entry["values"][0] for entry in found)
    assert views["value"] > clicks["value"] >= 0
    assert set(kinds["value"]) == {"like", "love"}
    assert "end_time" not in views
    assert_refused(await page.get(f"/{post_id}/insights", params={"metric": f"{names},post_impressions"}), 100)
    as_json = {"metric": '["post_clicks", "post_media_view"]'}
    assert len((await page.get(f"/{post_id}/insights", params=as_json)).json()["data"]) == 2
    params = {"metric": "page_media_view,page_follows", "period": "day"}
    series = (await page.get(f"/{page.account}/insights", params=params)).json()["data"]
    assert sum(value["value"] for value in series[0]["values"]) >= views["value"]
    assert all(value["end_time"].endswith("+0000") for value in series[1]["values"])


async def test_the_profile_of_the_page(page: Member) -> None:
    fields = "id,name,username,link,picture{url},fan_count,followers_count,is_published"
    shown = (await page.get(f"/v26.0/{page.account}", params={"fields": fields})).json()
    assert (shown["id"], shown["username"], list(shown["picture"]["data"])) == (page.account, "acme", ["url"])
    assert shown["followers_count"] > 0
    assert (await page.get("/me")).json() == {"id": page.account, "name": "Acme"}


@pytest.mark.parametrize("path", ["/me", "/v21.0/me", "/v26.0/me", "/v26.0/me/"])
async def test_versions_that_live_with_or_without_a_slash_behind(page: Member, path: str) -> None:
    assert (await page.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/v99.0/me", "/v3.2/me", "/v26.0/me/colour"])
async def test_paths_that_are_not_there(page: Member, path: str) -> None:
    assert_refused(await page.get(path), 2500)


@pytest.mark.parametrize("fields", ["id,colour", "picture{url", "a}", "(x)"])
async def test_fields_that_are_not_there(page: Member, fields: str) -> None:
    assert (await page.get("/me", params={"fields": fields})).json()["error"]["code"] in (100, 2500)


async def test_the_token_may_be_in_the_query_the_form_the_body_or_the_header(page: Member) -> None:
    path, token = f"/sandbox/facebook/{page.account}/feed", {"access_token": page.token}
    send = page.http.post
    answers = [
        await send(path, params=token, data={"message": "1"}),
        await send(path, data={"message": "2"} | token),
        await send(path, json={"message": "3"} | token),
        await send(path, data={"message": "4"}, headers={"Authorization": f"OAuth {page.token}"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert_refused(await send(path, data={"message": "5"}), 104)
    assert_refused(await send(path, data={"message": "5", "access_token": "made-up"}), 190)


async def test_every_answer_tells_how_much_was_used(world: World, page: Member) -> None:
    answer = await feed(page, message="Hello")
    assert json.loads(answer.headers["x-app-usage"])["call_count"] == 0
    await world.order("facebook", "rate_limit", count=1)
    refused = await feed(page, message="More")
    assert_refused(refused, 80001, 2446079)
    ((usage,),) = json.loads(refused.headers["x-business-use-case-usage"]).values()
    assert (usage["type"], usage["call_count"]) == ("pages", 100)
    assert usage["estimated_time_to_regain_access"] > 0
    await world.order("facebook", "rate_limit_no_headers", count=1)
    bare = await feed(page, message="More")
    assert_refused(bare, 32)
    assert "x-app-usage" not in bare.headers


@pytest.mark.parametrize(
    ("fault", "code", "subcode"),
    [
        ("duplicate", 506, 1455006),
        ("quota_exhausted", 32, None),
        ("account_action", 368, 4854002),
        ("expired_token", 190, 463),
        ("revoked_token", 190, 458),
    ],
)
@pytest.mark.parametrize("what", ["feed", "photo"])
async def test_an_ordered_refusal_publishes_nothing(
    world: World, page: Member, what: str, fault: str, code: int, subcode: int | None
) -> None:
    await world.order("facebook", fault, count=1)
    answer = await (feed(page, message="No") if what == "feed" else photo(page, jpeg()))
    assert_refused(answer, code, subcode)
    assert await world.ledger() == []


@pytest.mark.parametrize("fault", ["accept_then_500", "malformed"])
async def test_an_answer_can_be_lost_where_something_becomes_public(world: World, page: Member, fault: str) -> None:
    for request in (feed(page, message="1"), photo(page, jpeg(), message="2")):
        await world.order("facebook", fault, count=1)
        answer = await request
        assert answer.status_code == (500 if fault == "accept_then_500" else 200)
    assert [entry["text"] for entry in await world.ledger()] == ["1", "2"]
    await world.order("facebook", "accept_then_500", count=1)
    assert (await photo(page, jpeg(), published="false")).status_code == 200


async def test_scopes_are_missed(world: World) -> None:
    reader = world.member("facebook", "reader", scopes={"pages_read_engagement"})
    assert_refused(await feed(reader, message="No"), 200)
    assert (await published_posts(reader))["data"] == []


async def test_one_page_neither_publishes_nor_deletes_for_another(world: World, page: Member) -> None:
    other = world.member("facebook", "other")
    post_id = await made(feed(other, message="Mine"))
    assert_refused(await page.post(f"/{other.account}/feed", data={"message": "Not mine"}), 100, 33)
    assert_refused(await page.delete(f"/{post_id}"), 100, 33)
