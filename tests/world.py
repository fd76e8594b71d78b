"""A running AMP with a tenant in it, for tests that speak to it as its users do.

async def test_something(world):
    mission = await world.post("/v1/missions", {"name": ...})      # with the tenant's test key
    await world.work()                                             # run all jobs that are due
    other = await world.new_tenant()                               # somebody else, with keys of their own
    answer = await world.client(other.live_key).get("/v1/missions")
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text

from amp.app import build_app
from amp.config import Settings
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.models import Environment, Plan, Role
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.passwords import hash_password
from amp.domain.tenants.queries import workspace_of
from amp.engine.worker import register_tasks
from amp.kit.database import SYSTEM, Scope
from amp.kit.ids import Kind, encode, new_id
from amp.runtime import Runtime, open_runtime, open_test_workspace

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class TenantInTest:
    id: UUID
    email: str
    live_key: str
    test_key: str

    @property
    def wire_id(self) -> str:
        return encode(Kind.TENANT, self.id)


@dataclass
class World:
    runtime: Runtime
    app: Any
    tenant: TenantInTest
    _clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    def client(self, token: str | None = None) -> httpx2.AsyncClient:
        """Speaks to the application as the bearer of a key or an access token, or as a stranger."""
        name = token or ""
        if name not in self._clients:
            self._clients[name] = client_of(self.app, token)
        return self._clients[name]

    @property
    def test(self) -> httpx2.AsyncClient:
        return self.client(self.tenant.test_key)

    @property
    def live(self) -> httpx2.AsyncClient:
        return self.client(self.tenant.live_key)

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What a good GET answers, asked with the test key."""
        return good(await self.test.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """What a good POST answers, asked with the test key."""
        return good(await self.test.post(path, json=body) if body is not None else await self.test.post(path))

    async def new_tenant(self, plan: Plan = "enterprise") -> TenantInTest:
        return await new_tenant(self.runtime, plan)

    async def new_key(self, environment: Environment = "test", **request: Any) -> str:
        """Another key of the tenant, made without asking the API."""
        async with self.runtime.units.begin(SYSTEM) as uow:
            wanted = KeyRequest(request.pop("name", "another"), environment, **request)
            _, raw = await tenants.create_key(uow, self.runtime.secrets, self.tenant.id, wanted)
        return raw.text

    async def new_member(self, role: Role) -> str:
        """The e-mail address of another person of the tenant; the password is `PASSWORD`."""
        async with self.runtime.units.begin(SYSTEM) as uow:
            email = f"{role}-{new_id().hex}@example.com"
            hashed = await hash_password(PASSWORD)
            await tenants.create_user(
                uow, self.tenant.id, email=email, name=role.title(), password_hash=hashed, role=role
            )
        return email

    async def log_in(self, email: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"email": email or self.tenant.email, "password": PASSWORD, **more}
        return good(await self.client().post("/v1/auth/login", json=body))

    async def work(self) -> None:
        """Run all jobs that are due, and those that they cause, as a worker would."""
        queue = self.runtime.units.queue
        register_tasks(self.runtime.units, self.runtime.ports)
        async with queue.open_async():
            await queue.run_worker_async(
                wait=False, install_signal_handlers=False, delete_jobs="successful", listen_notify=False
            )

    async def test_scope(self) -> Scope:
        """The tenant's test workspace, for work that no API offers."""
        async with self.runtime.units.begin(SYSTEM) as uow:
            workspace = await workspace_of(uow.session, self.tenant.id, "test")
        return Scope(tenant_id=self.tenant.id, workspace_id=workspace.id)

    async def count(self, table: str) -> int:
        """The rows of all tenants in a table."""
        async with self.runtime.database.transaction(SYSTEM) as session:
            return await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0


def client_of(app: Any, token: str | None = None) -> httpx2.AsyncClient:
    """Speaks to an ASGI application in this process. An error inside it is an answer, as over a wire."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://amp.test",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


def good(response: httpx2.Response) -> Any:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response.json()


@asynccontextmanager
async def open_world(database_url: str, home: Path, **settings: Any) -> AsyncGenerator[World]:
    """A world on a migrated database. Jobs that an earlier test left behind are gone."""
    runtime = await open_runtime(settings_for(database_url, home, **settings))
    async with runtime.database.transaction(SYSTEM) as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    world = World(runtime, build_app(runtime), await new_tenant(runtime))
    yield world
    for client in world._clients.values():
        await client.aclose()
    await runtime.close()


def settings_for(database_url: str, home: Path, **settings: Any) -> Settings:
    values = {"database_url": database_url, "home": home, "secret_key": "a secret of the tests", **settings}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


async def new_tenant(runtime: Runtime, plan: Plan = "enterprise") -> TenantInTest:
    """A tenant with an owner and a key for each environment."""
    hashed = await hash_password(PASSWORD)
    async with runtime.units.begin(SYSTEM) as uow:
        email = f"owner-{new_id().hex}@example.com"
        tenant = await tenants.create_tenant(uow, "Acme", plan=plan)
        await tenants.create_user(uow, tenant.id, email=email, name="Ada", password_hash=hashed, role="owner")
        raw: dict[str, str] = {}
        for environment in tenants.ENVIRONMENTS:
            request = KeyRequest(environment, environment)
            raw[environment] = (await tenants.create_key(uow, runtime.secrets, tenant.id, request))[1].text
    await open_test_workspace(runtime, tenant.id)
    return TenantInTest(tenant.id, email, raw["live"], raw["test"])


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = 20.0, every: float = 0.05) -> Any:
    """Poll until `condition` gives something true, and give it back. The one place where tests wait."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        await asyncio.sleep(every)
    return found
