"""Threads: insights of a post and of an account."""

from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import reactions
from amp.sandbox.ledger import find_post, find_threads, seen
from amp.sandbox.social import _meta_insights as insights
from amp.sandbox.social._meta_errors import gone, invalid
from amp.sandbox.social._meta_graph import check_is_caller, parameters
from amp.sandbox.social._threads_posts import follower_count
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

_OF_POST = words("views likes replies reposts quotes shares")
_OF_ACCOUNT = words("views likes replies reposts quotes followers_count clicks")
_UNKNOWN = "metric[{place}] must be one of the following values: {known}"


async def of_post(call: Call) -> Response:
    post = await find_post(call, call.request.path_params["id"])
    if post is None or post.account != call.account.remote_id:
        raise gone(call.request.path_params["id"])
    names = insights.metrics(call, _OF_POST, _UNKNOWN)
    threads = await find_threads(call.connection, call.account.owner, [post])
    earned = reactions(seen(post, threads), call.now)
    values = {
        "views": earned.impressions,
        "likes": earned.likes,
        "replies": earned.replies,
        "reposts": earned.reposts,
        "quotes": earned.quotes,
        "shares": earned.bookmarks,
    }
    return JSONResponse({"data": [insights.value(call, name, "lifetime", values[name]) for name in names]})


async def of_account(call: Call) -> Response:
    check_is_caller(call)
    names = insights.metrics(call, _OF_ACCOUNT, _UNKNOWN)
    given = parameters(call)
    if "followers_count" in names and (given.text("since") or given.text("until")):
        raise invalid("The metric followers_count does not support the since and until parameters")
    return JSONResponse({"data": [await _account_metric(call, name) for name in names]})


async def _account_metric(call: Call, name: str) -> dict[str, Any]:
    """Views come by day, the others as totals, clicks by link."""
    span = insights.days(call)
    if name == "followers_count":
        return insights.total(call, name, follower_count(call))
    if name == "views":
        days = [(day, (await insights.earned(call, day)).impressions) for day in span.each()]
        return insights.daily(call, name, days)
    earned = await insights.earned(call, span)
    if name == "clicks":
        clicks = [{"value": earned.link_clicks, "link_url": "https://example.com"}] if earned.link_clicks else []
        return insights.entry(call, name, "day", {"link_total_values": clicks})
    return insights.total(call, name, getattr(earned, name))
