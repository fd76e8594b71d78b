"""The sandbox's own interface: whose key it is, the ledger, accounts, orders; and the feeds for people."""

from typing import Any

import pytest
from pictures import png
from pretending import SIGNING_KEY, Stopwatch, World, account_of
from test_sandbox_x_media import one_shot, post_with

from amp.sandbox.accounts import feed_link, read_token, read_view, sandbox_token
from amp.sandbox.app import social_vendors

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("key", "status", "code"), [("nonsense", 401, "unauthorized"), ("reader", 403, "forbidden")])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "_ledger"), ("GET", "_faults"), ("POST", "_faults"), ("DELETE", "_faults"), ("POST", "_accounts")],
)
async def test_every_call_needs_a_key_that_may_administer(
    world: World, key: str, status: int, code: str, method: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await world.http.request(method, f"/sandbox/{path}", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]


async def test_the_ledger_lists_what_was_made_public_in_order(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    for text in ("One", "Two"):
        await member.post("/2/tweets", json={"text": text})
        stopwatch.advance(minutes=1)
    first, second = await world.ledger()
    assert first == {
        "vendor": "twitter",
        "account": member.account,
        "remote_id": first["remote_id"],
        "kind": "post",
        "text": "One",
        "media": [],
        "request_id": None,
        "created_at": "2026-11-20T09:00:00.000000Z",
        "deleted_at": None,
    }
    assert second["text"] == "Two"


async def test_the_ledger_is_filtered_by_vendor_account_and_time(world: World, stopwatch: Stopwatch) -> None:
    one, two = world.member("twitter", "one"), world.member("twitter", "two")
    await one.post("/2/tweets", json={"text": "Early"})
    stopwatch.advance(minutes=1)
    await two.post("/2/tweets", json={"text": "Late"})
    assert [row["text"] for row in await world.ledger(account=one.account)] == ["Early"]
    assert [row["text"] for row in await world.ledger(since="2026-11-20T09:01:00Z")] == ["Late"]
    assert await world.ledger(vendor="linkedin") == []


async def test_one_owner_never_sees_another(world: World) -> None:
    other = World(world.http)
    post_id = (await world.member("twitter").post("/2/tweets", json={"text": "Mine"})).json()["data"]["id"]
    assert await other.ledger() == []
    assert "data" not in (await other.member("twitter").get(f"/2/tweets?ids={post_id}")).json()


@pytest.mark.parametrize("query", ["since=yesterday", "since=2026-11-20T09:00:00", "colour=red"])
async def test_wrong_ledger_questions_are_a_400(world: World, query: str) -> None:
    assert (await world.control("GET", f"_ledger?{query}")).status_code == 400


@pytest.mark.parametrize(
    "order",
    [
        {"vendor": "twitter"},
        {"vendor": "myspace", "fault": "slow"},
        {"fault": "slow"},
        {"vendor": "twitter", "fault": "explode"},
        {"vendor": "twitter", "fault": "slow", "rate": 1.5},
        {"vendor": "twitter", "fault": "slow", "count": 0},
        {"vendor": "twitter", "fault": "slow", "rate": 0.5, "count": 1},
        {"vendor": "twitter", "script": []},
        {"vendor": "twitter", "script": ["ok", "explode"]},
        {"vendor": "twitter", "fault": "slow", "seconds": -1},
        {"vendor": "twitter", "fault": "slow", "colour": "red"},
    ],
)
async def test_wrong_orders_are_a_400(world: World, order: dict[str, Any]) -> None:
    answer = await world.control("POST", "_faults", json=order)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert not any(word in answer.text for word in ("Input", "should", "Extra", "Field required", "type="))


async def test_orders_are_listed_and_cancelled_by_vendor(world: World) -> None:
    await world.order("twitter", "slow", rate=0.5, connection="acme")
    await world.order("linkedin", script=["ok", "malformed"])
    listed = (await world.control("GET", "_faults")).json()["data"]
    assert [(order["vendor"], order.get("rate"), order.get("script")) for order in listed] == [
        ("twitter", 0.5, None),
        ("linkedin", None, ["ok", "malformed"]),
    ]
    assert (await world.control("DELETE", "_faults?vendor=twitter")).json() == {"cancelled": 1}
    assert (await world.control("DELETE", "_faults")).json() == {"cancelled": 1}
    assert (await world.control("GET", "_faults")).json() == {"data": []}


async def test_a_script_may_repeat_what_fault_it_is_about(world: World) -> None:
    await world.order("twitter", "accept_then_500", script=["ok", "accept_then_500"])


async def test_an_account_is_made_with_tokens_and_a_client(world: World) -> None:
    made = (await world.control("POST", "_accounts", json={"vendor": "twitter", "handle": "acme"})).json()
    assert set(made) == {
        "vendor", "account", "handle", "access_token", "refresh_token", "client_id", "client_secret",
    }  # fmt: skip
    again = (await world.control("POST", "_accounts", json={"vendor": "twitter", "handle": "acme"})).json()
    assert again["account"] == made["account"]
    assert again["access_token"] != made["access_token"]
    assert again["client_id"] == made["client_id"]
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    me = await world.http.get("/sandbox/twitter/2/users/me", headers=headers)
    assert me.json()["data"] == {"id": made["account"], "name": "Acme", "username": "acme"}


async def test_an_account_can_be_given_fewer_scopes(world: World) -> None:
    wanted = {"vendor": "twitter", "scopes": ["tweet.read", "users.read"]}
    made = (await world.control("POST", "_accounts", json=wanted)).json()
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    answer = await world.http.post("/sandbox/twitter/2/tweets", json={"text": "a"}, headers=headers)
    assert answer.status_code == 403


async def test_linkedin_gives_no_refresh_token(world: World) -> None:
    made = (await world.control("POST", "_accounts", json={"vendor": "linkedin"})).json()
    assert "refresh_token" not in made


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
async def test_a_vendor_of_text_gives_a_key_of_the_owner(world: World, vendor: str) -> None:
    made = (await world.control("POST", "_accounts", json={"vendor": vendor})).json()
    claims = read_token(SIGNING_KEY, made["access_token"])
    assert claims is not None
    assert (claims.vendor, claims.owner) == (vendor, world.owner)


@pytest.mark.parametrize("body", [{"vendor": "myspace"}, {}, {"vendor": "twitter", "handle": "a b"}])
async def test_wrong_accounts_are_a_400(world: World, body: dict[str, Any]) -> None:
    assert (await world.control("POST", "_accounts", json=body)).status_code == 400


def test_a_signed_token_says_what_went_into_it_and_nothing_else_passes() -> None:
    token = sandbox_token(
        b"key", vendor="twitter", account="1", handle="h", name="Ñ", owner="o", scopes=["b", "a"], refresh=True
    )
    claims = read_token(b"key", token)
    assert claims is not None
    assert (claims.vendor, claims.account, claims.name, claims.owner) == ("twitter", "1", "Ñ", "o")
    assert (claims.scopes, claims.refresh) == ({"a", "b"}, True)
    assert token.startswith("sbx.")
    assert token.isascii()
    assert read_token(b"another key", token) is None
    assert read_token(b"key", token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert read_token(b"key", feed_link(b"key", "o").removeprefix("view=")) is None
    assert read_view(b"key", token) is None


def test_the_same_arguments_give_the_same_token() -> None:
    def make(scopes: list[str]) -> str:
        return sandbox_token(b"k", vendor="v", account="1", handle="h", name="n", owner="o", scopes=scopes)

    assert make(["a", "b"]) == make(["b", "a"])


def test_every_vendor_of_the_folder_is_found_without_a_list() -> None:
    vendors = social_vendors()
    assert {"twitter", "linkedin"} <= set(vendors)
    assert all(name == vendor.name for name, vendor in vendors.items())


async def feed(world: World, query: str = "") -> str:
    answer = await world.http.get(f"/sandbox/?{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


async def test_the_feeds_show_what_one_owner_published_with_its_numbers(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    await member.post("/2/tweets", json={"text": "<b>Bold</b> claims & https://example.com"})
    stopwatch.advance(days=2)
    page = await feed(world, feed_link(SIGNING_KEY, world.owner))
    assert "&lt;b&gt;Bold&lt;/b&gt; claims &amp;" in page
    assert "<b>Bold" not in page
    assert "views" in page
    assert "2 d" in page
    assert "<script" not in page


async def test_without_a_signed_view_the_page_only_explains_itself(world: World) -> None:
    await world.member("twitter").post("/2/tweets", json={"text": "Private"})
    for query in ("", "view=nonsense", feed_link(b"another key", world.owner)):
        assert "Private" not in await feed(world, query)


async def test_another_owners_link_shows_another_world(world: World) -> None:
    await world.member("twitter").post("/2/tweets", json={"text": "Mine"})
    assert "Mine" not in await feed(world, feed_link(SIGNING_KEY, "somebody else"))


async def test_pictures_are_shown_to_whoever_has_the_link(world: World) -> None:
    member, content = world.member("twitter"), png()
    media_id = (await one_shot(member, content)).json()["data"]["id"]
    await post_with(member, media_id)
    link = feed_link(SIGNING_KEY, world.owner)
    assert f"_media/twitter/{media_id}" in await feed(world, link)
    shown = await world.http.get(f"/sandbox/_media/twitter/{media_id}?{link}")
    assert (shown.content, shown.headers["content-type"]) == (content, "image/png")
    assert (await world.http.get(f"/sandbox/_media/twitter/{media_id}")).status_code == 404


async def test_deleted_posts_stay_visible_as_deleted(world: World) -> None:
    member = world.member("twitter")
    post_id = (await member.post("/2/tweets", json={"text": "Regret"})).json()["data"]["id"]
    await member.delete(f"/2/tweets/{post_id}")
    assert 'class="gone"' in await feed(world, feed_link(SIGNING_KEY, world.owner))


async def test_the_page_is_also_at_the_root_without_a_slash(world: World) -> None:
    answer = await world.http.get("/sandbox")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://sandbox.local/sandbox/")


def test_accounts_of_different_handles_differ() -> None:
    assert account_of("ab") != account_of("ba")
