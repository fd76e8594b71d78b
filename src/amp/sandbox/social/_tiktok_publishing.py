"""TikTok: announcing posts (Content Posting API, "Direct Post" and "Upload Content"): who may post what, for whom, and
how often a day."""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from amp.sandbox.faults import Fault, Step, standing
from amp.sandbox.pulling import Found, fetch
from amp.sandbox.snowflakes import UNIX_EPOCH, Snowflakes
from amp.sandbox.social import _tiktok_outcome as outcome
from amp.sandbox.social._tiktok_requests import (
    LARGEST_PICTURE,
    LARGEST_VIDEO,
    FileUpload,
    Mode,
    NewInboxVideo,
    NewPhotos,
    NewVideo,
    PhotoPost,
    PullFromUrl,
    VideoPost,
)
from amp.sandbox.social._tiktok_wire import answered, failure, invalid, need, parse
from amp.sandbox.uploads import Upload, open_upload
from amp.sandbox.vendor import Call, Refused, Sandbox
from amp.sandbox.wire import MEGABYTE

_IDS = Snowflakes(UNIX_EPOCH)
_POSTS_A_DAY = 15
_PENDING_SHARES = 5
_UNAUDITED_USERS = 5
_UPLOAD_LIFETIME = timedelta(hours=1)
_SMALLEST_CHUNK, _LARGEST_CHUNK = 5 * MEGABYTE, 64 * MEGABYTE
_OPTIONS = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
_OPTIONS_OF_PRIVATE_ACCOUNTS = ("FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")


async def creator_info(call: Call) -> Response:
    """What this creator may choose; asked before every direct post. A creator who may not post now is told so with a
    200. An unreviewed app meets private accounts only, because it can post to no others."""
    await _check_caps(call, "DIRECT_POST", status=200)
    data = {
        "creator_avatar_url": f"https://p16-sign.tiktokcdn-us.com/{call.account.remote_id}.jpeg",
        "creator_username": call.account.handle,
        "creator_nickname": call.account.name,
        "privacy_level_options": list(_OPTIONS_OF_PRIVATE_ACCOUNTS if await _is_unreviewed(call) else _OPTIONS),
        "comment_disabled": False,
        "duet_disabled": False,
        "stitch_disabled": False,
        "max_video_post_duration_sec": outcome.LONGEST_SECONDS,
    }
    return answered(data)


async def create_video(call: Call) -> Response:
    wanted = parse(call, NewVideo)
    await _check_caps(call, "DIRECT_POST")
    await _check_audience(call, wanted.post_info)
    return await _open_video(call, wanted.source_info, "DIRECT_POST", wanted.post_info.model_dump())


def step_of_video(request: Request) -> Step:
    """A video that is pulled goes out without another word; one that is sent, with its last chunk."""
    return Step.RELEASE if b'"PULL_FROM_URL"' in request.state.body else Step.BEGIN


async def create_inbox_video(call: Call) -> Response:
    wanted = parse(call, NewInboxVideo)
    await _check_caps(call, "MEDIA_UPLOAD")
    return await _open_video(call, wanted.source_info, "MEDIA_UPLOAD", {})


async def create_photos(call: Call) -> Response:
    """Photos come by address only. They have been fetched when this runs; what came of it is told by the status."""
    wanted = parse(call, NewPhotos)
    need(call, "video.publish" if wanted.post_mode == "DIRECT_POST" else "video.upload")
    source = wanted.source_info
    if source.photo_cover_index >= len(source.photo_images):
        raise invalid("The photo_cover_index is not the index of a photo.")
    await _check_caps(call, wanted.post_mode)
    if wanted.post_mode == "DIRECT_POST":
        await _check_audience(call, wanted.post_info)
    post = wanted.post_info.model_dump()
    opened = await _open(call, "p_pub_url~v2.", "photos", wanted.post_mode, post, source.source)
    await outcome.finish_photos(call, opened, [call.brought[url] for url in source.photo_images])
    return answered({"publish_id": opened.remote_id})


async def pull(sandbox: Sandbox, request: Request, body: bytes) -> dict[str, Found]:
    """Everything that a well-formed request points to, once each."""
    found: dict[str, Found] = {}
    for url, max_bytes in _addresses(request, body):
        if url not in found:
            found[url] = await fetch(sandbox.fetcher, url, max_bytes)
    return found


def _addresses(request: Request, body: bytes) -> list[tuple[str, int]]:
    try:
        if request.url.path.endswith("/content/init/"):
            photos = NewPhotos.model_validate_json(body).source_info.photo_images
            return [(url, LARGEST_PICTURE) for url in photos]
        model = NewInboxVideo if "/inbox/" in request.url.path else NewVideo
        source = model.model_validate_json(body).source_info
    except ValidationError:
        return []
    return [(source.video_url, LARGEST_VIDEO)] if isinstance(source, PullFromUrl) else []


async def _open_video(call: Call, source: FileUpload | PullFromUrl, mode: Mode, post: dict[str, Any]) -> Response:
    prefix = "v_pub" if mode == "DIRECT_POST" else "v_inbox"
    if isinstance(source, PullFromUrl):
        opened = await _open(call, f"{prefix}_url~v2-1.", "video", mode, post, source.source)
        await outcome.finish_video(call, opened, call.brought[source.video_url])
        return answered({"publish_id": opened.remote_id})
    _check_chunks(source)
    opened = await _open(call, f"{prefix}_file~v2-1.", "video", mode, post, source.source, file=source)
    number = opened.remote_id.rpartition(".")[2]
    address = f"{call.own_url}/upload/video/?upload_id={number}&upload_token={opened.secret}"
    return answered({"publish_id": opened.remote_id, "upload_url": address})


async def _open(
    call: Call, prefix: str, kind: str, mode: Mode, post: dict[str, Any], source: str, file: FileUpload | None = None
) -> Upload:
    extra: dict[str, Any] = {"mode": mode, "post": post, "source": source}
    if file is not None:
        extra |= {"chunk_size": file.chunk_size, "chunks": file.total_chunk_count}
    return await open_upload(
        call,
        f"{prefix}{_IDS.make(call.now)}",
        kind=kind,
        media_type="",
        declared_bytes=file.video_size if file else None,
        lifetime=_UPLOAD_LIFETIME,
        extra=extra,
    )


def _check_chunks(source: FileUpload) -> None:
    """The whole file at once below 5 MB; else chunks of 5 to 64 MB, the last of which takes what is left."""
    size, chunk = source.video_size, source.chunk_size
    is_right = source.total_chunk_count == size // chunk and chunk <= min(_LARGEST_CHUNK, size)
    if not is_right or chunk < min(_SMALLEST_CHUNK, size):
        raise invalid("The chunk size or the total chunk count is invalid.")


async def _check_caps(call: Call, mode: Mode, status: int = 403) -> None:
    """What a creator may do in a day through all apps together; and whether at all."""
    fault = call.misfortune.fault if call.misfortune else None
    if fault is Fault.ACCOUNT_ACTION:
        message = "The user is banned from making new posts."
        raise failure(status, "spam_risk_user_banned_from_posting", message)
    made = await outcome.count_lately(call, mode)
    if mode == "MEDIA_UPLOAD" and made >= _PENDING_SHARES:
        message = "There may be at most 5 pending shares within any 24-hour period."
        raise failure(status, "spam_risk_too_many_pending_share", message)
    if fault is Fault.QUOTA_EXHAUSTED or made >= _POSTS_A_DAY:
        message = "The daily post cap from the API is reached for the current user."
        raise failure(status, "spam_risk_too_many_posts", message)
    if await _is_unreviewed(call) and await _is_one_too_many(call):
        message = "The daily quota for active publishing users from your client is reached."
        raise failure(status, "reached_active_user_cap", message)


async def _check_audience(call: Call, post: VideoPost | PhotoPost) -> None:
    if post.privacy_level is None:
        raise invalid("The privacy_level is required to post directly.")
    unreviewed = await _is_unreviewed(call)
    if unreviewed and post.privacy_level != "SELF_ONLY":
        raise _unaudited()
    if post.privacy_level not in (_OPTIONS_OF_PRIVATE_ACCOUNTS if unreviewed else _OPTIONS):
        message = "The privacy level is not one of the creator's options."
        raise failure(403, "privacy_level_option_mismatch", message)
    if post.brand_content_toggle and post.privacy_level == "SELF_ONLY":
        raise invalid("The visibility of branded content can't be private.")


async def _is_unreviewed(call: Call) -> bool:
    return await standing(call.connection, call.account, Fault.UNREVIEWED_APP) is not None


async def _is_one_too_many(call: Call) -> bool:
    posting = await outcome.accounts_posting_lately(call)
    return call.account.remote_id not in posting and len(posting) >= _UNAUDITED_USERS


def _unaudited() -> Refused:
    code = "unaudited_client_can_only_post_to_private_accounts"
    return failure(403, code, "Unaudited clients can only post to a private account.")
