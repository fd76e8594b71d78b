"""The life of a post under every order of events: claims, deaths, leases that run out, late writers, cancels, pauses,
edits, retries and decisions, in any sequence, on the real database. A vendor that is nothing but a counter judges.

Whatever happens: nothing goes out twice unless a person said that it had not gone out; nothing goes out after a cancel
was acknowledged; and nothing is called published that is not there, or failed that is.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import sampled_from
from sqlalchemy import text

from amp.domain.publishing import deciding
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.claiming import Claimed, Room, Terms, claim_due
from amp.domain.publishing.operations import Draft, Target
from amp.domain.publishing.outcomes import Outcomes
from amp.domain.publishing.port import Done, LeaseLost
from amp.domain.publishing.progress import SavedProgress
from amp.domain.publishing.recording import Log, Recorder
from amp.domain.publishing.retrying import retry
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import Conflict, ProviderFailed, Rejected
from world import World, open_world

Result = TypeVar("Result")
LEASE = timedelta(seconds=60)
TERMS = Terms(timedelta(days=365), LEASE)


@dataclass
class Holder:
    """A worker with a claimed delivery in its hands, or one that believes so."""

    claimed: Claimed
    record: Log
    progress: SavedProgress
    outcomes: Outcomes
    sent: bool = False
    leased: bool = True


@dataclass
class Stage:
    world: World
    runner: asyncio.Runner
    workspace: Scope
    context: AbstractAsyncContextManager[World]
    machines: list[Any] = field(default_factory=list[Any])

    def run(self, work: Awaitable[Result]) -> Result:
        async def wait() -> Result:
            return await work

        return self.runner.run(wait())


class Lives(RuleBasedStateMachine):
    stage: ClassVar[Stage]

    @initialize()
    def schedule(self) -> None:
        self.holders: list[Holder] = []
        self.public = Counter[UUID]()
        self.public_at_cancel: dict[UUID, int] = {}
        self.world = self.stage.world
        self.due = self.world.runtime.clock.now() - timedelta(seconds=1)
        self.stage.run(self._forget_the_last_life())
        self.post_id = self.stage.run(self._schedule())

    async def _forget_the_last_life(self) -> None:
        async with self.unit() as uow:
            await uow.session.execute(text("DELETE FROM posts"))

    async def _schedule(self) -> UUID:
        async with self.unit() as uow:
            draft = Draft({"twitter": Target(("One life",))}, "One life", scheduled_for=self.due)
            return (await publishing.create_post(uow, draft)).id

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        async with self.world.runtime.units.begin(self.stage.workspace) as uow:
            yield uow

    def attempt(self, work: Any) -> bool:
        """Whether the operation was acknowledged."""

        async def act() -> bool:
            try:
                async with self.unit() as uow:
                    await work(uow)
            except Conflict:
                return False
            return True

        return self.stage.run(act())

    # Workers ------------------------------------------------------------------------------------------------------

    @rule()
    def claim(self) -> None:
        units = self.world.runtime.units
        claims, _ = self.stage.run(claim_due(units, TERMS, Room(8, 8, {})))
        for claimed in claims:
            record = Log(Recorder(units), claimed)
            progress = SavedProgress(record, claimed, units.clock, lease=LEASE)
            self.holders.append(Holder(claimed, record, progress, Outcomes(units, record, claimed)))

    @precondition(lambda self: any(holder.leased and not holder.sent for holder in self.holders))
    @rule()
    def look_or_send(self) -> None:
        """As `delivering.py`: an open question is looked up, everything else is intended and sent."""
        holder = next(holder for holder in self.holders if holder.leased and not holder.sent)
        try:
            self.stage.run(self._look_or_send(holder))
        except LeaseLost:
            self.holders.remove(holder)

    async def _look_or_send(self, holder: Holder) -> None:
        if holder.progress.unknown_since is not None:
            if self.public[holder.claimed.post_id]:
                await holder.progress.found(Done("1", "https://x.com/1"))
                await holder.outcomes.record(Done("1", "https://x.com/1"))
            elif holder.progress.searches == 0:
                await holder.outcomes.look_later(timedelta(0), reason="not there yet", searches=1)
            else:
                await holder.progress.absent()
                return
            self.holders.remove(holder)
            return
        await holder.progress.intend("post")
        self.public[holder.claimed.post_id] += 1
        holder.sent = True

    @precondition(lambda self: any(holder.sent for holder in self.holders))
    @rule(answer=sampled_from(["heard", "lost", "never to be found out"]))
    def answer(self, answer: str) -> None:
        done = Done("1", "https://x.com/1")
        holder = next(holder for holder in self.holders if holder.sent)
        if answer == "heard":
            self._end(holder, holder.outcomes.record(done))
        elif answer == "lost":
            self._end(holder, holder.outcomes.look_later(timedelta(0), reason="lost", searches=0))
        else:
            self._end(holder, holder.outcomes.unconfirmed())

    @precondition(
        lambda self: any(not holder.sent and holder.progress.unknown_since is None for holder in self.holders)
    )
    @rule()
    def refuse(self) -> None:
        refused = ProviderFailed("no", remedy=Rejected("VALIDATION_FAILED"))
        holder = next(one for one in self.holders if not one.sent and one.progress.unknown_since is None)
        self._end(holder, holder.outcomes.failed(refused))

    def _end(self, holder: Holder, write: Coroutine[Any, Any, None]) -> None:
        self.holders.remove(holder)
        with suppress(LeaseLost):
            self.stage.run(write)

    @precondition(lambda self: self.holders)
    @rule()
    def die(self) -> None:
        self.holders.pop(0)

    @rule()
    def leases_run_out(self) -> None:
        """Whoever has sent something may still write; nobody sends any more."""
        for holder in self.holders:
            holder.leased = False
        self.holders = [holder for holder in self.holders if holder.sent]
        self.stage.run(self._expire())

    async def _expire(self) -> None:
        async with self.world.runtime.units.begin(SYSTEM) as uow:
            await uow.session.execute(
                text("UPDATE platform_posts SET lease_until = :past WHERE lease_until IS NOT NULL"),
                {"past": real_now() - timedelta(seconds=1)},
            )

    # People -------------------------------------------------------------------------------------------------------

    @rule()
    def cancel(self) -> None:
        if self.attempt(lambda uow: publishing.cancel(uow, self.post_id)):
            self.public_at_cancel[self.post_id] = self.public[self.post_id]
            self.post_id = self.stage.run(self._schedule())

    @precondition(lambda self: self.public[self.post_id])
    @rule()
    def turn_to_another(self) -> None:
        self.post_id = self.stage.run(self._schedule())

    @rule(then=sampled_from(["pause", "move", "publish now"]))
    def change_the_plan(self, then: str) -> None:
        plans: dict[str, Callable[[UnitOfWork], Awaitable[Any]]] = {
            "pause": lambda uow: publishing.hold(uow, self.post_id),
            "move": lambda uow: publishing.reschedule(uow, self.post_id, self.due),
            "publish now": lambda uow: publishing.publish_now(uow, self.post_id),
        }
        self.attempt(plans[then])

    @rule()
    def retry_or_decide(self) -> None:
        """What failed is sent again; of what is in question a person says what is there."""
        if self.attempt(lambda uow: retry(uow, self.world.runtime.ports, self.post_id)):
            return
        if self.public[self.post_id]:
            self.attempt(lambda uow: deciding.it_was_published(uow, self.post_id, "twitter"))
        else:
            self.attempt(lambda uow: deciding.it_was_not_published(uow, self.post_id, "twitter"))

    # What always holds --------------------------------------------------------------------------------------------

    @invariant()
    def it_is_public_once_at_most(self) -> None:
        assert all(times <= 1 for times in self.public.values())

    @invariant()
    def nothing_goes_out_after_a_cancel(self) -> None:
        assert all(self.public[post] == public for post, public in self.public_at_cancel.items())

    @invariant()
    def what_is_said_is_true(self) -> None:
        for post_id, status in self.stage.run(self._statuses()):
            if status == "published":
                assert self.public[post_id] == 1
            sending = any(holder.sent and holder.claimed.post_id == post_id for holder in self.holders)
            if status in ("failed", "cancelled") and not sending:
                assert self.public[post_id] == 0

    async def _statuses(self) -> list[tuple[UUID, str]]:
        async with self.unit() as uow:
            return [tuple(row) for row in await uow.session.execute(text("SELECT post_id, status FROM platform_posts"))]


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Any:
    with asyncio.Runner() as runner:
        context = open_world(database_url, tmp_path)
        world = runner.run(context.__aenter__())
        stage = Stage(world, runner, runner.run(world.test_scope()), context)
        yield stage
        runner.run(context.__aexit__(None, None, None))


def test_no_order_of_events_publishes_twice_or_loses_the_truth(stage: Stage) -> None:
    Lives.stage = stage
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
