"""YouTube: sending a video ("Resumable Uploads", and `videos.insert`): a session, then its bytes in as many requests as
it takes. The last byte makes the video.

    POST uploadType=resumable --> Location --> PUT Content-Range: bytes a-b/N --> 308 Range: bytes=0-b  (go on)
                                               PUT Content-Range: bytes */N   --> 308, or 200 if done   (where was I?)
                                               PUT ... N-1/N                  --> 200 and the video
"""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from amp.sandbox.faults import Fault, Step, standing
from amp.sandbox.holding import held_upload, holder_of
from amp.sandbox.skimming import Skim, skimmed
from amp.sandbox.social._google_errors import error, invalid
from amp.sandbox.social._google_oauth import NAME, SCOPES
from amp.sandbox.social._youtube_resources import PARTS, Snippet, Status, Video, read_video
from amp.sandbox.social._youtube_videos import make_video, present
from amp.sandbox.social._youtube_wire import parts
from amp.sandbox.tokens import Bearer, find_bearer
from amp.sandbox.uploads import Upload, add_skimmed, list_parts, open_upload
from amp.sandbox.vendor import Call, Sandbox, bearer_token
from amp.sandbox.wire import KILOBYTE, MEGABYTE, media_type

LARGEST = 2048 * MEGABYTE
"""Of one request to a session."""

LARGEST_AT_ONCE = 64 * MEGABYTE
"""Of a video that comes with its description, which has to be held in memory."""

_LARGEST_VIDEO = 274_877_906_944
_UNIT = 256 * KILOBYTE
_LIFETIME = timedelta(days=7)  # about a week, they say
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True)
class _Sent:
    """What a request to a session says it brings: nothing (a question), or bytes from `start` on, of `total`."""

    start: int
    end: int | None
    total: int | None
    asks: bool = False


def step_of_start(request: Request) -> Step:
    return Step.BEGIN if request.query_params.get("uploadType") == "resumable" else Step.RELEASE


def step_of_bytes(request: Request) -> Step:
    """The last byte makes the video."""
    sent = _sent(request)
    return Step.RELEASE if sent and not sent.asks and sent.end == sent.total else Step.PLAIN


def is_bare(request: Request) -> bool:
    """Whether the body of a first request is the video itself."""
    return request.query_params.get("uploadType") == "media"


async def uploader(sandbox: Sandbox, request: Request, connection: AsyncConnection) -> Bearer | None:
    """Whoever has the session's address may go on, with a token or without; a token that is sent must count.

    Errors: Refused with a 404 for a session that does not exist."""
    holder = await holder_of(sandbox, connection, NAME, request.query_params.get("upload_id", ""), SCOPES)
    if holder is None:
        raise error(404, "global", "notFound", "The upload session does not exist.")
    token = await bearer_token(request, b"")
    if token is None:
        return holder
    bearer = await find_bearer(connection, sandbox.signing_key, NAME, token, sandbox.clock.now())
    return bearer if bearer and bearer.account.remote_id == holder.account.remote_id else None


async def insert(call: Call) -> Response:
    """`videos.insert` in its three forms."""
    match call.request.query_params.get("uploadType"):
        case "resumable":
            return await _start(call)
        case "multipart":
            metadata, kind, content = _split(call)
            return await _at_once(call, metadata, kind, skimmed(content))
        case "media" if call.skim:
            return await _at_once(call, b"{}", media_type(call.request), call.skim)
        case _:
            raise invalid("mediaBodyRequired", "The request does not include the video content.")


async def receive(call: Call) -> Response:
    """One request to a session. What has arrived stays, also when the sender goes away in the middle."""
    opened = await held_upload(call, call.request.query_params["upload_id"])
    if opened is None:
        raise error(404, "global", "notFound", "The upload session does not exist.")
    if call.now >= opened.expires_at:
        raise error(410, "global", "gone", "The upload session has expired.")
    if opened.is_complete:
        return await present(call, opened)
    sent, skim = _sent(call.request), call.skim
    if sent is None or skim is None:
        raise invalid("badRequest", "Failed to parse Content-Range header.", "global")
    parts_so_far = await list_parts(call, opened)
    received = sum(part.size for part in parts_so_far)
    if None not in (sent.total, opened.declared_bytes) and sent.total != opened.declared_bytes:
        raise invalid("badRequest", "Content-Range does not match X-Upload-Content-Length.", "global")
    if sent.asks:
        return _go_on(received)
    skim = await _kept(call, skim, sent, received)
    if skim.size:
        parts_so_far.append(await add_skimmed(call, opened, len(parts_so_far), skim))
    received += skim.size
    total = sent.total if sent.total is not None else opened.declared_bytes
    is_all = received == total if total is not None else sent.end is None
    if not (is_all and skim.is_whole):
        return _go_on(received)
    done = await make_video(call, opened, received, [part.head for part in parts_so_far])
    return await present(call, done)


async def _start(call: Call) -> Response:
    named = parts(call, PARTS)
    headers = call.request.headers
    _check_type(headers.get("x-upload-content-type", "application/octet-stream"))
    size = headers.get("x-upload-content-length")
    if size is not None and not (size.isdecimal() and int(size) <= _LARGEST_VIDEO):
        raise error(413, "global", "uploadTooLarge", "The video is too large.")
    opened = await _open(call, read_video(call.body, named), int(size) if size else None)
    query = {name: value for name, value in call.request.query_params.items() if name != "upload_id"}
    address = f"{call.own_url}/upload/youtube/v3/videos?{urlencode(query | {'upload_id': opened.secret})}"
    return Response(status_code=200, headers={"location": address, "x-guploader-uploadid": opened.secret})


async def _at_once(call: Call, metadata: bytes, kind: str, skim: Skim) -> Response:
    video = read_video(metadata, parts(call, PARTS))
    _check_type(kind)
    if not skim.size or not skim.is_whole:
        raise invalid("mediaBodyRequired", "The request does not include the video content.")
    opened = await _open(call, video, skim.size)
    await add_skimmed(call, opened, 0, skim)
    return await present(call, await make_video(call, opened, skim.size, [skim.head]))


async def _open(call: Call, video: Video, size: int | None) -> Upload:
    snippet, status = video.snippet or Snippet(), video.status or Status()
    extra = {
        "snippet": snippet.model_dump(by_alias=True),
        "status": status.model_dump(by_alias=True),
        "parts": parts(call, PARTS),
    }
    video_id = secrets.token_urlsafe(8)  # eleven characters
    return await open_upload(
        call, video_id, kind="video", media_type="", declared_bytes=size, lifetime=_LIFETIME, extra=extra
    )


async def _kept(call: Call, skim: Skim, sent: _Sent, received: int) -> Skim:
    """What the session adds to what it has: nothing twice, nothing after a gap; only the last piece may be uneven."""
    if sent.start > received:
        raise invalid("badRequest", f"Invalid Content-Range: byte {received} is expected.", "global")
    if sent.end is not None and skim.is_whole and skim.size != sent.end - sent.start:
        raise invalid("badRequest", "The body does not have the size of its Content-Range.", "global")
    is_last = sent.end is None or sent.end == sent.total
    if skim.is_whole and not is_last and skim.size % _UNIT:
        message = f"The number of bytes uploaded is required to be a multiple of {_UNIT}, except for the final request."
        raise invalid("badRequest", message, "global")
    if await standing(call.connection, call.account, Fault.PARTIAL_CHUNK):
        skim = replace(skim, size=skim.size // 2 // _UNIT * _UNIT, is_whole=False)
    return replace(skim, size=max(0, sent.start + skim.size - received))


def _check_type(kind: str) -> None:
    if not kind.startswith("video/") and kind != "application/octet-stream":
        message = f"Media type '{kind}' is not supported. Valid media types: [video/*, application/octet-stream]"
        raise invalid("badContent", message, "global")


def _sent(request: Request) -> _Sent | None:
    """Without a Content-Range the body is all there is."""
    given = request.headers.get("content-range")
    if given is None:
        return _Sent(0, None, None)
    match = _RANGE.fullmatch(given)
    if match is None:
        return None
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return _Sent(0, None, total, asks=True)
    end = int(match[2]) + 1
    is_possible = int(match[1]) < end and (total is None or end <= total)
    return _Sent(int(match[1]), end, total) if is_possible else None


def _go_on(received: int) -> Response:
    """No Range when there is nothing yet."""
    return Response(status_code=308, headers={"range": f"bytes=0-{received - 1}"} if received else {})


def _split(call: Call) -> tuple[bytes, str, bytes]:
    """The two parts of a `multipart/related` body: the resource in JSON, and the video with its type."""
    head = b"Content-Type: " + call.request.headers.get("content-type", "").encode() + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    found = list(message.iter_parts()) if message.is_multipart() else []
    if len(found) != 2 or found[0].get_content_type() != "application/json":
        raise invalid("badRequest", "The body is not multipart/related of JSON and media.", "global")
    metadata, content = (part.get_payload(decode=True) for part in found)
    if not isinstance(metadata, bytes) or not isinstance(content, bytes):
        raise invalid("badRequest", "The body is not multipart/related of JSON and media.", "global")
    return metadata, found[1].get_content_type(), content
