"""Keys and sessions: who gets in, as whom, and for how long."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from amp.domain.tenants.tokens import AccessClaims, read_access_token
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from world import PASSWORD, World, good

pytestmark = pytest.mark.anyio


async def test_a_key_stands_for_its_tenant_and_environment(world: World) -> None:
    for client, environment in ((world.test, "test"), (world.live, "live")):
        me = good(await client.get("/v1/auth/whoami"))
        assert (me["tenant"]["id"], me["environment"]) == (world.tenant.wire_id, environment)
        assert me["key"]["name"] == environment
        assert me["user"] is None


@pytest.mark.parametrize(
    "header",
    ["", "Basic abc", "Bearer", "Bearer amp_test_nonsense", "Bearer mk_live_x", "Bearer a.b.c", "Bearer \xff"],
)
async def test_no_key_or_a_malformed_one_is_401(world: World, header: str) -> None:
    answer = await world.client().get("/v1/auth/whoami", headers={"Authorization": header.encode("latin-1")})
    assert refused(answer, 401) == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_mistyped_key_is_told_apart_from_an_unknown_one(world: World) -> None:
    key = world.tenant.test_key
    swapped = key[:-1] + ("a" if key[-1] != "a" else "b")
    answer = await world.client(swapped).get("/v1/auth/whoami")
    assert "mistyped" in answer.json()["error"]["message"]


async def test_a_revoked_key_ends_at_once(world: World) -> None:
    key = good(await world.test.post("/v1/auth/keys", json={"name": "short-lived"}))
    assert (await world.client(key["key"]).get("/v1/auth/whoami")).status_code == 200
    gone = good(await world.test.delete(f"/v1/auth/keys/{key['id']}"))
    assert gone == {"id": key["id"], "deleted": True}
    assert refused(await world.client(key["key"]).get("/v1/auth/whoami"), 401) == "unauthorized"
    assert refused(await world.test.delete(f"/v1/auth/keys/{key['id']}"), 404) == "not_found"


async def test_an_expired_key_is_401(world: World) -> None:
    raw = await world.new_key(expires_at=real_now() + timedelta(hours=1))
    assert (await world.client(raw).get("/v1/auth/whoami")).status_code == 200
    async with world.runtime.database.transaction(SYSTEM) as session:
        await session.execute(text("UPDATE api_keys SET expires_at = :past"), {"past": real_now()})
    assert refused(await world.client(raw).get("/v1/auth/whoami"), 401) == "unauthorized"


async def test_a_key_is_shown_once_and_listed_by_its_ends(world: World) -> None:
    made = good(await world.test.post("/v1/auth/keys", json={"name": "CI", "family": "mk"}))
    assert made["key"].startswith("mk_test_")
    listed = (await world.get("/v1/auth/keys"))["data"][0]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert made["key"].startswith(listed["prefix"])
    assert made["key"].endswith(listed["last_four"])


async def test_both_families_open_the_same_door(world: World) -> None:
    assert (await world.client(await world.new_key(family="mk")).get("/v1/auth/whoami")).status_code == 200


async def test_keys_are_listed_newest_first_in_stable_pages(world: World) -> None:
    for number in range(5):
        await world.post("/v1/auth/keys", {"name": f"key {number}"})
    first = await world.get("/v1/auth/keys", limit=2)
    assert [key["name"] for key in first["data"]] == ["key 4", "key 3"]
    assert (first["has_more"], first["total"]) == (True, 6)
    await world.post("/v1/auth/keys", {"name": "made in between"})
    second = await world.get("/v1/auth/keys", limit=2, starting_after=first["data"][-1]["id"])
    assert [key["name"] for key in second["data"]] == ["key 2", "key 1"]
    back = await world.get("/v1/auth/keys", limit=2, ending_before=second["data"][0]["id"])
    assert [key["name"] for key in back["data"]] == ["key 4", "key 3"]


async def test_a_test_key_can_neither_make_nor_see_live_keys(world: World) -> None:
    answer = await world.test.post("/v1/auth/keys", json={"name": "sneaky", "environment": "live"})
    assert refused(answer, 403) == "forbidden"
    assert {key["environment"] for key in (await world.get("/v1/auth/keys"))["data"]} == {"test"}
    live = good(await world.live.get("/v1/auth/keys"))["data"]
    assert {key["environment"] for key in live} == {"live", "test"}


async def test_a_scoped_key_can_do_what_its_scopes_say_and_no_more(world: World) -> None:
    reader = world.client(await world.new_key(scopes=("read",)))
    assert (await reader.get("/v1/auth/whoami")).json()["permissions"] == ["read"]
    assert refused(await reader.post("/v1/auth/keys", json={"name": "x"}), 403) == "forbidden"


async def test_a_scoped_key_cannot_give_away_more_than_it_has(world: World) -> None:
    admin = world.client(await world.new_key(scopes=("admin",)))
    assert refused(await admin.post("/v1/auth/keys", json={"name": "x", "scopes": ["publish"]}), 403) == "forbidden"
    made = good(await admin.post("/v1/auth/keys", json={"name": "x"}))
    assert made["scopes"] == ["admin"]


async def test_another_tenant_s_keys_do_not_exist(world: World) -> None:
    other = await world.new_tenant()
    theirs = good(await world.client(other.test_key).get("/v1/auth/keys"))["data"][0]["id"]
    assert refused(await world.test.delete(f"/v1/auth/keys/{theirs}"), 404) == "not_found"


async def test_a_key_with_another_tenant_s_id_is_403(world: World) -> None:
    other = await world.new_tenant()
    own = {"X-Tenant-ID": world.tenant.wire_id}
    assert (await world.test.get("/v1/auth/whoami", headers=own)).status_code == 200
    for foreign in (other.wire_id, "ten_nonsense"):
        answer = await world.test.get("/v1/auth/whoami", headers={"X-Tenant-ID": foreign})
        assert refused(answer, 403) == "forbidden"


async def test_logging_in_gives_a_short_token_for_the_person(world: World) -> None:
    session = await world.log_in(environment="test")
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 900)
    me = good(await world.client(session["access_token"]).get("/v1/auth/whoami"))
    assert me["user"]["email"] == world.tenant.email
    assert (me["role"], me["environment"], me["key"]) == ("owner", "test", None)
    assert read_claims(world, session).role == "owner"


async def test_a_wrong_password_and_an_unknown_person_look_the_same(world: World) -> None:
    answers = [
        await world.client().post("/v1/auth/login", json={"email": email, "password": "wrong password"})
        for email in (world.tenant.email, "nobody@example.com")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].json() == answers[1].json()


async def test_guessing_a_password_is_throttled_even_when_it_is_right_at_last(world: World) -> None:
    guess = {"email": world.tenant.email, "password": "guess"}
    statuses = [(await world.client().post("/v1/auth/login", json=guess)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    answer = await world.client().post("/v1/auth/login", json={**guess, "password": PASSWORD})
    assert refused(answer, 429) == "rate_limited"
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_session(world: World) -> None:
    session = await world.log_in()
    second = await refresh(world, session)
    third = await refresh(world, second)
    reused = await world.client().post("/v1/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert refused(reused, 401) == "unauthorized"
    for token in (third["refresh_token"], second["refresh_token"]):
        answer = await world.client().post("/v1/auth/refresh", json={"refresh_token": token})
        assert answer.status_code == 401
    assert (await world.client(third["access_token"]).get("/v1/auth/whoami")).status_code == 401


async def test_a_lost_answer_to_a_refresh_can_be_asked_for_again(world: World) -> None:
    session = await world.log_in()
    assert (await refresh(world, session))["refresh_token"] == (await refresh(world, session))["refresh_token"]


async def test_after_the_grace_the_previous_refresh_token_counts_as_reused(world: World) -> None:
    session = await world.log_in()
    await refresh(world, session)
    async with world.runtime.database.transaction(SYSTEM) as database:
        await database.execute(
            text("UPDATE sessions SET rotated_at = :past"), {"past": real_now() - timedelta(seconds=21)}
        )
    answer = await world.client().post("/v1/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert refused(answer, 401) == "unauthorized"


@pytest.mark.parametrize("token", ["", "x", "." * 40, "0" * 32 + ".x", "ä" * 32 + ".x"])
async def test_a_made_up_refresh_token_is_401(world: World, token: str) -> None:
    answer = await world.client().post("/v1/auth/refresh", json={"refresh_token": token})
    assert refused(answer, 401) == "unauthorized"


async def test_logging_out_ends_the_session_s_tokens_at_once(world: World) -> None:
    session = await world.log_in()
    client = world.client(session["access_token"])
    assert good(await client.post("/v1/auth/logout")) == {"logged_out": True}
    assert (await client.get("/v1/auth/whoami")).status_code == 401
    answer = await world.client().post("/v1/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 401


async def test_a_key_cannot_log_out(world: World) -> None:
    assert refused(await world.test.post("/v1/auth/logout"), 403) == "forbidden"


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("owner", {"read", "draft", "approve", "publish", "campaigns", "admin"}),
        ("admin", {"read", "draft", "approve", "publish", "campaigns", "admin"}),
        ("editor", {"read", "draft", "approve", "publish", "campaigns"}),
        ("reviewer", {"read", "approve"}),
        ("viewer", {"read"}),
    ],
)
async def test_a_role_gives_its_permissions(world: World, role: Any, permissions: set[str]) -> None:
    session = await world.log_in(await world.new_member(role))
    me = good(await world.client(session["access_token"]).get("/v1/auth/whoami"))
    assert set(me["permissions"]) == permissions


async def test_a_changed_role_counts_at_once(world: World) -> None:
    client = world.client((await world.log_in())["access_token"])
    async with world.runtime.database.transaction(SYSTEM) as session:
        await session.execute(text("UPDATE memberships SET role = 'viewer'"))
    assert refused(await client.get("/v1/auth/keys"), 403) == "forbidden"


async def test_a_person_chooses_among_own_tenants_only(world: World) -> None:
    session = await world.log_in()
    client = world.client(session["access_token"])
    other = await world.new_tenant()
    answer = await client.get("/v1/auth/whoami", headers={"X-Tenant-ID": other.wire_id})
    assert refused(answer, 403) == "forbidden"
    async with world.runtime.database.transaction(SYSTEM) as database:
        user = read_claims(world, session).user_id
        values = {"tenant": other.id, "user": user}
        await database.execute(text("INSERT INTO memberships VALUES (:tenant, :user, 'viewer')"), values)
    me = good(await client.get("/v1/auth/whoami", headers={"X-Tenant-ID": other.wire_id}))
    assert (me["tenant"]["id"], me["role"]) == (other.wire_id, "viewer")
    assert len(me["tenants"]) == 2


async def test_a_token_signed_by_somebody_else_is_401(world: World) -> None:
    session = await world.log_in()
    head, claims, signature = session["access_token"].split(".")
    forged = f"{head}.{claims}.{signature[:-4]}AAAA"
    assert (await world.client(forged).get("/v1/auth/whoami")).status_code == 401


def refused(answer: httpx2.Response, status: int) -> str:
    """The code of an error with this status."""
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["code"]


async def refresh(world: World, session: dict[str, Any]) -> dict[str, Any]:
    body = {"refresh_token": session["refresh_token"]}
    return good(await world.client().post("/v1/auth/refresh", json=body))


def read_claims(world: World, session: dict[str, Any]) -> AccessClaims:
    claims = read_access_token(session["access_token"], keys=world.runtime.secrets)
    assert claims
    return claims
