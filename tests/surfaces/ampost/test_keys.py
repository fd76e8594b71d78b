"""API keys of the dashboard (`/api/keys`)."""

import asyncio

import pytest
from sqlalchemy import text

from amp.kit.database import SYSTEM
from dashboard import browser, refused
from world import World, good

pytestmark = pytest.mark.anyio


async def test_post_creates_an_api_key_and_returns_raw_key_once(world: World) -> None:
    async with browser(world) as client:
        answer = await client.post("/api/keys", json={"name": "My Key"})
        assert answer.status_code == 201
        made = answer.json()
        assert made["rawKey"].startswith("amp_test_")
        assert (made["key"]["name"], made["key"]["environment"]) == ("My Key", "test")
        listed = good(await client.get("/api/keys"))["keys"]
        assert made["key"]["id"] in {key["id"] for key in listed}
        assert made["rawKey"] not in str(listed)
    assert good(await world.client(made["rawKey"]).get("/api/v1/accounts"))["accounts"]


async def test_a_key_is_scope_free_and_does_all_that_the_public_api_offers(world: World) -> None:
    async with browser(world) as client:
        key = world.client(good(await client.post("/api/keys", json={"name": "My Key"}))["rawKey"])
    made = good(await key.post("/api/v1/platform-sets", json={"name": "Mine"}))["set"]
    (default,) = [one["id"] for one in good(await key.get("/api/v1/platform-sets"))["sets"] if one["isDefault"]]
    content = {"text": "Hello", "media": [], "linkUrl": None, "platformOverrides": {}}
    post = {"content": content, "platforms": ["facebook"], "scheduledFor": None, "platformSetId": default}
    path = f"/api/v1/posts/{good(await key.post('/api/v1/posts', json=post))['post']['id']}"
    next_year = {"scheduledFor": f"{world.runtime.clock.now().year + 1}-01-01T09:00:00Z"}
    assert good(await key.patch(path, json=next_year))["post"]["status"] == "scheduled"
    assert good(await key.post(f"{path}/publish"))["post"]["status"] == "queued"
    assert good(await key.delete(path))["post"]["status"] == "discarded"
    assert good(await key.patch(f"/api/v1/platform-sets/{made['id']}", json={"name": "Ours"}))
    assert good(await key.delete(f"/api/v1/platform-sets/{made['id']}")) == {"success": True}


async def test_a_repeated_creation_comes_without_the_raw_key(world: World) -> None:
    async with browser(world) as client:
        headers = {"Idempotency-Key": "one"}
        first, second = [await client.post("/api/keys", json={"name": "a"}, headers=headers) for _ in range(2)]
    assert "rawKey" in first.json()
    assert second.json() == {"key": first.json()["key"]}


async def test_api_keys_are_stored_hashed_at_rest(world: World) -> None:
    async with browser(world) as client:
        raw = good(await client.post("/api/keys", json={"name": "a"}))["rawKey"]
    async with world.runtime.database.transaction(SYSTEM) as session:
        rows = (await session.execute(text("SELECT t::text FROM api_keys t"))).scalars().all()
    assert all(raw not in row and raw[9:-6] not in row for row in rows)


async def test_delete_revokes_an_api_key_at_once(world: World) -> None:
    async with browser(world) as client:
        made = good(await client.post("/api/keys", json={"name": "a"}))
        assert good(await client.delete(f"/api/keys/{made['key']['id']}")) == {"success": True}
        assert refused(await client.delete(f"/api/keys/{made['key']['id']}"), 404) == "NOT_FOUND"
    assert refused(await world.client(made["rawKey"]).get("/api/v1/accounts"), 401) == "UNAUTHORIZED"


async def test_a_person_sees_and_revokes_own_keys_only(world: World) -> None:
    admin = await world.new_member("admin")
    async with browser(world) as owner, browser(world, admin) as other:
        mine = good(await owner.post("/api/keys", json={"name": "mine"}))["key"]["id"]
        theirs = good(await other.post("/api/keys", json={"name": "theirs"}))["key"]["id"]
        assert {key["id"] for key in good(await other.get("/api/keys"))["keys"]} == {theirs}
        assert theirs not in {key["id"] for key in good(await owner.get("/api/keys"))["keys"]}
        assert refused(await other.delete(f"/api/keys/{mine}"), 404) == "NOT_FOUND"


async def test_a_key_is_for_the_environment_of_the_session(world: World) -> None:
    async with browser(world, environment="live") as client:
        raw = good(await client.post("/api/keys", json={"name": "a"}))["rawKey"]
        assert raw.startswith("amp_live_")
        names = {key["environment"] for key in good(await client.get("/api/keys"))["keys"]}
    assert names == {"live"}


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": 5}, {"name": "a", "scopes": []}])
async def test_a_key_needs_a_name_and_nothing_else(world: World, body: dict[str, object]) -> None:
    async with browser(world) as client:
        assert refused(await client.post("/api/keys", json=body), 400) == "VALIDATION_FAILED"


async def test_the_free_plan_makes_no_keys_but_can_end_them(world: World) -> None:
    tenant = await world.new_tenant("free")
    async with browser(world, tenant.email) as client:
        assert refused(await client.post("/api/keys", json={"name": "a"}), 403) == "PLAN_WITHOUT_API_KEYS"
        (key,) = good(await client.get("/api/keys"))["keys"]
        assert good(await client.delete(f"/api/keys/{key['id']}")) == {"success": True}


@pytest.mark.parametrize("role", ["editor", "reviewer", "viewer"])
async def test_only_administrators_manage_keys(world: World, role: str) -> None:
    async with browser(world, await world.new_member(role)) as client:  # type: ignore[arg-type]
        assert refused(await client.get("/api/keys"), 403) == "FORBIDDEN"


async def test_many_keys_at_once_are_all_different(world: World) -> None:
    async with browser(world) as client:
        answers = await asyncio.gather(*(client.post("/api/keys", json={"name": "a"}) for _ in range(5)))
    assert len({good(answer)["rawKey"] for answer in answers}) == 5
