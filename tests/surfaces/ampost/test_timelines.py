"""How the life of a post is told: times as everywhere, and no word that only a programmer understands."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from deliveries import courier, finish, step
from posts import act, create, later

from amp.domain.publishing.claiming import Room, claim_due
from amp.domain.publishing.holding import put_off
from amp.kit.errors import Remedy
from connecting import order
from serving import SECRET
from world import World, good, open_world

pytestmark = pytest.mark.anyio

TIME = re.compile(r"\d{4}-\d\d-\d\dT")


@pytest.fixture
async def world(server: str, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Publishes to the served sandbox."""
    shared = {"sandbox_url": f"{server}/sandbox", "public_url": server, "secret_key": SECRET}
    async with open_world(database_url, tmp_path, **shared) as world:
        yield world


async def timeline(world: World, post: dict[str, Any]) -> list[dict[str, Any]]:
    return (await world.get(f"/api/v1/posts/{post['id']}/timeline"))["events"]


def values_of(event: dict[str, Any]) -> list[str]:
    return [value for value in (event["at"], *event["detail"].values()) if isinstance(value, str)]


async def test_every_time_of_a_timeline_ends_in_z(world: World) -> None:
    """Whoever wrote it: a request, a worker's attempt, or the claim that put it off."""
    post = await create(world, "facebook", scheduledFor=later(world))
    good(await act(world, post, "publish"))
    await order(world, vendor="facebook", fault="rate_limit", count=1)
    await step(world, post)
    kept_waiting = await create(world, "facebook")
    good(await act(world, kept_waiting, "publish"))
    claims, blocked = await claim_due(world.runtime.units, courier(world).terms, Room(500, 500, {}))
    assert not claims
    await put_off(world.runtime.units, blocked)
    events = [*await timeline(world, post), *await timeline(world, kept_waiting)]
    assert {"created", "publish_requested", "attempt", "waiting"} <= {event["kind"] for event in events}
    times = [value for event in events for value in values_of(event) if TIME.match(value)]
    assert len(times) > len(events)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time) for time in times), times


@pytest.mark.parametrize("fault", ["duplicate", "revoked_token", "accept_then_reset", "rate_limit"])
async def test_no_event_of_a_timeline_speaks_of_classes(world: World, fault: str) -> None:
    post = await create(world, "linkedin")
    good(await act(world, post, "publish"))
    await order(world, vendor="linkedin", fault=fault, count=1)
    await step(world, post)
    if fault != "rate_limit":
        await finish(world, post)
    classes = {remedy.__name__ for remedy in get_args(Remedy)}
    for event in await timeline(world, post):
        for value in values_of(event):
            assert value not in classes, event
            assert "Error" not in value, event
            assert ".." not in value, event
