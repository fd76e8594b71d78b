"""Facebook: a person logs in, and their pages publish."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from graph import assert_refused, oauth_client
from pretending import Member, World

from amp.sandbox.accounts import Client

pytestmark = pytest.mark.anyio

BASE = "/sandbox/facebook/v26.0"
SCOPES = "pages_show_list,pages_read_engagement,pages_manage_posts,pages_manage_engagement,read_insights"


@pytest.fixture
def client(world: World) -> Client:
    return oauth_client(world, "facebook")


async def consented(world: World, client: Client, **changes: str) -> dict[str, list[str]]:
    """What comes back from the dialog."""
    query = {
        "client_id": client.client_id,
        "redirect_uri": "https://app.example/callback",
        "state": "s1",
        "scope": SCOPES,
        "response_type": "code",
        "approve": "auto",
        "login": "ada",
    }
    answer = await world.http.get(f"{BASE}/dialog/oauth", params=query | changes)
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)


async def token(world: World, client: Client, **query: str) -> dict[str, Any]:
    app = {"client_id": client.client_id, "client_secret": client.secret}
    return (await world.http.get(f"{BASE}/oauth/access_token", params=app | query)).json()


async def logged_in(world: World, client: Client, **changes: str) -> str:
    """A person's long-lived token."""
    code = (await consented(world, client, **changes))["code"][0]
    short = await token(world, client, redirect_uri="https://app.example/callback", code=code)
    assert 3600 <= short["expires_in"] <= 7200
    exchanged = {"grant_type": "fb_exchange_token", "fb_exchange_token": short["access_token"]}
    long = await token(world, client, **exchanged)
    assert long["expires_in"] > 59 * 86_400
    return long["access_token"]


async def get(world: World, path: str, access_token: str, **query: str) -> Any:
    return await world.http.get(f"{BASE}{path}", params={"access_token": access_token, **query})


async def test_a_person_logs_in_and_their_pages_publish(world: World, client: Client) -> None:
    person = await logged_in(world, client)
    me = (await get(world, "/me", person, fields="id,name")).json()
    assert me["name"] == "Ada"
    fields = "id,name,username,access_token,picture,tasks,instagram_business_account"
    pages: list[dict[str, Any]] = []
    after = ""
    while True:
        listed = (await get(world, "/me/accounts", person, fields=fields, limit="2", after=after)).json()
        pages += listed["data"]
        if "next" not in listed["paging"]:
            break
        after = listed["paging"]["cursors"]["after"]
    assert len({page["id"] for page in pages}) == len(pages) >= 3
    for page in pages:
        member = Member(world.http, "facebook", page["id"], page["username"], page["access_token"])
        answer = await member.post(f"/v26.0/{page['id']}/feed", data={"message": "Hello"})
        assert (answer.status_code == 200) == ("CREATE_CONTENT" in page["tasks"]), answer.text
    assert {answer["account"] for answer in await world.ledger()} == {
        page["id"] for page in pages if "CREATE_CONTENT" in page["tasks"]
    }
    assert_refused(await world.http.post(f"{BASE}/me/feed", data={"message": "No", "access_token": person}), 200)


async def test_pages_that_exist_are_managed_too(world: World, client: Client) -> None:
    page = world.member("facebook", "acme")
    await page.get("/me")
    person = await logged_in(world, client, login="acme")
    me = (await get(world, "/me", person)).json()
    assert me["id"] != page.account
    assert page.account in {one["id"] for one in (await get(world, "/me/accounts", person)).json()["data"]}


async def test_codes_are_for_one_address_and_one_use(world: World, client: Client) -> None:
    code = (await consented(world, client))["code"][0]
    elsewhere = await token(world, client, redirect_uri="https://app.example/other", code=code)
    assert (elsewhere["error"]["code"], elsewhere["error"]["error_subcode"]) == (100, 36008)
    right = {"redirect_uri": "https://app.example/callback", "code": code}
    wrong = await token(world, client, **right | {"client_secret": "no"})
    assert wrong["error"]["message"] == "Error validating client secret."
    assert "access_token" in await token(world, client, **right)
    assert (await token(world, client, **right))["error"]["error_subcode"] == 36009


async def test_denied(world: World, client: Client) -> None:
    back = await consented(world, client, approve="no")
    assert (back["error"], back["error_reason"], back["state"]) == (["access_denied"], ["user_denied"], ["s1"])


async def test_fewer_permissions_than_were_asked_for(world: World, client: Client) -> None:
    person = await logged_in(world, client, grant="pages_show_list")
    granted = (await get(world, "/me/permissions", person)).json()["data"]
    assert granted == [{"permission": "pages_show_list", "status": "granted"}]
    page = (await get(world, "/me/accounts", person)).json()["data"][0]
    answer = await world.http.post(
        f"{BASE}/{page['id']}/feed", data={"message": "No", "access_token": page["access_token"]}
    )
    assert_refused(answer, 200)


async def test_debug_token_tells_what_a_token_is_worth(world: World, client: Client) -> None:
    person = await logged_in(world, client)
    page = (await get(world, "/me/accounts", person)).json()["data"][0]
    app = f"{client.client_id}|{client.secret}"
    found = [
        (await get(world, "/debug_token", app, input_token=one)).json()["data"]
        for one in (person, page["access_token"], "x")
    ]
    assert [one.get("type") for one in found] == ["USER", "PAGE", None]
    assert [one["is_valid"] for one in found] == [True, True, False]
    assert found[0]["expires_at"] > 0
    assert found[1]["expires_at"] == 0


async def test_giving_permissions_back_ends_the_tokens_of_the_pages(world: World, client: Client) -> None:
    person = await logged_in(world, client)
    page = (await get(world, "/me/accounts", person)).json()["data"][0]
    ended = await world.http.delete(f"{BASE}/me/permissions", params={"access_token": person})
    assert ended.json() == {"success": True}
    assert_refused(await get(world, "/me", person), 190, 458)
    assert_refused(await get(world, "/me", page["access_token"]), 190, 458)
