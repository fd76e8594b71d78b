"""Recurring work: a function that every worker offers and exactly one runs at each turn.

The period is virtual time, but never shorter than a real second: a fast clock must not flood the queue.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from amp.engine.jobs import Job
from amp.kit.clock import Clock, real_seconds

Turn = Callable[[Job], Awaitable[None]]


@dataclass(frozen=True)
class Recurring:
    name: str
    every: timedelta
    turn: Turn


@dataclass
class Timetable:
    entries: list[Recurring] = field(default_factory=list[Recurring])


TIMETABLE = Timetable()


def recurring(every: timedelta) -> Callable[[Turn], Turn]:
    """Register an async function `(job)` to run every `every` of virtual time, in system scope."""

    def register(turn: Turn) -> Turn:
        name = f"{turn.__module__.removeprefix('amp.')}.{getattr(turn, '__name__', 'turn')}"
        if all(entry.name != name for entry in TIMETABLE.entries):
            TIMETABLE.entries.append(Recurring(name, every, turn))
        return turn

    return register


def cron(every: timedelta, clock: Clock) -> str:
    """The cron line (with seconds as sixth field) nearest to a period, at least one second."""
    seconds = max(1, round(real_seconds(clock, every)))
    if seconds < 60:
        return f"* * * * * */{seconds}"
    minutes = seconds // 60
    return f"*/{minutes} * * * *" if minutes < 60 else f"0 */{min(minutes // 60, 23)} * * *"
