"""LinkedIn: Member Post Statistics and Member Follower Count, which need permissions that a plain member token does
not have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, followers, reactions
from amp.sandbox.ledger import Post, Span, find_post, list_of_account, seen
from amp.sandbox.social._linkedin_rest import denied, error, version_of
from amp.sandbox.vendor import Call

_METRICS = {
    "IMPRESSION": "impressions",
    "MEMBERS_REACHED": "reach",
    "RESHARE": "reposts",
    "REACTION": "likes",
    "COMMENT": "replies",
}
_METRICS_SINCE_202604 = {
    "POST_SAVE": "bookmarks",
    "POST_SEND": "quotes",
    "LINK_CLICKS": "link_clicks",
    "FOLLOWER_GAINED_FROM_CONTENT": "followers",
    "PROFILE_VIEW_FROM_CONTENT": "profile_clicks",
}
_ENTITY = re.compile(r"\((?P<kind>share|ugc):(?P<urn>urn:li:(?P<type>share|ugcPost):\d+)\)")
_TYPE_OF_KIND = {"share": "share", "ugc": "ugcPost"}
_DATE = r"\(day:(\d{1,2}),month:(\d{1,2}),year:(\d{4})\)"
_RANGE = re.compile(rf"\(start:{_DATE}(?:,end:{_DATE})?\)")
_DAY = timedelta(days=1)
_MOST_DAYS = 400
_MOST_POSTS = 1000


@dataclass(frozen=True)
class _Days:
    """Whole days in UTC, the end not included."""

    start: datetime
    end: datetime

    def split(self) -> list["_Days"]:
        count = (self.end - self.start) // _DAY
        return [_Days(self.start + _DAY * day, self.start + _DAY * (day + 1)) for day in range(count)]

    def shown(self) -> dict[str, Any]:
        return {"start": _date(self.start), "end": _date(self.end)}


async def post_analytics(call: Call) -> Response:
    query = call.request.query_params
    metric = _metric(call)
    days = _days(call)
    posts = await _posts(call)
    if query.get("aggregation", "TOTAL") not in ("TOTAL", "DAILY"):
        raise error(400, "ILLEGAL_ARGUMENT", "aggregation must be TOTAL or DAILY")
    if query.get("aggregation") == "DAILY":
        spans = (days or _Days(_midnight(call.now) - 30 * _DAY, _midnight(call.now) + _DAY)).split()
        elements = [_element(call, posts, metric, span) | {"dateRange": span.shown()} for span in spans]
    else:
        elements = [_element(call, posts, metric, days)]
    return JSONResponse({"elements": elements, "paging": {"start": 0, "count": len(elements), "links": []}})


async def follower_count(call: Call) -> Response:
    account, query = call.account, call.request.query_params.get("q")
    if query == "me":
        count = followers(account.vendor, account.remote_id, account.created_at, call.now)
        return JSONResponse({"elements": [{"memberFollowersCount": count}]})
    days = _days(call)
    if query != "dateRange" or days is None:
        raise error(400, "ILLEGAL_ARGUMENT", "q must be me, or dateRange with a dateRange")
    elements = [{"memberFollowersCount": _gained(call, span), "dateRange": span.shown()} for span in days.split()]
    return JSONResponse({"elements": elements, "paging": {"start": 0, "count": len(elements), "links": []}})


def _gained(call: Call, span: _Days) -> int:
    account = call.account
    counts = [followers(account.vendor, account.remote_id, account.created_at, at) for at in (span.start, span.end)]
    return counts[1] - counts[0]


def _metric(call: Call) -> str:
    """One kind of number per call; the newer kinds exist only in newer versions."""
    wanted = call.request.query_params.get("queryType", "")
    known = _METRICS | (_METRICS_SINCE_202604 if version_of(call) >= 202604 else {})
    if wanted not in known:
        raise error(400, "ILLEGAL_ARGUMENT", f"queryType {wanted[:40]} is not one of {', '.join(known)}")
    return wanted


async def _posts(call: Call) -> Sequence[Post]:
    query = call.request.query_params
    if query.get("q") == "me":
        return await list_of_account(call, call.account.remote_id, Span(without_kinds=("comment",)), limit=_MOST_POSTS)
    entity = _ENTITY.fullmatch(query.get("entity", "")) if query.get("q") == "entity" else None
    if entity is None or _TYPE_OF_KIND[entity["kind"]] != entity["type"]:
        raise error(400, "ILLEGAL_ARGUMENT", "give q=entity with entity=(share:...) or (ugc:...), or q=me")
    post = await find_post(call, entity["urn"])
    if post is None:
        raise error(404, "NOT_FOUND", "Could not find entity")
    if post.account != call.account.remote_id:
        raise denied()
    return [post]


def _element(call: Call, posts: Sequence[Post], metric: str, days: _Days | None) -> dict[str, Any]:
    member = (_METRICS | _METRICS_SINCE_202604)[metric]
    count = sum(getattr(_earned(post, days, call.now), member) for post in posts)
    element: dict[str, Any] = {"count": count, "metricType": metric}
    if call.request.query_params.get("q") == "entity":
        kind = "share" if ":share:" in posts[0].remote_id else "ugc"
        element["targetEntity"] = {kind: posts[0].remote_id}
    return element


def _earned(post: Post, days: _Days | None, now: datetime) -> Reactions:
    """Without a range all there is; with one, what those days added."""
    observed = seen(post)
    if days is None:
        return reactions(observed, now)
    return reactions(observed, min(days.end, now)) - reactions(observed, min(days.start, now))


def _days(call: Call) -> _Days | None:
    given = call.request.query_params.get("dateRange")
    if given is None:
        return None
    match = _RANGE.fullmatch(given)
    try:
        if match is None:
            raise ValueError(given)
        numbers = [int(number) for number in match.groups() if number is not None]
        start = datetime(numbers[2], numbers[1], numbers[0], tzinfo=UTC)
        given_end = datetime(numbers[5], numbers[4], numbers[3], tzinfo=UTC) if len(numbers) == 6 else None
    except ValueError as problem:
        raise error(400, "ILLEGAL_ARGUMENT", "dateRange cannot be read") from problem
    end = given_end or _midnight(call.now) + _DAY
    if not _DAY <= end - start <= _MOST_DAYS * _DAY:
        raise error(400, "ILLEGAL_ARGUMENT", f"dateRange must span 1 to {_MOST_DAYS} days")
    return _Days(start, end)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _date(moment: datetime) -> dict[str, int]:
    return {"day": moment.day, "month": moment.month, "year": moment.year}
