"""The dispatcher: one loop in every worker that claims what is due, in batches, and delivers it concurrently.

It sleeps until the next due moment, but never longer than a poll: another process may schedule something
sooner. However many loops run, the claim gives every delivery to one of them.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from amp.domain.publishing.claiming import Claimed, claim_due, next_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.port import Environment
from amp.engine.unit_of_work import UnitOfWork
from amp.engine.worker import wait
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.errors import Unavailable
from amp.kit.telemetry import log

POLL_SECONDS = 0.2
_ENVIRONMENTS = text("SELECT id, environment FROM workspaces WHERE id = ANY(:ids)")


@dataclass
class Dispatcher:
    courier: Courier
    concurrency: int = 32
    drain_seconds: float = 40.0
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _environments: dict[UUID, Environment] = field(default_factory=dict[UUID, Environment])

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until told to stop, then wait for what was begun."""
        while not stop.is_set():
            try:
                pause = await self._turn()
            except Unavailable as error:
                log.warning("the dispatcher waits for the database", error=str(error))
                pause = 1.0
            if pause:
                await wait(stop, pause)
        if self._running:
            await asyncio.wait(self._running, timeout=self.drain_seconds)

    async def _turn(self) -> float:
        """Start what is due, as far as there is room; how long (real seconds) to sleep then."""
        room = self.concurrency - len(self._running)
        if room <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return 0.0
        async with self.courier.units.begin(SYSTEM) as uow:
            courier = self.courier
            claims = await claim_due(uow, limit=room, missed_after=courier.missed_after, lease=courier.lease)
            await self._learn_environments(uow, {claimed.workspace_id for claimed in claims})
            upcoming = None if claims else await next_due(uow)
        for claimed in claims:
            self._start(claimed)
        if claims:
            return 0.0
        if upcoming is None:
            return POLL_SECONDS
        due = self.courier.units.clock.real_moment(upcoming)
        return min(POLL_SECONDS, max(0.001, (due - real_now()).total_seconds()))

    def _start(self, claimed: Claimed) -> None:
        task = asyncio.create_task(self._deliver(claimed))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            await self.courier.deliver(claimed, self._environments[claimed.workspace_id])
        except Unavailable as error:  # the lease runs out, and somebody looks what became of it
            log.warning("the database went away during a delivery", error=str(error))
        except Exception:
            log.exception("a delivery broke off", platform=claimed.platform)

    async def _learn_environments(self, uow: UnitOfWork, workspaces: set[UUID]) -> None:
        unknown = list(workspaces - self._environments.keys())
        if unknown:
            rows = await uow.session.execute(_ENVIRONMENTS, {"ids": unknown})
            self._environments.update({row.id: row.environment for row in rows})
