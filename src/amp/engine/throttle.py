"""Counting how often something happened, right across processes: one row for each key, in one statement.

A window opens at the first use and closes `period` later (real time). The rows are unlogged: a crash of the
database opens all windows, which costs nobody anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from amp.kit.clock import real_now


def counting(uses: str) -> str:
    """SQL that counts uses, to be part of a larger statement: each row of the relation `uses` is one of its `key`,
    whose window, if it opens now, closes at `fresh`. It needs the parameter :now."""
    return f"""
        INSERT INTO throttles AS t (key, used, resets_at)
        SELECT key, count(*), max(fresh) FROM {uses} AS uses GROUP BY key ORDER BY key
        ON CONFLICT (key) DO UPDATE SET
            used = CASE WHEN t.resets_at <= :now THEN excluded.used ELSE t.used + excluded.used END,
            resets_at = CASE WHEN t.resets_at <= :now THEN excluded.resets_at ELSE t.resets_at END
        RETURNING key, used, resets_at
        """  # noqa: S608 (both parts are our own text)


_COUNT = text(counting("(SELECT CAST(:key AS text) AS key, CAST(:fresh AS timestamptz) AS fresh)"))


@dataclass(frozen=True)
class Use:
    """One use of a window: allowed while `used` is within `limit`."""

    limit: int
    used: int
    resets_at: datetime

    @property
    def allowed(self) -> bool:
        return self.used <= self.limit

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def wait_seconds(self) -> float:
        return max(1.0, (self.resets_at - real_now()).total_seconds())


async def count_use(session: AsyncSession, key: str, *, limit: int, period: timedelta) -> Use:
    """Count one use of `key`, in a system transaction of its own."""
    now = real_now()
    row = (await session.execute(_COUNT, {"key": key, "now": now, "fresh": now + period})).one()
    return Use(limit=limit, used=row.used, resets_at=row.resets_at)


async def sweep(session: AsyncSession) -> None:
    """Forget windows that are closed."""
    await session.execute(text("DELETE FROM throttles WHERE resets_at < :now"), {"now": real_now()})
