"""Missions from the first request to what was learned, on a fast clock, with people and processes getting in
the way."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from amp.seed_mission import SEED_MISSION
from serving import Process, environment, free_port, start_web, start_worker
from world import TenantInTest, World, good, until

pytestmark = pytest.mark.anyio

SPEED = 3000  # a day in 29 seconds

SHORT = SEED_MISSION | {
    "duration_days": 1,
    "constraints": {"posts_per_day": 4, "tone": "plain"},
    "kpis": [{"metric": "impressions", "target": 10}],
}


@dataclass
class Product:
    """Web and worker processes of one installation, and a tenant's client to it."""

    env: dict[str, str]
    log: Path
    client: httpx2.AsyncClient
    processes: dict[str, Process]

    def start(self, name: str) -> None:
        begin = start_web if name.startswith("web") else start_worker
        self.processes[name] = begin(self.env, self.log)

    def kill(self, name: str) -> None:
        self.processes.pop(name).kill()

    async def get(self, path: str, **query: Any) -> Any:
        return good(await self.client.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        return good(await self.client.post(path, json=body))

    async def status(self, mission: str) -> dict[str, Any]:
        return await self.get(f"/v1/missions/{mission}/status")

    async def ended(self, mission: str, *, seconds: float = 90) -> dict[str, Any]:
        """The status once the mission is over; the log when it does not end."""

        async def over() -> dict[str, Any] | None:
            try:
                status = await self.status(mission)
            except httpx2.TransportError:
                return None
            return status if status["status"] in ("completed", "failed") else None

        return await until(over, seconds=seconds, every=0.3)

    async def ledger(self) -> list[dict[str, Any]]:
        return (await self.get("/sandbox/_ledger"))["data"]


@asynccontextmanager
async def installed(
    database_url: str, home: Path, tenant: TenantInTest, *, speed: int, names: tuple[str, ...] = ("web", "worker")
) -> AsyncIterator[Product]:
    env = environment(database_url, home, free_port(), clock_speed=speed, heartbeat_seconds=0.3)
    url = f"http://127.0.0.1:{env['AMP_PORT']}"
    headers = {"Authorization": f"Bearer {tenant.test_key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
        product = Product(env, home / "product.log", client, {})
        try:
            for name in names:
                product.start(name)
            yield product
        finally:
            for process in product.processes.values():
                process.stop()


@contextmanager
def no_duplicates(posts: list[dict[str, Any]]) -> Iterator[None]:
    counted = Counter((post["vendor"], post["account"], post["text"]) for post in posts)
    assert [text for text, times in counted.items() if times > 1] == []
    yield


async def test_a_mission_runs_from_the_first_request_to_what_was_learned(
    fast_world: World, database_url: str, tmp_path: Path
) -> None:
    async with installed(database_url, tmp_path, fast_world.tenant, speed=SPEED) as product:
        created = await product.post("/v1/missions", SHORT)
        assert created["estimated_posts"] == 4
        status = await product.ended(created["id"])
        assert status["status"] == "completed", status
        assert {stage["status"] for stage in status["pipeline"]["stages"].values()} == {"completed"}
        assert status["content"]["published"] == 4
        assert status["kpi_progress"][0]["current"] > 0
        content = (await product.get("/v1/content", mission_id=created["id"]))["data"]
        assert all(item["url"] and item["approval"] for item in content)
        public = await product.ledger()
        with no_duplicates(public):
            firsts = {post["text"][:40] for post in public}
            assert all(any(item["parts"][0][:40] == first for first in firsts) for item in content)
        report = await product.get(f"/v1/missions/{created['id']}/report")
        assert report["summary"]["posts_published"] == 4
        assert report["optimization_insights"] == []  # four posts prove nothing, and it says so
        decisions = (await product.get(f"/v1/missions/{created['id']}/decisions"))["data"]
        assert decisions[0]["what"] == "Planned 4 posts for cycle 1"


async def test_processes_killed_at_random_moments_lose_nothing_and_post_nothing_twice(
    fast_world: World, database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    names = ("web", "worker", "worker-2")
    async with installed(database_url, tmp_path, fast_world.tenant, speed=SPEED, names=names) as product:
        created = await product.post("/v1/missions", SHORT)
        for _ in range(6):
            await asyncio.sleep(chance.uniform(0.1, 1.5))  # the moment of the kill is the input of this test
            name = chance.choice(names)
            product.kill(name)
            product.start(name)
        status = await product.ended(created["id"], seconds=120)
        assert status["status"] == "completed", (status, product.log.read_text()[-3000:])
        content = (await product.get("/v1/content", mission_id=created["id"]))["data"]
        assert {item["status"] for item in content} == {"published"}, [item["error"] for item in content]
        with no_duplicates(await product.ledger()):
            assert len(content) == 4
