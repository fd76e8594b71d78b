"""The session cookie: how it is given, what it opens, what a write needs beside it, and how it ends."""

from pathlib import Path

import pytest

from amp.domain.tenants.cookies import cookie_of
from amp.kit.ids import new_id
from dashboard import browser, log_in, refused
from world import PASSWORD, World, client_of, good, open_world

pytestmark = pytest.mark.anyio


async def test_logging_in_sets_a_cookie_that_no_script_reads(world: World) -> None:
    async with client_of(world.app) as client:
        body = {"email": world.tenant.email, "password": PASSWORD, "environment": "test"}
        answer = await client.post("/api/session", json=body)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("amp_session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {"httponly", "path=/", "samesite=lax"}
    assert "secure" not in cookie.lower()
    assert good(answer).keys() == {"user", "tenantId", "environment", "role", "csrfToken"}


async def test_where_the_world_comes_over_tls_the_cookie_is_secure_and_of_this_host_alone(
    database_url: str, tmp_path: Path
) -> None:
    async with open_world(database_url, tmp_path, public_url="https://amp.example.com") as world:
        async with browser(world) as client:
            (cookie,) = client.cookies.jar
        assert (cookie.name, cookie.secure, cookie.domain_specified) == ("__Host-amp_session", True, False)


async def test_a_session_tells_who_and_where_it_is(world: World) -> None:
    async with browser(world) as client:
        session = good(await client.get("/api/session"))
    assert session["user"]["email"] == world.tenant.email
    assert (session["tenantId"], session["environment"], session["role"]) == (world.tenant.wire_id, "test", "owner")


async def test_a_session_works_in_one_environment_until_it_is_told_otherwise(world: World) -> None:
    async with browser(world, environment="live") as client:
        assert len(good(await client.get("/api/platforms/sets"))["sets"]) == 0
        switched = good(await client.patch("/api/session", json={"environment": "test"}))
        assert switched["environment"] == good(await client.get("/api/session"))["environment"] == "test"
        assert len(good(await client.get("/api/platforms/sets"))["sets"]) == 1


async def test_a_session_is_live_unless_it_says_otherwise(world: World) -> None:
    async with client_of(world.app) as client:
        assert (await log_in(client, world.tenant.email))["environment"] == "live"


async def test_while_the_clock_runs_fast_a_session_is_a_test_session(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path, clock_speed=10) as world, client_of(world.app) as client:
        assert (await log_in(client, world.tenant.email))["environment"] == "test"
        assert refused(await client.patch("/api/session", json={"environment": "live"}), 403) == "LIVE_DISABLED"


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ä"])
async def test_a_write_without_the_right_csrf_token_is_403(world: World, token: str) -> None:
    async with browser(world) as client:
        headers = {"X-CSRF-Token": token.encode()}
        answer = await client.post("/api/platforms/sets", json={"name": "Mine"}, headers=headers)
        assert refused(answer, 403) == "CSRF_FAILED"
        assert (await client.get("/api/platforms/sets", headers=headers)).status_code == 200


async def test_another_session_s_csrf_token_does_not_count(world: World) -> None:
    async with browser(world) as one, browser(world) as other:
        headers = {"X-CSRF-Token": other.headers["X-CSRF-Token"]}
        answer = await one.post("/api/platforms/sets", json={"name": "Mine"}, headers=headers)
    assert refused(answer, 403) == "CSRF_FAILED"


async def test_a_form_of_another_site_cannot_log_anybody_in(world: World) -> None:
    async with client_of(world.app) as client:
        answer = await client.post("/api/session", data={"email": world.tenant.email, "password": PASSWORD})
    assert refused(answer, 415) == "UNSUPPORTED_CONTENT_TYPE"


async def test_logging_out_ends_the_session_and_takes_the_cookie(world: World) -> None:
    async with browser(world) as client:
        kept = client.cookies["amp_session"]
        assert good(await client.delete("/api/session")) == {"success": True}
        assert "amp_session" not in client.cookies
        client.cookies.set("amp_session", kept)
        assert refused(await client.get("/api/session"), 401) == "UNAUTHORIZED"


async def test_guessing_passwords_is_throttled_together_with_the_other_login(world: World) -> None:
    guess = {"email": world.tenant.email, "password": "guess"}
    for _ in range(5):
        await world.client().post("/v1/auth/login", json=guess)
    statuses = [(await world.client().post("/api/session", json=guess)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


@pytest.mark.parametrize("cookie", ["", "x", "." * 40, "0" * 32, f"{'0' * 32}.AAAA"])
async def test_a_made_up_cookie_is_401(world: World, cookie: str) -> None:
    async with client_of(world.app) as client:
        answer = await client.get("/api/session", headers={"Cookie": f"amp_session={cookie}"})
    assert refused(answer, 401) == "UNAUTHORIZED"


async def test_knowing_a_session_s_id_is_not_enough_for_its_cookie(world: World) -> None:
    async with browser(world) as client:
        head, _, signature = client.cookies["amp_session"].partition(".")
    async with client_of(world.app) as forger:
        for forged in (head, f"{head}.", f"{head}.{signature[:-2]}AA", f"{head}.{signature[::-1]}"):
            answer = await forger.get("/api/session", headers={"Cookie": f"amp_session={forged}"})
            assert refused(answer, 401) == "UNAUTHORIZED"


async def test_a_genuine_cookie_of_no_session_is_401(world: World) -> None:
    cookie = cookie_of(new_id(), world.runtime.secrets)
    async with client_of(world.app) as client:
        answer = await client.get("/api/session", headers={"Cookie": f"amp_session={cookie}"})
    assert refused(answer, 401) == "UNAUTHORIZED"


DASHBOARD_ONLY = [
    ("GET", "/api/session"),
    ("GET", "/api/keys"),
    ("POST", "/api/keys"),
    ("DELETE", "/api/keys/key_x"),
    ("GET", "/api/platforms/twitter/auth-url"),
    ("GET", "/api/platforms/twitter/callback"),
    ("POST", "/api/platforms/twitter/refresh"),
    ("DELETE", "/api/platforms/twitter/disconnect"),
    ("GET", "/api/platforms/facebook/pages"),
    ("POST", "/api/platforms/facebook/pages"),
]


@pytest.mark.parametrize(("method", "path"), DASHBOARD_ONLY)
async def test_dashboard_only_routes_reject_bearer_api_keys(world: World, method: str, path: str) -> None:
    assert refused(await world.test.request(method, path), 403) == "SESSION_REQUIRED"


@pytest.mark.parametrize(("method", "path"), DASHBOARD_ONLY)
async def test_dashboard_only_routes_ask_strangers_to_log_in(world: World, method: str, path: str) -> None:
    assert refused(await world.client().request(method, path), 401) == "UNAUTHORIZED"


async def test_a_bearer_token_counts_before_a_cookie(world: World) -> None:
    async with browser(world) as client:
        headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
        assert refused(await client.get("/api/keys", headers=headers), 403) == "SESSION_REQUIRED"


async def test_the_public_api_takes_no_cookies(world: World) -> None:
    async with browser(world) as client:
        assert refused(await client.get("/api/v1/accounts"), 401) == "UNAUTHORIZED"


async def test_a_person_chooses_among_own_tenants_by_header(world: World) -> None:
    other = await world.new_tenant()
    async with browser(world) as client:
        assert good(await client.get("/api/session", headers={"X-Tenant-ID": world.tenant.wire_id}))
        for foreign in (other.wire_id, "ten_nonsense"):
            answer = await client.get("/api/session", headers={"X-Tenant-ID": foreign})
            assert refused(answer, 403) == "FORBIDDEN"


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/platform-sets", "/api/platforms/sets"])
async def test_the_free_plan_has_no_api_keys(world: World, path: str) -> None:
    tenant = await world.new_tenant("free")
    assert refused(await world.client(tenant.test_key).get(path), 403) == "PLAN_WITHOUT_API_KEYS"


@pytest.mark.parametrize("plan", ["pro", "max", "enterprise"])
async def test_the_other_plans_have_api_keys(world: World, plan: str) -> None:
    tenant = await world.new_tenant(plan)  # type: ignore[arg-type]
    assert good(await world.client(tenant.test_key).get("/api/v1/platform-sets"))["sets"]


async def test_the_free_plan_has_the_dashboard(world: World) -> None:
    tenant = await world.new_tenant("free")
    async with browser(world, tenant.email) as client:
        assert good(await client.get("/api/platforms/sets"))["sets"]
