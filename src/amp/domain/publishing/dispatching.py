"""The dispatcher: one loop in every worker that claims what is due, in batches, and delivers it concurrently.

It sleeps until the next due moment, but never longer than a poll: another process may schedule something
sooner. However many loops run, the claim gives every delivery to one of them. Each platform has a lane of its own,
so that a vendor that hangs fills its lane and holds nobody else back.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from amp.domain.publishing.claiming import DEEP, SHALLOW, Claimed, Room, claim_due, next_due
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.holding import put_off
from amp.engine.recovery import Pulse
from amp.engine.worker import wait
from amp.kit.clock import real_now
from amp.kit.errors import Unavailable
from amp.kit.telemetry import log, warn_rarely

POLL_SECONDS = 0.2
LANE = 896
"""Deliveries at once on one platform: what is due at one second should set out within two, however slow its answers."""
BATCH = 128
"""Not large: what is claimed has its intent committed, so it should leave at once."""


@dataclass
class Dispatcher:
    courier: Courier
    lane: int = LANE
    drain_seconds: float = 40.0
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _lanes: Counter[str] = field(default_factory=Counter[str])
    _scan: int = SHALLOW

    async def run(self, stop: asyncio.Event, pulse: Pulse) -> None:
        """Dispatch until told to stop, then wait for what was begun. After any other error than that the database is
        away, it may be called again."""
        try:
            while not stop.is_set():
                await self._turn_or_wait(stop, pulse)
        finally:
            if stop.is_set() and self._running:
                await asyncio.wait(self._running, timeout=self.drain_seconds)

    async def _turn_or_wait(self, stop: asyncio.Event, pulse: Pulse) -> None:
        try:
            pause = await self._turn()
            pulse.beat()
        except Unavailable as error:
            warn_rarely("the dispatcher waits for the database", error=error.message)
            pause = 1.0
        if pause:
            await wait(stop, pause)

    async def _turn(self) -> float:
        """Start what is due, as far as there is room; how long (real seconds) to sleep then."""
        room = Room(limit=BATCH, each=self.lane, lanes={lane: self.lane - n for lane, n in self._lanes.items()})
        units = self.courier.units
        claims, blocked = await claim_due(units, self.courier.terms, room, scan=self._scan)
        if blocked:
            await put_off(units, blocked)
        if claims:
            await self._start(claims)
            self._scan = max(SHALLOW, self._scan // 2)
            return 0.0
        self._scan = min(DEEP, self._scan * 4)
        return 0.0 if blocked else await self._pause()

    async def _pause(self) -> float:
        upcoming = await next_due(self.courier.units)
        if upcoming is None:
            return POLL_SECONDS
        due = self.courier.units.clock.real_moment(upcoming)
        return min(POLL_SECONDS, max(0.001, (due - real_now()).total_seconds()))

    async def _start(self, claims: Sequence[Claimed]) -> None:
        try:
            await self.courier.prepare(claims)
        finally:  # they are claimed: whatever is not known of their accounts, each finds out by itself
            for claimed in claims:
                self._lanes[claimed.lane] += 1
                task = asyncio.create_task(self._deliver(claimed))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            await self.courier.deliver(claimed)
        except Unavailable as error:  # the lease runs out, and somebody looks what became of it
            warn_rarely("the database went away during a delivery", error=error.message)
        except Exception:
            log.exception("a delivery broke off", platform=claimed.platform)
        finally:
            self._lanes[claimed.lane] -= 1
