"""A post's way through the Ampost contract: drafted, published by a worker, failed in part, retried, and explained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from serving import environment, start_worker
from world import World, good, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def worker(server: str, database_url: str, served_home: Path) -> Iterator[None]:
    port = urlsplit(server).port
    assert port
    process = start_worker(environment(database_url, served_home, port, clock_speed=3000), served_home / "worker.log")
    yield
    process.stop()


async def order_once(world: World, server: str, fault: str) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
        wanted = {"vendor": "linkedin", "fault": fault, "count": 1}
        good(await client.post("/sandbox/_faults", json=wanted, headers=headers))


async def ended(world: World, path: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        post = (await world.get(path))["post"]
        return post if post["status"] in ("published", "partial", "failed") else None

    return await until(look, seconds=40)


async def test_a_post_is_published_failed_in_part_retried_and_explained(
    fast_world: World, server: str, worker: None
) -> None:
    world = fast_world
    (chosen,) = (await world.get("/api/v1/platform-sets"))["sets"]
    text = f"Thought {uuid4().hex}"
    body = {"content": {"text": text}, "platforms": ["twitter", "linkedin"], "platformSetId": chosen["id"]}
    path = f"/api/v1/posts/{(await world.post('/api/v1/posts', body))['post']['id']}"

    await order_once(world, server, "duplicate")
    assert (await world.post(f"{path}/publish"))["post"]["status"] == "queued"
    post = await ended(world, path)
    x, linkedin = post["platformPosts"]
    assert (post["status"], x["status"], linkedin["status"]) == ("partial", "published", "failed")
    assert x["url"].startswith("https://x.com/")
    assert x["remoteId"]
    assert x["publishedAt"]
    assert linkedin["error"]["code"]
    assert linkedin["error"]["message"]

    good(await world.test.post(f"{path}/retry", json={"platforms": ["linkedin"]}))
    post = await ended(world, path)
    assert post["status"] == "published"
    assert post["platformPosts"][0] == x, "what was published is left alone"
    assert post["platformPosts"][1]["error"] is None

    events = (await world.get(f"{path}/timeline"))["events"]
    kinds = [(event["kind"], event["platform"]) for event in events]
    assert kinds[:2] == [("created", None), ("publish_requested", None)]
    for told in (
        ("published", "twitter"),
        ("failed", "linkedin"),
        ("retry_requested", None),
        ("published", "linkedin"),
    ):
        assert told in kinds
    refused = await world.test.delete(path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "INVALID_STATUS_TRANSITION")
