"""When a mission posts: pure arithmetic of wall clocks.

A mission has days of 24 hours by the wall clock of its zone, counted from its start. On every active day each
time of day comes once, so that fourteen days with three times are forty-two posts, whatever the hour of the
start. A wall time that the clock skips moves to the next minute that exists; a doubled one counts once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count, islice, takewhile
from zoneinfo import ZoneInfo

CADENCES = ("daily", "weekdays", "weekly", "biweekly", "monthly")
FIRST_HOUR, LAST_HOUR = 8, 21
"""Where nobody said when to post, posts lie within these local hours."""


@dataclass(frozen=True)
class Rhythm:
    """How often and at which wall times a mission posts."""

    starts_at: datetime
    cadence: str
    posts_per_day: int
    posting_times: tuple[time, ...]
    zone: ZoneInfo

    @property
    def times_are_free(self) -> bool:
        """True: nobody fixed the times, so the optimizer may move posts within their day."""
        return not self.posting_times


def slots_between(rhythm: Rhythm, after: datetime, before: datetime) -> list[datetime]:
    """All posting moments (UTC) in [after, before), in order."""
    return list(takewhile(lambda moment: moment < before, upcoming(rhythm, after)))


def upcoming(rhythm: Rhythm, after: datetime) -> Iterator[datetime]:
    """The posting moments from `after` on, in order, without end."""
    start = rhythm.starts_at.astimezone(rhythm.zone).replace(tzinfo=None)
    elapsed = (after - rhythm.starts_at).days
    for day in count(max(0, elapsed - 2)):
        window = start + timedelta(days=day)
        for wall in sorted(_walls(rhythm, window, day)):
            moment = to_utc(wall, rhythm.zone)
            if moment >= after and _active(rhythm.cadence, start, window, wall):
                yield moment


def _walls(rhythm: Rhythm, window: datetime, day: int) -> Iterator[datetime]:
    """Where each of the day's times falls within the 24 hours that begin at `window`."""
    for moment in times_of_day(rhythm, day):
        wall = datetime.combine(window.date(), moment)
        yield wall if wall >= window else wall + timedelta(days=1)


def times_of_day(rhythm: Rhythm, day: int) -> Sequence[time]:
    """Exactly `posts_per_day` different times: the given ones, rotated when there are more than needed and
    joined by evenly spread ones when there are fewer."""
    wanted, given = rhythm.posts_per_day, rhythm.posting_times
    if len(given) >= wanted:
        return [given[(day * wanted + index) % len(given)] for index in range(wanted)]
    chosen = list(given)
    for candidate in _spread(wanted):
        if len(chosen) < wanted and candidate not in chosen:
            chosen.append(candidate)
    spares = (spare for spare in _every_minute() if spare not in chosen)
    return chosen + list(islice(spares, wanted - len(chosen)))


def _spread(wanted: int) -> list[time]:
    """The middles of `wanted` equal parts of the posting hours."""
    minutes = (LAST_HOUR - FIRST_HOUR) * 60
    middles = (FIRST_HOUR * 60 + int((index + 0.5) * minutes / wanted) for index in range(wanted))
    return [time(middle // 60, middle % 60) for middle in middles]


def _every_minute() -> Iterator[time]:
    return (time(minute // 60, minute % 60) for minute in range(FIRST_HOUR * 60, LAST_HOUR * 60))


def _active(cadence: str, start: datetime, window: datetime, wall: datetime) -> bool:
    match cadence:
        case "weekdays":
            return wall.weekday() < 5
        case "weekly":
            return (window - start).days % 7 == 0
        case "biweekly":
            return (window - start).days % 14 == 0
        case "monthly":
            return window.day == min(start.day, _days_in_month(window))
        case _:
            return True


def _days_in_month(moment: datetime) -> int:
    following = moment.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall time: the first of two if it is doubled, the next that exists if it is skipped."""
    aware = wall.replace(tzinfo=zone, fold=0)
    moment = aware.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    gap = aware.utcoffset() or timedelta()
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    skipped_until = _first_existing(wall, zone, abs(after - gap))
    return skipped_until.astimezone(UTC)


def _first_existing(wall: datetime, zone: ZoneInfo, gap: timedelta) -> datetime:
    candidate = wall
    for _ in range(int(gap.total_seconds() // 60) + 1):
        aware = candidate.replace(tzinfo=zone, fold=0)
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == candidate:
            return aware
        candidate += timedelta(minutes=1)
    return candidate.replace(tzinfo=zone)
