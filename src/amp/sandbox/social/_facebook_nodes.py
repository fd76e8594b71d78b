"""Facebook: what is to be read of a page, a post, a comment, a photo and a film."""

from typing import Any

from amp.sandbox.audience import followers, reactions
from amp.sandbox.ledger import Post, find_post, list_replies, seen
from amp.sandbox.social._facebook_people import page_values, tasks_of
from amp.sandbox.social._meta_fields import Edge
from amp.sandbox.social._meta_graph import written
from amp.sandbox.uploads import Upload
from amp.sandbox.vendor import Call


def own_page_values(call: Call) -> dict[str, Any]:
    """Of the page whose token this is."""
    account = call.account
    count = followers(account.vendor, account.remote_id, account.created_at, call.now)
    return page_values(account) | {
        "fan_count": count,
        "followers_count": count,
        "is_published": True,
        "about": None,
        "tasks": list(tasks_of(account)),
    }


async def post_values(call: Call, post: Post) -> dict[str, Any]:
    earned = reactions(seen(post), call.now)
    comments = await list_replies(call, post.remote_id)
    shown = [{"id": comment.remote_id, "message": comment.text} for comment in comments]
    return {
        "id": post.remote_id,
        "message": post.text or None,
        "created_time": written(post.created_at),
        "updated_time": written(post.created_at),
        "permalink_url": permalink(post),
        "is_published": post.public_from <= call.now,
        "is_hidden": False,
        "from": {"name": call.account.name, "id": post.account},
        "status_type": {"post": "mobile_status_update", "photo": "added_photos"}.get(post.kind, "added_video"),
        "full_picture": None,
        "attachments": _attachments(post),
        "shares": {"count": earned.reposts} if earned.reposts else None,
        "comments": Edge(shown, earned.replies + len(comments)),
        "reactions": Edge((), earned.likes),
        "likes": Edge((), earned.likes),
        "post_id": post.remote_id,
    }


def comment_values(call: Call, post: Post) -> dict[str, Any]:
    return {
        "id": post.remote_id,
        "message": post.text,
        "created_time": written(post.created_at),
        "from": {"name": call.account.name, "id": post.account},
        "like_count": 0,
        "permalink_url": f"https://www.facebook.com/{post.parent}?comment_id={post.remote_id.rpartition('_')[2]}",
    }


def photo_values(call: Call, photo: Upload) -> dict[str, Any]:
    address = f"https://scontent.xx.fbcdn.net/v/{photo.remote_id}"
    return {
        "id": photo.remote_id,
        "created_time": written(photo.created_at),
        "name": photo.extra.get("text") or None,
        "alt_text": photo.alt_text,
        "alt_text_custom": photo.alt_text,
        "link": f"https://www.facebook.com/photo.php?fbid={photo.remote_id}",
        "images": [{"height": photo.height, "width": photo.width, "source": address}],
        "page_story_id": photo.extra.get("post"),
        "post_id": photo.extra.get("post"),
        "picture": address,
    }


async def video_values(call: Call, video: Upload) -> dict[str, Any]:
    """`permalink_url` of a film is the path alone."""
    post = await find_post(call, video.extra.get("post") or "")
    folder = "reel" if video.extra["for"] == "reel" else f"{call.account.remote_id}/videos"
    return {
        "id": video.remote_id,
        "title": video.extra.get("title") or None,
        "description": (post.text if post else None) or None,
        "created_time": written(video.created_at),
        "length": video.seconds,
        "permalink_url": f"/{folder}/{video.remote_id}/",
        "post_id": video.extra.get("post"),
        "published": post is not None and post.public_from <= call.now,
        "status": _status(call, video, post),
    }


def permalink(post: Post) -> str:
    video, number = post.extra.get("video"), post.remote_id.rpartition("_")[2]
    if post.kind == "story":
        return f"https://www.facebook.com/stories/{post.account}/{number}"
    if video:
        path = f"reel/{video}" if post.kind == "reel" else f"{post.account}/videos/{video}"
        return f"https://www.facebook.com/{path}/"
    return f"https://www.facebook.com/{post.account}/posts/{number}"


def _attachments(post: Post) -> dict[str, Any] | None:
    """One picture or film as itself, several photos as an album."""
    if post.extra.get("article"):
        link = post.extra["article"]["source"]
        return {"data": [{"media_type": "link", "url": link, "title": post.extra["article"]["title"]}]}
    members = [
        {"media_type": "video" if medium["kind"] == "video" else "photo", "target": {"id": medium["id"]}}
        for medium in post.media
    ]
    if len(members) < 2:
        return {"data": members} if members else None
    return {"data": [{"media_type": "album", "subattachments": {"data": members}}]}


def _status(call: Call, video: Upload, post: Post | None) -> dict[str, Any]:
    received = video.extra.get("received", 0)
    state = video.state(call.now)
    uploading: dict[str, Any] = {
        "status": "complete" if video.is_complete else "in_progress" if received else "not_started",
        "bytes_transferred": video.declared_bytes if video.is_complete else received,
    }
    words = {"open": "not_started", "processing": "in_progress", "ready": "complete", "failed": "error"}
    processing: dict[str, Any] = {"status": words[state]}
    if state == "failed":
        code, _, message = (video.failure or "").partition(" ")
        processing["errors"] = [{"code": int(code), "message": message}]
    publishing: dict[str, Any] = {"status": "not_started"}
    if video.extra.get("is_released") and state == "failed":
        publishing = {"status": "error"}
    elif post is not None:
        is_out = post.public_from <= call.now
        publishing = {"status": "complete" if is_out else "in_progress", "publish_status": "published"}
        publishing |= {"publish_time": int(post.public_from.timestamp())} if is_out else {}
    whole = {"open": "uploading", "processing": "processing", "ready": "ready", "failed": "error"}[state]
    return {
        "video_status": whole,
        "uploading_phase": uploading,
        "processing_phase": processing,
        "publishing_phase": publishing,
    }
