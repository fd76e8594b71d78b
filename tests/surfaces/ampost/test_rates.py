"""The limits per operation, tier and window of the Ampost reference, as the headers of real requests tell them."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from amp.app import open_door
from amp.domain.tenants.models import Plan
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.edge import RequestIds
from amp.surfaces.surface import Actor, Surface, Uow
from dashboard import browser, refused
from world import World, client_of, open_world

pytestmark = pytest.mark.anyio

TABLE = {
    "createPost": (30, 300, 1000, "hour"),
    "publishPost": (10, 100, 500, "hour"),
    "connectPlatform": (5, 20, 50, "hour"),
    "mediaUpload": (30, 200, 500, "hour"),
    "apiRead": (100, 600, 2000, "minute"),
}
TIERS = ("free", "pro", "max")
SECONDS = {"minute": 60, "hour": 3600}
REQUESTS = {
    "createPost": ("POST", "/api/v1/posts"),
    "publishPost": ("POST", "/publish"),
    "connectPlatform": ("GET", "/api/platforms/twitter/auth-url"),
    "mediaUpload": ("POST", "/api/posts"),
    "apiRead": ("GET", "/api/v1/posts"),
}
CELLS = [(operation, tier) for operation in TABLE for tier in TIERS]

router = Surface("agents")


@router.post("/publish", needs="publish", rate="publishPost")
async def publish(_uow: Uow, actor: Actor) -> dict[str, Any]:
    """REST publishes as `createPost`, says the reference; what publishes for agents counts as `publishPost`."""
    return {"plan": actor.plan}


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here: each has a tenant of its own."""
    async with open_world(database_url, tmp_path_factory.mktemp("rates")) as world:
        yield world


@asynccontextmanager
async def somebody(world: World, operation: str, tier: Plan) -> AsyncGenerator[httpx2.AsyncClient]:
    """A person on this tier, by access token or in a browser: keys are not for the free one."""
    email = (await world.new_tenant(tier)).email
    if operation == "connectPlatform":
        async with browser(world, email) as client:
            yield client
        return
    token = (await world.log_in(email))["access_token"]
    if operation == "publishPost":
        door = open_door(world.runtime)
        agents = RequestIds(ContractApp(door, AmpostContract(), About("Agents", "1"), [router]))
        async with client_of(agents, token) as client:
            yield client
        return
    yield world.client(token)


@pytest.mark.parametrize(("operation", "tier"), CELLS, ids=[f"{operation} on {tier}" for operation, tier in CELLS])
async def test_per_operation_limits_are_those_of_the_reference(world: World, operation: str, tier: Plan) -> None:
    limit, window = TABLE[operation][TIERS.index(tier)], TABLE[operation][3]
    async with somebody(world, operation, tier) as client:
        first, second = [await client.request(*REQUESTS[operation]) for _ in range(2)]
    assert first.headers["RateLimit-Policy"] == f'"ampost:{operation}";q={limit};w={SECONDS[window]}'
    assert first.headers["X-RateLimit-Limit"] == str(limit)
    assert first.headers["X-RateLimit-Remaining"] == str(limit - 1)
    assert second.headers["X-RateLimit-Remaining"] == str(limit - 2)
    assert 0 < int(first.headers["X-RateLimit-Reset"]) - time.time() <= SECONDS[window] + 1


@pytest.mark.parametrize("operation", TABLE)
async def test_past_the_limit_is_rate_limited_429(world: World, operation: str) -> None:
    limit = TABLE[operation][0]
    async with somebody(world, operation, "free") as client:
        statuses = [(await client.request(*REQUESTS[operation])).status_code for _ in range(limit)]
        assert 429 not in statuses
        answer = await client.request(*REQUESTS[operation])
        assert refused(answer, 429) == "RATE_LIMITED"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/api/v1/posts", "apiRead"),
        ("POST", "/api/v1/posts", "createPost"),
        ("GET", "/api/v1/posts/x", "apiRead"),
        ("PATCH", "/api/v1/posts/x", "createPost"),
        ("POST", "/api/v1/posts/x/cancel", "createPost"),
        ("DELETE", "/api/v1/posts/x", "createPost"),
        ("POST", "/api/v1/posts/x/publish", "createPost"),
        ("POST", "/api/v1/posts/x/retry", "createPost"),
        ("GET", "/api/v1/accounts", "apiRead"),
        ("GET", "/api/v1/accounts/x", "apiRead"),
        ("POST", "/api/v1/posts/validate", "apiRead"),
        ("POST", "/api/v1/posts/x/resolve", "createPost"),
        ("GET", "/api/v1/posts/x/timeline", "apiRead"),
        ("POST", "/api/posts", "mediaUpload"),
        *(
            (method, path, "apiRead")
            for root in ("/api/v1/platform-sets", "/api/platforms/sets")
            for method, path in (("GET", root), ("POST", root), ("PATCH", f"{root}/x"), ("DELETE", f"{root}/x"))
        ),
    ],
)
async def test_every_route_counts_as_the_rate_limit_operation_of_the_reference(
    world: World, method: str, path: str, operation: str
) -> None:
    answer = await world.test.request(method, path)
    assert f'"ampost:{operation}"' in answer.headers["RateLimit-Policy"]
