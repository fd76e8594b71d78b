"""Insights, as all of Meta's graphs answer them: lists of named values, and one unknown name fails the whole call."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from amp.sandbox.audience import Reactions, followers, reactions
from amp.sandbox.ledger import Span, list_of_account, seen
from amp.sandbox.social._meta_errors import invalid
from amp.sandbox.social._meta_graph import moment, parameters, written
from amp.sandbox.vendor import Call

DAY = timedelta(days=1)

_MANY = 1000
_MOST_DAYS = 93


@dataclass(frozen=True)
class Days:
    """Whole days in UTC, the end not included."""

    start: datetime
    end: datetime

    def each(self) -> Iterable["Days"]:
        moments = [self.start + DAY * number for number in range((self.end - self.start) // DAY)]
        return [Days(one, one + DAY) for one in moments]


def metrics(call: Call, known: Collection[str], message: str) -> list[str]:
    """The names asked for. Errors: 100 when one is not known."""
    parameters(call).required("metric")
    names = [str(name) for name in parameters(call).listed("metric")]
    for place, name in enumerate(names):
        if name not in known:
            raise invalid(message.format(place=place, name=name, known=", ".join(sorted(known))))
    return names


def days(call: Call, default: int = 2) -> Days:
    """From `since` to `until`, whole days; the last two days when nothing is said."""
    end = moment(call, "until") or call.now
    start = moment(call, "since") or end - DAY * default
    first, last = _midnight(start), _midnight(end - timedelta(seconds=1)) + DAY
    if not DAY <= last - first <= DAY * _MOST_DAYS:
        raise invalid(f"There cannot be more than {_MOST_DAYS} days between since and until")
    return Days(first, last)


async def earned(call: Call, span: Days, without_kinds: Sequence[str] = ("comment",)) -> Reactions:
    """What all posts of the account earned in a stretch of time."""
    posts = await list_of_account(call, call.account.remote_id, Span(without_kinds=without_kinds), limit=_MANY)
    total = Reactions()
    for post in posts:
        total = total - (
            reactions(seen(post), min(span.start, call.now)) - reactions(seen(post), min(span.end, call.now))
        )
    return total


def gained_followers(call: Call, span: Days) -> int:
    account = call.account
    counts = [
        followers(account.vendor, account.remote_id, account.created_at, min(at, call.now))
        for at in (span.start, span.end)
    ]
    return counts[1] - counts[0]


def value(call: Call, name: str, period: str, content: Any, end: datetime | None = None) -> dict[str, Any]:
    """One metric with one value; lifetime values carry no end."""
    return entry(call, name, period, {"values": [_timed(content, end)]})


def daily(call: Call, name: str, contents: Sequence[tuple[Days, Any]]) -> dict[str, Any]:
    return entry(call, name, "day", {"values": [_timed(content, span.end) for span, content in contents]})


def total(call: Call, name: str, content: Any, period: str = "day") -> dict[str, Any]:
    return entry(call, name, period, {"total_value": {"value": content}})


def entry(call: Call, name: str, period: str, content: dict[str, Any]) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    node = call.request.path_params.get("id", call.account.remote_id)
    node = call.account.remote_id if node == "me" else node
    identity = {"title": title, "description": f"{title}.", "id": f"{node}/insights/{name}/{period}"}
    return {"name": name, "period": period, **content, **identity}


def _timed(content: Any, end: datetime | None) -> dict[str, Any]:
    return {"value": content} | ({"end_time": written(end)} if end else {})


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
