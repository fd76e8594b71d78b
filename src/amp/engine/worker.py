"""The worker: runs jobs, recurring work and long-running loops until told to stop; then drains.

                      ┌────────────── runs ──────────────┐
    queue ── fetch ──>│ handler(message, job)            │── ok ──> removed
                      └───── failed ── retry policy ─────┘── again at a later moment
                                          └── none left ──> gave_up(...), kept as failed
A worker whose database went away waits and starts over; a worker that dies is taken over by the others. No error ends
a loop for good: it is told, and the loop begins again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

import structlog
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AppNotOpen, ConnectorException, JobAborted
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import PoolClosed, PoolTimeout

from amp.engine.jobs import REGISTRY, Handler, Job, Ports, RetryPolicy, from_wire
from amp.engine.recovery import Heartbeats, Pulse, note_turns, take_over
from amp.engine.timetable import TIMETABLE, Recurring, cron
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import Clock, real_now
from amp.kit.database import SYSTEM, SYSTEM_ROLE, Scope, out_of_reach
from amp.kit.errors import Unavailable
from amp.kit.telemetry import JOBS, WORKER_UP, is_news, log, warn_rarely

Loop = Callable[[asyncio.Event, Pulse], Coroutine[Any, Any, None]]
"""Runs until the event is set, and lets its pulse beat whenever it has done what it is there for."""
_OUT_OF_REACH = (ConnectorException, AppNotOpen, PoolTimeout, PoolClosed, OSError, Unavailable)
_AGAIN_AFTER = 1.0
_INSISTS_FOR, _ASKS_AGAIN_AFTER = 15.0, 0.5
"""Seconds; shorter than a worker may be silent."""
_LOGGERS = ("asyncio", "procrastinate.worker", "procrastinate.worker.worker", "procrastinate.utils")


def open_queue(url: str, *, pool_size: int = 4) -> App:
    """The job queue. Enqueueing needs no pool of its own; a worker opens it."""
    connector = PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=pool_size,
        kwargs={"options": f"-c role={SYSTEM_ROLE} -c timezone=UTC", "connect_timeout": 5},
    )
    queue = App(connector=connector)
    queue.job_manager = _Jobs(connector)
    return queue


class _Jobs(JobManager):
    """The queue's own, but what became of a job is known here only: a database that is away for a moment is no reason
    to forget it, and to leave the job for ever to a worker that has done with it."""

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        await self._insist(partial(super().finish_job_by_id_async, job_id, status, delete_job))

    async def retry_job_by_id_async(self, job_id: int, retry_at: datetime, *changes: Any, **named: Any) -> None:
        await self._insist(partial(super().retry_job_by_id_async, job_id, retry_at, *changes, **named))

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        until = time.monotonic() + _INSISTS_FOR
        while True:
            try:
                return await write()
            except ConnectorException as error:
                cause = error.__cause__
                if not (isinstance(cause, Exception) and out_of_reach(cause)) or time.monotonic() >= until:
                    raise
                if isinstance(cause, ReadOnlySqlTransaction):  # for as long as these sessions last
                    await cast("PsycopgConnector", self.connector).pool.drain()
                await asyncio.sleep(_ASKS_AGAIN_AFTER)


@dataclass
class Worker:
    units: UnitsOfWork
    ports: Ports
    loops: Mapping[str, Loop] = field(default_factory=dict[str, Loop])
    concurrency: int = 10
    poll_seconds: float = 1.0
    drain_seconds: float = 20.0
    heartbeats: Heartbeats = field(default_factory=Heartbeats)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what was begun (for at most `drain_seconds`)."""
        register_tasks(self.units, self.ports)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_is_told_by_nobody_else)
        WORKER_UP.set(1)
        pulses = {name: Pulse() for name in self.loops}
        turning = {name: partial(loop, stop, pulses[name]) for name, loop in self.loops.items()}
        turning |= {
            "queue": partial(self._work, stop),
            "recovery": partial(self._look_after_the_dead, stop),
            "signs of life": partial(self._give_signs_of_life, stop, pulses),
        }
        try:
            await asyncio.gather(*(_keep(name, loop, stop) for name, loop in turning.items()))
        finally:
            WORKER_UP.set(0)

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._live(stop)

    async def _live(self, stop: asyncio.Event) -> None:
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
                ended, _ = await asyncio.gather(work, stopped, return_exceptions=True)
                if not stop.is_set():
                    if isinstance(ended, Exception) and not isinstance(ended, _OUT_OF_REACH):
                        raise ended
                    warn_rarely("the queue was lost; starting over", error=_cause(ended))
        except _OUT_OF_REACH as error:
            warn_rarely("the queue is out of reach", error=_cause(error))
        await wait(stop, _AGAIN_AFTER)

    async def _look_after_the_dead(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await take_over(self.units.queue, self.heartbeats)
            except _OUT_OF_REACH as error:
                log.debug("could not look for dead workers", error=repr(error))
            await wait(stop, self.heartbeats.look_every)

    async def _give_signs_of_life(self, stop: asyncio.Event, pulses: Mapping[str, Pulse]) -> None:
        while not stop.is_set():
            try:
                await note_turns(self.units.database, pulses)
            except Unavailable as error:
                log.debug("could not give a sign of life", error=error.message)
            begun = all(pulse.age is not None for pulse in pulses.values())
            await wait(stop, self.heartbeats.every if begun else min(0.1, self.heartbeats.every))


async def _keep(name: str, loop: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Run a loop until told to stop, whatever happens to it. What it dies of is told with its traceback, but not again
    and again."""
    while True:
        try:
            await loop()
        except Exception as error:
            if is_news("loop", f"{name} {error!r}"):
                log.error("a loop of the worker died; starting it again", loop=name, exc_info=error)
        else:
            if not stop.is_set():
                warn_rarely("a loop of the worker ended; starting it again", error=name)
        if stop.is_set():
            return
        await wait(stop, _AGAIN_AFTER)


def _is_told_by_nobody_else(record: logging.LogRecord) -> bool:
    """That the database went away, and what fails until it is back, is said in lines of ours. The queue says it in
    tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectorException | Unavailable))


def _cause(error: object) -> str:
    return repr(error.__cause__ or error) if isinstance(error, BaseException) else "it ended"


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
    if not context.job.queueing_lock:
        return
    try:
        await queue.connector.execute_query_async(
            "UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id = %(id)s", id=context.job.id
        )
    except ConnectorException as error:
        raise Unavailable("The queue is not available", retry_after=2) from error


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
            if isinstance(error, Unavailable):
                warn_rarely("jobs have to wait", error=error.message, cause=repr(error.__cause__))
            else:
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
