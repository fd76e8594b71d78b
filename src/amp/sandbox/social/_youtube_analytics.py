"""YouTube Analytics (v2, `reports.query`): the channel's own numbers by day or video, some days late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, reactions
from amp.sandbox.ledger import Post, Span, list_of_account, seen
from amp.sandbox.social._google_errors import invalid
from amp.sandbox.social._youtube_wire import number
from amp.sandbox.vendor import Call

_LATE = timedelta(days=2)
_DAY = timedelta(days=1)
_MOST_DAYS = 400
_MOST_POSTS = 1000
_MINUTES_PER_VIEW = 0.4
_METRICS: dict[str, Callable[[Reactions], int]] = {
    "views": lambda gained: gained.video_views,
    "likes": lambda gained: gained.likes,
    "dislikes": lambda _: 0,
    "comments": lambda gained: gained.replies,
    "shares": lambda gained: gained.reposts + gained.quotes,
    "estimatedMinutesWatched": lambda gained: int(gained.video_views * _MINUTES_PER_VIEW),
    "averageViewDuration": lambda gained: int(60 * _MINUTES_PER_VIEW) if gained.video_views else 0,
    "subscribersGained": lambda gained: gained.followers,
    "subscribersLost": lambda _: 0,
}


@dataclass(frozen=True)
class _Range:
    """Whole days in UTC, the end included, as far as there are numbers yet."""

    start: date
    end: date

    @property
    def days(self) -> list[date]:
        return [self.start + _DAY * number for number in range((self.end - self.start).days + 1)]


async def reports(call: Call) -> Response:
    query = call.request.query_params
    if query.get("ids") not in ("channel==MINE", f"channel=={call.account.remote_id}"):
        raise _invalid("ids", query.get("ids", ""))
    metrics = [name for name in query.get("metrics", "").split(",") if name]
    if not metrics or set(metrics) - set(_METRICS):
        raise _invalid("metrics", query.get("metrics", ""))
    span, posts = _range(call), await _posts(call)
    match query.get("dimensions", ""):
        case "":
            rows = [_row([], posts, span.start, span.end, metrics)] if posts and span.days else []
        case "day":
            rows = [_row([day.isoformat()], posts, day, day, metrics) for day in span.days] if posts else []
        case "video":
            rows = _by_video(call, posts, span, metrics)
        case other:
            raise _invalid("dimensions", other)
    return JSONResponse(
        {"kind": "youtubeAnalytics#resultTable", "columnHeaders": _headers(call, metrics), "rows": rows}
    )


def _by_video(call: Call, posts: Sequence[Post], span: _Range, metrics: list[str]) -> list[list[str | int]]:
    """A list of the most: it must say by what, and how many."""
    sort = call.request.query_params.get("sort", "")
    if sort.removeprefix("-") not in metrics or "maxResults" not in call.request.query_params:
        raise _invalid("sort", sort)
    rows = [_row([post.remote_id], [post], span.start, span.end, metrics) for post in posts]
    column = 1 + metrics.index(sort.removeprefix("-"))
    ordered = sorted(rows, key=lambda row: int(row[column]), reverse=sort.startswith("-"))
    return ordered[: number(call, "maxResults", 1, 200, 10)]


def _row(name: list[str], posts: Sequence[Post], start: date, end: date, metrics: list[str]) -> list[str | int]:
    """What these days added."""
    first, last = _midnight(start), _midnight(end + _DAY)
    gained = [reactions(seen(post), last) - reactions(seen(post), first) for post in posts]
    return [*name, *(_sum(metric, gained) for metric in metrics)]


def _sum(metric: str, gained: Sequence[Reactions]) -> int:
    values = [_METRICS[metric](one) for one in gained]
    return max(values, default=0) if metric == "averageViewDuration" else sum(values)


def _headers(call: Call, metrics: list[str]) -> list[dict[str, str]]:
    dimension = call.request.query_params.get("dimensions", "")
    named = [{"name": dimension, "columnType": "DIMENSION", "dataType": "STRING"}] if dimension else []
    return named + [{"name": name, "columnType": "METRIC", "dataType": "INTEGER"} for name in metrics]


def _range(call: Call) -> _Range:
    query = call.request.query_params
    try:
        start, end = (date.fromisoformat(query.get(name, "")) for name in ("startDate", "endDate"))
    except ValueError as problem:
        raise _invalid("startDate", query.get("startDate", "")) from problem
    by_day = query.get("dimensions") == "day"
    if end < start or (by_day and (end - start).days > _MOST_DAYS):
        raise _invalid("endDate", query.get("endDate", ""))
    return _Range(start, min(end, (call.now.astimezone(UTC) - _LATE).date()))


async def _posts(call: Call) -> list[Post]:
    """The channel's, or the ones that are filtered for."""
    given = call.request.query_params.get("filters", "")
    name, _, ids = given.partition("==")
    if given and (name != "video" or not ids):
        raise _invalid("filters", given)
    posts = await list_of_account(call, call.account.remote_id, Span(without_kinds=("comment",)), limit=_MOST_POSTS)
    return [post for post in posts if not given or post.remote_id in ids.split(",")]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _invalid(name: str, value: str) -> Exception:
    return invalid("badRequest", f"The query is not supported: {name}={value[:100]}.", "global")
