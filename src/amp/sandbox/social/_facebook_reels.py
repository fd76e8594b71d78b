"""Facebook: reels and stories, in three phases: an id and an address, the bytes to that address, then the release.

start ──> rupload ──> finish ──> processing ──> public
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.ledger import Post, count_since
from amp.sandbox.pulling import Found
from amp.sandbox.social._facebook_films import LARGEST, judge, judge_parts, open_film, release, take
from amp.sandbox.social._facebook_people import check_page
from amp.sandbox.social._facebook_posts import check_account, check_message, check_not_scheduled
from amp.sandbox.social._meta_errors import failure, gone, invalid
from amp.sandbox.social._meta_fetching import bringing
from amp.sandbox.social._meta_fields import asked, listed, select
from amp.sandbox.social._meta_graph import parameters, parameters_read, written
from amp.sandbox.social._meta_lists import public_posts
from amp.sandbox.uploads import Upload, find_upload, note
from amp.sandbox.vendor import Call, Refused

MAX_UPLOAD = LARGEST

_VERSION = "v26.0"
_DAY = timedelta(days=1)
_REELS_A_DAY = 30
_KINDS = frozenset({"post", "video", "reel", "story", "comment"})

bring = bringing(file_url=LARGEST)


def step_of_phase(request: Request) -> Step:
    given = parameters_read(request)
    is_released = given.text("video_state", "PUBLISHED").upper() == "PUBLISHED"
    return Step.COMMIT if given.text("upload_phase").upper() == "FINISH" and is_released else Step.PLAIN


async def reels(call: Call) -> Response:
    check_page(call)
    given = parameters(call)
    check_not_scheduled(given)
    if given.choice("upload_phase", ("START", "FINISH"), "") == "START":
        return await _start(call, "reel")
    film = await _uploaded(call, "reel")
    check_message(given.text("description"))
    state = given.choice("video_state", ("PUBLISHED", "DRAFT", "SCHEDULED"), "PUBLISHED")
    if state == "SCHEDULED":
        raise invalid("Scheduled posts are not pretended here: publish when it is time")
    if state == "DRAFT":
        return JSONResponse({"success": True})
    check_account(call)
    if await count_since(call, call.now - _DAY, kinds=("reel",)) >= _REELS_A_DAY:
        raise failure(613, "(#613) Calls to this api have exceeded the rate limit.", text="30 reels a day")
    post = await release(call, film, given.text("description"), "reel", title=given.text("title"))
    return JSONResponse({"success": True} | ({"post_id": post.remote_id} if post else {}))


async def stories(call: Call) -> Response:
    check_page(call)
    if parameters(call).choice("upload_phase", ("START", "FINISH"), "") == "START":
        return await _start(call, "story")
    film = await _uploaded(call, "story")
    check_account(call)
    post = await release(call, film, "", "story")
    return JSONResponse({"success": True} | ({"post_id": post.remote_id} if post else {}))


async def list_reels(call: Call) -> Response:
    check_page(call)

    async def show(post: Post) -> dict[str, Any]:
        values = {
            "id": post.extra["video"],
            "description": post.text or None,
            "created_time": written(post.created_at),
            "updated_time": written(post.created_at),
            "permalink_url": f"/reel/{post.extra['video']}/",
            "post_id": post.remote_id,
        }
        return select(asked(call, "id,description,updated_time"), values, "Video")

    posts = await public_posts(call, without_kinds=tuple(_KINDS - {"reel"}))
    return await listed(call, posts, lambda post: post.remote_id, show)


async def list_stories(call: Call) -> Response:
    """Those of the last day are out; older ones are kept in the archive."""
    check_page(call)
    wanted = parameters(call).choice("status", ("PUBLISHED", "ARCHIVED", ""), "")

    async def show(post: Post) -> dict[str, Any]:
        medium = post.media[0]
        is_out = call.now - post.public_from < _DAY
        return {
            "post_id": post.remote_id,
            "status": "PUBLISHED" if is_out else "ARCHIVED",
            "creation_time": str(int(post.created_at.timestamp())),
            "media_type": medium["kind"] if medium["kind"] == "video" else "photo",
            "media_id": medium["id"],
            "url": f"https://facebook.com/stories/{post.account}/{post.remote_id.rpartition('_')[2]}",
        }

    fitting = {"PUBLISHED": (True,), "ARCHIVED": (False,), "": (True, False)}[wanted]
    found = await public_posts(call, without_kinds=tuple(_KINDS - {"story"}))
    posts = [post for post in found if (call.now - post.public_from < _DAY) in fitting]
    return await listed(call, posts, lambda post: post.remote_id, show)


async def put_bytes(call: Call) -> Response:
    """The upload host has words of its own. It takes bytes from an offset on, or an address to fetch them from."""
    film = await find_upload(call, call.request.path_params["film"], lock=True)
    if film is None or film.kind != "video" or film.is_complete or call.now >= film.expires_at:
        raise _refused("The video does not exist or has been uploaded", "NotFoundError", status=404)
    brought: Mapping[str, Found] = call.brought or {}
    if "file_url" in brought:
        return await _take_fetched(call, film, brought["file_url"])
    offset, size = call.request.headers.get("offset", ""), call.request.headers.get("file_size", "")
    if not offset.isdecimal() or not size.isdecimal():
        raise _refused("The headers offset and file_size are required", "HeaderMissingError")
    if int(offset) != film.extra["received"] or film.extra.get("file_size", int(size)) != int(size):
        raise _refused(f"The upload stands at {film.extra['received']}", "OffsetInvalidError", retriable=True)
    if call.skim is None or not call.skim.size or film.extra["received"] + call.skim.size > int(size):
        raise _refused("Nothing was sent, or more than file_size", "ProcessingFailedError")
    film = await take(call, await note(call, film, file_size=int(size)), call.skim)
    if film.extra["received"] == int(size):
        await judge_parts(call, film)
    return JSONResponse({"success": True, "message": "Upload successful."})


async def _take_fetched(call: Call, film: Upload, found: Found) -> Response:
    if found.problem == "unreachable":
        raise _refused("The file_url cannot be fetched", "ProcessingFailedError")
    await judge(call, film, found.size, found.format)
    return JSONResponse({"success": True, "message": "Upload successful."})


async def _start(call: Call, purpose: str) -> Response:
    film = await open_film(call, purpose)
    address = f"{call.own_url}/video-upload/{_VERSION}/{film.remote_id}"
    return JSONResponse({"video_id": film.remote_id, "upload_url": address})


async def _uploaded(call: Call, purpose: str) -> Upload:
    """The film to release: all there, for this purpose, not released before."""
    video_id = parameters(call).required("video_id")
    film = await find_upload(call, video_id, lock=True)
    if film is None or film.extra.get("for") != purpose:
        raise gone(video_id, "post")
    if not film.is_complete:
        raise failure(6000, "(#6000) There was a problem uploading your video file. Please try again.", 1363130)
    if film.extra.get("is_released"):
        raise invalid("The video is published already")
    return film


def _refused(message: str, kind: str, *, retriable: bool = False, status: int = 400) -> Refused:
    return Refused(JSONResponse({"debug_info": {"retriable": retriable, "type": kind, "message": message}}, status))
