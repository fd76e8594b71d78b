"""Kill processes at random, let the vendors misbehave, and count what was published: once, or it is said why not.

    python bench/torture.py [--posts 1000] [--kills 30] [--seed 1]

One web process, which also pretends to be the vendors, and two workers, on an embedded PostgreSQL. Posts fall due in
bursts over every platform; a third of them are threads where the platform has threads, a quarter carry an image.
SIGKILL hits a process drawn by lot, mostly soon after a burst, and it is started again at once. In the end the
sandbox's own ledger is compared with what was scheduled. Exit status 1: something is there twice, missing or in the
wrong order. Leases run out after 7.5 s instead of 75 s, so that a campaign takes minutes; the clock is the real one.
"""

import argparse
import asyncio
import atexit
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from amp.domain.media import operations as media
from amp.domain.media.port import Storage
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.operations import Draft, Target
from amp.domain.tenants.queries import workspace_of
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.postgres import start_embedded
from amp.kit.telemetry import configure_logging
from amp.migrations import runner
from amp.runtime import Runtime, open_runtime
from amp.sandbox.faults import Fault, Order, decide
from audit import Audit, Scheduled, Told, audit
from sandbox.pictures import jpeg
from serving import SECRET, Process, await_answer, environment, free_port, start
from world import new_tenant, settings_for

RATES = {
    "accept_then_timeout": 0.03,
    "accept_then_500": 0.03,
    "accept_then_reset": 0.03,
    "reset_before": 0.03,
    "rate_limit_no_headers": 0.02,
    "expired_token": 0.02,
    "malformed": 0.03,
}
LIMITS = {"rate_limit_no_headers"}
OF_AN_ACCOUNT = 25
"""Posts for each account: with threads and repetitions under X's 100 in 15 minutes."""
BURST, BETWEEN_BURSTS = 40, timedelta(seconds=5)
SETTLING = 1.0
"""Mean seconds from a burst to a kill."""
HEARTBEAT_SECONDS = 0.5
PATIENCE = 300.0
"""Seconds from the last kill until whatever has not ended counts as lost."""


@dataclass(frozen=True)
class Owner:
    """A tenant whose accounts nobody else uses."""

    scope: Scope
    key: str


class Stage:
    """The processes of the product, by name, and how often each was killed."""

    def __init__(self, database_url: str, home: Path) -> None:
        self._env = environment(database_url, home, free_port(), heartbeat_seconds=HEARTBEAT_SECONDS)
        self._home = home
        self.url = f"http://127.0.0.1:{self._env['AMP_PORT']}"
        self.processes: dict[str, Process] = {}
        self.kills: Counter[str] = Counter()

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "amp.cli", name.split()[0]]
        self.processes[name] = start(command, self._env, self._home / f"{name}.log")

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.kills[name] += 1
        self.start(name)

    def await_web(self) -> None:
        await_answer(f"{self.url}/healthz", self.processes["web"])

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()


def new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="amp-torture-"))
    home.chmod(0o711)  # as root, PostgreSQL runs as somebody else, who must pass
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # before the database's own, so that it leaves first
    return home


async def main(home: Path, posts: int, kills: int, chance: random.Random) -> bool:
    configure_logging(level="error", as_json=False)
    database_url = start_embedded(home)
    runner.upgrade(database_url)
    runtime = await open_runtime(settings_for(database_url, home, secret_key=SECRET))
    stage = Stage(database_url, home)
    try:
        stage.start("web")
        stage.await_web()
        owners, scheduled = await _prepare(runtime, stage, posts, chance)
        for worker in ("worker 1", "worker 2"):
            stage.start(worker)
        await _torment(runtime, stage, kills, chance)
        stage.await_web()
        found = audit(scheduled, await _told(runtime), await _ledgers(stage, owners))
        await _print(runtime, stage, owners, found)
        return found.is_clean
    finally:
        stage.stop()
        await runtime.close()


async def _prepare(
    runtime: Runtime, stage: Stage, posts: int, chance: random.Random
) -> tuple[list[Owner], list[Scheduled]]:
    """Owners, their misfortunes, and all posts, due in bursts from soon on."""
    names = runtime.social.names()
    platforms = [name for name in names if _takes(runtime, name, image=False) or _takes(runtime, name, image=True)]
    each = len(platforms) * OF_AN_ACCOUNT
    owners = [await _new_owner(runtime, stage, platforms) for _ in range(0, posts, each)]
    begin = real_now() + timedelta(seconds=3 + posts / 100)
    scheduled: list[Scheduled] = []
    for number in range(posts):
        due = begin + number // BURST * BETWEEN_BURSTS
        one = platforms[number % len(platforms)], owners[number // len(platforms) % len(owners)]
        scheduled.append(await _schedule(runtime, number, *one, due, chance))
    assert real_now() < begin, "scheduling took too long"
    return owners, scheduled


def _takes(runtime: Runtime, platform: str, *, image: bool) -> bool:
    """Whether a post of text, or one with a JPEG, can go there at all."""
    able = runtime.social.capabilities(platform)
    if image:
        return able.images is not None and "image/jpeg" in able.images.mime_types
    return able.text_only


async def _new_owner(runtime: Runtime, stage: Stage, platforms: Sequence[str]) -> Owner:
    tenant = await new_tenant(runtime)
    async with runtime.units.begin(SYSTEM) as uow:
        workspace = await workspace_of(uow.session, tenant.id, "test")
    owner = Owner(Scope(tenant_id=tenant.id, workspace_id=workspace.id), tenant.test_key)
    async with _client(stage, owner) as client:
        for platform in platforms:
            for fault, rate in RATES.items():
                if fault in LIMITS and not _limits_briefly(runtime, platform):
                    continue
                order = {"vendor": platform, "fault": fault, "rate": rate, "seconds": 1}
                (await client.post("/sandbox/_faults", json=order)).raise_for_status()
    return owner


def _limits_briefly(runtime: Runtime, platform: str) -> bool:
    """Whether a rate limit ends before the campaign does: LinkedIn's lasts until midnight."""
    return any(quota.hours < 1 for quota in runtime.social.capabilities(platform).quotas)


def _client(stage: Stage, owner: Owner) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {owner.key}"}
    return httpx2.AsyncClient(base_url=stage.url, headers=headers, trust_env=False, timeout=30)


async def _schedule(
    runtime: Runtime, number: int, platform: str, owner: Owner, due: datetime, chance: random.Random
) -> Scheduled:
    threads = runtime.social.capabilities(platform).max_thread_parts > 1 and chance.random() < 1 / 3
    parts = tuple(f"Post {number}, thought {part}" for part in range(3 if threads else 1))
    pictured = _takes(runtime, platform, image=True)
    pictured = pictured and (chance.random() < 1 / 4 or not _takes(runtime, platform, image=False))
    async with runtime.units.begin(owner.scope) as uow:
        files: list[dict[str, Any]] = []
        if pictured:
            stored = await media.keep_media(uow, runtime.ports.get(Storage), _picture(), mime_type="image/jpeg")
            files = [media.describe(stored)]
        draft = Draft({platform: Target(parts)}, "\n".join(parts), media=files, scheduled_for=due)
        post = await publishing.create_post(uow, draft)
    return Scheduled(post.id, owner.scope.workspace_id, platform, parts)


async def _picture() -> AsyncIterator[bytes]:
    yield jpeg(640, 640)


async def _torment(runtime: Runtime, stage: Stage, kills: int, chance: random.Random) -> None:
    """Kill and start again, then wait until every delivery has ended or patience has."""
    dues = [row.due_at for row in await _rows(runtime, "SELECT due_at FROM platform_posts ORDER BY due_at")]
    moments = sorted(chance.choice(dues) + timedelta(seconds=chance.expovariate(1 / SETTLING)) for _ in range(kills))
    for moment in moments:
        await asyncio.sleep(max(0.0, (moment - real_now()).total_seconds()))
        stage.kill(chance.choice(list(stage.processes)))
    deadline = time.monotonic() + PATIENCE
    while (left := await _unended(runtime)) and time.monotonic() < deadline:
        print(f"{left} deliveries have not ended", file=sys.stderr)
        await asyncio.sleep(10)


async def _unended(runtime: Runtime) -> int:
    (row,) = await _rows(runtime, "SELECT count(*) AS n FROM platform_posts WHERE next_attempt_at IS NOT NULL")
    return row.n


async def _rows(runtime: Runtime, query: str) -> Sequence[Any]:
    async with runtime.units.begin(SYSTEM) as uow:
        return (await uow.session.execute(text(query))).all()


async def _told(runtime: Runtime) -> dict[UUID, Told]:
    columns = "post_id, status, error_code, error_message, due_at, published_at"
    rows = await _rows(runtime, f"SELECT {columns} FROM platform_posts")
    return {post_id: Told(*rest) for post_id, *rest in rows}


async def _ledgers(stage: Stage, owners: Sequence[Owner]) -> dict[tuple[UUID, str], list[str]]:
    ledgers: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for owner in owners:
        for entry in await _asked(stage, owner, "/sandbox/_ledger"):
            ledgers[owner.scope.workspace_id, entry["vendor"]].append(entry["text"])
    return ledgers


async def _asked(stage: Stage, owner: Owner, path: str) -> list[dict[str, Any]]:
    async with _client(stage, owner) as client:
        return (await client.get(path)).raise_for_status().json()["data"]


async def _struck(stage: Stage, owners: Sequence[Owner]) -> Counter[str]:
    """How many requests each fault hit: an order decides the same again."""
    struck: Counter[str] = Counter()
    for owner in owners:
        for row in await _asked(stage, owner, "/sandbox/_faults"):
            order = Order(**row | {"fault": Fault(row["fault"])})
            struck[row["fault"]] += sum(decide(order, asking + 1) is not None for asking in range(order.asked))
    return struck


_BROKEN_OFF = """
    SELECT (SELECT sum(fence) FROM platform_posts) - (SELECT count(*) FROM timeline_events WHERE kind IN
        ('published', 'failed', 'unconfirmed', 'waiting', 'processing', 'outcome_unknown')) AS n
    """
"""Claims that nobody brought to an end: what the kills hit."""


async def _print(runtime: Runtime, stage: Stage, owners: Sequence[Owner], found: Audit) -> None:
    struck = await _struck(stage, owners)
    (broken,) = await _rows(runtime, _BROKEN_OFF)
    lines = [("posts", found.statuses.total()), ("accounts on each platform", len(owners))]
    lines += [(f"kills of {name}", stage.kills[name]) for name in stage.processes]
    lines += [("deliveries broken off under way", broken.n)]
    lines += [(f"{fault}, ordered for {rate:.0%}", struck[fault]) for fault, rate in RATES.items()]
    lines += sorted(found.statuses.items())
    lines += [("unconfirmed, and public", found.public_unconfirmed), ("duplicates", len(found.duplicates))]
    lines += [("lost", len(found.lost)), ("out of order", len(found.disordered))]
    lines += [("failed, though public", len(found.mistold))]
    for what, value in lines:
        print(f"{what:45}{value:>6}")
    print(f"from the due time to the receipt: p50 {found.late(0.5):.1f} s, p99 {found.late(0.99):.1f} s")
    print(f"{date.today()}, {os.cpu_count()} cores, clock speed 1: python {' '.join(sys.argv)}")
    for name in found.duplicates + found.lost + found.disordered + found.mistold:
        print(f"  WRONG: {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill processes at random and count what was published.")
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(not asyncio.run(main(new_home(), asked.posts, asked.kills, random.Random(asked.seed))))
