"""X: media upload (contract 2.167 and the guide "Media upload"), in one shot or in chunks, with processing over the
clock everybody sees."""

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from amp.sandbox.formats import recognise
from amp.sandbox.skimming import skimmed
from amp.sandbox.snowflakes import X_EPOCH, Snowflakes
from amp.sandbox.social._twitter_judging import TYPES, judge
from amp.sandbox.social._twitter_posts import Id, parse
from amp.sandbox.social._twitter_problems import at, invalid, not_found
from amp.sandbox.uploads import (
    Upload,
    add_part,
    add_skimmed,
    describe,
    find_upload,
    list_parts,
    open_upload,
)
from amp.sandbox.vendor import Call, Refused
from amp.sandbox.wire import MEGABYTE, BadForm, Form, media_type, parse_form

MAX_BODY = 64 * MEGABYTE

_IDS = Snowflakes(X_EPOCH)
_LIFETIME = timedelta(hours=24)
_LARGEST_CHUNK = 5 * MEGABYTE
_LARGEST = {"tweet_image": 5 * MEGABYTE, "tweet_gif": 15 * MEGABYTE, "tweet_video": 8192 * MEGABYTE}
_KEY_PREFIX = {"tweet_image": 3, "tweet_gif": 16, "tweet_video": 7}
_LAST_SEGMENT = 999

OneShotCategory = Literal["tweet_image", "tweet_video", "tweet_gif", "dm_image", "dm_video", "dm_gif", "subtitles"]
Category = OneShotCategory | Literal["amplify_video"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _OneShot(_Closed):
    media: str
    media_category: OneShotCategory
    additional_owners: list[Id] = []


class _Initialize(_Closed):
    media_type: str
    total_bytes: int = Field(ge=1, le=17_179_869_184)
    media_category: Category
    shared: bool = False
    additional_owners: list[Id] = []


class _Append(_Closed):
    media: str
    segment_index: int = Field(ge=0, le=_LAST_SEGMENT)


class _AltText(_Closed):
    text: Annotated[str, StringConstraints(max_length=1000)]


class _Metadata(_Closed):
    alt_text: _AltText


class _Describe(_Closed):
    id: Id
    metadata: _Metadata


async def upload(call: Call) -> Response:
    """Form A: images and small GIFs in one request; a video has to come in chunks."""
    content, category = await _one_shot(call)
    _check_category(category, len(content))
    if category == "tweet_video":
        raise invalid(at("media_category", [category], "Video has to be uploaded in chunks."))
    found = recognise(content)
    if found is None or found.media_type not in TYPES[category]:
        raise invalid(at("media", [], "The media type is unrecognized."))
    opened = await _open(call, category, found.media_type, len(content))
    part = await add_part(call, opened, 0, content, keep=True)
    return JSONResponse({"data": _shown(await judge(call, opened, [part]), call)})


async def initialize(call: Call) -> Response:
    wanted: _Initialize = parse(call, _Initialize)
    _check_category(wanted.media_category, wanted.total_bytes)
    if wanted.media_type not in TYPES[wanted.media_category]:
        message = f"media_type does not suit {wanted.media_category}."
        raise invalid(at("media_type", [wanted.media_type], message))
    opened = await _open(call, wanted.media_category, wanted.media_type, wanted.total_bytes)
    body = {"id": opened.remote_id, "media_key": _key(opened), "expires_after_secs": int(_LIFETIME.total_seconds())}
    return JSONResponse({"data": body})


async def append(call: Call) -> Response:
    opened = await _open_upload_of(call)
    content, number = await _segment(call)
    if not content or len(content) > _LARGEST_CHUNK:
        raise invalid(at("media", [], f"A segment holds 1 to {_LARGEST_CHUNK} bytes."))
    if opened.kind == "tweet_video":
        await add_skimmed(call, opened, number, skimmed(content))
    else:
        await add_part(call, opened, number, content, keep=True)
    return JSONResponse({"data": {"expires_at": int(opened.expires_at.timestamp())}})


async def finalize(call: Call) -> Response:
    opened = await _open_upload_of(call)
    parts = await list_parts(call, opened)
    if [part.number for part in parts] != list(range(len(parts))):
        raise invalid(at("id", [opened.remote_id], "A segment is missing."))
    if sum(part.size for part in parts) != opened.declared_bytes:
        raise invalid(at("id", [opened.remote_id], "Segments do not add up to provided total file size."))
    return JSONResponse({"data": _shown(await judge(call, opened, parts), call)})


async def status(call: Call) -> Response:
    query = call.request.query_params
    if query.get("command", "STATUS") != "STATUS":
        raise invalid(at("command", query.getlist("command"), "command must be STATUS."))
    found = await find_upload(call, query.get("media_id", ""))
    if found is None:
        body = {"errors": [not_found("media_id", query.get("media_id", ""), "media")]}
        return JSONResponse(body, 404, media_type="application/problem+json")
    return JSONResponse({"data": _shown(found, call)})


async def metadata(call: Call) -> Response:
    wanted: _Describe = parse(call, _Describe)
    found = await find_upload(call, wanted.id)
    if found is None:
        raise invalid(at("id", [wanted.id], "Your media IDs are invalid."))
    await describe(call, found, wanted.metadata.alt_text.text)
    return JSONResponse({"data": {"id": wanted.id, "associated_metadata": wanted.metadata.model_dump()}})


async def _open(call: Call, category: str, kind: str, size: int) -> Upload:
    remote_id = str(_IDS.make(call.now))
    return await open_upload(call, remote_id, kind=category, media_type=kind, declared_bytes=size, lifetime=_LIFETIME)


async def _open_upload_of(call: Call) -> Upload:
    """The upload named in the path, while it still takes bytes."""
    remote_id = call.request.path_params["id"]
    found = await find_upload(call, remote_id)
    if found is None:
        body = {"errors": [not_found("id", remote_id, "media")]}
        raise Refused(JSONResponse(body, 404, media_type="application/problem+json"))
    if found.is_complete or call.now >= found.expires_at:
        raise invalid(at("id", [remote_id], "The upload is complete or expired."))
    return found


def _check_category(category: str, size: int) -> None:
    if category not in _LARGEST:
        raise invalid(at("media_category", [category], f"{category} is for messages and captions, not for posts."))
    if size > _LARGEST[category]:
        raise invalid(at("total_bytes", [str(size)], f"File size exceeds {_LARGEST[category]} bytes."))


def _key(upload: Upload) -> str:
    return f"{_KEY_PREFIX[upload.kind]}_{upload.remote_id}"


def _shown(upload: Upload, call: Call) -> dict[str, Any]:
    """The finalize shape. Without `processing_info` the medium is ready."""
    shown: dict[str, Any] = {
        "id": upload.remote_id,
        "media_key": _key(upload),
        "size": upload.declared_bytes,
        "expires_after_secs": max(0, int((upload.expires_at - call.now).total_seconds())),
    }
    if upload.starts_at and upload.ready_at and upload.ready_at > upload.starts_at:
        shown["processing_info"] = _processing(upload, call)
    return shown


def _processing(upload: Upload, call: Call) -> dict[str, Any]:
    state = upload.state(call.now)
    if state == "failed":
        error = {"code": 1, "name": "InvalidMedia", "message": upload.failure}
        return {"state": "failed", "progress_percent": 100, "error": error}
    if state == "ready":
        return {"state": "succeeded", "progress_percent": 100}
    progress = upload.progress(call.now)
    if progress == 0:
        return {"state": "pending", "check_after_secs": 1}
    return {"state": "in_progress", "check_after_secs": 1, "progress_percent": min(progress, 99)}


async def _one_shot(call: Call) -> tuple[bytes, str]:
    if media_type(call.request) == "application/json":
        wanted: _OneShot = parse(call, _OneShot)
        return _decoded(wanted.media), wanted.media_category
    form = await _form(call, {"media", "media_category", "additional_owners"})
    category = form.fields.get("media_category", "")
    if category not in OneShotCategory.__args__:
        raise invalid(at("media_category", [str(category)], "media_category is required and one of the contract's."))
    return form.files["media"], category


async def _segment(call: Call) -> tuple[bytes, int]:
    if media_type(call.request) == "application/json":
        wanted: _Append = parse(call, _Append)
        return _decoded(wanted.media), wanted.segment_index
    form = await _form(call, {"media", "segment_index"})
    number = form.fields.get("segment_index", "")
    if not number.isdecimal() or int(number) > _LAST_SEGMENT:
        raise invalid(at("segment_index", [number], "segment_index is required and between 0 and 999."))
    return form.files["media"], int(number)


async def _form(call: Call, members: set[str]) -> Form:
    """A form of these members and no others, with the file in it."""
    try:
        form = await parse_form(call.request, call.body)
    except BadForm as error:
        raise invalid(at("$", [], str(error))) from error
    unknown = sorted(form.names - members)
    if unknown:
        message = "is not defined in the schema and the schema does not allow additional properties"
        raise invalid(*(at(name, [], f"$.{name}: {message}") for name in unknown))
    if "media" not in form.files:
        raise invalid(at("media", [], "media is required and must be a file."))
    return form


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise invalid(at("media", [], "media is not valid base64.")) from error
