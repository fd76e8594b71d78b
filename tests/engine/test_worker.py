"""Jobs: caused by a transaction, run to their end, whoever dies."""

import asyncio
import signal
from contextlib import suppress
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text
from workshop import QUICK, Build, Refuse, Rest, Workshop, note

from amp.engine.jobs import Job, RetryPolicy
from amp.engine.recovery import Pulse, worker_alive
from amp.engine.timetable import TIMETABLE, recurring
from amp.kit.clock import RealClock, real_now
from amp.kit.errors import (
    Conflict,
    OverLimit,
    ProviderFailed,
    RateLimited,
    Reconnect,
    RefreshToken,
    Rejected,
    Remedy,
    Retry,
    Unavailable,
    Unknown,
)
from switching import read_only
from world import until

pytestmark = pytest.mark.anyio


async def test_a_rollback_leaves_no_job(workshop: Workshop) -> None:
    async def build_and_fail() -> None:
        async with workshop.unit() as uow:
            await uow.defer(Build(what="chair"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await build_and_fail()
    assert await workshop.jobs() == 0


async def test_a_commit_leaves_a_job_that_carries_the_request_s_id(workshop: Workshop) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        async with workshop.unit() as uow:
            await uow.defer(Build(what="chair"))
    async with workshop.worker():
        await until(lambda: has(workshop, "end chair"))
    assert await workshop.notes() == ["begin chair attempt 0 request req_1", "end chair"]
    assert await workshop.jobs() == 0


async def test_a_dead_worker_s_job_is_taken_over(workshop: Workshop) -> None:
    victim = await workshop.start_worker()
    async with workshop.unit() as uow:
        await uow.defer(Build(what="chair", hangs_at_first=True))
    await until(lambda: has(workshop, "begin chair attempt 0 request None"))
    victim.send_signal(signal.SIGKILL)
    died = real_now()
    async with workshop.worker():
        await until(lambda: has(workshop, "end chair"))
    (taken_over,) = await workshop.times("begin chair attempt 1 request None")
    assert taken_over - died < timedelta(seconds=5)


async def test_a_worker_that_is_told_to_stop_finishes_what_it_began(workshop: Workshop) -> None:
    worker = await workshop.start_worker()
    async with workshop.unit() as uow:
        await uow.defer(Build(what="chair", seconds=1.0))
    await until(lambda: has(workshop, "begin chair attempt 0 request None"))
    async with workshop.unit() as uow:
        worker.send_signal(signal.SIGTERM)
        await uow.defer(Build(what="too late"))
    assert await asyncio.wait_for(worker.wait(), timeout=15) == 0
    assert (await workshop.notes())[-1] == "end chair"
    assert await workshop.jobs() == 1


async def test_a_job_is_tried_again_and_then_given_up(workshop: Workshop) -> None:
    async with workshop.unit() as uow:
        await uow.defer(Refuse())
    async with workshop.worker():
        await until(lambda: has(workshop, "gave up: no"))
    assert await workshop.notes() == ["refuse 0", "refuse 1", "refuse 2", "gave up: no"]


async def test_what_can_never_succeed_is_given_up_at_once(workshop: Workshop) -> None:
    async with workshop.unit() as uow:
        await uow.defer(Refuse(final=True))
    async with workshop.worker():
        await until(lambda: has(workshop, "gave up: no"))
    assert await workshop.notes() == ["refuse 0", "gave up: no"]


async def test_once_means_one_waiting_job(workshop: Workshop) -> None:
    async with workshop.unit() as uow:
        await uow.defer(Build(what="chair"), once="chair")
        await uow.defer(Build(what="chair"), once="chair")
    async with workshop.unit() as uow:
        await uow.defer(Build(what="chair"), once="chair")
    assert await workshop.jobs() == 1


async def test_jobs_of_one_lock_run_one_after_another(workshop: Workshop) -> None:
    async with workshop.unit() as uow:
        for what in ("legs", "seat", "back"):
            await uow.defer(Build(what=what, seconds=0.1), lock="chair")
    async with workshop.worker():
        await until(lambda: has(workshop, "end back"))
    order = [" ".join(note.split()[:2]) for note in await workshop.notes()]
    assert order == ["begin legs", "end legs", "begin seat", "end seat", "begin back", "end back"]


async def test_a_job_waits_for_its_moment(workshop: Workshop) -> None:
    due = real_now() + timedelta(seconds=0.8)
    async with workshop.unit() as uow:
        await uow.defer(Build(what="chair"), at=due)
    async with workshop.worker():
        await until(lambda: has(workshop, "end chair"))
    (begun,) = await workshop.times("begin chair attempt 0 request None")
    assert timedelta(0) <= begun - due < timedelta(seconds=2)


async def test_recurring_work_runs_once_a_turn_however_many_workers(workshop: Workshop) -> None:
    for _ in range(2):
        await workshop.start_worker("ticks")

    async def four_ticks() -> bool:
        return len(await workshop.times("tick")) >= 4

    await until(four_ticks)
    turns = await workshop.times("tick")
    assert turns[-1] - turns[0] > timedelta(seconds=len(turns) - 2)


async def test_a_loop_that_dies_is_told_once_and_turns_again(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    lives = list[Pulse]()

    async def mill(stop: asyncio.Event, pulse: Pulse) -> None:
        lives.append(pulse)
        if len(lives) < 3:
            raise ZeroDivisionError("the mill broke")
        pulse.beat()
        await stop.wait()

    async with workshop.worker(mill=mill):
        await until(lambda: alive(workshop))
    told = [record for record in caplog.records if "a loop of the worker died" in record.getMessage()]
    assert len(lives) == 3
    assert len(told) == 1
    assert "ZeroDivisionError: the mill broke" in told[0].getMessage()


async def test_a_worker_whose_loop_does_not_turn_is_not_called_alive(workshop: Workshop) -> None:
    turns = asyncio.Event()

    async def mill(stop: asyncio.Event, pulse: Pulse) -> None:
        while not stop.is_set():
            if turns.is_set():
                pulse.beat()
            await asyncio.sleep(0.05)

    async with workshop.worker(mill=mill):
        async with workshop.unit() as uow:
            await uow.defer(Build(what="chair"))
        await until(lambda: has(workshop, "end chair"))
        assert not await alive(workshop)
        turns.set()
        await until(lambda: alive(workshop))
        turns.clear()
        await until(lambda: dead(workshop))


async def test_the_queue_and_the_loops_survive_a_database_that_takes_no_writes(workshop: Workshop) -> None:
    async def mill(stop: asyncio.Event, pulse: Pulse) -> None:
        while not stop.is_set():
            async with workshop.unit() as uow:
                await uow.session.execute(text("INSERT INTO workshop (what) VALUES ('ground')"))
            pulse.beat()
            await asyncio.sleep(0.1)

    async with workshop.worker(mill=mill):
        await until(lambda: alive(workshop))
        with read_only(workshop.url):
            await until(lambda: dead(workshop))
        await until(lambda: alive(workshop))
        await until(lambda: ordered(workshop, "chair"))
        await until(lambda: has(workshop, "end chair"))


async def test_a_turn_that_the_database_was_away_for_is_a_line_and_no_traceback(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    turns = list[int]()

    async def stumble(job: Job) -> None:
        turns.append(1)
        if len(turns) < 3:
            raise Unavailable("the workshop is dark", retry_after=1)
        await note(job, "up again")

    recurring(timedelta(seconds=1))(stumble)
    try:
        with caplog.at_level("WARNING"):
            async with workshop.worker():
                await until(lambda: has(workshop, "up again"))
    finally:
        TIMETABLE.entries.pop()
    assert [record.getMessage().count("the workshop is dark") for record in caplog.records] == [1]
    assert "Traceback" not in caplog.text


async def test_a_job_that_ended_while_the_database_took_no_writes_is_over_and_not_done_again(
    workshop: Workshop,
) -> None:
    async with workshop.worker():
        async with workshop.unit() as uow:
            await uow.defer(Rest(seconds=0.3))
        await until(lambda: has(workshop, "rest"))
        with read_only(workshop.url):
            await asyncio.sleep(1.0)  # longer than the job
        await until(lambda: all_done(workshop))
    assert await workshop.notes() == ["rest"]


@pytest.mark.parametrize(
    ("remedy", "waits"),
    [
        (Retry(), 1.0),
        (Retry(after=timedelta(seconds=9)), 9.0),
        (RateLimited(until=None), 1.0),
        (RateLimited(until=real_now() + timedelta(hours=1)), 3600.0),
        (RateLimited(until=real_now() - timedelta(hours=1)), 0.0),
        (RefreshToken(), 1.0),
        (Reconnect(), None),
        (Rejected("NO"), None),
        (Unknown(), None),
    ],
)
async def test_the_remedy_decides_when_to_try_again(remedy: Remedy, waits: float | None) -> None:
    seconds = wait_of(ProviderFailed("no", remedy=remedy), attempt=0)
    assert seconds == (None if waits is None else pytest.approx(waits, abs=600 if waits > 1000 else 0.5))


async def test_pauses_grow_and_end() -> None:
    waits = [wait_of(ProviderFailed("no", remedy=Retry()), attempt=attempt) for attempt in range(8)]
    assert [round(wait) for wait in waits[:-1] if wait] == [1, 2, 4, 8, 16, 32, 64]
    assert waits[-1] is None


async def test_a_database_that_is_away_is_waited_for_without_end() -> None:
    wait = wait_of(Unavailable("away", retry_after=1), attempt=100)
    assert wait == pytest.approx(15, abs=0.5)


async def test_errors_of_our_own_rules_are_not_tried_again() -> None:
    assert wait_of(Conflict("no"), attempt=0) is None
    assert wait_of(OverLimit("wait", retry_after=7), attempt=0) == pytest.approx(7, abs=0.5)
    assert wait_of(ZeroDivisionError(), attempt=0) == pytest.approx(1, abs=0.5)


def wait_of(error: Exception, *, attempt: int) -> float | None:
    """Real seconds until the next run; None: given up."""
    moment = RetryPolicy().wait(error, attempt, RealClock())
    return None if moment is None else (moment - real_now()).total_seconds()


async def alive(workshop: Workshop) -> bool:
    with suppress(Unavailable):
        return await worker_alive(workshop.units.database, QUICK)
    return False


async def all_done(workshop: Workshop) -> bool:
    with suppress(Unavailable):
        return await workshop.jobs() == 0
    return False


async def ordered(workshop: Workshop, what: str) -> bool:
    with suppress(Unavailable):
        async with workshop.unit() as uow:
            await uow.defer(Build(what=what))
        return True
    return False


async def dead(workshop: Workshop) -> bool:
    """It can be asked, and says so."""
    with suppress(Unavailable):
        return not await worker_alive(workshop.units.database, QUICK)
    return False


async def has(workshop: Workshop, note: str) -> bool:
    return note in await workshop.notes()
