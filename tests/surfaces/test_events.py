"""A stream of events lasts as long as its mission, and as the right of whoever asked for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text

from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from world import World, good

pytestmark = pytest.mark.anyio

DRAFT = {"name": "Quiet", "objectives": ["Be heard"], "platforms": ["twitter"], "duration_days": 7}


@asynccontextmanager
async def listening(server: str, token: str, mission_id: str) -> AsyncGenerator[AsyncIterator[str]]:
    """The lines of the mission's stream, the first status received."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(base_url=server, headers=headers, trust_env=False) as client,
        client.stream("GET", f"/v1/missions/{mission_id}/events") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: status"
        yield lines


async def ends(lines: AsyncIterator[str]) -> None:
    async with asyncio.timeout(8):
        async for _ in lines:
            pass


async def execute(world: World, statement: str, **values: object) -> None:
    async with world.runtime.database.transaction(SYSTEM) as session:
        await session.execute(text(statement), values)


async def by_revoking_the_key(world: World, token: str) -> None:
    me = good(await world.client(token).get("/v1/auth/whoami"))
    good(await world.test.delete(f"/v1/auth/keys/{me['key']['id']}"))


async def by_the_end_of_the_key(world: World, token: str) -> None:
    me = good(await world.client(token).get("/v1/auth/whoami"))
    past, key = real_now() - timedelta(seconds=1), decode(Kind.KEY, me["key"]["id"], what="Key")
    await execute(world, "UPDATE api_keys SET expires_at = :past WHERE id = :key", past=past, key=key)


async def by_logging_out(world: World, token: str) -> None:
    good(await world.client(token).post("/v1/auth/logout"))


async def by_leaving_the_tenant(world: World, token: str) -> None:
    me = good(await world.client(token).get("/v1/auth/whoami"))
    user = decode(Kind.USER, me["user"]["id"], what="User")
    await execute(world, "DELETE FROM memberships WHERE user_id = :user", user=user)


@pytest.mark.parametrize(
    ("whose", "end"),
    [
        ("key", by_revoking_the_key),
        ("key", by_the_end_of_the_key),
        ("person", by_logging_out),
        ("person", by_leaving_the_tenant),
    ],
)
async def test_a_stream_ends_with_the_right_to_it(
    served: World, server: str, whose: str, end: Callable[[World, str], Awaitable[None]]
) -> None:
    mission = await served.post("/v1/missions", DRAFT)
    if whose == "key":
        token = await served.new_key(scopes=("read",))
    else:
        token = (await served.log_in(await served.new_member("viewer"), environment="test"))["access_token"]
    async with listening(server, token, mission["id"]) as lines:
        await end(served, token)
        await ends(lines)


async def test_a_stream_ends_with_its_mission(served: World, server: str) -> None:
    mission = await served.post("/v1/missions", DRAFT)
    async with listening(server, served.tenant.test_key, mission["id"]) as lines:
        good(await served.test.delete(f"/v1/missions/{mission['id']}"))
        await ends(lines)


async def test_a_stream_goes_on_while_another_key_ends(served: World, server: str) -> None:
    mission = await served.post("/v1/missions", DRAFT)
    path, other = f"/v1/missions/{mission['id']}", await served.new_key()
    async with listening(server, served.tenant.test_key, mission["id"]) as lines:
        await by_revoking_the_key(served, other)
        await served.post(f"{path}/start")
        async with asyncio.timeout(8):
            while '"active"' not in await anext(lines):
                pass
