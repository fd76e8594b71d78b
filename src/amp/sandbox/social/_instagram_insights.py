"""Instagram: insights of a medium, whose names depend on what it is, and of the account."""

from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, followers, reactions
from amp.sandbox.ledger import Post, seen
from amp.sandbox.social import _meta_insights as insights
from amp.sandbox.social._instagram_account import is_own
from amp.sandbox.social._instagram_media import own_media
from amp.sandbox.social._meta_errors import forbidden, invalid
from amp.sandbox.social._meta_graph import parameters
from amp.sandbox.social._meta_insights import DAY, Days
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

_FEED = words(
    "views reach likes comments saved shares total_interactions follows profile_visits profile_activity reposts"
)
_REELS = words(
    "views reach likes comments saved shares reposts total_interactions ig_reels_avg_watch_time "
    "ig_reels_video_view_total_time reels_skip_rate"
)
_STORY = words(
    "views reach replies navigation shares follows profile_visits profile_activity total_interactions reposts"
)
_OF_KIND = {"post": _FEED, "reel": _REELS, "story": _STORY}
_EVERY = _FEED | _REELS | _STORY
_DAILY = words("reach follower_count")
_TOTALS = words(
    "views reach likes comments shares saves replies accounts_engaged total_interactions profile_links_taps "
    "follows_and_unfollows reposts"
)
_UNKNOWN = "metric[{place}] must be one of the following values: {known}"
_FEWEST_VIEWERS = 5
_FEWEST_FOLLOWERS = 100


async def of_node(call: Call) -> Response:
    if is_own(call):
        return await _of_account(call)
    return await _of_media(call)


async def _of_media(call: Call) -> Response:
    post = await own_media(call)
    names = insights.metrics(call, _EVERY, _UNKNOWN)
    unfit = [name for name in names if name not in _OF_KIND[post.kind]]
    if unfit:
        raise invalid(f"The Media Insights API does not support the {unfit[0]} metric for this media product type.")
    earned = reactions(seen(post), call.now)
    if post.kind == "story" and call.now - post.created_at >= DAY:
        return JSONResponse({"data": []})
    if post.kind == "story" and earned.reach < _FEWEST_VIEWERS:
        raise forbidden("Not enough viewers for the media to show insights", 10)
    values = _media_values(post, earned)
    return JSONResponse({"data": [insights.value(call, name, "lifetime", values[name]) for name in names]})


def _media_values(post: Post, earned: Reactions) -> dict[str, Any]:
    watched = min(post.extra.get("seconds") or 0.0, 8.0) * 1000
    return {
        **_shared_values(earned),
        "saved": earned.bookmarks,
        "follows": earned.followers,
        "profile_visits": earned.profile_clicks,
        "profile_activity": earned.profile_clicks // 4,
        "navigation": earned.impressions - earned.impressions // 8,
        "ig_reels_avg_watch_time": int(watched),
        "ig_reels_video_view_total_time": int(watched * earned.impressions),
        "reels_skip_rate": 38.5,
    }


def _shared_values(earned: Reactions) -> dict[str, Any]:
    return {
        "views": earned.impressions,
        "reach": earned.reach,
        "likes": earned.likes,
        "comments": earned.replies,
        "replies": earned.replies,
        "shares": earned.quotes,
        "reposts": earned.reposts,
        "total_interactions": earned.likes + earned.replies + earned.bookmarks + earned.quotes + earned.reposts,
    }


async def _of_account(call: Call) -> Response:
    given = parameters(call)
    if given.required("period") != "day":
        raise invalid("Param period must be one of {day} for these metrics")
    span = insights.days(call)
    if given.text("metric_type") == "total_value":
        names = insights.metrics(call, _TOTALS, _UNKNOWN)
        values = await _account_values(call, span)
        return JSONResponse({"data": [insights.total(call, name, values[name]) for name in names]})
    names = insights.metrics(call, _DAILY, _UNKNOWN)
    return JSONResponse({"data": [await _series(call, name, span) for name in names if _is_available(call, name)]})


async def _account_values(call: Call, span: Days) -> dict[str, Any]:
    earned = await insights.earned(call, span)
    return {
        **_shared_values(earned),
        "saves": earned.bookmarks,
        "accounts_engaged": int(earned.engagements * 0.8),
        "profile_links_taps": earned.link_clicks,
        "follows_and_unfollows": insights.gained_followers(call, span),
    }


async def _series(call: Call, name: str, span: Days) -> dict[str, Any]:
    if name == "follower_count":
        return insights.daily(call, name, [(day, insights.gained_followers(call, day)) for day in span.each()])
    return insights.daily(call, name, [(day, (await insights.earned(call, day)).reach) for day in span.each()])


def _is_available(call: Call, name: str) -> bool:
    account = call.account
    enough = followers(account.vendor, account.remote_id, account.created_at, call.now) >= _FEWEST_FOLLOWERS
    return name != "follower_count" or enough
