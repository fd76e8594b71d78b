"""Media at their signed addresses, for vendors and people who have no key: whole, or the range that is asked for."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import bindparam, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from amp.domain.media.links import Expired, MediaLinks
from amp.domain.media.models import Media
from amp.domain.media.port import Storage
from amp.kit.clock import real_now
from amp.kit.database import Scope
from amp.kit.errors import Invalid, NotFound
from amp.surfaces.contract import Contract
from amp.surfaces.door import Door

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_FOUND = select(Media.storage_key, Media.mime_type, Media.size_bytes, Media.filename).where(
    Media.workspace_id == bindparam("workspace_id"), Media.id == bindparam("media_id")
)
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What is sent as a picture is never run as anything else, wherever it is embedded."""


@dataclass(frozen=True)
class Slice:
    """Bytes `start` to `end` (exclusive) of `size`."""

    start: int
    end: int
    size: int

    @property
    def length(self) -> int:
        return self.end - self.start


def media_routes(door: Door, contract: Contract) -> list[Route]:
    """The contract is whose envelope errors have."""

    async def serve(request: Request) -> Response:
        links = door.ports.get(MediaLinks)
        try:
            workspace_id, media_id, expires_at = links.read(request.path_params["token"])
        except Expired as error:
            return contract.answer(error, 410)
        rows = await door.units.database.read(
            Scope(workspace_id=workspace_id), _FOUND, {"workspace_id": workspace_id, "media_id": media_id}
        )
        if not rows:
            raise NotFound("Media not found")
        storage_key, mime_type, size, filename = rows[0]
        etag = f'"{media_id.hex}"'
        headers = {**_SAFE, "ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": _cache(expires_at)}
        if _matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        wanted = _wanted(request, etag, size)
        if wanted is None:
            unsatisfiable = contract.answer(Invalid(f"This file has {size} bytes"), 416)
            unsatisfiable.headers["Content-Range"] = f"bytes */{size}"
            return unsatisfiable
        headers |= _about(wanted, mime_type, filename, media_id)
        status = 206 if wanted.length < size else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        opened = await _begun(door.ports.get(Storage).open(storage_key, wanted.start))
        return StreamingResponse(_cut(opened, wanted.length), status, headers)

    return [Route("/media/{token}", serve, methods=["GET"])]


def _cache(expires_at: datetime) -> str:
    """What is at an address never changes; the address ends."""
    return f"private, max-age={int((expires_at - real_now()).total_seconds())}, immutable"


def _matches(header: str | None, etag: str) -> bool:
    return header is not None and (header.strip() == "*" or etag in (one.strip() for one in header.split(",")))


def _wanted(request: Request, etag: str, size: int) -> Slice | None:
    """The range (RFC 9110, 14); None: there is no such range. Several ranges, or a range of something else, are
    answered with all of it."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or request.headers.get("if-range", etag) != etag or not any(found.groups()):
        return Slice(0, size, size)
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    return Slice(start, end, size) if start < end else None


def _about(wanted: Slice, mime_type: str, filename: str | None, media_id: UUID) -> dict[str, str]:
    name = filename or f"{media_id.hex}.{mime_type.partition('/')[2].replace('quicktime', 'mov')}"
    headers = {
        "Content-Type": mime_type,
        "Content-Length": str(wanted.length),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
    }
    if wanted.length < wanted.size:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{wanted.size}"
    return headers


async def _begun(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, after the first has come: a file that is missing is told before the answer begins."""
    first = await anext(chunks, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        try:
            yield first
            async for chunk in chunks:
                yield chunk
        finally:
            await _close(chunks)

    return all_of_them()


async def _cut(chunks: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    left = length
    try:
        async for chunk in chunks:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return
    finally:
        await _close(chunks)


async def _close(chunks: AsyncIterator[bytes]) -> None:
    """Whoever stops early lets go of the file at once."""
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()
