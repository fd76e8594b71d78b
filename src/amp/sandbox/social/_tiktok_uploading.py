"""TikTok: the bytes of a video ("Media Transfer Guide"): chunk after chunk to an opaque address, without a token."""

import re

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from amp.sandbox.faults import Step
from amp.sandbox.formats import recognise
from amp.sandbox.holding import held_upload, holder_of
from amp.sandbox.skimming import synopsis
from amp.sandbox.social._tiktok_oauth import NAME, SCOPES
from amp.sandbox.social._tiktok_outcome import settle_video
from amp.sandbox.social._tiktok_wire import failure
from amp.sandbox.tokens import Bearer
from amp.sandbox.uploads import Upload, add_skimmed, list_parts
from amp.sandbox.vendor import Call, Sandbox
from amp.sandbox.wire import MEGABYTE, media_type

LARGEST_CHUNK = 128 * MEGABYTE

_TYPES = {"video/mp4", "video/quicktime", "video/webm"}
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


async def uploader(sandbox: Sandbox, request: Request, connection: AsyncConnection) -> Bearer:
    """Errors: Refused with a 404 for an address that was never given out."""
    token = request.query_params.get("upload_token", "")
    holder = await holder_of(sandbox, connection, NAME, token, SCOPES)
    if holder is None:
        raise failure(404, "invalid_param", "The upload session is not found.")
    return holder


def step_of_chunk(request: Request) -> Step:
    """The last chunk publishes."""
    sent = _RANGE.fullmatch(request.headers.get("content-range", ""))
    return Step.RELEASE if sent and int(sent[2]) + 1 == int(sent[3]) else Step.PLAIN


async def put_chunk(call: Call) -> Response:
    """206 for a part that was accepted, 201 for the last one."""
    opened = await held_upload(call, call.request.query_params["upload_token"])
    if opened is None or opened.remote_id.rpartition(".")[2] != call.request.query_params.get("upload_id"):
        raise failure(404, "invalid_param", "The upload session is not found.")
    if call.now >= opened.expires_at:
        raise failure(403, "invalid_param", "The upload address has expired.")
    parts = await list_parts(call, opened)
    received = sum(part.size for part in parts)
    _check_headers(call)
    _check_range(call, opened, len(parts), received)
    if call.skim is None or not call.skim.is_whole:
        raise failure(400, "invalid_param", "The body ended too early.")
    await add_skimmed(call, opened, len(parts), call.skim)
    total, received = opened.declared_bytes or 0, received + call.skim.size
    headers = {"content-range": f"bytes 0-{received - 1}/{total}"}
    if received < total:
        return Response(status_code=206, headers=headers)
    heads = [part.head for part in parts] + [call.skim.head]
    await settle_video(call, opened, received, recognise(synopsis(heads)))
    return Response(status_code=201, headers=headers)


def _check_headers(call: Call) -> None:
    sent = _RANGE.fullmatch(call.request.headers.get("content-range", ""))
    length = call.request.headers.get("content-length")
    size = int(sent[2]) - int(sent[1]) + 1 if sent else None
    if media_type(call.request) not in _TYPES or size is None or length != str(size):
        raise failure(400, "invalid_param", "Content-Type, Content-Length or Content-Range is invalid.")


def _check_range(call: Call, opened: Upload, number: int, received: int) -> None:
    """The next chunk, of the size that was announced; the last one takes what is left."""
    chunk, count, total = opened.extra["chunk_size"], opened.extra["chunks"], opened.declared_bytes or 0
    end = total if number >= count - 1 else received + chunk
    expected = f"bytes {received}-{end - 1}/{total}"
    if opened.is_complete or call.request.headers["content-range"] != expected:
        raise failure(416, "invalid_param", f"Content-Range does not match: {expected} is expected.")
