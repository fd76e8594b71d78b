"""Forms of a `data` field (JSON) and `files`: read as they come, every file straight to where files are kept.

received ──> [data, Kept, Kept ...] ──> the handler keeps them in its unit of work ──> what was not kept is deleted
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from starlette.requests import Request

from amp.domain.media import operations as media
from amp.domain.media.models import Media
from amp.domain.media.operations import Kept
from amp.domain.media.receiving import MAX_UPLOAD_BYTES, Intake, take_in
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import Scope
from amp.kit.errors import AmpError, Invalid, TooLarge, Unavailable
from amp.kit.telemetry import log
from amp.surfaces.door import Door
from amp.surfaces.edge import allow_body
from amp.surfaces.forms import Part, boundary_of, parts_of
from amp.surfaces.refusals import parse_json

MAX_FILES = 35
"""As many as the platform takes that takes most (TikTok's photos)."""
_DATA_BYTES = 1_000_000
_LARGEST = MAX_FILES * (MAX_UPLOAD_BYTES + 10_000) + _DATA_BYTES
_NAME_LENGTH = 255
FORM: Mapping[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["data"],
                "properties": {
                    "data": {"type": "string", "contentMediaType": "application/json"},
                    "files": {
                        "type": "array",
                        "maxItems": MAX_FILES,
                        "items": {"type": "string", "format": "binary"},
                    },
                },
            }
        }
    },
}
"""The form in an OpenAPI document."""


@dataclass
class Upload:
    """A form that was read to its end."""

    data: Any = None
    """The document of the `data` field."""
    files: list[Kept] = field(default_factory=list[Kept])
    """In the order of the form, examined and stored; without rows yet."""

    async def keep(self, uow: UnitOfWork) -> list[Media]:
        """The rows of all files, in their order. What is never kept is deleted when the request ends."""
        return [await media.keep(uow, file) for file in self.files]

    @property
    def fingerprint(self) -> str:
        """The same for the same form, however its parts were cut."""
        return json.dumps([self.data, [[file.digest, file.filename] for file in self.files]], sort_keys=True)


@asynccontextmanager
async def received(request: Request, door: Door, scope: Scope) -> AsyncGenerator[Upload]:
    """Read the form; when the block ends, however it ends, files without rows are gone.

    Errors: Invalid, TooLarge and Unavailable, with the file they are about (`files[0]`) as `param`.
    """
    intake = door.ports.get(Intake)
    boundary = boundary_of(request.headers.get("content-type", ""))
    allow_body(request.scope, _LARGEST)
    upload = Upload()
    try:
        await _read(request.stream(), boundary, upload, intake, _workspace(scope))
        yield upload
    finally:
        if upload.files:
            await _delete_without_rows(upload.files, door, scope, intake)


async def _read(
    body: AsyncIterator[bytes], boundary: bytes, upload: Upload, intake: Intake, workspace_id: UUID
) -> None:
    seen = False
    async for part in parts_of(body, boundary):
        if part.name == "files":
            upload.files.append(await _file(part, len(upload.files), intake, workspace_id))
        elif part.name == "data" and not seen:
            upload.data, seen = await _document(part), True
        else:
            raise Invalid(f"Unknown field '{part.name}', or one too many", param=part.name)
    if not seen:
        raise Invalid("The 'data' field is required", param="data")


async def _file(part: Part, index: int, intake: Intake, workspace_id: UUID) -> Kept:
    if index == MAX_FILES:
        raise Invalid(f"At most {MAX_FILES} files at a time", param="files")
    try:
        return await take_in(intake, workspace_id, part.content, filename=_plain_name(part.filename))
    except AmpError as error:
        error.param = error.param or f"files[{index}]"
        raise


async def _document(part: Part) -> Any:
    raw = bytearray()
    async for piece in part.content:
        raw += piece
        if len(raw) > _DATA_BYTES:
            raise TooLarge(f"The 'data' field has at most {_DATA_BYTES} bytes")
    try:
        return parse_json(bytes(raw), within="data")
    except Invalid as error:
        error.param = error.param or "data"
        raise


def _plain_name(filename: str | None) -> str | None:
    """A name to show to people, never a path: the last word of what some clients send."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:_NAME_LENGTH] or None


async def _delete_without_rows(files: list[Kept], door: Door, scope: Scope, intake: Intake) -> None:
    """Whether a row was committed is looked up: a commit whose answer was lost must not cost a file. What cannot be
    deleted now is collected later."""
    try:
        async with door.units.begin(scope) as uow:
            kept = set(await uow.session.scalars(select(Media.id).where(Media.id.in_([one.media_id for one in files]))))
        for file in files:
            if file.media_id not in kept:
                await intake.storage.delete(file.storage_key)
    except Unavailable as error:
        log.warning("files of a form are left to be collected", reason=error.message)


def _workspace(scope: Scope) -> UUID:
    if scope.workspace_id is None:
        raise LookupError("files belong to a workspace")
    return scope.workspace_id
