"""Which days a question is about, and the buckets of its series. Days are cut in the workspace's time zone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from amp.kit.errors import Invalid

Granularity = Literal["hour", "day", "week", "month"]

_DAYS: Final = {"7d": 7, "30d": 30, "90d": 90}
_SPAN: Final = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)")
_MOST_BUCKETS: Final = 2_500
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """From `start` to `end`, both included."""

    start: date
    end: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return datetime.combine(self.start, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.end + _DAY, time(), self.zone)

    def before(self) -> "Period":
        """The period of equal length that ends where this one starts."""
        length = self.end - self.start + _DAY
        return Period(self.start - length, self.start - _DAY, self.zone)

    def __str__(self) -> str:
        return f"{self.start}/{self.end}"


def period_of(
    name: str, start: str | None, end: str | None, *, now: datetime, zone: ZoneInfo, first: datetime | None
) -> Period:
    """The period that a request asks for; a `start` goes before the name. `first`: the oldest thing there is, where
    `all` begins. Errors: Invalid (`invalid_period`)."""
    today = now.astimezone(zone).date()
    if start or end:
        return _between(start or "", end or today.isoformat(), zone)
    span = _SPAN.fullmatch(name)
    if span:
        return _between(span[1], span[2], zone)
    match name:
        case "ytd":
            return Period(today.replace(month=1, day=1), today, zone)
        case "all":
            return Period(first.astimezone(zone).date() if first else today, today, zone)
        case _ if name in _DAYS:
            return Period(today - timedelta(days=_DAYS[name]), today, zone)
        case _:
            raise _invalid()


def _between(start: str, end: str, zone: ZoneInfo) -> Period:
    try:
        period = Period(date.fromisoformat(start), date.fromisoformat(end), zone)
    except ValueError as error:
        raise _invalid() from error
    if period.end < period.start or period.start.year < 1970 or period.end.year > 9000:
        raise _invalid()
    return period


def _invalid() -> Invalid:
    message = "Invalid period format. Use 7d, 30d, 90d, ytd, or YYYY-MM-DD/YYYY-MM-DD"
    return Invalid(message, code="invalid_period", param="period")


def bucket_of(moment: datetime, granularity: Granularity) -> str:
    """The bucket of a local moment: its day, its hour, the Monday of its week, or its month."""
    match granularity:
        case "hour":
            return moment.strftime("%Y-%m-%dT%H:00")
        case "day":
            return moment.date().isoformat()
        case "week":
            return (moment.date() - timedelta(days=moment.weekday())).isoformat()
        case "month":
            return moment.strftime("%Y-%m")


def buckets(period: Period, granularity: Granularity) -> list[str]:
    """Every bucket of the period in order, the empty ones too. Errors: Invalid when there are too many."""
    found: dict[str, None] = {}
    for moment in _moments(period, timedelta(hours=1) if granularity == "hour" else _DAY):
        found[bucket_of(moment, granularity)] = None
        if len(found) > _MOST_BUCKETS:
            raise _too_fine()
    return list(found)


def _moments(period: Period, step: timedelta) -> Iterator[datetime]:
    """Local moments, stepped in UTC: no hour is left out where the clocks change."""
    moment, end = period.since.astimezone(UTC), period.until.astimezone(UTC)
    while moment < end:
        yield moment.astimezone(period.zone)
        moment += step
    yield (period.until - timedelta(microseconds=1)).astimezone(period.zone)


def _too_fine() -> Invalid:
    message = f"That is more than {_MOST_BUCKETS} points: choose a coarser granularity or a shorter period"
    return Invalid(message, param="granularity")


def granularity_of(text: str) -> Granularity:
    """Errors: Invalid."""
    if text not in ("hour", "day", "week", "month"):
        raise Invalid("'granularity' must be 'hour', 'day', 'week' or 'month'", param="granularity")
    return text
