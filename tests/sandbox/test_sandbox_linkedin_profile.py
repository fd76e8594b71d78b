"""LinkedIn: OAuth without PKCE or refresh, the OpenID profile, and numbers for approved apps only."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pretending import Member, Stopwatch, World
from test_sandbox_linkedin_posts import encoded, publish, speaking

pytestmark = pytest.mark.anyio

REDIRECT = "https://app.example.com/callback"
SCOPES = "openid profile email w_member_social"


@pytest.fixture
async def app(world: World) -> dict[str, Any]:
    return (await world.control("POST", "_accounts", json={"vendor": "linkedin", "handle": "ada"})).json()


async def authorize(world: World, app: dict[str, Any], **changes: str) -> httpx2.Response:
    query = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": REDIRECT, "state": "s"}
    query |= {"scope": SCOPES, "approve": "auto"}
    return await world.http.get("/sandbox/linkedin/oauth/v2/authorization", params=query | changes)


def answered(redirect: httpx2.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(redirect.headers["location"]).query).items()}


async def exchange(world: World, app: dict[str, Any], **changes: str) -> httpx2.Response:
    form = {"client_id": app["client_id"], "client_secret": app["client_secret"], "redirect_uri": REDIRECT}
    form |= {"grant_type": "authorization_code"}
    return await world.http.post("/sandbox/linkedin/oauth/v2/accessToken", data=form | changes)


async def test_a_code_becomes_a_token_for_sixty_days_without_refresh(world: World, app: dict[str, Any]) -> None:
    code = answered(await authorize(world, app))["code"]
    answer = await exchange(world, app, code=code)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["expires_in"], body["token_type"]) == (5_184_000, "Bearer")
    assert set(body["scope"].split(",")) == set(SCOPES.split())
    assert "refresh_token" not in body
    assert (await exchange(world, app, code=code)).json()["error"] == "invalid_request"


async def test_a_denial_is_sent_back(world: World, app: dict[str, Any]) -> None:
    assert answered(await authorize(world, app, approve="no"))["error"] == "user_cancelled_authorize"


async def test_wrong_scopes_are_told_to_the_app_and_wrong_apps_to_the_person(world: World, app: dict[str, Any]) -> None:
    assert answered(await authorize(world, app, scope="w_everything"))["error"] == "unauthorized_scope_error"
    assert (await authorize(world, app, client_id="unknown")).status_code == 400
    assert (await authorize(world, app, redirect_uri="ftp://x")).status_code == 400


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"redirect_uri": "https://other.example.com"}, 400, "invalid_request"),
        ({"code": "unknown"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
    ],
)
async def test_token_errors_are_oauths(
    world: World, app: dict[str, Any], changes: dict[str, str], status: int, error: str
) -> None:
    code = answered(await authorize(world, app))["code"]
    answer = await exchange(world, app, **({"code": code} | changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_approved_partners_refresh(world: World, app: dict[str, Any]) -> None:
    signed = world.token("linkedin", "partner", refresh=True)
    body = (await exchange(world, app, grant_type="refresh_token", refresh_token=signed)).json()
    assert body["refresh_token_expires_in"] == 31_536_000
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await world.http.get("/sandbox/linkedin/v2/userinfo", headers=headers)).json()["name"] == "Partner"


async def test_introspection_tells_active_tokens_from_others(world: World, app: dict[str, Any]) -> None:
    path = "/sandbox/linkedin/oauth/v2/introspectToken"
    form = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    active = (await world.http.post(path, data=form | {"token": app["access_token"]})).json()
    assert (active["active"], active["status"]) == (True, "active")
    assert active["expires_at"] - active["created_at"] == 5_184_000
    assert (await world.http.post(path, data=form | {"token": "nonsense"})).json() == {"active": False}
    await world.order("linkedin", "expired_token", count=1)
    await world.http.get("/sandbox/linkedin/v2/userinfo", headers={"Authorization": f"Bearer {app['access_token']}"})
    assert (await world.http.post(path, data=form | {"token": app["access_token"]})).json()["status"] == "expired"


async def test_the_profile_is_openids_and_needs_no_version(world: World) -> None:
    member = world.member("linkedin", "ada")
    body = (await member.get("/v2/userinfo")).json()
    assert body["sub"] == member.account
    assert body["email"] == "ada@example.com"
    private = world.member("linkedin", "ada", scopes={"openid", "profile"})
    assert "email" not in (await private.get("/v2/userinfo")).json()


APPROVED = {"w_member_social", "r_member_postAnalytics", "r_member_profileAnalytics"}
ANALYTICS = "/rest/memberCreatorPostAnalytics"


def approved(world: World) -> Member:
    return speaking(world.member("linkedin", "ada", scopes=APPROVED))


async def test_numbers_are_closed_to_plain_members(world: World) -> None:
    member = speaking(world.member("linkedin", "ada"))
    for path in (f"{ANALYTICS}?q=me&queryType=IMPRESSION", "/rest/memberFollowersCount?q=me"):
        assert (await member.get(path)).json()["code"] == "ACCESS_DENIED"


async def test_one_number_of_one_post_per_call(world: World, stopwatch: Stopwatch) -> None:
    member = approved(world)
    urn = (await publish(member)).headers["x-restli-id"]
    stopwatch.advance(days=2)
    path = f"{ANALYTICS}?q=entity&entity=(share:{encoded(urn)})&aggregation=TOTAL&queryType="
    element = (await member.get(path + "IMPRESSION")).json()["elements"][0]
    assert element["count"] > 0
    assert (element["metricType"], element["targetEntity"]) == ("IMPRESSION", {"share": urn})
    reached = (await member.get(path + "MEMBERS_REACHED")).json()["elements"][0]["count"]
    assert 0 < reached < element["count"]
    everything = (await member.get(f"{ANALYTICS}?q=me&queryType=IMPRESSION")).json()["elements"][0]
    assert everything["count"] == element["count"]


async def test_daily_numbers_add_up_to_the_total(world: World, stopwatch: Stopwatch) -> None:
    member = approved(world)
    urn = encoded((await publish(member)).headers["x-restli-id"])
    stopwatch.advance(days=3)
    span = "dateRange=(start:(day:20,month:11,year:2026),end:(day:24,month:11,year:2026))"
    path = f"{ANALYTICS}?q=entity&entity=(share:{urn})&queryType=IMPRESSION"
    daily = (await member.get(f"{path}&aggregation=DAILY&{span}")).json()["elements"]
    total = (await member.get(f"{path}&aggregation=TOTAL")).json()["elements"][0]["count"]
    assert len(daily) == 4
    assert daily[0]["dateRange"]["start"] == {"day": 20, "month": 11, "year": 2026}
    assert sum(element["count"] for element in daily) == total


@pytest.mark.parametrize(
    ("query", "version", "status"),
    [
        ("q=me&queryType=POST_SAVE", "202604", 200),
        ("q=me&queryType=POST_SAVE", "202603", 400),
        ("q=me&queryType=HAPPINESS", "202609", 400),
        ("q=me", "202609", 400),
        ("q=all&queryType=IMPRESSION", "202609", 400),
        ("q=entity&queryType=IMPRESSION&entity=(share:urn%3Ali%3AugcPost%3A1)", "202609", 400),
        ("q=entity&queryType=IMPRESSION&entity=(share:urn:li:share:1)", "202609", 400),
        ("q=entity&queryType=IMPRESSION&entity=(share:urn%3Ali%3Ashare%3A1)", "202609", 404),
        ("q=me&queryType=IMPRESSION&aggregation=HOURLY", "202609", 400),
        ("q=me&queryType=IMPRESSION&dateRange=(start:today)", "202609", 400),
        ("q=me&queryType=IMPRESSION&dateRange=(start:(day:31,month:2,year:2026))", "202609", 400),
    ],
)
async def test_questions_for_numbers_are_checked(world: World, query: str, version: str, status: int) -> None:
    member = approved(world)
    member.headers["LinkedIn-Version"] = version
    assert (await member.get(f"{ANALYTICS}?{query}")).status_code == status


async def test_followers_grow(world: World, stopwatch: Stopwatch) -> None:
    member = approved(world)
    path = "/rest/memberFollowersCount"
    before = (await member.get(f"{path}?q=me")).json()["elements"][0]["memberFollowersCount"]
    stopwatch.advance(days=60)
    after = (await member.get(f"{path}?q=me")).json()["elements"][0]["memberFollowersCount"]
    assert after > before
    span = "dateRange=(start:(day:1,month:12,year:2026),end:(day:4,month:12,year:2026))"
    assert len((await member.get(f"{path}?q=dateRange&{span}")).json()["elements"]) == 3
    assert (await member.get(f"{path}?q=dateRange")).status_code == 400
