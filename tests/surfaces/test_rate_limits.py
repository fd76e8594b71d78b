"""So many requests a minute for each workspace, whichever process answers them."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from amp.domain.tenants.keys import new_key
from amp.domain.tenants.models import Plan
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, encode
from serving import SECRET, serving
from world import World, new_tenant, open_world

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("plan", "limit"), [("free", 60), ("pro", 300), ("max", 600), ("enterprise", 6000)])
async def test_the_plan_sets_the_limit(world: World, plan: Plan, limit: int) -> None:
    tenant = await world.new_tenant(plan)
    answer = await world.client(tenant.test_key).get("/v1/auth/whoami")
    assert answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["X-RateLimit-Remaining"] == str(limit - 1)
    assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 61
    assert answer.headers["RateLimit-Policy"] == f'"amp:api";q={limit};w=60'
    assert answer.headers["RateLimit"].startswith(f'"amp:api";r={limit - 1};t=')


async def test_past_the_limit_is_429_until_the_window_closes(world: World) -> None:
    tenant = await world.new_tenant("free")
    client = world.client(tenant.test_key)
    statuses = [(await client.get("/v1/auth/whoami")).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    answer = await client.get("/v1/auth/whoami")
    assert answer.json()["error"]["code"] == "rate_limited"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    await close_windows(world)
    assert (await client.get("/v1/auth/whoami")).headers["X-RateLimit-Remaining"] == "59"


async def test_live_and_test_keys_have_windows_of_their_own(world: World) -> None:
    tenant = await world.new_tenant("free")
    for _ in range(2):
        await world.client(tenant.test_key).get("/v1/auth/whoami")
    answer = await world.client(tenant.live_key).get("/v1/auth/whoami")
    assert answer.headers["X-RateLimit-Remaining"] == "59"


async def test_refused_requests_count_and_say_so(world: World) -> None:
    tenant = await world.new_tenant("free")
    client = world.client(tenant.test_key)
    answers = [
        await client.get("/v1/auth/whoami?x=1"),
        await client.delete("/v1/auth/keys/key_x"),
        await client.get("/v1/auth/keys?limit=1000"),
    ]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["59", "58", "57"]


async def test_strangers_use_up_nobody_s_requests(world: World) -> None:
    answer = await world.client().get("/v1/auth/whoami")
    assert answer.status_code == 401
    assert "X-RateLimit-Limit" not in answer.headers


async def test_requests_at_the_same_moment_are_told_apart(world: World) -> None:
    tenant, other = await world.new_tenant("free"), await world.new_tenant("pro")
    keys = [tenant.test_key, other.test_key, new_key("amp", "test").text, tenant.live_key] * 5
    answers = await asyncio.gather(*(world.client(key).get("/v1/auth/whoami") for key in keys))
    left = [answer.headers.get("X-RateLimit-Remaining") for answer in answers]
    assert sorted(map(str, left[0::4])) == ["55", "56", "57", "58", "59"]
    assert sorted(map(str, left[1::4])) == ["295", "296", "297", "298", "299"]
    assert set(left[2::4]) == {None}
    assert sorted(map(str, left[3::4])) == ["55", "56", "57", "58", "59"]
    told = [answer.json()["tenant"]["id"] for answer in answers if answer.status_code == 200]
    assert told == [encode(Kind.TENANT, each.id) for each in (tenant, other, tenant)] * 5


async def test_two_processes_count_as_one(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path, secret_key=SECRET) as world:
        tenant = await new_tenant(world.runtime, "free")
        with serving(database_url, tmp_path) as one, serving(database_url, tmp_path) as other:
            headers = {"Authorization": f"Bearer {tenant.test_key}"}
            async with httpx2.AsyncClient(headers=headers, trust_env=False) as client:
                urls = [f"{base}/v1/auth/whoami" for base in (one, other)] * 35
                answers = await asyncio.gather(*(client.get(url) for url in urls))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (60, 10)


async def close_windows(world: World) -> None:
    async with world.runtime.database.transaction(SYSTEM) as session:
        values = {"past": real_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE throttles SET resets_at = :past"), values)
