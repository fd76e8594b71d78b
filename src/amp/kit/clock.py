"""The one clock. All code asks it for the time; nothing a user sees comes from SQL `now()`.

A fast clock runs virtual time N times faster than real time from an anchor that all processes share,
so that a fourteen-day mission can be watched in a minute. Leases, heartbeats, tokens, retries against
vendors and our own rate limits stay on real time: they ask `real_now`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Clock(Protocol):
    @property
    def speed(self) -> float: ...

    def now(self) -> datetime:
        """Virtual time, aware UTC."""
        ...

    def real_moment(self, virtual: datetime) -> datetime:
        """The real moment at which virtual time reaches `virtual`."""
        ...


def real_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RealClock:
    speed: float = 1.0

    def now(self) -> datetime:
        return real_now()

    def real_moment(self, virtual: datetime) -> datetime:
        return virtual


@dataclass(frozen=True)
class FastClock:
    """Virtual time that stood at `virtual_anchor` when real time stood at `real_anchor`."""

    speed: float
    real_anchor: datetime
    virtual_anchor: datetime

    def now(self) -> datetime:
        return self.virtual_anchor + (real_now() - self.real_anchor) * self.speed

    def real_moment(self, virtual: datetime) -> datetime:
        return self.real_anchor + (virtual - self.virtual_anchor) / self.speed


def real_seconds(clock: Clock, virtual: timedelta) -> float:
    """How many real seconds a stretch of virtual time takes."""
    return virtual.total_seconds() / clock.speed


_ANCHOR = text(
    """
    INSERT INTO clock_anchor AS c (one, speed, real_anchor, virtual_anchor) VALUES (true, :speed, :now, :now)
    ON CONFLICT (one) DO UPDATE SET
        virtual_anchor = CASE WHEN c.speed = :speed THEN c.virtual_anchor
            ELSE greatest(:now, c.virtual_anchor + (:now - c.real_anchor) * c.speed) END,
        real_anchor = CASE WHEN c.speed = :speed THEN c.real_anchor ELSE :now END,
        speed = :speed
    RETURNING real_anchor, virtual_anchor
    """
)


async def shared_clock(session: AsyncSession, speed: float) -> Clock:
    """The clock that all processes of one database share (in system scope). Virtual time never goes back
    between fast speeds; at speed 1 it is real time, whatever was before."""
    if speed == 1:
        return RealClock()
    row = (await session.execute(_ANCHOR, {"speed": speed, "now": real_now()})).one()
    return FastClock(speed=speed, real_anchor=row.real_anchor, virtual_anchor=row.virtual_anchor)
