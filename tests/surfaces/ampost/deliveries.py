"""A worker's part in a post's life, done by hand: what is due is claimed, and taken one step further."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from amp.domain.publishing.claiming import Claimed, Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.holding import put_off
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from world import World, until

ENDED = ("published", "partial", "failed", "discarded")


def courier(world: World) -> Courier:
    runtime = world.runtime
    return Courier(runtime.units, runtime.ports, missed_after=timedelta(days=2), lease=timedelta(seconds=60))


async def claim(world: World, post: dict[str, Any]) -> Sequence[Claimed]:
    """What a worker takes into its hands when the moment has come, which is now. Others' posts are left alone."""
    await _hurry(world, decode(Kind.POST, post["id"], what="Post"))
    return await claim_what_is_due(world, post)


async def claim_what_is_due(world: World, post: dict[str, Any]) -> Sequence[Claimed]:
    """What a worker would take into its hands by itself."""
    claims, _ = await claim_due(world.runtime.units, courier(world).terms, Room(500, 500, {}))
    return [claimed for claimed in claims if claimed.post_id == decode(Kind.POST, post["id"], what="Post")]


async def put_off_what_is_held(world: World) -> None:
    """What a worker does with what is due and may not go yet."""
    _, blocked = await claim_due(world.runtime.units, courier(world).terms, Room(500, 500, {}))
    await put_off(world.runtime.units, blocked)


async def _hurry(world: World, post_id: UUID) -> None:
    async with world.runtime.units.begin(SYSTEM) as uow:
        values = {"now": uow.clock.now(), "post": post_id}
        for statement in (
            "UPDATE platform_posts SET next_attempt_at = :now WHERE next_attempt_at IS NOT NULL AND post_id = :post",
            "UPDATE platform_posts SET next_attempt_at = NULL WHERE next_attempt_at <= :now AND post_id <> :post",
            "UPDATE connections SET held_until = NULL",
            "DELETE FROM holds",
        ):
            known = {name: value for name, value in values.items() if f":{name}" in statement}
            await uow.session.execute(text(statement), known)


async def deliver(world: World, claims: Sequence[Claimed]) -> None:
    worker = courier(world)
    await worker.prepare(claims)
    for claimed in claims:
        await worker.deliver(claimed)


async def step(world: World, post: dict[str, Any]) -> dict[str, Any]:
    """One attempt of every platform that has something to do; the post as it is then."""
    await deliver(world, await claim(world, post))
    return await look(world, post)


async def look(world: World, post: dict[str, Any]) -> dict[str, Any]:
    return (await world.get(f"/api/v1/posts/{post['id']}"))["post"]


async def finish(world: World, post: dict[str, Any]) -> dict[str, Any]:
    """Step by step to the end."""

    async def ended() -> dict[str, Any] | None:
        shown = await step(world, post)
        return shown if shown["status"] in ENDED else None

    return await until(ended)
