"""The worker: runs jobs, recurring work and long-running loops until told to stop; then drains.

                      ┌────────────── runs ──────────────┐
    queue ── fetch ──>│ handler(message, job)            │── ok ──> removed
                      └───── failed ── retry policy ─────┘── again at a later moment
                                          └── none left ──> gave_up(...), kept as failed
A worker whose database went away waits and starts over; a worker that dies is taken over by the others.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AppNotOpen, ConnectorException, JobAborted
from procrastinate.jobs import Job as QueuedJob
from procrastinate.retry import BaseRetryStrategy
from psycopg_pool import PoolClosed, PoolTimeout

from amp.engine.jobs import REGISTRY, Handler, Job, Ports, RetryPolicy, from_wire
from amp.engine.recovery import Heartbeats, take_over
from amp.engine.timetable import TIMETABLE, Recurring, cron
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import Clock, real_now
from amp.kit.database import SYSTEM, SYSTEM_ROLE, Scope
from amp.kit.telemetry import JOBS, WORKER_UP, log

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
_OUT_OF_REACH = (ConnectorException, AppNotOpen, PoolTimeout, PoolClosed, OSError)


def open_queue(url: str, *, pool_size: int = 4) -> App:
    """The job queue. Enqueueing needs no pool of its own; a worker opens it."""
    connector = PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=pool_size,
        kwargs={"options": f"-c role={SYSTEM_ROLE} -c timezone=UTC", "connect_timeout": 5},
    )
    return App(connector=connector)


@dataclass
class Worker:
    units: UnitsOfWork
    ports: Ports
    loops: Sequence[Loop] = ()
    concurrency: int = 10
    poll_seconds: float = 1.0
    drain_seconds: float = 20.0
    heartbeats: Heartbeats = field(default_factory=Heartbeats)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what was begun (for at most `drain_seconds`)."""
        register_tasks(self.units, self.ports)
        for name in ("procrastinate.worker.worker", "procrastinate.utils"):
            logging.getLogger(name).addFilter(_is_news)
        WORKER_UP.set(1)
        tasks = [asyncio.create_task(loop(stop)) for loop in self.loops]
        tasks.append(asyncio.create_task(self._look_after_the_dead(stop)))
        try:
            while not stop.is_set():
                await self._work(stop)
        finally:
            WORKER_UP.set(0)
            stop.set()
            await asyncio.gather(*tasks)

    async def _work(self, stop: asyncio.Event) -> None:
        """One life of the queue's own worker: until `stop`, or until the database goes away."""
        queue = self.units.queue
        try:
            async with queue.open_async():
                work = asyncio.create_task(
                    queue.run_worker_async(
                        concurrency=self.concurrency,
                        fetch_job_polling_interval=self.poll_seconds,
                        shutdown_graceful_timeout=self.drain_seconds,
                        delete_jobs="successful",
                        install_signal_handlers=False,
                        update_heartbeat_interval=self.heartbeats.every,
                        stalled_worker_timeout=self.heartbeats.dead_after,
                    )
                )
                stopped = asyncio.create_task(stop.wait())
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                work.cancel()
                await asyncio.gather(work, stopped, return_exceptions=True)
                if not stop.is_set():
                    log.warning("the queue was lost; starting over")
        except _OUT_OF_REACH as error:
            log.warning("the queue is out of reach", error=repr(error))
        if not stop.is_set():
            await asyncio.sleep(1.0)

    async def _look_after_the_dead(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await take_over(self.units.queue, self.heartbeats)
            except _OUT_OF_REACH as error:
                log.debug("could not look for dead workers", error=repr(error))
            await wait(stop, self.heartbeats.look_every)


def _is_news(record: logging.LogRecord) -> bool:
    """That the database went away is said in a line of ours. The queue says it in two tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectorException))


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but wake at once when told to stop."""
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return


def register_tasks(units: UnitsOfWork, ports: Ports) -> None:
    """Make every handler and every line of the timetable known to the queue."""
    known = cast("dict[str, object]", units.queue.tasks)  # pyright: ignore[reportUnknownMemberType]
    for handler in REGISTRY.all():
        if handler.name not in known:
            _register_handler(handler, units, ports)
    for entry in TIMETABLE.entries:
        if entry.name not in known:
            _register_recurring(entry, units, ports)


def _register_handler(handler: Handler, units: UnitsOfWork, ports: Ports) -> None:
    async def run(context: JobContext, message: dict[str, Any], request_id: str | None = None) -> None:
        parsed = from_wire(handler.message, message)
        scope = SYSTEM if parsed.workspace_id is None else Scope(workspace_id=parsed.workspace_id)
        attempt = context.job.attempts
        job = Job(units=units, ports=ports, scope=scope, attempt=attempt)

        async def give_up(error: Exception) -> None:
            if handler.gave_up and handler.retry.wait(error, attempt, units.clock) is None:
                await handler.gave_up(parsed, job, error)

        await _open_name(units.queue, context)
        await _run_logged(handler.name, context, request_id, lambda: handler.handle(parsed, job), give_up)

    units.queue.task(name=handler.name, pass_context=True, retry=_Strategy(handler.retry, units.clock))(run)


def _register_recurring(entry: Recurring, units: UnitsOfWork, ports: Ports) -> None:
    async def run(context: JobContext, timestamp: int) -> None:
        job = Job(units=units, ports=ports, scope=SYSTEM, attempt=context.job.attempts)
        await _open_name(units.queue, context)
        await _run_logged(entry.name, context, None, lambda: entry.turn(job), None)

    task = units.queue.task(name=entry.name, queueing_lock=entry.name, lock=entry.name, pass_context=True)
    units.queue.periodic(cron=cron(entry.every, units.clock))(task(run))


async def _open_name(queue: App, context: JobContext) -> None:
    """A job that runs gives up its name (`once`): the next one may wait under it, and a retry of this one must
    not collide with that."""
    if context.job.queueing_lock:
        await queue.connector.execute_query_async(
            "UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id = %(id)s", id=context.job.id
        )


async def _run_logged(
    name: str,
    context: JobContext,
    request_id: str | None,
    work: Callable[[], Awaitable[None]],
    give_up: Callable[[Exception], Awaitable[None]] | None,
) -> None:
    """The worker's edge: the only place that catches every error, to count it, log it and pass it on."""
    with structlog.contextvars.bound_contextvars(job=name, job_id=context.job.id, request_id=request_id):
        started, outcome = time.perf_counter(), "ok"
        try:
            await work()
        except Exception as error:
            outcome = "failed"
            log.warning("job failed", error=repr(error), cause=repr(error.__cause__), attempt=context.job.attempts)
            if give_up:
                await give_up(error)
            raise
        finally:
            JOBS.labels(name, outcome).observe(time.perf_counter() - started)


class _Strategy(BaseRetryStrategy):
    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | JobAborted):
            return RetryDecision(retry_at=real_now())
        moment = self._policy.wait(exception, job.attempts, self._clock)
        return RetryDecision(retry_at=moment) if moment else None
