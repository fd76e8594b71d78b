"""Kill processes at random, let the vendors misbehave, and count what was published: once, or it is said why not.

    python bench/torture.py [--posts 1000] [--kills 30] [--seed 1] [--speed 1] [--patience 900]

One web process, which also pretends to be the vendors, and two workers, on an embedded PostgreSQL. Posts fall due in
bursts over every platform; a third of them are threads where the platform has threads, a quarter carry an image or a
film, and all of them do where a platform takes nothing else. SIGKILL hits a process drawn by lot, mostly soon after a
burst, and it is started again at once. In the end the sandbox's own ledger is compared with what was scheduled. Exit
status 1: something is there twice, missing or in the wrong order. Leases run out after 7.5 s instead of 75 s, so that a
campaign takes minutes. The clock is the real one unless `--speed` says otherwise; then only bursts, kills, leases and
the network keep to real time.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from amp.domain.media import operations as media
from amp.domain.media.port import Storage
from amp.domain.platforms.port import Quota
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.operations import Draft, Target
from amp.domain.tenants.queries import workspace_of
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.postgres import start_embedded
from amp.kit.telemetry import configure_logging
from amp.migrations import runner
from amp.runtime import Runtime, open_runtime
from amp.sandbox.app import social_vendors as pretended
from audit import Audit, Scheduled, Told, audit
from sandbox.pictures import jpeg, mp4
from serving import SECRET
from stage import Owner, Stage, client_of, ledgers_of, new_home, struck
from world import new_tenant, settings_for
from yardstick import quantile

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
FOR_GOOD = {"facebook", "instagram", "threads"}
"""Where a token that is over cannot be refreshed: the owner has to connect the account again, and its posts fail."""
OF_AN_ACCOUNT = 25
"""Posts for each account at most: with threads and repetitions under X's 100 in 15 minutes."""
OF_A_QUOTA = 0.5
"""The share of a day's quota that an account may use: a campaign shall not wait for tomorrow."""
BURST, BETWEEN_BURSTS = 40, 5.0
"""Posts, and real seconds."""
FAR_AWAY = timedelta(days=300)
NOTICED = timedelta(seconds=10)
"""Real time in which somebody takes up what is due, or it is lost."""
SETTLING = 1.0
"""Mean seconds from a burst to a kill."""
FILES = {"image/jpeg": (jpeg, {"width": 1080, "height": 1080}), "video/mp4": (mp4, {"width": 720, "height": 1280})}


async def main(home: Path, asked: argparse.Namespace) -> bool:
    configure_logging(level="error", as_json=False)
    chance = random.Random(asked.seed)
    database_url = start_embedded(home)
    runner.upgrade(database_url)
    stage = Stage(database_url, home, clock_speed=asked.speed)
    runtime = await open_runtime(
        settings_for(database_url, home, secret_key=SECRET, public_url=stage.url, clock_speed=asked.speed)
    )
    try:
        stage.start("web")
        stage.await_web()
        owners, scheduled = await _prepare(runtime, stage, asked.posts, chance)
        for worker in ("worker 1", "worker 2"):
            stage.start(worker)
        await _torment(runtime, stage, asked.kills, asked.patience, chance)
        stage.await_web()
        found = audit(scheduled, await _told(runtime), await ledgers_of(stage, owners))
        await _print(runtime, stage, owners, found, asked)
        return not found.wrongs
    finally:
        stage.stop()
        await runtime.close()


async def _prepare(
    runtime: Runtime, stage: Stage, posts: int, chance: random.Random
) -> tuple[list[Owner], list[Scheduled]]:
    """Owners, their misfortunes, and all posts, due in bursts from soon on."""
    platforms = [name for name in runtime.social.names() if name in pretended()]
    of_an_account = min(OF_AN_ACCOUNT, *(int(_quota(runtime, name) * OF_A_QUOTA) for name in platforms))
    owners = [await _new_owner(runtime, stage, platforms) for _ in range(0, posts, len(platforms) * of_an_account)]
    scheduled: list[Scheduled] = []
    for number in range(posts):
        one = platforms[number % len(platforms)], owners[number // len(platforms) % len(owners)]
        scheduled.append(await _schedule(runtime, number, *one, runtime.clock.now() + FAR_AWAY, chance))
    begin = runtime.clock.now() + timedelta(seconds=5) * runtime.clock.speed
    async with runtime.units.begin(SYSTEM) as uow:
        bursts = [number // BURST * BETWEEN_BURSTS * runtime.clock.speed for number in range(posts)]
        due = {"begin": begin, "ids": [one.post_id for one in scheduled], "seconds": bursts}
        await uow.session.execute(text(_DUE), due)
    return owners, scheduled


_DUE = """
    UPDATE platform_posts p SET due_at = d.at, next_attempt_at = d.at
    FROM (SELECT u.id, CAST(:begin AS timestamptz) + u.seconds * interval '1 second' AS at
        FROM unnest(CAST(:ids AS uuid[]), CAST(:seconds AS float8[])) AS u(id, seconds)) AS d
    WHERE p.post_id = d.id
    """


def _quota(runtime: Runtime, platform: str) -> float:
    """Posts of an account in a day."""
    return min((quota.posts * max(1, 24 / quota.hours) for quota in _quotas(runtime, platform)), default=1000)


def _quotas(runtime: Runtime, platform: str) -> Sequence[Quota]:
    return runtime.social.capabilities(platform).quotas


async def _new_owner(runtime: Runtime, stage: Stage, platforms: Sequence[str]) -> Owner:
    tenant = await new_tenant(runtime)
    async with runtime.units.begin(SYSTEM) as uow:
        workspace = await workspace_of(uow.session, tenant.id, "test")
    owner = Owner(Scope(tenant_id=tenant.id, workspace_id=workspace.id), tenant.test_key)
    async with client_of(stage, owner) as client:
        for platform in platforms:
            for fault, rate in RATES.items():
                if fault in LIMITS and not _limits_briefly(runtime, platform):
                    continue
                if fault == "expired_token" and platform in FOR_GOOD:
                    continue
                order = {"vendor": platform, "fault": fault, "rate": rate, "seconds": 1}
                (await client.post("/sandbox/_faults", json=order)).raise_for_status()
    return owner


def _limits_briefly(runtime: Runtime, platform: str) -> bool:
    """Whether a rate limit ends before the campaign does: LinkedIn's lasts until midnight."""
    return any(quota.hours < 1 for quota in runtime.social.capabilities(platform).quotas)


async def _schedule(
    runtime: Runtime, number: int, platform: str, owner: Owner, due: datetime, chance: random.Random
) -> Scheduled:
    able = runtime.social.capabilities(platform)
    threads = able.max_thread_parts > 1 and chance.random() < 1 / 3
    parts = tuple(f"Post {number}, thought {part}" for part in range(3 if threads else 1))
    takes = [kind for kind in FILES if any(rule and kind in rule.mime_types for rule in (able.images, able.video))]
    wanted = takes and (not able.text_only or chance.random() < 1 / 4)
    async with runtime.units.begin(owner.scope) as uow:
        files = [await _file(runtime, uow, chance.choice(takes))] if wanted else []
        draft = Draft({platform: Target(parts)}, "\n".join(parts), media=files, scheduled_for=due)
        post = await publishing.create_post(uow, draft)
    return Scheduled(post.id, owner.scope.workspace_id, platform, parts)


async def _file(runtime: Runtime, uow: UnitOfWork, mime_type: str) -> dict[str, Any]:
    """A medium of ours, with what an upload would have found out about it."""
    make, found = FILES[mime_type]

    async def content() -> AsyncIterator[bytes]:
        yield make(**found)

    stored = await media.keep_media(uow, runtime.ports.get(Storage), content(), mime_type=mime_type)
    lasts = {"durationSeconds": 10.0} if mime_type.startswith("video") else {}
    return media.describe(stored) | found | lasts


async def _torment(runtime: Runtime, stage: Stage, kills: int, patience: float, chance: random.Random) -> None:
    """Kill and start again, then wait until every delivery has ended or patience has."""
    dues = [row.due_at for row in await _rows(runtime, "SELECT due_at FROM platform_posts ORDER BY due_at")]
    bursts = [runtime.clock.real_moment(due) for due in dues]
    moments = sorted(chance.choice(bursts) + timedelta(seconds=chance.expovariate(1 / SETTLING)) for _ in range(kills))
    for moment in moments:
        await asyncio.sleep(max(0.0, (moment - real_now()).total_seconds()))
        stage.kill(chance.choice(list(stage.processes)))
    deadline = time.monotonic() + patience
    while (left := await _unended(runtime)) and time.monotonic() < deadline:
        print(f"{left} deliveries have not ended", file=sys.stderr)
        await asyncio.sleep(2)


async def _unended(runtime: Runtime) -> int:
    (row,) = await _rows(runtime, "SELECT count(*) AS n FROM platform_posts WHERE next_attempt_at IS NOT NULL")
    return row.n


async def _rows(runtime: Runtime, query: str) -> Sequence[Any]:
    async with runtime.units.begin(SYSTEM) as uow:
        return (await uow.session.execute(text(query))).all()


async def _told(runtime: Runtime) -> dict[UUID, Told]:
    real, now = real_now().isoformat(), (runtime.clock.now() - NOTICED * runtime.clock.speed).isoformat()
    goes_on = f"(lease_until > '{real}' OR lease_until IS NULL AND next_attempt_at > '{now}')"
    in_question = f"coalesce(status = 'publishing' AND intent_at IS NOT NULL AND {goes_on}, false)"
    on_its_way = f"coalesce(attempt > 0 AND {goes_on}, false)"
    columns = f"post_id, status, error_code, error_message, due_at, published_at, {in_question}, {on_its_way}"
    rows = await _rows(runtime, f"SELECT {columns} FROM platform_posts")
    return {post_id: Told(*rest) for post_id, *rest in rows}


_BROKEN_OFF = """
    SELECT (SELECT sum(fence) FROM platform_posts) - (SELECT count(*) FROM timeline_events WHERE kind IN
        ('published', 'failed', 'unconfirmed', 'waiting', 'processing', 'outcome_unknown')
        AND request_id IS NOT NULL) AS n
    """
"""Claims that nobody brought to an end: what the kills hit."""


_STARTS = """
    SELECT extract(epoch FROM min(t.at) - min(p.due_at)) AS late FROM timeline_events t
    JOIN platform_posts p ON p.workspace_id = t.workspace_id AND p.id = t.platform_post_id
    WHERE t.kind = 'attempt' GROUP BY p.id
    """


async def _print(
    runtime: Runtime, stage: Stage, owners: Sequence[Owner], found: Audit, asked: argparse.Namespace
) -> None:
    hits = await struck(stage, owners)
    (broken,) = await _rows(runtime, _BROKEN_OFF)
    lines = [("posts", found.statuses.total()), ("accounts on each platform", len(owners))]
    lines += [(f"kills of {name}", stage.kills[name]) for name in stage.processes]
    lines += [("deliveries broken off under way", broken.n)]
    lines += [(f"{fault}, ordered for {rate:.0%}", hits[fault]) for fault, rate in RATES.items()]
    lines += sorted(found.statuses.items())
    lines += [
        ("unconfirmed or in question, and public", found.public_unconfirmed),
        ("duplicates", len(found.duplicates)),
    ]
    lines += [("lost", len(found.lost)), ("out of order", len(found.disordered))]
    lines += [("failed, though public", len(found.mistold))]
    for what, value in lines:
        print(f"{what:45}{value:>6}")
    starts = sorted(float(row.late) for row in await _rows(runtime, _STARTS))
    print(f"from the due time to the start: p50 {quantile(starts, 0.5):.1f} s, p99 {quantile(starts, 0.99):.1f} s")
    print(f"from the due time to the receipt: p50 {found.late(0.5):.1f} s, p99 {found.late(0.99):.1f} s")
    print(f"{date.today()}, {os.cpu_count()} cores, clock speed {asked.speed:g}: python {' '.join(sys.argv)}")
    for name in found.duplicates + found.lost + found.disordered + found.mistold:
        print(f"  WRONG: {name}")
    for post_id in found.suspects:
        events = f"SELECT at, kind, detail FROM timeline_events WHERE post_id = '{post_id}' ORDER BY id"
        for event in await _rows(runtime, events):
            print(f"    {post_id} {event.at:%H:%M:%S.%f} {event.kind} {event.detail}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill processes at random and count what was published.")
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1, help="virtual seconds in a real one")
    parser.add_argument("--patience", type=float, default=900, help="seconds until what has not ended counts as lost")
    sys.exit(not asyncio.run(main(new_home(), parser.parse_args())))
