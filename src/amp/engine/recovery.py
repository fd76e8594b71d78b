"""Taking over the jobs of a worker that died, removing jobs that nobody will look at again, and signs of life: of
workers, and of the loops in them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status
from sqlalchemy import text

from amp.engine import throttle
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.kit.clock import real_now
from amp.kit.database import Database
from amp.kit.telemetry import log


@dataclass(frozen=True)
class Heartbeats:
    """Real seconds. A worker that was silent for `dead_after` is dead; its jobs go to the others."""

    every: float = 5.0
    dead_after: float = 20.0
    look_every: float = 10.0


async def take_over(queue: App, heartbeats: Heartbeats) -> int:
    """Put the jobs of dead workers back into the queue; the number of them."""
    stalled = list(await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=heartbeats.dead_after))
    for job in stalled:
        log.warning("taking over a job of a dead worker", job=job.task_name, job_id=job.id)
        try:
            await queue.job_manager.retry_job(job, retry_at=real_now())
        except UniqueViolation:  # it died before it gave up its name, and another waits under it: that one will do
            await queue.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
    return len(stalled)


@dataclass
class Pulse:
    """When a loop last did what it is there for: it says so itself, as nobody else could know."""

    _at: float | None = field(default=None, init=False)

    def beat(self) -> None:
        self._at = time.monotonic()

    @property
    def age(self) -> float | None:
        """Real seconds since then; None: not yet."""
        return None if self._at is None else time.monotonic() - self._at


_TURNED = text(
    """
    INSERT INTO turns AS t (loop, at) VALUES (:loop, clock_timestamp() - make_interval(secs => :age))
    ON CONFLICT (loop) DO UPDATE SET at = greatest(t.at, excluded.at)
    RETURNING at
    """
)
_SIGNS = text(
    """
    SELECT (SELECT max(last_heartbeat) FROM procrastinate_workers) AS heartbeat, (SELECT min(at) FROM turns) AS turn
    """
)


async def note_turns(database: Database, pulses: Mapping[str, Pulse]) -> None:
    """Let everybody know when these loops last turned, in whichever worker."""
    for name, pulse in pulses.items():
        if pulse.age is not None:
            await database.system_rows(_TURNED, {"loop": name, "age": pulse.age})


async def worker_alive(database: Database, heartbeats: Heartbeats) -> bool:
    """Has a worker given a sign of life of late, and has every loop turned in one?"""
    signs = await database.system_statement(_SIGNS, {})
    if signs is None or signs.heartbeat is None or signs.turn is None:
        return False
    return (real_now() - min(signs.heartbeat, signs.turn)).total_seconds() < heartbeats.dead_after


@recurring(timedelta(hours=1))
async def sweep(job: Job) -> None:
    """Closed rate windows go at once; failed jobs stay three days for the curious. The domain rows hold what
    matters for good."""
    async with job.system_unit() as uow:
        await throttle.sweep(uow.session)
    await job.units.queue.job_manager.delete_old_jobs(
        nb_hours=72, include_failed=True, include_cancelled=True, include_aborted=True
    )
