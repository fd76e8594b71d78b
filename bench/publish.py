"""How fast posts go out: 1,000 due at one second, from their rows through a worker to the platform and back.

    python bench/publish.py [posts] [rounds]

The yardstick is the same number of bare httpx2 POSTs to the same endpoint of the same sandbox, as many at a time.
The sandbox runs in one process, the worker in another. X takes 100 posts from an account in 15 minutes, so the
posts are spread over the test accounts of many tenants, new ones every round. 100,000 posts that are not due yet
wait beside them.

Start lateness is from the due time of a post to the moment at which its request sets out. When the platform, which is
as fast as the yardstick, has worked on it is told beside it.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import uvloop
from sqlalchemy import text

from amp.domain.connections.port import SandboxAccounts
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.operations import Draft, Target
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.queries import workspace_of
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.runtime import Runtime, open_test_workspace
from yardstick import CONNECTIONS, family, median, memory, new_product, quantile, verdict

POSTS = 1000
ROUNDS = 3
WAITING = 100_000
SINGLES = 20
OF_AN_ACCOUNT = 50
PATIENCE = 120.0
LEAD = timedelta(seconds=2)
PLATFORM = "twitter"
TEXT = "Post {} of the launch: what changed, why it matters, and how to try it today"


@dataclass(frozen=True)
class Published:
    """What came of one round through the product."""

    per_second: float
    p50: float
    p99: float
    """Start lateness, in seconds."""
    arrived: float
    """The same, until the vendor had it in its books (p99)."""


async def main(posts: int, rounds: int) -> None:
    with new_product() as product:
        product.serve("--no-worker")
        worker = family(product.start("worker").pid)
        async with product.runtime() as runtime:
            print(f"Publishing {posts} posts due at one second, {CONNECTIONS} at a time, median of {rounds} rounds\n")
            await _publish(runtime, CONNECTIONS)  # the worker has loaded what it needs
            idle = memory(worker)
            await _schedule(runtime, WAITING, OF_AN_ACCOUNT * 40, at=real_now() + timedelta(days=7))
            await asyncio.sleep(2)
            waiting = memory(worker)
            ours: list[Published] = []
            bare: list[float] = []
            for _ in range(rounds):
                bare.append(await _post_barely(runtime, f"{product.url}/sandbox/{PLATFORM}", posts))
                ours.append(await _publish(runtime, posts))
            _print(ours, bare)
            alone = await _publish_one_by_one(runtime)
            print(
                f"start lateness of single posts: p50 {quantile(alone, 0.5):.3f} s, p99 {quantile(alone, 0.99):.3f} s",
                end="",
            )
            print(f"   {verdict(quantile(alone, 0.99), most=0.3)}\n")
            print(f"memory of the worker: {idle:.0f} MB, with {WAITING} posts waiting {waiting:.0f} MB,", end=" ")
            print(f"after {posts * rounds} went out {memory(worker):.0f} MB")


def _print(ours: Sequence[Published], bare: Sequence[float]) -> None:
    ratio = median([own.per_second / yard for own, yard in zip(ours, bare, strict=True)])
    p50, p99, arrived = (median([getattr(own, name) for own in ours]) for name in ("p50", "p99", "arrived"))
    print(f"bare POSTs{median(bare):10.0f} posts/s")
    print(f"AMP       {median([own.per_second for own in ours]):10.0f} posts/s")
    print(f"{'':10}ratio {ratio:.2f}   {verdict(ratio, least=0.25)}")
    print(f"start lateness p50 {p50:.2f} s, p99 {p99:.2f} s   {verdict(p99, most=2)}")
    print(f"in the vendor's books p99 {arrived:.2f} s\n")


async def _post_barely(runtime: Runtime, url: str, posts: int) -> float:
    """POSTs a second, by accounts that nobody else uses."""
    accounts = runtime.ports.get(SandboxAccounts)
    tokens = [accounts.issue(PLATFORM, uuid4()).access_token.get_secret_value() for _ in range(0, posts, OF_AN_ACCOUNT)]
    numbers = iter(range(posts))
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def post_some() -> None:
            for number in numbers:
                headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
                answer = await client.post(f"{url}/2/tweets", json={"text": TEXT.format(number)}, headers=headers)
                answer.raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(post_some() for _ in range(CONNECTIONS)))
        return posts / (time.perf_counter() - started)


async def _publish(runtime: Runtime, posts: int) -> Published:
    """From the due time to the last receipt; afterwards the jobs that published posts cause run out as well."""
    due = real_now() + timedelta(days=1)
    workspaces = await _schedule(runtime, posts, OF_AN_ACCOUNT, at=due)
    due = real_now() + LEAD
    async with runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(
            text("UPDATE platform_posts SET due_at = :due, next_attempt_at = :due WHERE workspace_id = ANY(:all)"),
            {"due": due, "all": workspaces},
        )
    last = await _until(lambda: _last_receipt(runtime, workspaces, posts))
    started, arrived = await _starts(runtime, workspaces, due), await _arrivals(runtime, workspaces, due)
    await _until(lambda: _is_idle(runtime))
    rate = posts / (last - due).total_seconds()
    return Published(rate, quantile(started, 0.5), quantile(started, 0.99), quantile(arrived, 0.99))


async def _publish_one_by_one(runtime: Runtime) -> list[float]:
    """Start lateness when nothing else is to do: single posts, half a second apart."""
    workspaces = await _schedule(runtime, SINGLES, 1, at=real_now() + timedelta(days=1))
    begin = real_now() + LEAD
    late: list[float] = []
    for number, workspace in enumerate(workspaces):
        due = {"due": begin + timedelta(seconds=number / 2), "workspace": workspace}
        async with runtime.units.begin(SYSTEM) as uow:
            statement = (
                "UPDATE platform_posts SET due_at = :due, next_attempt_at = :due WHERE workspace_id = :workspace"
            )
            await uow.session.execute(text(statement), due)
    await _until(lambda: _last_receipt(runtime, workspaces, SINGLES))
    for number, workspace in enumerate(workspaces):
        late += await _starts(runtime, [workspace], begin + timedelta(seconds=number / 2))
    return sorted(late)


async def _until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """What `condition` gives as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := await condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.2)
    return found


async def _last_receipt(runtime: Runtime, workspaces: Sequence[UUID], posts: int) -> datetime | None:
    """When the last of them was published; None while some are not."""
    query = (
        "SELECT max(published_at) FROM platform_posts "
        "WHERE workspace_id = ANY(:all) AND status = 'published' HAVING count(*) = :posts"
    )
    async with runtime.units.begin(SYSTEM) as uow:
        return await uow.session.scalar(text(query), {"all": workspaces, "posts": posts})


async def _starts(runtime: Runtime, workspaces: Sequence[UUID], due: datetime) -> list[float]:
    """Seconds from the due time until the first attempt of each post set out."""
    query = "SELECT min(at) FROM timeline_events WHERE workspace_id = ANY(:all) AND kind = 'attempt' GROUP BY post_id"
    async with runtime.units.begin(SYSTEM) as uow:
        rows = await uow.session.scalars(text(query), {"all": workspaces})
        return sorted((left - due).total_seconds() for left in rows)


async def _arrivals(runtime: Runtime, workspaces: Sequence[UUID], due: datetime) -> list[float]:
    """Seconds from the due time until the vendor had worked on each post."""
    query = "SELECT created_at FROM sandbox.posts WHERE owner = ANY(:all)"
    async with runtime.units.begin(Scope()) as uow:
        rows = await uow.session.scalars(text(query), {"all": [str(workspace) for workspace in workspaces]})
        return sorted((arrived - due).total_seconds() for arrived in rows)


async def _is_idle(runtime: Runtime) -> bool:
    """Whether no job runs or could run."""
    busy = "status = 'doing' OR status = 'todo' AND scheduled_at IS NULL"
    async with runtime.units.begin(SYSTEM) as uow:
        return bool(await uow.session.scalar(text(f"SELECT NOT EXISTS (SELECT FROM procrastinate_jobs WHERE {busy})")))


async def _schedule(runtime: Runtime, posts: int, of_an_account: int, *, at: datetime) -> list[UUID]:
    """Scheduled posts, so many for each account of a new tenant; the tenants' test workspaces."""
    workspaces: list[UUID] = []
    for first in range(0, posts, of_an_account):
        scope = await _new_workspace(runtime)
        async with runtime.units.begin(scope) as uow:
            target = Target((TEXT.format(first),))
            await publishing.create_post(uow, Draft({PLATFORM: target}, TEXT.format(first), scheduled_for=at))
            await uow.session.execute(text(_COPIES), {"more": min(of_an_account, posts - first) - 1, "text": TEXT})
            workspaces.append(uow.workspace_id)
    return workspaces


_COPIES = """
    WITH original AS (SELECT p AS post, d AS delivery FROM posts p JOIN platform_posts d ON d.post_id = p.id),
    copies AS (
        SELECT post, delivery, jsonb_build_object('id', uuidv7()) AS post_id, jsonb_build_object('id', uuidv7()) AS id,
            jsonb_build_object('parts', jsonb_build_array(replace(:text, '{}', n || ' of ' || (post).id))) AS parts
        FROM original CROSS JOIN generate_series(1, CAST(:more AS int)) AS n
    ), copied AS (INSERT INTO posts SELECT (jsonb_populate_record(post, post_id)).* FROM copies)
    INSERT INTO platform_posts
    SELECT (jsonb_populate_record(delivery, id || parts || jsonb_build_object('post_id', post_id -> 'id'))).*
    FROM copies
    """
"""Of the one post of a workspace and its delivery, with other ids and another text."""


async def _new_workspace(runtime: Runtime) -> Scope:
    async with runtime.units.begin(SYSTEM) as uow:
        tenant = await tenants.create_tenant(uow, "Acme", plan="enterprise")
        workspace = await workspace_of(uow.session, tenant.id, "test")
    await open_test_workspace(runtime, tenant.id)
    return Scope(tenant_id=tenant.id, workspace_id=workspace.id)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    uvloop.run(main(*[*given, *(POSTS, ROUNDS)[len(given) :]]))
