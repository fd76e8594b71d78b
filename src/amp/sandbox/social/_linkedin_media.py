"""LinkedIn: media upload (Images, Videos and Documents API): opaque addresses on the sandbox's own host, parts with
ETags, processing."""

from datetime import timedelta
from typing import Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.kit.secrets import random_token
from amp.sandbox.faults import Fault, Step
from amp.sandbox.formats import recognise
from amp.sandbox.holding import held_upload, holder_of
from amp.sandbox.skimming import skimmed, synopsis
from amp.sandbox.social._linkedin_rest import Closed, check_is_caller, error, invalid, parse, person
from amp.sandbox.tokens import Bearer
from amp.sandbox.uploads import Upload, Verdict, add_part, add_skimmed, complete, find_upload, list_parts, open_upload
from amp.sandbox.vendor import Call, Sandbox
from amp.sandbox.wire import KILOBYTE, MEGABYTE

NAME = "linkedin"
MAX_BODY = 100 * MEGABYTE

_PART = 4 * MEGABYTE
_LIFETIME = timedelta(hours=24)
_SECONDS = (3, 1800)
_MOST_PIXELS = 36_152_320
_BYTES_PER_SECOND = 20 * MEGABYTE
_STATUS = {"open": "WAITING_UPLOAD", "processing": "PROCESSING", "ready": "AVAILABLE", "failed": "PROCESSING_FAILED"}
_TYPES = {
    "image": {"image/jpeg", "image/png", "image/gif"},
    "document": {"application/pdf"},
    "video": {"video/mp4", "video/quicktime"},
}


class _Owner(Closed):
    owner: str


class _Initialize(Closed):
    request: _Owner = Field(alias="initializeUploadRequest")


class _Video(Closed):
    owner: str
    size: int = Field(alias="fileSizeBytes", ge=75 * KILOBYTE, le=500 * MEGABYTE)
    captions: Literal[False] = Field(default=False, alias="uploadCaptions")
    thumbnail: Literal[False] = Field(default=False, alias="uploadThumbnail")


class _InitializeVideo(Closed):
    request: _Video = Field(alias="initializeUploadRequest")


class _Finalize(Closed):
    video: str
    token: str = Field(alias="uploadToken")
    parts: list[str] = Field(alias="uploadedPartIds", min_length=1)


class _FinalizeVideo(Closed):
    request: _Finalize = Field(alias="finalizeUploadRequest")


async def initialize_image(call: Call) -> Response:
    return await _initialize(call, "image")


async def initialize_document(call: Call) -> Response:
    return await _initialize(call, "document")


async def put_file(call: Call) -> Response:
    """An image or a document in one piece. What is wrong with it shows only when a post wants to use it."""
    opened = await _upload_at(call)
    if opened.is_complete or not call.body:
        raise error(400, "ILLEGAL_ARGUMENT", "This upload address has been used, or nothing was sent")
    await add_part(call, opened, 0, call.body, keep=opened.kind == "image")
    await complete(call, opened, _judged(call, opened.kind, len(call.body), call.body))
    return Response(status_code=201)


def step_of_videos(request: Request) -> Step:
    return Step.PROCESS if request.query_params.get("action") == "finalizeUpload" else Step.PLAIN


async def videos(call: Call) -> Response:
    match call.request.query_params.get("action"):
        case "initializeUpload":
            return await _initialize_video(call)
        case "finalizeUpload":
            return await _finalize_video(call)
        case _:
            raise error(400, "ILLEGAL_ARGUMENT", "action must be initializeUpload or finalizeUpload")


async def put_part(call: Call) -> Response:
    opened = await _upload_at(call)
    number = int(call.request.path_params["number"])
    if opened.is_complete or len(call.body) != _part_size(opened, number):
        raise error(400, "ILLEGAL_ARGUMENT", "The part has the wrong size, or the upload is complete")
    part = await add_skimmed(call, opened, number, skimmed(call.body))
    return Response(status_code=200, headers={"etag": part.etag})


async def show_video(call: Call) -> Response:
    found = await find_upload(call, call.request.path_params["urn"])
    if found is None or found.kind != "video":
        raise error(404, "NOT_FOUND", "Could not find entity")
    shown = {"id": found.remote_id, "owner": person(call), "status": _STATUS[found.state(call.now)]}
    if found.state(call.now) == "failed":
        shown["processingFailureReason"] = found.failure or ""
    return JSONResponse(shown)


async def show_image(call: Call) -> Response:
    """For the few who may read; a plain member's token may not, so that most clients never look."""
    found = await find_upload(call, call.request.path_params["urn"])
    if found is None or found.kind != "image":
        raise error(404, "NOT_FOUND", "Could not find entity")
    return JSONResponse({"id": found.remote_id, "owner": person(call), "status": _STATUS[found.state(call.now)]})


async def holder_of_address(sandbox: Sandbox, request: Request, connection: AsyncConnection) -> Bearer | None:
    """A video's parts go to opaque addresses without a token."""
    return await holder_of(sandbox, connection, NAME, request.path_params["secret"], {"w_member_social"})


async def _initialize(call: Call, kind: Literal["image", "document"]) -> Response:
    if call.request.query_params.get("action") != "initializeUpload":
        raise error(400, "ILLEGAL_ARGUMENT", "action must be initializeUpload")
    check_is_caller(call, parse(call, _Initialize).request.owner, "/initializeUploadRequest/owner")
    opened = await _open(call, kind, None)
    address = f"{call.own_url}/dms-uploads/{opened.secret}/{opened.remote_id.rpartition(':')[2]}"
    value = {"uploadUrlExpiresAt": _expiry(opened), "uploadUrl": address, kind: opened.remote_id}
    return JSONResponse({"value": value})


async def _initialize_video(call: Call) -> Response:
    wanted = parse(call, _InitializeVideo).request
    check_is_caller(call, wanted.owner, "/initializeUploadRequest/owner")
    opened = await _open(call, "video", wanted.size)
    instructions = [
        {
            "uploadUrl": f"{call.own_url}/dms-uploads/{opened.secret}/parts/{number}",
            "firstByte": start,
            "lastByte": min(start + _PART, wanted.size) - 1,
        }
        for number, start in enumerate(range(0, wanted.size, _PART))
    ]
    value = {
        "video": opened.remote_id,
        "uploadToken": "",
        "uploadUrlsExpireAt": _expiry(opened),
        "uploadInstructions": instructions,
    }
    return JSONResponse({"value": value})


async def _finalize_video(call: Call) -> Response:
    """The parts' ETags, all of them and in order."""
    wanted = parse(call, _FinalizeVideo).request
    opened = await find_upload(call, wanted.video)
    if opened is None or opened.is_complete:
        raise invalid("/finalizeUploadRequest/video", "is not an upload in progress")
    parts = await list_parts(call, opened)
    if wanted.token or [part.etag for part in parts] != [etag.strip('"') for etag in wanted.parts]:
        raise invalid("/finalizeUploadRequest/uploadedPartIds", "do not match the uploaded parts in order")
    size = sum(part.size for part in parts)
    if size != opened.declared_bytes:
        raise invalid("/finalizeUploadRequest/uploadedPartIds", "do not add up to fileSizeBytes")
    await complete(call, opened, _judged(call, "video", size, synopsis([part.head for part in parts])))
    return JSONResponse({})  # LinkedIn's own client cannot read an action's answer without a body


async def _open(call: Call, kind: str, size: int | None) -> Upload:
    urn = f"urn:li:{kind}:D4E10AQ{random_token(9)}"
    return await open_upload(call, urn, kind=kind, media_type="", declared_bytes=size, lifetime=_LIFETIME)


async def _upload_at(call: Call) -> Upload:
    """The upload whose address this is, as long as the address lives."""
    found = await held_upload(call, call.request.path_params["secret"])
    if found is None or call.now >= found.expires_at:
        raise error(403, "ACCESS_DENIED", "The upload address is unknown or has expired")
    return found


def _part_size(upload: Upload, number: int) -> int:
    return max(0, min(_PART, (upload.declared_bytes or 0) - number * _PART))


def _expiry(upload: Upload) -> int:
    return int(upload.expires_at.timestamp() * 1000)


def _judged(call: Call, kind: str, size: int, content: bytes) -> Verdict:
    found = recognise(content)
    failure = None if found and found.media_type in _TYPES[kind] else "the format is not supported"
    if found and (found.width or 0) * (found.height or 0) >= _MOST_PIXELS:
        failure = f"the image has {_MOST_PIXELS} pixels or more"
    if found and found.seconds is not None and not _SECONDS[0] <= found.seconds <= _SECONDS[1]:
        failure = "the video must be 3 seconds to 30 minutes long"
    works = timedelta(seconds=3 + size // _BYTES_PER_SECOND) if kind == "video" else timedelta()
    fault = call.misfortune.fault if call.misfortune else None
    if fault is Fault.PROCESSING_FAILED:
        failure = "processing failed"
    if fault is Fault.PROCESSING_SLOW and call.misfortune:
        works += timedelta(seconds=call.misfortune.seconds)
    return Verdict(size=size, works=works, failure=failure, format=found)
