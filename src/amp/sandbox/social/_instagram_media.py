"""Instagram: publishing a container, and what is public: media, stories, comments, the day's quota."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import reactions
from amp.sandbox.faults import Fault
from amp.sandbox.ledger import (
    Draft,
    Post,
    count_since,
    find_post,
    list_replies,
    make_public,
    seen,
)
from amp.sandbox.social import _meta_containers as containers
from amp.sandbox.social._instagram_account import check_own
from amp.sandbox.social._instagram_errors import already_posted, publishing_error
from amp.sandbox.social._meta_errors import gone, invalid
from amp.sandbox.social._meta_fields import asked, listed, select
from amp.sandbox.social._meta_graph import (
    parameters,
    random_id,
    shortcode,
    written,
)
from amp.sandbox.social._meta_lists import public_posts
from amp.sandbox.uploads import Upload, note
from amp.sandbox.vendor import Call

QUOTA = 100
DAY = timedelta(days=1)

_LONGEST_COMMENT = 2200
_PRODUCTS = {"post": "FEED", "reel": "REELS", "story": "STORY"}
_TYPES = {"image": "IMAGE", "video": "VIDEO", "carousel": "CAROUSEL_ALBUM"}


async def publish(call: Call) -> Response:
    check_own(call)
    creation_id = parameters(call).required("creation_id")
    container = await containers.find(call, creation_id, lock=True)
    _check_publishable(call, container)
    assert container is not None  # noqa: S101 (it has just been checked)
    await _check_orders_and_quota(call)
    media = await containers.described_media(call, container)
    post = await make_public(call, _draft(container, media))
    await note(call, container, published=post.remote_id)
    return JSONResponse({"id": post.remote_id})


async def quota(call: Call) -> Response:
    check_own(call)
    values = {
        "id": None,
        "quota_usage": await _used(call),
        "config": {"quota_total": QUOTA, "quota_duration": int(DAY.total_seconds())},
    }
    return JSONResponse({"data": [select(asked(call, "quota_usage"), values, "ContentPublishingLimit")]})


async def list_media(call: Call) -> Response:
    check_own(call)
    posts = await public_posts(call, without_kinds=("comment", "story"))
    return await listed(call, posts, lambda post: post.remote_id, lambda post: shown(call, post))


async def list_stories(call: Call) -> Response:
    """Those of the last day."""
    check_own(call)
    posts = await public_posts(call, without_kinds=("comment", "post", "reel"), start=call.now - DAY)
    return await listed(call, posts, lambda post: post.remote_id, lambda post: shown(call, post))


async def comment(call: Call) -> Response:
    target = await own_media(call, "post")
    message = parameters(call).required("message")
    if len(message) > _LONGEST_COMMENT:
        raise invalid("Param message is too long")
    if target.extra.get("comment_enabled") is False:
        raise invalid("Comments are turned off for this media", 2207045)
    draft = Draft(
        remote_id=random_id("180", 17),
        kind="comment",
        text=message,
        shown_text=message,
        same_as=f"{target.remote_id}\n{message}",
        parent=target.remote_id,
    )
    made = await make_public(call, draft)
    return JSONResponse({"id": made.remote_id})


async def list_comments(call: Call) -> Response:
    target = await own_media(call)
    comments = await list_replies(call, target.remote_id)
    return await listed(call, comments, lambda post: post.remote_id, lambda post: shown_comment(call, post))


async def shown_comment(call: Call, post: Post) -> dict[str, Any]:
    values = {
        "id": post.remote_id,
        "text": post.text,
        "timestamp": written(post.created_at),
        "username": call.account.handle,
        "like_count": 0,
        "from": {"id": post.account, "username": call.account.handle},
    }
    return select(asked(call, "id,text,timestamp"), values, "IGComment")


async def shown(call: Call, post: Post) -> dict[str, Any]:
    return select(asked(call), _values(call, post), "IGMedia")


async def own_media(call: Call, verb: str = "get") -> Post:
    """The media in the path, if it is this account's."""
    remote_id = call.request.path_params["id"]
    post = await find_post(call, remote_id)
    if post is None or post.account != call.account.remote_id or post.kind == "comment":
        raise gone(remote_id, verb)
    return post


def _check_publishable(call: Call, container: Upload | None) -> None:
    if container is None or container.extra["is_child"]:
        raise publishing_error(2207006)
    status = containers.status_of(call, container)
    if status == "EXPIRED":
        raise publishing_error(2207020)
    if status != "FINISHED":
        raise publishing_error(2207027, " It has been published already." if status == "PUBLISHED" else "")


async def _check_orders_and_quota(call: Call) -> None:
    fault = call.misfortune.fault if call.misfortune else None
    if fault is Fault.ACCOUNT_ACTION:
        raise publishing_error(2207050)
    if fault is Fault.DUPLICATE:
        raise already_posted()
    if fault is Fault.QUOTA_EXHAUSTED or await _used(call) >= QUOTA:
        raise publishing_error(2207042)


async def _used(call: Call) -> int:
    return await count_since(call, call.now - DAY, kinds=("post", "reel", "story"))


def _draft(container: Upload, media: Sequence[dict[str, Any]]) -> Draft:
    params: dict[str, Any] = container.extra["params"]
    kind = {"STORIES": "story", "REELS": "reel"}.get(params["media_type"], "post")
    return Draft(
        remote_id=random_id("179", 17),
        kind=kind,
        text=params["caption"],
        shown_text=params["caption"],
        same_as=container.remote_id,
        media=media,
        extra={"container": container.remote_id, "type": _TYPES[container.kind], "seconds": container.seconds},
    )


def _values(call: Call, post: Post) -> dict[str, Any]:
    earned = reactions(seen(post), call.now)
    product, code = _PRODUCTS[post.kind], shortcode(post.remote_id)
    media_url = f"https://scontent.cdninstagram.com/v/{code}"
    children = [{"id": medium["id"]} for medium in post.media]
    return {
        "id": post.remote_id,
        "caption": post.text or None,
        "media_type": post.extra["type"],
        "media_product_type": product,
        "media_url": media_url,
        "thumbnail_url": f"{media_url}.jpg" if post.extra["type"] == "VIDEO" else None,
        "permalink": permalink(call, post),
        "shortcode": code,
        "timestamp": written(post.created_at),
        "username": call.account.handle,
        "owner": {"id": post.account},
        "alt_text": post.media[0]["alt_text"] if len(post.media) == 1 else None,
        "children": {"data": children} if post.extra["type"] == "CAROUSEL_ALBUM" else None,
        "is_comment_enabled": post.extra.get("comment_enabled", True),
        "like_count": earned.likes,
        "comments_count": earned.replies,
        "view_count": earned.impressions,
        "saved_count": earned.bookmarks,
        "shares_count": earned.quotes,
        "reposts_count": earned.reposts,
    }


def permalink(call: Call, post: Post) -> str:
    code = shortcode(post.remote_id)
    if post.kind == "story":
        return f"https://www.instagram.com/stories/{call.account.handle}/{post.remote_id}"
    return f"https://www.instagram.com/{'reel' if post.kind == 'reel' else 'p'}/{code}/"
