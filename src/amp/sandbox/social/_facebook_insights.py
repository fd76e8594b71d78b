"""Facebook: insights of a page, a post and a film. Impressions are gone; what is left are views."""

from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import Reactions, reactions
from amp.sandbox.ledger import Post, seen
from amp.sandbox.social import _meta_insights as insights
from amp.sandbox.social._facebook_people import check_page
from amp.sandbox.social._facebook_posts import own_post
from amp.sandbox.social._meta_errors import invalid
from amp.sandbox.social._meta_graph import parameters
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

_OF_PAGE = words(
    "page_media_view page_total_media_view_unique page_post_engagements page_follows page_daily_follows "
    "page_daily_follows_unique page_daily_unfollows_unique page_views_total page_total_actions"
)
_OF_POST = words(
    "post_media_view post_total_media_view_unique post_clicks post_clicks_by_type post_reactions_by_type_total "
    "post_reactions_like_total post_activity_by_action_type post_video_views"
)
_OF_VIDEO = words("blue_reels_play_count post_video_avg_time_watched post_video_view_time post_video_social_actions")
_UNKNOWN = "The value must be a valid insights metric"


async def of_node(call: Call) -> Response:
    if call.request.path_params["id"] in ("me", call.account.remote_id):
        return await _of_page(call)
    post = await own_post(call)
    names = insights.metrics(call, _OF_POST, _UNKNOWN)
    if parameters(call).text("period", "lifetime") != "lifetime":
        raise invalid("Param period must be lifetime for these metrics")
    values = _post_values(reactions(seen(post), call.now))
    return JSONResponse({"data": [insights.value(call, name, "lifetime", values[name]) for name in names]})


async def of_video(call: Call) -> Response:
    post = await own_post(call)
    names = insights.metrics(call, _OF_VIDEO, _UNKNOWN)
    values = _video_values(post, reactions(seen(post), call.now))
    return JSONResponse({"data": [insights.value(call, name, "lifetime", values[name]) for name in names]})


async def _of_page(call: Call) -> Response:
    check_page(call)
    names = insights.metrics(call, _OF_PAGE, _UNKNOWN)
    if parameters(call).text("period", "day") != "day":
        raise invalid("Param period must be day for these metrics")
    days = list(insights.days(call).each())
    earned = [(day, _page_values(call, day, await insights.earned(call, day))) for day in days]
    series = [insights.daily(call, name, [(day, values[name]) for day, values in earned]) for name in names]
    return JSONResponse({"data": series})


def _page_values(call: Call, day: insights.Days, earned: Reactions) -> dict[str, Any]:
    gained = insights.gained_followers(call, day)
    return {
        "page_media_view": earned.impressions,
        "page_total_media_view_unique": earned.reach,
        "page_post_engagements": earned.engagements,
        "page_follows": gained,
        "page_daily_follows": gained,
        "page_daily_follows_unique": gained,
        "page_daily_unfollows_unique": 0,
        "page_views_total": earned.profile_clicks,
        "page_total_actions": earned.link_clicks,
    }


def _post_values(earned: Reactions) -> dict[str, Any]:
    loves = earned.likes // 10
    return {
        "post_media_view": earned.impressions,
        "post_total_media_view_unique": earned.reach,
        "post_clicks": earned.link_clicks + earned.profile_clicks,
        "post_clicks_by_type": {"link clicks": earned.link_clicks, "other clicks": earned.profile_clicks},
        "post_reactions_by_type_total": {"like": earned.likes - loves, "love": loves},
        "post_reactions_like_total": earned.likes - loves,
        "post_activity_by_action_type": {
            "like": earned.likes,
            "comment": earned.replies,
            "share": earned.reposts,
        },
        "post_video_views": earned.video_views,
    }


def _video_values(post: Post, earned: Reactions) -> dict[str, Any]:
    return {
        "blue_reels_play_count": earned.impressions if post.kind == "reel" else 0,
        "post_video_avg_time_watched": 4_200,
        "post_video_view_time": 4_200 * earned.video_views,
        "post_video_social_actions": {"COMMENT": earned.replies, "SHARE": earned.reposts},
    }
