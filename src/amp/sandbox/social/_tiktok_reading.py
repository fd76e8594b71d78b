"""TikTok: the user and the user's public videos (Display API)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field
from starlette.responses import Response

from amp.sandbox.audience import followers, reactions
from amp.sandbox.faults import Fault, standing
from amp.sandbox.ledger import Post, Span, find_posts, list_of_account, seen
from amp.sandbox.social._tiktok_wire import Closed, answered, fields, need, parse
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

_BASIC = words("open_id union_id avatar_url avatar_url_100 avatar_large_url display_name")
_PROFILE = words("bio_description profile_deep_link is_verified username")
_STATS = words("follower_count following_count likes_count video_count")
_VIDEO = words(
    "id create_time cover_image_url share_url video_description duration height width title embed_html embed_link "
    "like_count comment_count share_count view_count"
)
_MOST = 20
_ALL = 1000


class _List(Closed):
    max_count: int = Field(default=10, ge=1, le=_MOST)
    cursor: int | None = Field(default=None, ge=0)


class _Filters(Closed):
    video_ids: list[str] = Field(min_length=1, max_length=_MOST)


class _Query(Closed):
    filters: _Filters


async def user_info(call: Call) -> Response:
    """What is beyond the basic fields needs scopes of its own."""
    wanted = fields(call, _BASIC | _PROFILE | _STATS)
    for scope, theirs in (("user.info.profile", _PROFILE), ("user.info.stats", _STATS)):
        if theirs & set(wanted):
            need(call, scope)
    everything = await _user(call)
    return answered({"user": {name: everything[name] for name in wanted}})


async def list_videos(call: Call) -> Response:
    """Newest first, `cursor` being the moment before which to go on."""
    wanted, names = parse(call, _List, "invalid_params"), fields(call, _VIDEO)
    end = datetime.fromtimestamp(wanted.cursor / 1000, UTC) if wanted.cursor else None
    found = [post for post in await _public(call, _ALL) if end is None or post.created_at < end]
    page = found[: wanted.max_count]
    cursor = int(page[-1].created_at.timestamp() * 1000) if page else int(call.now.timestamp() * 1000)
    videos = [_shown(post, names, call) for post in page]
    return answered({"videos": videos, "cursor": cursor, "has_more": len(found) > len(page)})


async def query_videos(call: Call) -> Response:
    """Of the videos asked for, those that are the user's and public."""
    wanted, names = parse(call, _Query, "invalid_params"), fields(call, _VIDEO)
    found = await find_posts(call, wanted.filters.video_ids)
    own = [post for post in found.values() if post.account == call.account.remote_id and _is_public(post, call.now)]
    return answered({"videos": [_shown(post, names, call) for post in own]})


async def _user(call: Call) -> dict[str, Any]:
    account = call.account
    grown = followers(account.vendor, account.remote_id, account.created_at, call.now)
    public = await _public(call, _ALL)
    avatar = f"https://p16-sign.tiktokcdn-us.com/{account.remote_id}.jpeg"
    return {
        "open_id": account.remote_id,
        "union_id": f"union-{account.remote_id}",
        "avatar_url": avatar,
        "avatar_url_100": avatar,
        "avatar_large_url": avatar,
        "display_name": account.name,
        "bio_description": "",
        "profile_deep_link": f"https://www.tiktok.com/@{account.handle}",
        "is_verified": False,
        "username": account.handle,
        "follower_count": grown,
        "following_count": 40 + grown // 20,
        "likes_count": sum(reactions(seen(post), call.now).likes for post in public),
        "video_count": len(public),
    }


async def _public(call: Call, limit: int) -> Sequence[Post]:
    lag = await standing(call.connection, call.account, Fault.LISTING_LAG)
    latest = call.now - timedelta(seconds=lag.seconds if lag else 0)
    found = await list_of_account(call, call.account.remote_id, Span(), limit=limit)
    return [post for post in found if _is_public(post, latest)]


def _is_public(post: Post, moment: datetime) -> bool:
    return post.public_from <= moment


def _shown(post: Post, names: Sequence[str], call: Call) -> dict[str, Any]:
    earned = reactions(seen(post), call.now)
    everything = {
        "id": post.remote_id,
        "create_time": int(post.created_at.timestamp()),
        "cover_image_url": f"https://p16-sign.tiktokcdn-us.com/{post.remote_id}.jpeg",
        "share_url": f"https://www.tiktok.com/@{call.account.handle}/video/{post.remote_id}",
        "video_description": post.text,
        "duration": int(post.extra.get("seconds") or 0),
        "height": 1920,
        "width": 1080,
        "title": post.extra["title"],
        "embed_html": "",
        "embed_link": f"https://www.tiktok.com/player/v1/{post.remote_id}",
        "like_count": earned.likes,
        "comment_count": earned.replies,
        "share_count": earned.reposts + earned.quotes,
        "view_count": earned.impressions,
    }
    return {name: everything[name] for name in names}
