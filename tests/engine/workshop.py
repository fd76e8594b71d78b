"""Jobs for the tests of the worker, and a worker process that runs them: `python workshop.py <database url>`.

What the jobs do is noted in the table `workshop`, which the tests read.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from sqlalchemy import text

from amp.engine.jobs import Job, Message, Ports, RetryPolicy, handles
from amp.engine.recovery import Heartbeats
from amp.engine.timetable import recurring
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.engine.worker import Loop, Worker, open_queue
from amp.kit.clock import RealClock
from amp.kit.database import SYSTEM, SYSTEM_ROLE, open_database
from amp.kit.errors import ProviderFailed, Rejected, Retry

QUICK = Heartbeats(every=0.2, dead_after=1.0, look_every=0.2)
_TABLE = f"""
    CREATE TABLE IF NOT EXISTS workshop (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), what text);
    GRANT SELECT, INSERT ON workshop TO {SYSTEM_ROLE}; GRANT USAGE ON SEQUENCE workshop_id_seq TO {SYSTEM_ROLE};
"""


@dataclass(frozen=True, kw_only=True)
class Build(Message):
    what: str
    seconds: float = 0.0
    hangs_at_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Rest(Message):
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Refuse(Message):
    """Fails: for good if `final`, else every time until it is given up."""

    final: bool = False


@handles(Build)
async def build(message: Build, job: Job) -> None:
    request = structlog.contextvars.get_contextvars().get("request_id")
    await note(job, f"begin {message.what} attempt {job.attempt} request {request}")
    if message.hangs_at_first and job.attempt == 0:
        await asyncio.Event().wait()
    await asyncio.sleep(message.seconds)
    await note(job, f"end {message.what}")


@handles(Rest)
async def rest(message: Rest, job: Job) -> None:
    await note(job, "rest")
    await asyncio.sleep(message.seconds)


async def gave_up(message: Refuse, job: Job, error: Exception) -> None:
    await note(job, f"gave up: {error}")


@handles(Refuse, gave_up=gave_up, retry=RetryPolicy(attempts=3, first=timedelta(milliseconds=10)))
async def refuse(message: Refuse, job: Job) -> None:
    await note(job, f"refuse {job.attempt}")
    raise ProviderFailed("no", remedy=Rejected("NO") if message.final else Retry())


async def note(job: Job, what: str) -> None:
    async with job.system_unit() as uow:
        await uow.session.execute(text("INSERT INTO workshop (what) VALUES (:what)"), {"what": what})


@dataclass
class Workshop:
    url: str
    units: UnitsOfWork
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        async with self.units.begin(SYSTEM) as uow:
            yield uow

    async def notes(self) -> list[str]:
        async with self.unit() as uow:
            return list(await uow.session.scalars(text("SELECT what FROM workshop ORDER BY id")))

    async def times(self, what: str) -> list[datetime]:
        async with self.unit() as uow:
            query = text("SELECT at FROM workshop WHERE what = :what ORDER BY id")
            return list(await uow.session.scalars(query, {"what": what}))

    async def jobs(self) -> int:
        """Of the workshop: the product's own recurring work may fall due at any full minute."""
        own = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%workshop.%'")
        async with self.unit() as uow:
            return await uow.session.scalar(own) or 0

    async def start_worker(self, *arguments: str) -> asyncio.subprocess.Process:
        """A worker process of its own."""
        process = await asyncio.create_subprocess_exec(sys.executable, __file__, self.url, *arguments)
        self.processes.append(process)
        return process

    @asynccontextmanager
    async def worker(self, **loops: Loop) -> AsyncGenerator[None]:
        """A worker in this process, stopped at the end of the block."""
        stop = asyncio.Event()
        working = asyncio.create_task(worker_of(self.units, loops).run(stop))
        try:
            yield
        finally:
            stop.set()
            await working


def worker_of(units: UnitsOfWork, loops: Mapping[str, Loop] | None = None) -> Worker:
    return Worker(units, Ports({}), loops=loops or {}, poll_seconds=0.05, heartbeats=QUICK)


def units_of(url: str) -> UnitsOfWork:
    return UnitsOfWork(open_database(url, pool_size=5), RealClock(), open_queue(url))


@asynccontextmanager
async def open_workshop(url: str) -> AsyncGenerator[Workshop]:
    await as_owner(url, _TABLE + "DELETE FROM procrastinate_jobs; TRUNCATE workshop, turns")
    workshop = Workshop(url, units_of(url))
    try:
        yield workshop
    finally:
        for process in workshop.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
        await workshop.units.database.close()
        await as_owner(
            url,
            "DROP TABLE workshop; DELETE FROM procrastinate_jobs; DELETE FROM procrastinate_workers; DELETE FROM turns",
        )


async def as_owner(url: str, statements: Any) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(statements)


async def main(url: str, *, ticks: bool) -> None:
    if ticks:
        recurring(timedelta(seconds=1))(tick)
    units, stop = units_of(url), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker_of(units).run(stop)
    await units.database.close()


async def tick(job: Job) -> None:
    await note(job, "tick")


if __name__ == "__main__":
    # The jobs are known by the name of this module, not as `__main__`.
    import workshop

    asyncio.run(workshop.main(sys.argv[1], ticks="ticks" in sys.argv))
