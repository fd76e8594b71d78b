"""Taking over the jobs of a worker that died, and removing jobs that nobody will look at again."""

from dataclasses import dataclass
from datetime import timedelta

from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status
from sqlalchemy import text

from amp.engine import throttle
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Database
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


async def worker_alive(database: Database, heartbeats: Heartbeats) -> bool:
    """Has any worker given a sign of life of late?"""
    async with database.transaction(SYSTEM) as session:
        newest = await session.scalar(text("SELECT max(last_heartbeat) FROM procrastinate_workers"))
    return newest is not None and (real_now() - newest).total_seconds() < heartbeats.dead_after


@recurring(timedelta(hours=1))
async def sweep(job: Job) -> None:
    """Closed rate windows go at once; failed jobs stay three days for the curious. The domain rows hold what
    matters for good."""
    async with job.system_unit() as uow:
        await throttle.sweep(uow.session)
    await job.units.queue.job_manager.delete_old_jobs(
        nb_hours=72, include_failed=True, include_cancelled=True, include_aborted=True
    )
