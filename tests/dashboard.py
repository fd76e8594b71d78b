"""A person in a browser, as the dashboard's routes see one: a cookie jar, and the token that writes carry."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from sqlalchemy import event

from world import PASSWORD, World, client_of, good


@asynccontextmanager
async def browser(
    world: World, email: str | None = None, *, environment: str = "test", client: httpx2.AsyncClient | None = None
) -> AsyncGenerator[httpx2.AsyncClient]:
    """Logged in; without an address, as the tenant's owner."""
    async with client or client_of(world.app) as someone:
        await log_in(someone, email or world.tenant.email, environment=environment)
        yield someone


async def log_in(client: httpx2.AsyncClient, email: str, **more: Any) -> dict[str, Any]:
    body = {"email": email, "password": PASSWORD, **more}
    session = good(await client.post("/api/session", json=body))
    client.headers["X-CSRF-Token"] = session["csrfToken"]
    return session


def refused(answer: httpx2.Response, status: int) -> str:
    """The code of an error with this status, in the contract's envelope."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return answer.json()["error"]["code"]


async def statements_of(world: World, path: str) -> int:
    """How many statements a GET with the test key takes, besides the one at the door."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = world.runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        good(await world.test.get(path))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert seen
    return len(seen)
