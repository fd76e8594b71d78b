"""A post goes out exactly once, or it is said why not: the delivery is broken off at every commit, the vendor
answers with every fault, and the sandbox's own ledger is the judge."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import ClauseElement, text

from amp.domain.media import operations as media
from amp.domain.media.port import Storage
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.claiming import Claimed, Room, claim_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.operations import Draft, Target
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.kit.database import SYSTEM, Database, Scope, Transaction
from amp.providers.discovery import social_vendors as adapters
from amp.sandbox.app import social_vendors
from sandbox.pictures import jpeg, mp4
from world import World, good

pytestmark = pytest.mark.anyio

LEASE = timedelta(seconds=60)
LENGTH = {"twitter": 3}  # a thread where the platform has threads; one is enough for that
FORGETFUL = {"tiktok"}  # lists no photos: whether a post went out is not known when its id was lost
OTHERS = sorted(set(social_vendors()) & set(adapters()) - {"twitter", "linkedin"})


class Crash(Exception):
    """The process died here."""


class Dying(Database):
    """The database of a process that dies at its nth commit: right before it, or right after."""

    def __init__(self, database: Database, dies_at: int, *, after: bool) -> None:
        super().__init__(**{field.name: getattr(database, field.name) for field in fields(database)})
        self.__dict__.update(dies_at=dies_at, after=after, commits=0)

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncGenerator[Transaction]:
        dying = self._dies_now()
        async with super().begin(scope) as transaction:
            yield transaction
            if dying and not self.after:
                raise Crash
        if dying:
            raise Crash

    async def system_rows(self, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        dying = self._dies_now()
        if dying and not self.after:
            raise Crash
        rows = await super().system_rows(statement, values)
        if dying:
            raise Crash
        return rows

    def _dies_now(self) -> bool:
        self.__dict__["commits"] += 1
        return self.commits == self.dies_at


@dataclass
class Delivery:
    """One scheduled post of a world, and what it takes to deliver it."""

    world: World
    workspace: Scope
    post_id: UUID
    parts: list[str]

    def courier(self, database: Database | None = None) -> Courier:
        runtime = self.world.runtime
        units = UnitsOfWork(database or runtime.database, runtime.clock, runtime.units.queue)
        return Courier(units, runtime.ports, missed_after=timedelta(days=365), lease=LEASE)

    async def step(self, database: Database | None = None) -> bool:
        """Claim what is due and take it one step further; False when nothing was due."""
        claims = await self._claim()
        for claimed in claims:
            await self.courier(database).deliver(claimed)
        return bool(claims)

    async def _claim(self) -> list[Claimed]:
        """As after all leases have run out. What other tests left would take the room: nobody waits for that."""
        async with self.world.runtime.units.begin(SYSTEM) as uow:
            mine = {"post": self.post_id}
            await uow.session.execute(text("UPDATE platform_posts SET lease_until = NULL WHERE post_id = :post"), mine)
            others = "UPDATE platform_posts SET next_attempt_at = NULL, lease_until = NULL WHERE post_id <> :post"
            await uow.session.execute(text(f"{others} AND next_attempt_at IS NOT NULL"), mine)
        claims, _ = await claim_due(self.world.runtime.units, self.courier().terms, Room(500, 500, {}))
        return [claimed for claimed in claims if claimed.post_id == self.post_id]

    async def finish(self) -> str:
        """Go on until nothing is left to do; what became of the post."""
        for _ in range(40):
            async with self.world.runtime.units.begin(self.workspace) as uow:
                post = await publishing.get_post(uow, self.post_id)
                row = await uow.session.execute(
                    text("SELECT status, next_attempt_at FROM platform_posts WHERE post_id = :id"), {"id": post.id}
                )
                status, next_at = row.one()
            if next_at is None:
                return status
            await self._jump(next_at)
            await self.step()
        raise AssertionError("the delivery does not come to an end")

    async def _jump(self, moment: Any) -> None:
        """Make the next attempt due now instead of waiting for it."""
        async with self.world.runtime.units.begin(SYSTEM) as uow:
            due = {"now": uow.clock.now(), "post": self.post_id}
            await uow.session.execute(
                text("UPDATE platform_posts SET next_attempt_at = least(next_attempt_at, :now) WHERE post_id = :post"),
                due,
            )
            await uow.session.execute(text("UPDATE connections SET held_until = NULL"))
            await uow.session.execute(text("DELETE FROM holds"))


async def scheduled(world: World, platform: str) -> Delivery:
    workspace = await world.test_scope()
    parts = [f"Thought {number} of {uuid4().hex}" for number in range(LENGTH.get(platform, 1))]
    async with world.runtime.units.begin(workspace) as uow:
        draft = Draft(
            targets={platform: Target(parts=tuple(parts))},
            text="\n".join(parts),
            media=await medium_for(world, uow, platform),
            scheduled_for=uow.clock.now(),
        )
        post = await publishing.create_post(uow, draft)
    return Delivery(world, workspace, post.id, parts)


async def medium_for(world: World, uow: UnitOfWork, platform: str) -> list[dict[str, Any]]:
    """A picture of ours, or a film, where the platform takes nothing without."""
    able = world.runtime.social.capabilities(platform)
    if able.text_only:
        return []
    content, mime_type = (jpeg(1080, 1080), "image/jpeg") if able.images else (mp4(), "video/mp4")
    found = {"width": 1080, "height": 1080} if able.images else {"width": 1080, "height": 1920, "durationSeconds": 10}

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    kept = await media.keep_media(uow, world.runtime.ports.get(Storage), chunks(), mime_type=mime_type)
    return [media.describe(kept) | found]


async def ledger(world: World, server: str) -> list[str]:
    """Everything the tenant's accounts made public, in order, as the sandbox itself kept it."""
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
        return [entry["text"] for entry in good(await client.get("/sandbox/_ledger", headers=headers))["data"]]


async def order(world: World, server: str, vendor: str, fault: str | None = None, **how: Any) -> None:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
        good(await client.post("/sandbox/_faults", json={"vendor": vendor, "fault": fault, **how}, headers=headers))


@pytest.mark.parametrize(
    ("platform", "after"),
    [*product(["twitter", "linkedin"], [False, True]), *product(OTHERS, [True])],
    ids=lambda value: {False: "before the commit", True: "after the commit"}.get(value, value),
)
async def test_a_process_that_dies_at_any_commit_leaves_one_post(
    fast_world: World, server: str, platform: str, after: bool
) -> None:
    dies_at, sure = 0, list[str]()
    while True:
        dies_at += 1
        delivery = await scheduled(fast_world, platform)
        dying = Dying(fast_world.runtime.database, dies_at, after=after)
        with suppress(Crash):
            await delivery.step(dying)
        ended = await delivery.finish()
        assert ended == "published" or (platform in FORGETFUL and ended == "unconfirmed"), f"died at commit {dies_at}"
        sure += delivery.parts if ended == "published" else []
        public = await ledger(fast_world, server)
        assert len(public) == len(set(public)), f"died at commit {dies_at}"
        assert [text for text in public if text in sure] == sure, f"died at commit {dies_at}"
        if dying.commits < dies_at:
            break
    assert dies_at > 3


@pytest.mark.parametrize("fault", ["accept_then_timeout", "accept_then_500", "accept_then_reset"])
@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
async def test_a_vendor_that_accepts_and_does_not_say_so_gets_it_once(
    fast_world: World, server: str, platform: str, fault: str
) -> None:
    seconds = {"seconds": 1} if fault == "accept_then_timeout" else {}
    await order(fast_world, server, platform, fault, count=1, **seconds)
    delivery = await scheduled(fast_world, platform)
    await delivery.step()
    assert await delivery.finish() == "published"
    assert await ledger(fast_world, server) == delivery.parts


@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
@pytest.mark.parametrize("fault", ["rate_limit", "rate_limit_no_headers", "expired_token", "reset_before", "malformed"])
async def test_a_passing_trouble_delays_the_post_and_nothing_else(
    fast_world: World, server: str, platform: str, fault: str
) -> None:
    await order(fast_world, server, platform, fault, count=1)
    delivery = await scheduled(fast_world, platform)
    await delivery.step()
    assert await delivery.finish() == "published"
    assert await ledger(fast_world, server) == delivery.parts


@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
async def test_a_token_that_expires_while_we_find_out_by_sending_again_changes_nothing(
    fast_world: World, server: str, platform: str
) -> None:
    await order(fast_world, server, platform, script=["accept_then_reset", "expired_token", *["ok"] * 20])
    delivery = await scheduled(fast_world, platform)
    await delivery.step()
    assert await delivery.finish() == "published"
    assert await ledger(fast_world, server) == delivery.parts


async def test_a_lost_answer_to_finding_out_is_found_out_as_well(fast_world: World, server: str) -> None:
    """LinkedIn accepts and does not say so, and the request that is sent again to find out is lost as well, twice."""
    script = ["accept_then_reset", "reset_before", "accept_then_500", *["ok"] * 20]
    await order(fast_world, server, "linkedin", script=script)
    delivery = await scheduled(fast_world, "linkedin")
    await delivery.step()
    assert await delivery.finish() == "published"
    assert await ledger(fast_world, server) == delivery.parts


async def test_every_lost_answer_is_looked_for_twice(fast_world: World, server: str) -> None:
    await order(fast_world, server, "twitter", script=["reset_before", "reset_before", *["ok"] * 20])
    delivery = await scheduled(fast_world, "twitter")
    await delivery.step()
    assert await delivery.finish() == "published"
    async with fast_world.runtime.units.begin(delivery.workspace) as uow:
        events = await uow.session.execute(
            text("SELECT kind, detail ->> 'reason' AS reason FROM timeline_events WHERE post_id = :post ORDER BY id"),
            {"post": delivery.post_id},
        )
        told = [event.reason if event.reason == "not there yet" else event.kind for event in events]
    assert [kind for kind in told if kind in ("not there yet", "absent")] == ["not there yet", "absent"] * 2


@pytest.mark.parametrize(("platform", "code"), [("twitter", "REFRESH_TOKEN_EXPIRED"), ("linkedin", "AUTH_REVOKED")])
async def test_a_revoked_token_fails_the_post_and_asks_for_a_reconnect(
    fast_world: World, server: str, platform: str, code: str
) -> None:
    await order(fast_world, server, platform, "revoked_token", count=5)
    delivery = await scheduled(fast_world, platform)
    await delivery.step()
    assert await delivery.finish() == "failed"
    async with fast_world.runtime.units.begin(delivery.workspace) as uow:
        found = await uow.session.execute(
            text("SELECT c.status, p.error_code FROM connections c JOIN platform_posts p ON p.connection_id = c.id")
        )
        assert ("expired", code) in [tuple(row) for row in found]
    assert await ledger(fast_world, server) == []


async def test_after_an_acknowledged_cancel_nothing_goes_out(fast_world: World, server: str) -> None:
    delivery = await scheduled(fast_world, "twitter")
    async with fast_world.runtime.units.begin(delivery.workspace) as uow:
        await publishing.cancel(uow, delivery.post_id)
    assert not await delivery.step()
    assert await ledger(fast_world, server) == []


async def test_a_late_writer_changes_nothing(fast_world: World, server: str) -> None:
    delivery = await scheduled(fast_world, "twitter")
    (stale,) = await delivery._claim()
    assert await delivery.finish() == "published"
    await delivery.courier().deliver(replace(stale, lease_until=stale.lease_until - timedelta(hours=1)))
    assert await ledger(fast_world, server) == delivery.parts


async def test_the_timeline_tells_what_happened_in_order(fast_world: World, server: str) -> None:
    await order(fast_world, server, "twitter", "accept_then_500", count=1)
    delivery = await scheduled(fast_world, "twitter")
    await delivery.step()
    await delivery.finish()
    async with fast_world.runtime.units.begin(delivery.workspace) as uow:
        kinds = await uow.session.scalars(
            text("SELECT kind FROM timeline_events WHERE post_id = :post ORDER BY id"), {"post": delivery.post_id}
        )
        told = list(kinds)
    assert told[0] == "created"
    assert told[-1] == "published"
    assert told.index("outcome_unknown") < told.index("found")


@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
async def test_with_every_second_answer_lost_nothing_is_posted_twice(
    fast_world: World, server: str, platform: str
) -> None:
    await order(fast_world, server, platform, "accept_then_timeout", script=["ok", "accept_then_timeout"], seconds=1)
    expected: list[str] = []
    for _ in range(3):
        delivery = await scheduled(fast_world, platform)
        await delivery.step()
        assert await delivery.finish() == "published"
        expected += delivery.parts
    assert await ledger(fast_world, server) == expected


async def test_giving_up_after_a_lost_answer_never_claims_that_nothing_is_public(
    fast_world: World, server: str
) -> None:
    """LinkedIn accepts and does not say so; then the account is revoked, so that nobody can find out any more."""
    await order(fast_world, server, "linkedin", "accept_then_500", count=1)
    delivery = await scheduled(fast_world, "linkedin")
    await delivery.step()
    await order(fast_world, server, "linkedin", "revoked_token", count=5)
    assert await delivery.finish() == "unconfirmed"
    assert await ledger(fast_world, server) == delivery.parts
