"""YouTube: the channel and what hangs on it: its list of uploads, the search in it, thumbnails and comments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import Field
from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import followers, reactions
from amp.sandbox.faults import Fault, standing
from amp.sandbox.formats import recognise
from amp.sandbox.ledger import Draft, Post, find_posts, list_replies, make_public, seen
from amp.sandbox.snowflakes import UNIX_EPOCH, Snowflakes
from amp.sandbox.social._google_errors import error, invalid
from amp.sandbox.social._youtube_resources import status_at, thumbnails
from amp.sandbox.social._youtube_videos import is_public, own_video, own_videos
from amp.sandbox.social._youtube_wire import Closed, etag, listed, moment, not_found, number, parse, parts
from amp.sandbox.uploads import Upload, note
from amp.sandbox.vendor import Call

Thing = TypeVar("Thing")

_IDS = Snowflakes(UNIX_EPOCH)
_CHANNEL_PARTS = frozenset(
    {"brandingSettings", "contentDetails", "id", "snippet", "statistics", "status", "topicDetails"}
)
_ITEM_PARTS = frozenset({"contentDetails", "id", "snippet", "status"})
_THREAD_PARTS = frozenset({"id", "replies", "snippet"})
_LONGEST_COMMENT = 10_000
_PICTURES = {"image/jpeg", "image/png"}


class _CommentText(Closed):
    text_original: Annotated[str, Field(max_length=_LONGEST_COMMENT)]


class _Comment(Closed):
    snippet: _CommentText


class _ThreadSnippet(Closed):
    video_id: str
    channel_id: str | None = None
    top_level_comment: _Comment


class _Thread(Closed):
    snippet: _ThreadSnippet


async def list_channels(call: Call) -> Response:
    """The caller's own; counts are strings, and subscribers are rounded down to three figures."""
    wanted = parts(call, _CHANNEL_PARTS)
    query = call.request.query_params
    if query.get("mine") != "true" and "id" not in query:
        raise error(400, "youtube.parameter", "missingRequiredParameter", "No filter selected. Expected one of: mine")
    if query.get("mine") != "true" and call.account.remote_id not in query["id"].split(","):
        return listed("channelListResponse", [])
    account, public = call.account, [video for video in await own_videos(call) if is_public(video, call.now)]
    posts = await find_posts(call, [video.remote_id for video in public])
    views = sum(reactions(seen(post), call.now).video_views for post in posts.values())
    grown = followers(account.vendor, account.remote_id, account.created_at, call.now)
    everything = {
        "snippet": {
            "title": account.name,
            "description": "",
            "customUrl": f"@{account.handle}",
            "publishedAt": moment(account.created_at),
            "thumbnails": {"default": {"url": f"https://yt3.ggpht.com/{account.remote_id}=s88", "width": 88}},
        },
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": uploads_list(call)}},
        "statistics": {
            "viewCount": str(views),
            "subscriberCount": str(_rounded(grown)),
            "hiddenSubscriberCount": False,
            "videoCount": str(len(public)),
        },
        "status": {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "allowed"},
    }
    shown = {name: everything[name] for name in wanted if name in everything}
    item = {"kind": "youtube#channel", "etag": etag(account.remote_id), "id": account.remote_id, **shown}
    return listed("channelListResponse", [item])


async def list_uploads(call: Call) -> Response:
    """The uploads playlist: everything that is the caller's, newest first."""
    wanted = parts(call, _ITEM_PARTS)
    if call.request.query_params.get("playlistId") != uploads_list(call):
        raise error(404, "youtube.playlistItem", "playlistNotFound", "The playlist cannot be found.")
    found = await _lagging(call, await own_videos(call))
    page, more = _page(call, found, 5)
    items = [_item(call, video, place, wanted) for place, video in page]
    return listed("playlistItemListResponse", items, len(found), **more)


async def search(call: Call) -> Response:
    """Among the caller's own videos; dearer than the playlist."""
    query = call.request.query_params
    parts(call, {"id", "snippet"})
    if query.get("forMine") != "true" or query.get("type") != "video":
        raise invalid("invalidSearchFilter", "forMine=true needs type=video.", "youtube.search")
    wanted = query.get("q", "").lower()
    found = [video for video in await _lagging(call, await own_videos(call)) if wanted in _title(video).lower()]
    page, more = _page(call, found, 5)
    items = [_hit(call, video) for _, video in page]
    return listed("searchListResponse", items, len(found), **more)


async def set_thumbnail(call: Call) -> Response:
    video = await own_video(call, call.request.query_params.get("videoId", ""))
    if not call.body:
        raise invalid("mediaBodyRequired", "The request does not include the image content.", "youtube.thumbnail")
    found = recognise(call.body)
    if found is None or found.media_type not in _PICTURES:
        raise invalid("invalidImage", "The provided image content is invalid.", "youtube.thumbnail")
    await note(call, video, thumbnail=found.media_type)
    body = {"kind": "youtube#thumbnailSetResponse", "etag": etag(video.remote_id)}
    return JSONResponse(body | {"items": [thumbnails(video.remote_id)]})


async def create_thread(call: Call) -> Response:
    """A comment on a video that people can see, and that is not for children."""
    parts(call, _THREAD_PARTS)
    wanted = parse(call.body, _Thread).snippet
    text = wanted.top_level_comment.snippet.text_original
    post = (await find_posts(call, [wanted.video_id])).get(wanted.video_id)
    if post is None or post.kind != "video":
        raise not_found("video")
    if not text.strip():
        raise invalid("commentTextRequired", "The comment text cannot be empty.", "youtube.commentThread")
    if await _is_closed(call, post):
        message = "The video identified by the videoId has disabled comments."
        raise error(403, "youtube.commentThread", "commentsDisabled", message)
    if call.misfortune and call.misfortune.fault is Fault.DUPLICATE:
        raise invalid("processingFailure", "The API server failed to process the request.", "youtube.commentThread")
    comment_id = f"Ug{_IDS.make(call.now)}"
    same_as = f"{post.remote_id}\n{text}"
    draft = Draft(
        remote_id=comment_id, kind="comment", text=text, shown_text=text, same_as=same_as, parent=post.remote_id
    )
    return JSONResponse(_thread(call, await make_public(call, draft)))


async def list_threads(call: Call) -> Response:
    """What was said under a video, newest first."""
    parts(call, _THREAD_PARTS)
    video_id = call.request.query_params.get("videoId", "")
    if video_id not in await find_posts(call, [video_id]):
        raise not_found("video")
    found = list(reversed(await list_replies(call, video_id)))
    page, more = _page(call, found, 20)
    return listed("commentThreadListResponse", [_thread(call, post) for _, post in page], len(found), **more)


def uploads_list(call: Call) -> str:
    return f"UU{call.account.remote_id.removeprefix('UC')}"


async def _is_closed(call: Call, post: Post) -> bool:
    if post.account != call.account.remote_id:
        return post.public_from > call.now
    video = await own_video(call, post.remote_id)
    return not is_public(video, call.now) or video.extra["status"]["selfDeclaredMadeForKids"]


async def _lagging(call: Call, found: list[Upload]) -> list[Upload]:
    lag = await standing(call.connection, call.account, Fault.LISTING_LAG)
    latest = call.now - timedelta(seconds=lag.seconds if lag else 0)
    return [video for video in found if datetime.fromisoformat(video.extra["made_at"]) <= latest]


def _page(call: Call, found: Sequence[Thing], default: int) -> tuple[list[tuple[int, Thing]], dict[str, str]]:
    """A page with each thing's place, and the token of the next one: `P` and where it starts."""
    size = number(call, "maxResults", 0, 50, default)
    token = call.request.query_params.get("pageToken", "P0")
    if not token[1:].isdecimal() or token[0] != "P":
        raise invalid("invalidPageToken", "The request specifies an invalid page token.", "youtube.parameter")
    start = int(token[1:])
    more = {"nextPageToken": f"P{start + size}"} if start + size < len(found) else {}
    return list(enumerate(found))[start : start + size], more


def _item(call: Call, video: Upload, place: int, wanted: list[str]) -> dict[str, Any]:
    made_at = moment(datetime.fromisoformat(video.extra["made_at"]))
    everything = {
        "snippet": {
            "publishedAt": made_at,
            "channelId": call.account.remote_id,
            "channelTitle": call.account.name,
            "title": _title(video),
            "description": video.extra["snippet"]["description"],
            "thumbnails": thumbnails(video.remote_id),
            "playlistId": uploads_list(call),
            "position": place,
            "resourceId": {"kind": "youtube#video", "videoId": video.remote_id},
        },
        "contentDetails": {"videoId": video.remote_id, "videoPublishedAt": made_at},
        "status": {"privacyStatus": status_at(video, call.now)["privacyStatus"]},
    }
    shown = {name: everything[name] for name in wanted if name in everything}
    return {"kind": "youtube#playlistItem", "etag": etag(video.remote_id), "id": f"VVU{video.remote_id}", **shown}


def _hit(call: Call, video: Upload) -> dict[str, Any]:
    snippet = {
        "publishedAt": moment(datetime.fromisoformat(video.extra["made_at"])),
        "channelId": call.account.remote_id,
        "title": _title(video),
        "description": video.extra["snippet"]["description"],
        "channelTitle": call.account.name,
        "liveBroadcastContent": "none",
    }
    found = {"kind": "youtube#video", "videoId": video.remote_id}
    return {"kind": "youtube#searchResult", "etag": etag(video.remote_id), "id": found, "snippet": snippet}


def _thread(call: Call, post: Post) -> dict[str, Any]:
    at = moment(post.created_at)
    comment = {
        "videoId": post.parent,
        "textDisplay": post.text,
        "textOriginal": post.text,
        "authorDisplayName": f"@{call.account.handle}" if post.account == call.account.remote_id else post.account,
        "authorChannelId": {"value": post.account},
        "likeCount": 0,
        "publishedAt": at,
        "updatedAt": at,
    }
    top = {"kind": "youtube#comment", "etag": etag(post.remote_id), "id": post.remote_id, "snippet": comment}
    snippet = {"videoId": post.parent, "topLevelComment": top, "canReply": True, "totalReplyCount": 0, "isPublic": True}
    return {"kind": "youtube#commentThread", "etag": etag(post.remote_id), "id": post.remote_id, "snippet": snippet}


def _title(video: Upload) -> str:
    return video.extra["snippet"]["title"]


def _rounded(count: int) -> int:
    unit = 10 ** max(0, len(str(count)) - 3)
    return count // unit * unit
