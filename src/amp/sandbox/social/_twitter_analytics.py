"""X: `GET /2/tweets/analytics` (contract 2.167): one's own posts, bucket by bucket."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, Seen, reactions
from amp.sandbox.ledger import find_posts, find_threads, seen
from amp.sandbox.social import _twitter_query as query
from amp.sandbox.social._twitter_problems import at, invalid, not_found
from amp.sandbox.social._twitter_shapes import moment
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

_FIELDS = words(
    "impressions likes replies retweets quote_tweets bookmarks shares engagements url_clicks user_profile_clicks "
    "hashtag_clicks detail_expands permalink_clicks media_views follows unfollows unlikes app_opens "
    "app_install_attempts email_tweet id timestamp timestamped_metrics"
)
_STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_MOST_BUCKETS = 1000


async def analytics(call: Call) -> Response:
    query.check_names(call, {"ids", "start_time", "end_time", "granularity", "analytics.fields"})
    wanted = query.ids(call)
    fields = query.fields(call, "analytics.fields", _FIELDS)
    buckets = _buckets(call)
    found = {post_id: post for post_id, post in (await find_posts(call, wanted)).items() if _is_own(call, post.account)}
    threads = await find_threads(call.connection, call.account.owner, list(found.values()))
    data: list[dict[str, Any]] = []
    for post_id, post in found.items():
        observed = seen(post, threads)
        shown = [_bucket(observed, start, end, fields, call.now) for start, end in buckets]
        data.append({"id": post_id, "timestamped_metrics": shown})
    errors = [not_found("ids", post_id) for post_id in wanted if post_id not in found]
    return JSONResponse({"data": data} | ({"errors": errors} if errors else {}))


def _is_own(call: Call, account: str) -> bool:
    return account == call.account.remote_id


def _buckets(call: Call) -> list[tuple[datetime, datetime]]:
    start = query.time(call, "start_time", required=True)
    end = query.time(call, "end_time", required=True)
    granularity = query.choice(call, "granularity", {*_STEPS, "total"}, "total")
    if start is None or end is None or end <= start:
        raise invalid(at("end_time", [], "end_time must be after start_time"))
    step = _STEPS.get(granularity, end - start)
    if (end - start) / step > _MOST_BUCKETS:
        raise invalid(at("granularity", [granularity], f"The range holds more than {_MOST_BUCKETS} buckets"))
    return list(_spans(start, end, step))


def _spans(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(start + step, end)
        start += step


def _bucket(post: Seen, start: datetime, end: datetime, fields: frozenset[str], now: datetime) -> dict[str, Any]:
    """What was added between the two moments; what has not happened yet is not there yet."""
    gained = reactions(post, min(end, now)) - reactions(post, min(start, now))
    metrics = _metrics(gained)
    return {
        "timestamp": moment(start),
        "metrics": {name: value for name, value in metrics.items() if not fields or name in fields},
    }


def _metrics(gained: Reactions) -> dict[str, int]:
    return {
        "impressions": gained.impressions,
        "likes": gained.likes,
        "replies": gained.replies,
        "retweets": gained.reposts,
        "quote_tweets": gained.quotes,
        "bookmarks": gained.bookmarks,
        "shares": gained.reposts + gained.quotes,
        "engagements": gained.engagements,
        "url_clicks": gained.link_clicks,
        "user_profile_clicks": gained.profile_clicks,
        "media_views": gained.video_views,
        "follows": gained.followers,
    }
