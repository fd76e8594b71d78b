"""Posts as callers of the Ampost contract write them, for the tests of its routes."""

from datetime import timedelta
from typing import Any

import httpx2
from sqlalchemy import text, update

from amp.domain.connections import operations as connections
from amp.domain.connections.models import PlatformSet
from amp.domain.publishing.models import PlatformPost, Post
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, encode, new_id
from amp.surfaces.fields import to_wire
from world import World

PLATFORMS = ("facebook", "instagram", "linkedin", "threads", "tiktok", "twitter", "youtube")

IMAGE: dict[str, Any] = {
    "type": "image",
    "url": "https://cdn.example.com/a.jpg",
    "mimeType": "image/jpeg",
    "sizeBytes": 250_000,
    "width": 1080,
    "height": 1080,
}
VIDEO: dict[str, Any] = {
    "type": "video",
    "url": "https://cdn.example.com/a.mp4",
    "mimeType": "video/mp4",
    "sizeBytes": 18_432_000,
    "width": 1080,
    "height": 1920,
    "durationSeconds": 24,
}
FITTING = {"instagram": [IMAGE], "tiktok": [VIDEO], "youtube": [VIDEO]}
"""Media that the platforms cannot do without."""


async def default_set(world: World) -> str:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        return encode(Kind.PLATFORM_SET, (await connections.default_set(uow)).id)


async def new_set(world: World, *platforms: str) -> str:
    """Another set, to which the accounts on these platforms have moved."""
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        now, set_id = uow.clock.now(), new_id()
        uow.session.add(
            PlatformSet(
                workspace_id=uow.workspace_id, id=set_id, name="Other", is_default=False, created_at=now, updated_at=now
            )
        )
        await uow.session.flush()
        moved = "UPDATE connections SET platform_set_id = :set WHERE platform = ANY(:platforms)"
        await uow.session.execute(text(moved), {"set": set_id, "platforms": list(platforms)})
    return encode(Kind.PLATFORM_SET, set_id)


def later(world: World, **ahead: float) -> str:
    """A whole second: PostgreSQL writes fractions without their last zeros."""
    return to_wire(world.runtime.clock.now().replace(microsecond=0) + timedelta(**(ahead or {"hours": 1})))


async def body(world: World, *platforms: str, **changes: Any) -> dict[str, Any]:
    """A sound draft for these platforms. `text`, `media` and other parts of the content may be given as they are."""
    content = {"text": "Hello from Ampost!", "media": next((FITTING[p] for p in platforms if p in FITTING), [])}
    document = {"platforms": list(platforms), "scheduledFor": None, "platformSetId": changes.pop("set_id", None)}
    for name, value in changes.items():
        (document if name in document else content)[name] = value
    document["platformSetId"] = document["platformSetId"] or await default_set(world)
    return {"content": content, **document}


async def create(world: World, *platforms: str, **changes: Any) -> dict[str, Any]:
    answer = await world.test.post("/api/v1/posts", json=await body(world, *(platforms or ("twitter",)), **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["post"]


async def refusal(world: World, *platforms: str, **changes: Any) -> dict[str, Any]:
    """The error of a draft that is not sound; nothing of it was saved."""
    before = await world.count("posts")
    answer = await world.test.post("/api/v1/posts", json=await body(world, *platforms, **changes))
    assert await world.count("posts") == before
    return error(answer)


def error(answer: httpx2.Response, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return answer.json()["error"]


async def get(world: World, post: dict[str, Any]) -> dict[str, Any]:
    return (await world.get(f"/api/v1/posts/{post['id']}"))["post"]


async def act(world: World, post: dict[str, Any], verb: str, **sent: Any) -> httpx2.Response:
    return await world.test.post(f"/api/v1/posts/{post['id']}/{verb}", json=sent or None)


def statuses(post: dict[str, Any]) -> dict[str, str]:
    """By platform."""
    return {delivery["platform"]: delivery["status"] for delivery in post["platformPosts"]}


async def put_into(world: World, post: dict[str, Any], status: str, **deliveries: str) -> None:
    """Let the post be in this status, and its deliveries in theirs, as if a worker had brought them there."""
    async with world.runtime.units.begin(SYSTEM) as uow:
        newest = text("SELECT id FROM posts ORDER BY id DESC LIMIT 1")
        post_id, now = await uow.session.scalar(newest), uow.clock.now()
        assert encode(Kind.POST, post_id) == post["id"], "the last one made"
        await uow.session.execute(update(Post).where(Post.id == post_id).values(status=status))
        for platform, state in deliveries.items():
            failed = state in ("failed", "unconfirmed")
            mine = (PlatformPost.post_id == post_id) & (PlatformPost.platform == platform)
            values = {
                "status": state,
                "attempt": 1,
                "next_attempt_at": None,
                "error_code": {"failed": "PUBLISH_FAILED", "unconfirmed": "UNCONFIRMED"}.get(state),
                "error_message": "It failed" if failed else None,
                "published_at": now if state == "published" else None,
                "intent_at": now if state in ("publishing", "unconfirmed") else None,
            }
            await uow.session.execute(update(PlatformPost).where(mine).values(**values))
