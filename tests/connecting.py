"""Connecting accounts at the sandbox, and looking at what came of it, for tests with a served product."""

from datetime import timedelta
from typing import Any

import httpx2
from sqlalchemy import CursorResult, text

from amp.domain.publishing import operations as publishing
from amp.domain.publishing.operations import Draft, Target
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from world import World, good

PAGE = {"Accept": "text/html,application/xhtml+xml"}
"""What a browser that navigates accepts."""


async def auth_url(person: httpx2.AsyncClient, platform: str, set_id: str | None, **query: str) -> str:
    wanted = query | ({"platformSetId": set_id} if set_id else {})
    return good(await person.get(f"/api/platforms/{platform}/auth-url", params=wanted))["url"]


async def consented(
    person: httpx2.AsyncClient,
    platform: str,
    set_id: str | None,
    *,
    approve: str = "yes",
    return_to: str | None = None,
    **more: Any,
) -> str:
    """Answer the consent page; the address that the person is sent back to."""
    query = {"returnTo": return_to} if return_to else {}
    url = await auth_url(person, platform, set_id, **query)
    answer = await person.get(httpx2.URL(url).copy_merge_params({"approve": approve, **more}))
    assert answer.status_code in (302, 303), answer.text
    return answer.headers["Location"]


async def refresh(person: httpx2.AsyncClient, platform: str, set_id: str) -> httpx2.Response:
    return await person.post(f"/api/platforms/{platform}/refresh", params={"platformSetId": set_id})


async def choose(person: httpx2.AsyncClient, page_id: str) -> httpx2.Response:
    return await person.post("/api/platforms/facebook/pages", json={"pageId": page_id})


async def account_in(world: World, set_id: str) -> dict[str, Any]:
    (account,) = good(await world.test.get("/api/v1/accounts", params={"platformSetId": set_id}))["accounts"]
    return account


async def order(world: World, **fault: Any) -> None:
    """Have the served sandbox misbehave."""
    base = world.runtime.settings.base_url
    headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
    async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False) as client:
        assert (await client.post("/sandbox/_faults", json=fault)).status_code == 201


async def schedule(world: World, set_id: str, platform: str) -> str:
    at = world.runtime.clock.now() + timedelta(days=1)
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        draft = Draft(
            targets={platform: Target(parts=("Soon",))},
            text="Soon",
            platform_set_id=decode(Kind.PLATFORM_SET, set_id, what="set"),
            scheduled_for=at,
        )
        return str((await publishing.create_post(uow, draft)).id)


async def delivery_of(world: World, post_id: str) -> tuple[str, Any]:
    async with world.runtime.database.transaction(SYSTEM) as session:
        query = text("SELECT status, connection_id FROM platform_posts WHERE post_id = CAST(:post AS uuid)")
        row = (await session.execute(query, {"post": post_id})).one()
    return row.status, row.connection_id


async def tokens_of(world: World, set_id: str) -> tuple[str | None, str | None]:
    async with world.runtime.database.transaction(SYSTEM) as session:
        query = text("SELECT access_token, refresh_token FROM connections WHERE platform_set_id = :set")
        row = (await session.execute(query, {"set": decode(Kind.PLATFORM_SET, set_id, what="set")})).one()
    return row.access_token, row.refresh_token


async def open_tokens(world: World, handle: str) -> int:
    """How many tokens of this account X still takes."""
    counted = (
        "SELECT count(*) FROM sandbox.tokens t JOIN sandbox.accounts a"
        " ON (a.owner, a.vendor, a.remote_id) = (t.owner, t.vendor, t.account)"
        " WHERE a.vendor = 'twitter' AND a.handle = :handle AND t.owner = :owner AND t.ended_at IS NULL"
    )
    owner = str((await world.test_scope()).workspace_id)
    return (await at_vendor(world, counted, handle=handle, owner=owner)).scalar_one()


async def change(world: World, set_id: str, what: str, **values: Any) -> None:
    """As time would, or a vendor."""
    wanted = values | {"set": decode(Kind.PLATFORM_SET, set_id, what="set")}
    async with world.runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(text(f"UPDATE connections SET {what} WHERE platform_set_id = :set"), wanted)


async def at_vendor(world: World, statement: str, **values: Any) -> CursorResult[Any]:
    """In the sandbox's own tables."""
    async with world.runtime.database.connected() as connection:
        return await connection.execute(text(statement), values)
