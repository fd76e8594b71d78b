"""Threads: publishing a container, and what is public: posts, replies, the day's quotas."""

from datetime import timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import followers
from amp.sandbox.faults import Fault
from amp.sandbox.ledger import (
    Draft,
    Post,
    count_since,
    find_post,
    list_replies,
    make_public,
    withdraw,
)
from amp.sandbox.social import _meta_containers as containers
from amp.sandbox.social import _threads_text as text_rules
from amp.sandbox.social._meta_errors import failure, gone
from amp.sandbox.social._meta_fields import asked, listed, select
from amp.sandbox.social._meta_graph import check_is_caller, parameters, random_id, shortcode, written
from amp.sandbox.social._meta_lists import public_posts
from amp.sandbox.uploads import Upload, note
from amp.sandbox.vendor import Call, Refused

DAY = timedelta(days=1)
POST_QUOTA, REPLY_QUOTA, DELETE_QUOTA = 250, 1000, 100

_NOT_FOUND_TEXT = "The media with the given id cannot be found. It may not be ready yet."
_TYPES = {"text": "TEXT_POST", "image": "IMAGE", "video": "VIDEO", "carousel": "CAROUSEL_ALBUM"}


async def publish(call: Call) -> Response:
    """Right after a container was made it cannot be found yet: the same words as for one that never was."""
    check_is_caller(call)
    container = await containers.find(call, parameters(call).required("creation_id"), lock=True)
    if container is None or container.extra["is_child"] or containers.status_of(call, container) != "FINISHED":
        raise failure(
            24, "(#24) The requested resource does not exist", 4279009, title="Media Not Found", text=_NOT_FOUND_TEXT
        )
    await check_account(call, is_reply=container.extra["params"]["reply_to_id"] is not None)
    return JSONResponse({"id": (await publish_now(call, container)).remote_id})


async def publish_now(call: Call, container: Upload) -> Post:
    params: dict[str, Any] = container.extra["params"]
    parent = await find_post(call, params["reply_to_id"]) if params["reply_to_id"] else None
    post = await make_public(call, _draft(container, params, parent, await containers.described_media(call, container)))
    await note(call, container, published=post.remote_id)
    return post


async def check_account(call: Call, *, is_reply: bool) -> None:
    """What may forbid a post whatever is in it: orders and quotas. Replies have a quota of their own."""
    fault = call.misfortune.fault if call.misfortune else None
    if fault is Fault.ACCOUNT_ACTION:
        raise failure(368, "(#368) The user's access to Threads has been restricted", 4279013, title="User Restricted")
    if fault is Fault.DUPLICATE:
        raise failure(100, "(#100) This content has already been posted", 1404082)
    kind, quota = ("reply", REPLY_QUOTA) if is_reply else ("post", POST_QUOTA)
    if fault is Fault.QUOTA_EXHAUSTED or await count_since(call, call.now - DAY, kinds=(kind,)) >= quota:
        raise _over_quota()


async def repost(call: Call) -> Response:
    target = await _existing(call, "post")
    await check_account(call, is_reply=False)
    draft = Draft(
        remote_id=random_id("180", 17),
        kind="reshare",
        text="",
        shown_text="",
        same_as=f"repost {target.remote_id}",
        parent=target.remote_id,
        extra={"type": "REPOST_FACADE"},
    )
    return JSONResponse({"id": (await make_public(call, draft)).remote_id})


async def delete(call: Call) -> Response:
    post = await _existing(call, "delete")
    if post.account != call.account.remote_id:
        raise gone(post.remote_id, "delete")
    if await count_since(call, call.now - DAY, kinds=("post", "reply"), deleted=True) >= DELETE_QUOTA:
        raise _over_quota()
    await withdraw(call, post.remote_id)
    return JSONResponse({"success": True, "deleted_id": post.remote_id})


async def list_threads(call: Call) -> Response:
    """The account's own posts; its replies are listed apart."""
    check_is_caller(call)
    return await _listed(call, ("reply",))


async def list_of_replies(call: Call) -> Response:
    """The account's own replies; or those to one post."""
    remote_id = call.request.path_params["id"]
    if remote_id in ("me", call.account.remote_id):
        return await _listed(call, ("post", "reshare"))
    target = await _existing(call, "get")
    replies = await list_replies(call, target.remote_id)
    return await listed(call, replies, lambda post: post.remote_id, lambda post: shown(call, post))


async def quotas(call: Call) -> Response:
    check_is_caller(call)
    since, seconds = call.now - DAY, int(DAY.total_seconds())
    values = {
        "id": None,
        "quota_usage": await count_since(call, since, kinds=("post", "reshare")),
        "config": {"quota_total": POST_QUOTA, "quota_duration": seconds},
        "reply_quota_usage": await count_since(call, since, kinds=("reply",)),
        "reply_config": {"quota_total": REPLY_QUOTA, "quota_duration": seconds},
        "delete_quota_usage": await count_since(call, since, kinds=("post", "reply"), deleted=True),
        "delete_config": {"quota_total": DELETE_QUOTA, "quota_duration": seconds},
        "location_search_quota_usage": 0,
        "location_search_config": {"quota_total": 500, "quota_duration": seconds},
    }
    return JSONResponse({"data": [select(asked(call, "quota_usage"), values, "ThreadsPublishingLimit")]})


async def show_post(call: Call) -> dict[str, Any]:
    return await shown(call, await _existing(call, "get"))


async def shown(call: Call, post: Post) -> dict[str, Any]:
    code = shortcode(post.remote_id)
    children = [{"id": medium["id"]} for medium in post.media]
    values = {
        "id": post.remote_id,
        "media_product_type": "THREADS",
        "media_type": post.extra["type"],
        "media_url": f"https://scontent.cdninstagram.com/t/{code}" if len(post.media) == 1 else None,
        "permalink": f"https://www.threads.net/@{call.account.handle}/post/{code}",
        "owner": {"id": post.account},
        "username": call.account.handle,
        "text": post.text or None,
        "timestamp": written(post.created_at),
        "shortcode": code,
        "thumbnail_url": None,
        "gif_url": None,
        "poll_attachment": _poll(post),
        "hide_status": "NOT_HUSHED" if post.kind == "reply" else None,
        "children": {"data": children} if len(children) > 1 else None,
        "is_quote_post": bool(post.extra.get("quoted")),
        "has_replies": bool(await list_replies(call, post.remote_id)),
        "is_reply": post.kind == "reply",
        "replied_to": {"id": post.parent} if post.kind == "reply" else None,
        "root_post": {"id": post.conversation} if post.kind == "reply" else None,
        "link_attachment_url": post.extra.get("article", {}).get("source"),
        "topic_tag": post.extra.get("topic_tag"),
        "reply_audience": post.extra.get("reply_control", "everyone").upper(),
        "alt_text": post.media[0]["alt_text"] if len(post.media) == 1 else None,
    }
    return select(asked(call), values, "ThreadsMedia")


def profile(call: Call) -> dict[str, Any]:
    account = call.account
    return {
        "id": account.remote_id,
        "username": account.handle,
        "name": account.name,
        "threads_profile_picture_url": f"https://scontent.cdninstagram.com/v/{account.remote_id}.jpg",
        "threads_biography": "",
        "is_verified": False,
    }


def follower_count(call: Call) -> int:
    account = call.account
    return followers(account.vendor, account.remote_id, account.created_at, call.now)


async def _listed(call: Call, without_kinds: tuple[str, ...]) -> Response:
    posts = await public_posts(call, without_kinds=without_kinds)
    return await listed(call, posts, lambda post: post.remote_id, lambda post: shown(call, post))


async def _existing(call: Call, verb: str) -> Post:
    remote_id = call.request.path_params["id"]
    post = await find_post(call, remote_id)
    if post is None:
        raise gone(remote_id, verb)
    return post


def _draft(container: Upload, params: dict[str, Any], parent: Post | None, media: list[dict[str, Any]]) -> Draft:
    """A link becomes a card: the one that was attached, or the first in a text without media."""
    text, card = params["text"], params["link_attachment"]
    if not card and container.kind == "text":
        card = next(iter(text_rules.links(text)), None)
    extra: dict[str, Any] = {
        "type": _TYPES[container.kind],
        "container": container.remote_id,
        "topic_tag": params["topic_tag"],
        "reply_control": params["reply_control"],
        "quoted": params["quote_post_id"],
    }
    if card:
        extra["article"] = {"title": card, "source": card}
    if params["poll"]:
        extra["poll"] = {"options": params["poll"]}
    return Draft(
        remote_id=random_id("180", 17),
        kind="reply" if parent else "post",
        text=text,
        shown_text=text,
        same_as=container.remote_id,
        media=media,
        parent=parent.remote_id if parent else params["quote_post_id"],
        conversation=parent.conversation if parent else None,
        extra=extra,
    )


def _poll(post: Post) -> dict[str, Any] | None:
    options: list[str] = post.extra.get("poll", {}).get("options", [])
    return {f"option_{letter}": option for letter, option in zip("abcd", options, strict=False)} or None


def _over_quota() -> Refused:
    message = "(#9) The user has reached the maximum of what is allowed to be published within 24 hours"
    return failure(9, message, 2207042, title="Application request limit reached")
