"""Connecting accounts as a person does it: by the buttons of our pages and of the vendors' consent pages, over real
sockets, and back."""

from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest
from browsing import Browser, Page

from amp.kit.clock import real_now
from amp.providers.discovery import social_vendors
from connecting import account_in, at_vendor, change, tokens_of
from world import World, good

pytestmark = pytest.mark.anyio

NAMES = {name: vendor.capabilities.name for name, vendor in social_vendors().items()}
ONE_ACCOUNT = [name for name in NAMES if name != "facebook"]


async def consent_page(person: Browser, platform: str) -> Page:
    page = await person.follow(await person.open("/accounts"), f"Connect: {NAMES[platform]} in Mine")
    assert page.path.startswith(f"/sandbox/{platform}/"), page.path
    return page


async def connect(person: Browser, platform: str, login: str = "acme") -> Page:
    return await person.press(await consent_page(person, platform), "Allow", login=login)


@pytest.mark.parametrize("platform", ONE_ACCOUNT)
async def test_a_person_connects_an_account_by_link_and_form(
    person: Browser, served: World, mine: str, platform: str
) -> None:
    page = await connect(person, platform)
    assert (page.status, page.path) == (200, "/accounts")
    account = await account_in(served, mine)
    assert (account["platform"], account["status"]) == (platform, "active")
    assert page.told == f"{account['handle']} on {NAMES[platform]} is connected."
    assert "1 of 7 connected" in page.text
    for caveat in account["launchState"]["caveats"] + account["launchState"]["notes"]:
        assert caveat in page.text


async def test_denying_it_is_told_and_connects_nothing(person: Browser, served: World, mine: str) -> None:
    page = await person.press(await consent_page(person, "linkedin"), "Deny")
    assert page.path == "/accounts"
    assert page.told == "Not connected. You did not allow it, so nothing was connected."
    assert good(await served.test.get("/api/v1/accounts", params={"platformSetId": mine})) == {"accounts": []}


async def test_what_the_vendor_says_went_wrong_is_told_as_text(person: Browser, mine: str) -> None:
    state = (await consent_page(person, "linkedin")).answer.url.params["state"]
    query = f"state={state}&error=server_error&error_description={quote('Out for <b>lunch</b>')}"
    page = await person.open(f"/api/platforms/linkedin/callback?{query}")
    assert page.path == "/accounts"
    assert page.told == "Not connected. The platform refused: Out for <b>lunch</b>."


async def test_a_sentence_is_said_once_and_by_nobody_else(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "threads")
    assert page.told
    assert not (await person.open("/accounts")).told
    assert not (await person.open(str(page.answer.url))).told, "nor by the address alone"
    form, button = page.button("Rename Mine")
    answer = await person.client.post(form.action, data=form.filled(button), follow_redirects=False)
    sealed = answer.cookies["amp_told"]
    await person.press(await person.open("/accounts"), "Sign out")
    await person.sign_in(served.tenant.email)
    for made_up in (sealed, "x", "a.b", "", "ä"):
        page = Page(await person.client.get("/accounts", headers={"Cookie": _beside(person, made_up)}))
        assert page.path == "/accounts"
        assert not page.told


def _beside(person: Browser, told: str) -> bytes:
    return f"amp_session={person.client.cookies['amp_session']}; amp_told={told}".encode()


async def test_of_several_pages_a_person_chooses_one(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "facebook")
    assert page.path == "/accounts/choose/facebook"
    form, _ = page.button("Connect")
    offered = [one.attributes["value"] for one in form.fields if one.attributes["name"] == "account"]
    assert len(offered) > 1
    page = await person.press(page, "Connect", account=offered[1])
    account = await account_in(served, mine)
    assert page.told == f"{account['displayName']} on Facebook is connected."
    assert "1 of 7 connected" in page.text
    again = await person.open("/accounts/choose/facebook")
    assert (again.path, again.told) == (
        "/accounts",
        "There is nothing to choose from any more. Connect the account again.",
    )


async def test_a_choice_that_was_not_offered_connects_nothing(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "facebook")
    refused = await person.press(page, "Connect", account="nonsense")
    assert refused.status == 404
    assert good(await served.test.get("/api/v1/accounts", params={"platformSetId": mine})) == {"accounts": []}


async def test_a_browser_that_began_at_the_api_chooses_on_the_same_page(person: Browser, mine: str) -> None:
    page = await person.open(f"/api/platforms/facebook/auth-url?platformSetId={mine}")
    page = await person.press(page, "Allow", login="acme")
    assert page.path == "/accounts/choose/facebook"


async def test_another_account_on_an_occupied_platform_is_told(person: Browser, served: World, mine: str) -> None:
    await connect(person, "twitter", "acme")
    page = await person.open(f"/sets/{mine}/connect/twitter")
    page = await person.press(page, "Allow", login="other")
    assert page.path == "/accounts"
    assert page.told == "Not connected. The set has acme on twitter already. Disconnect that account first."
    assert (await account_in(served, mine))["handle"] == "acme"


async def test_refreshing_renews_the_tokens(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "twitter")
    before = await tokens_of(served, mine)
    page = await person.press(page, "Refresh: acme on X in Mine")
    assert page.told == "The tokens of acme on X are new."
    assert await tokens_of(served, mine) != before


async def test_a_refused_refresh_is_told_and_asks_to_connect_again(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "twitter")
    assert not page.has("Connect again: X in Mine")
    await at_vendor(served, "UPDATE sandbox.tokens SET ended_at = :now WHERE kind = 'refresh'", now=real_now())
    page = await person.press(page, "Refresh: acme on X in Mine")
    assert page.path == "/accounts"
    assert page.told
    assert "does not take its tokens any more: connect it again" in page.text
    page = await person.press(await person.follow(page, "Connect again: X in Mine"), "Allow", login="acme")
    assert page.told == "acme on X is connected."
    assert (await account_in(served, mine))["status"] == "active"


@pytest.mark.parametrize(
    ("ends_in", "says"),
    [
        (timedelta(days=59, hours=1), "end in 59 days and cannot be renewed: connect it again before then"),
        (timedelta(days=1, hours=1), "end in 1 day and cannot be renewed"),
        (timedelta(hours=2, minutes=1), "end in 2 hours and cannot be renewed"),
        (timedelta(seconds=50), "end soon and cannot be renewed"),
        (timedelta(hours=-1), "does not take its tokens any more"),
    ],
)
async def test_how_long_an_account_will_do_is_said_in_words(
    person: Browser, served: World, mine: str, ends_in: timedelta, says: str
) -> None:
    await connect(person, "linkedin")
    await change(served, mine, "token_expires_at = :ends", ends=real_now() + ends_in)
    page = await person.open("/accounts")
    assert says in page.text
    assert page.has("Connect again: LinkedIn in Mine")
    assert not page.has("Refresh: acme on LinkedIn in Mine")


async def test_permissions_that_were_not_given_are_named(person: Browser, mine: str) -> None:
    page = await consent_page(person, "twitter")
    page = await person.press(page, "Allow", login="acme", grant=["tweet.read", "users.read"])
    assert "connect it again and allow tweet.write, media.write, offline.access" in page.text


async def test_disconnecting_ends_it_at_once(person: Browser, served: World, mine: str) -> None:
    page = await connect(person, "twitter")
    page = await person.press(page, "Disconnect acme on X in Mine")
    assert page.told == "acme on X is disconnected."
    assert await tokens_of(served, mine) == (None, None)
    assert page.has("Connect: X in Mine")


async def test_disconnecting_from_an_old_page_leaves_alone_what_came_since(
    person: Browser, served: World, mine: str
) -> None:
    old = await connect(person, "twitter", "acme")
    await person.press(old, "Disconnect acme on X in Mine")
    await connect(person, "twitter", "other")
    assert (await person.press(old, "Disconnect acme on X in Mine")).status == 404
    assert (await account_in(served, mine))["status"] == "active"


async def test_no_page_shows_a_token(person: Browser, served: World, mine: str) -> None:
    secrets = served.runtime.secrets
    pages = [await connect(person, "twitter"), await person.open("/accounts"), await person.open("/nothing")]
    account = (await account_in(served, mine))["id"]
    sealed = [token for token in await tokens_of(served, mine) if token]
    in_clear = [secrets.unseal(token, row=account) for token in sealed]
    assert len(in_clear) == 2
    for page in pages:
        for secret in (*sealed, *in_clear, person.client.cookies["amp_session"]):
            assert secret not in page.answer.text


async def test_who_comes_back_without_a_session_is_shown_the_way_in(server: str) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        browser = Browser(client)
        page = await browser.open("/api/platforms/twitter/callback?state=x&code=y")
        assert page.status == 401
        assert "Log in first, and then connect the account again." in page.text
        assert (await browser.follow(page, "To the accounts")).path == "/signin"
