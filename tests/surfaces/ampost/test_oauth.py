"""Connecting accounts, as a person does: to the sandbox's consent page and back, over real sockets."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import text

from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from amp.providers.discovery import social_vendors
from amp.sandbox import app as sandbox
from connecting import (
    PAGE,
    account_in,
    at_vendor,
    auth_url,
    change,
    choose,
    consented,
    delivery_of,
    open_tokens,
    order,
    refresh,
    schedule,
    tokens_of,
)
from dashboard import log_in, refused
from world import World, good

pytestmark = pytest.mark.anyio

PLATFORMS = sorted(set(social_vendors()) & set(sandbox.social_vendors()))
ONE_ACCOUNT = [name for name in PLATFORMS if name != "facebook"]


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_auth_url_leads_to_the_consent_page_which_the_session_opens(
    person: httpx2.AsyncClient, mine: str, platform: str
) -> None:
    page = await person.get(await auth_url(person, platform, mine), headers=PAGE)
    assert page.status_code == 200, page.text
    assert "Allow" in page.text


@pytest.mark.parametrize("platform", ONE_ACCOUNT)
async def test_allowing_it_connects_the_account_to_the_set(
    person: httpx2.AsyncClient, served: World, mine: str, platform: str
) -> None:
    account = good(await person.get(await consented(person, platform, mine, login="acme")))["account"]
    assert (account["platform"], account["platformSetId"], account["status"]) == (platform, mine, "active")
    assert account["scopes"]
    assert account["missingScopes"] == []
    assert account["tokenHealth"]["lastRefreshedAt"]
    listed = good(await served.test.get("/api/v1/accounts", params={"platformSetId": mine}))["accounts"]
    assert listed == [account]


async def test_the_vendor_s_words_about_the_account_are_kept(person: httpx2.AsyncClient, mine: str) -> None:
    account = good(await person.get(await consented(person, "twitter", mine, login="acme_corp")))["account"]
    assert (account["handle"], account["displayName"]) == ("acme_corp", "Acme Corp")
    ends = account["tokenHealth"]["expiresAt"]
    assert ends
    assert account["tokenHealth"]["refreshable"] is True


async def test_without_a_set_the_account_joins_the_default_set(person: httpx2.AsyncClient) -> None:
    await person.delete("/api/platforms/twitter/disconnect")
    account = good(await person.get(await consented(person, "twitter", None)))["account"]
    (default,) = [one for one in good(await person.get("/api/platforms/sets"))["sets"] if one["isDefault"]]
    assert account["platformSetId"] == default["id"]


async def test_the_status_of_integrations_is_that_of_the_default_set(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    before = good(await served.test.get("/v1/connect/status"))["platforms"]
    good(await person.get(await consented(person, "threads", mine, login="elsewhere")))
    assert good(await served.test.get("/v1/connect/status"))["platforms"] == before


async def test_auth_url_redirects_browsers_and_whoever_asks_for_it(person: httpx2.AsyncClient, mine: str) -> None:
    path = "/api/platforms/twitter/auth-url"
    for options in ({"params": {"platformSetId": mine, "redirect": "true"}}, {"headers": PAGE}):
        answer = await person.get(path, **options)
        assert answer.status_code == 302
        assert "/sandbox/twitter/" in answer.headers["Location"]


async def test_the_consent_page_is_asked_with_pkce_and_our_own_callback(
    person: httpx2.AsyncClient, server: str, mine: str
) -> None:
    query = parse_qs(urlsplit(await auth_url(person, "twitter", mine)).query)
    assert query["redirect_uri"] == [f"{server}/api/platforms/twitter/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 43


@pytest.mark.parametrize(
    ("platform", "scopes"),
    [
        ("linkedin", {"openid", "profile", "email", "w_member_social"}),
        ("youtube", {f"https://www.googleapis.com/auth/{name}" for name in ("youtube.upload", "youtube")}),
    ],
)
async def test_the_scopes_of_the_reference_are_asked_for(
    person: httpx2.AsyncClient, mine: str, platform: str, scopes: set[str]
) -> None:
    (asked,) = parse_qs(urlsplit(await auth_url(person, platform, mine)).query)["scope"]
    assert set(asked.split()) == scopes


async def test_a_state_is_good_once(person: httpx2.AsyncClient, mine: str) -> None:
    back = await consented(person, "twitter", mine)
    assert good(await person.get(back))
    assert refused(await person.get(back), 400) == "INVALID_STATE"


async def test_a_state_is_good_for_ten_minutes(person: httpx2.AsyncClient, served: World, mine: str) -> None:
    back = await consented(person, "twitter", mine)
    async with served.runtime.units.begin(SYSTEM) as uow:
        late = {"past": real_now() - timedelta(seconds=1)}
        await uow.session.execute(text("UPDATE connect_attempts SET expires_at = :past"), late)
    assert refused(await person.get(back), 400) == "INVALID_STATE"


async def test_a_state_is_good_for_its_own_platform(person: httpx2.AsyncClient, mine: str) -> None:
    back = await consented(person, "twitter", mine)
    assert refused(await person.get(back.replace("/twitter/", "/linkedin/")), 400) == "INVALID_STATE"


async def test_a_state_is_good_in_the_session_that_began_it(
    person: httpx2.AsyncClient, served: World, server: str, mine: str
) -> None:
    """Else somebody could be made to connect an attacker's account."""
    back = await consented(person, "twitter", mine)
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as other:
        assert refused(await other.get(back), 401) == "UNAUTHORIZED"
        await log_in(other, served.tenant.email, environment="test")
        assert refused(await other.get(back), 400) == "INVALID_STATE"
    assert good(await person.get(back))


@pytest.mark.parametrize("forged", ["", "?state=", "?state=x&code=y", "?code=y"])
async def test_a_made_up_callback_is_refused(person: httpx2.AsyncClient, forged: str) -> None:
    assert refused(await person.get(f"/api/platforms/twitter/callback{forged}"), 400) == "INVALID_STATE"


async def test_the_verifier_and_the_state_are_stored_sealed_and_hashed(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    state = parse_qs(urlsplit(await auth_url(person, "twitter", mine)).query)["state"][0]
    newest = "SELECT verifier, t::text AS row FROM connect_attempts t ORDER BY id DESC LIMIT 1"
    async with served.runtime.database.transaction(SYSTEM) as session:
        row = (await session.execute(text(newest))).one()
    assert state not in row.row
    assert row.verifier.startswith(f"{served.runtime.secrets.key_id}.")


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_denying_it_connects_nothing_and_says_so(
    person: httpx2.AsyncClient, served: World, mine: str, platform: str
) -> None:
    back = await consented(person, platform, mine, approve="no")
    assert refused(await person.get(back), 403) == "ACCESS_DENIED"
    assert good(await served.test.get("/api/v1/accounts", params={"platformSetId": mine})) == {"accounts": []}


async def test_a_code_that_the_vendor_refuses_is_token_exchange_failed(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    back = await consented(person, "twitter", mine)
    await at_vendor(served, "UPDATE sandbox.codes SET used_at = :now", now=real_now())
    assert refused(await person.get(back), 502) == "TOKEN_EXCHANGE_FAILED"


async def test_another_error_of_the_vendor_is_token_exchange_failed(person: httpx2.AsyncClient, mine: str) -> None:
    state = parse_qs(urlsplit(await auth_url(person, "linkedin", mine)).query)["state"][0]
    query = {"state": state, "error": "server_error", "error_description": "Out for <b>lunch</b>"}
    answer = await person.get("/api/platforms/linkedin/callback", params=query, headers=PAGE)
    assert answer.status_code == 502
    assert "TOKEN_EXCHANGE_FAILED" in answer.text
    assert "Out for &lt;b&gt;lunch" in answer.text


async def test_an_account_that_cannot_be_read_is_profile_fetch_failed(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    await order(served, vendor="linkedin", fault="malformed", count=1)
    back = await consented(person, "linkedin", mine)
    assert refused(await person.get(back), 502) == "PROFILE_FETCH_FAILED"


@pytest.mark.parametrize(
    ("approve", "status", "says"), [("yes", 200, "is connected"), ("no", 403, "You did not allow it")]
)
async def test_a_browser_comes_back_to_a_page(
    person: httpx2.AsyncClient, mine: str, approve: str, status: int, says: str
) -> None:
    page = await person.get(await consented(person, "twitter", mine, approve=approve), headers=PAGE)
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert says in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_a_browser_without_a_session_comes_back_to_a_page(server: str) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as stranger:
        page = await stranger.get("/api/platforms/twitter/callback?state=x&code=y", headers=PAGE)
    assert page.status_code == 401
    assert "Log in first" in page.text


@pytest.mark.parametrize(("approve", "told"), [("yes", "connected=acc_"), ("no", "error=ACCESS_DENIED")])
async def test_return_to_is_where_the_person_ends_up(
    person: httpx2.AsyncClient, mine: str, approve: str, told: str
) -> None:
    back = await consented(person, "twitter", mine, approve=approve, return_to="/accounts?tab=all")
    answer = await person.get(back, headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/accounts?tab=all&{told}")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "accounts", "/a\tb"]
)
async def test_return_to_leads_nowhere_else(person: httpx2.AsyncClient, elsewhere: str) -> None:
    answer = await person.get("/api/platforms/twitter/auth-url", params={"returnTo": elsewhere})
    assert refused(answer, 400) == "VALIDATION_FAILED"


async def test_connecting_the_same_account_again_renews_it_in_place(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    first = good(await person.get(await consented(person, "twitter", mine, login="acme")))["account"]
    post = await schedule(served, mine, "twitter")
    await change(served, mine, "status = 'expired'")
    again = good(await person.get(await consented(person, "twitter", mine, login="acme")))["account"]
    assert (again["id"], again["status"]) == (first["id"], "active")
    assert len(good(await served.test.get("/api/v1/accounts", params={"platformSetId": mine}))["accounts"]) == 1
    assert await delivery_of(served, post) == ("pending", decode(Kind.ACCOUNT, first["id"], what="account"))


async def test_another_account_on_an_occupied_platform_is_refused_until_the_first_is_disconnected(
    person: httpx2.AsyncClient, mine: str
) -> None:
    assert good(await person.get(await consented(person, "twitter", mine, login="acme")))
    other = await consented(person, "twitter", mine, login="other")
    assert refused(await person.get(other), 409) == "PLATFORM_OCCUPIED"
    assert good(await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine}))
    taken = good(await person.get(await consented(person, "twitter", mine, login="other")))["account"]
    assert taken["handle"] == "other"


async def test_scopes_that_were_not_granted_are_told(person: httpx2.AsyncClient, mine: str) -> None:
    back = await consented(person, "twitter", mine, grant=["tweet.read", "users.read"])
    account = good(await person.get(back))["account"]
    assert sorted(account["scopes"]) == ["tweet.read", "users.read"]
    assert set(account["missingScopes"]) == {"tweet.write", "media.write", "offline.access"}


async def test_connecting_into_a_set_that_is_gone_meanwhile_is_404(person: httpx2.AsyncClient, mine: str) -> None:
    back = await consented(person, "twitter", mine)
    assert good(await person.delete(f"/api/platforms/sets/{mine}"))
    assert refused(await person.get(back), 404) == "NOT_FOUND"


@pytest.mark.parametrize("verb", ["auth-url", "callback", "refresh", "disconnect"])
async def test_bluesky_is_planned_and_cannot_be_connected(person: httpx2.AsyncClient, verb: str) -> None:
    method = {"refresh": "POST", "disconnect": "DELETE"}.get(verb, "GET")
    answer = await person.request(method, f"/api/platforms/bluesky/{verb}")
    assert refused(answer, 404) == "NOT_FOUND"
    assert "planned" in answer.text


async def test_what_the_operator_did_not_set_up_is_invalid_config(served: World, server: str) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        await log_in(client, served.tenant.email, environment="live")
        assert refused(await client.get("/api/platforms/twitter/auth-url"), 502) == "INVALID_CONFIG"


@pytest.mark.parametrize("role", ["reviewer", "viewer"])
async def test_who_may_not_publish_connects_nothing(served: World, server: str, role: Any) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        await log_in(client, await served.new_member(role), environment="test")
        assert refused(await client.get("/api/platforms/twitter/auth-url"), 403) == "FORBIDDEN"


@pytest.mark.parametrize(("plan", "limit"), [("free", 5), ("pro", 20), ("max", 50)])
async def test_connect_platform_is_limited_per_hour(served: World, server: str, plan: Any, limit: int) -> None:
    tenant = await served.new_tenant(plan)
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        await log_in(client, tenant.email, environment="test")
        answers = [await client.get("/api/platforms/twitter/auth-url") for _ in range(limit + 1)]
    assert [answer.status_code for answer in answers] == [200] * limit + [429]
    assert refused(answers[-1], 429) == "RATE_LIMITED"
    assert answers[0].headers["X-RateLimit-Limit"] == str(limit)


async def test_refresh_renews_the_tokens_now(person: httpx2.AsyncClient, served: World, mine: str) -> None:
    good(await person.get(await consented(person, "twitter", mine)))
    await change(served, mine, "token_renewed_at = :past", past=real_now() - timedelta(hours=1))
    before = await tokens_of(served, mine)
    account = good(await refresh(person, "twitter", mine))["account"]
    assert await tokens_of(served, mine) != before
    assert account["tokenHealth"]["lastRefreshedAt"] > (real_now() - timedelta(minutes=1)).isoformat()


async def test_a_refused_refresh_token_means_connect_again(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    good(await person.get(await consented(person, "twitter", mine)))
    await at_vendor(served, "UPDATE sandbox.tokens SET ended_at = :now WHERE kind = 'refresh'", now=real_now())
    assert refused(await refresh(person, "twitter", mine), 502) == "REFRESH_TOKEN_EXPIRED"
    assert (await account_in(served, mine))["status"] == "expired"
    assert refused(await refresh(person, "twitter", mine), 409) == "REFRESH_TOKEN_EXPIRED"


async def test_linkedin_without_a_refresh_token_requires_reconnect_instead_of_claiming_silent_refresh(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    account = good(await person.get(await consented(person, "linkedin", mine)))["account"]
    assert account["tokenHealth"]["refreshable"] is False
    assert account["tokenHealth"]["expiresAt"]
    assert refused(await refresh(person, "linkedin", mine), 409) == "REFRESH_TOKEN_EXPIRED"
    assert (await account_in(served, mine))["status"] == "active"
    await change(served, mine, "token_expires_at = :soon", soon=real_now() + timedelta(days=6))
    assert (await account_in(served, mine))["status"] == "expiring"
    await change(served, mine, "token_expires_at = :past", past=real_now() - timedelta(days=1))
    assert (await account_in(served, mine))["status"] == "expired"


async def test_refreshing_or_disconnecting_what_is_not_connected_is_404(person: httpx2.AsyncClient, mine: str) -> None:
    assert refused(await refresh(person, "twitter", mine), 404) == "CONNECTION_NOT_FOUND"
    query = {"platformSetId": mine}
    answer = await person.delete("/api/platforms/twitter/disconnect", params=query)
    assert refused(answer, 404) == "CONNECTION_NOT_FOUND"


async def test_disconnect_clears_the_tokens_and_tells_the_vendor(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    account = good(await person.get(await consented(person, "twitter", mine, login="leaver")))["account"]
    answer = await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine})
    assert good(answer) == {"success": True}
    assert await tokens_of(served, mine) == (None, None)
    shown = good(await served.test.get(f"/api/v1/accounts/{account['id']}"))["account"]
    assert (shown["status"], shown["tokenHealth"]["refreshable"]) == ("revoked", False)
    assert await open_tokens(served, "leaver") > 0
    await served.work()
    assert await open_tokens(served, "leaver") == 0


async def test_an_account_that_is_connected_elsewhere_too_is_not_taken_from_there(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    """A vendor ends all of our tokens for an account at once."""
    good(await person.get(await consented(person, "twitter", mine, login="both")))
    other = good(await person.post("/api/platforms/sets", json={"name": "Other"}))["set"]["id"]
    good(await person.get(await consented(person, "twitter", other, login="both")))
    before = await open_tokens(served, "both")
    good(await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine}))
    await served.work()
    assert await open_tokens(served, "both") == before
    assert (await account_in(served, other))["status"] == "active"


async def test_after_a_disconnect_the_same_account_can_come_back_and_what_was_scheduled_still_goes(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    first = good(await person.get(await consented(person, "twitter", mine, login="acme")))["account"]
    post = await schedule(served, mine, "twitter")
    good(await person.delete("/api/platforms/twitter/disconnect", params={"platformSetId": mine}))
    await served.work()
    assert (await delivery_of(served, post))[0] == "pending"
    again = good(await person.get(await consented(person, "twitter", mine, login="acme")))["account"]
    assert (again["id"], again["status"]) == (first["id"], "active")


async def test_facebook_pages_wait_sealed_until_one_is_chosen(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    back = await consented(person, "facebook", mine, login="acme")
    answer = good(await person.get(back))
    if "account" in answer:
        pytest.fail(f"one page only: {answer}")
    pages = good(await person.get("/api/platforms/facebook/pages"))["pages"]
    assert len(pages) > 1
    assert pages[0].keys() == {"id", "name", "handle", "avatarUrl"}
    assert refused(await choose(person, "nonsense"), 404) == "NOT_FOUND"
    account = good(await choose(person, pages[1]["id"]))["account"]
    assert (account["platformSetId"], account["displayName"]) == (mine, pages[1]["name"])
    assert good(await person.get("/api/platforms/facebook/pages")) == {"pages": []}
    assert refused(await choose(person, pages[0]["id"]), 404) == "NOT_FOUND"
