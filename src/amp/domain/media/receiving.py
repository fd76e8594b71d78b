"""Taking a file in: to a nameless file on our disk first, then probed, and only then to the storage.

    chunks ──> disk (bounded, hashed) ──> examined ──> storage ──> Kept ──(keep)──> row

Never in memory, and what is refused never reaches the storage. A crash before the storage leaves nothing at all,
because the file on the disk has no name; one after it leaves a file without row, which is collected.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from amp.domain.media.examining import Examiner
from amp.domain.media.operations import Kept
from amp.domain.media.port import Storage
from amp.domain.media.probing import unsupported
from amp.kit.errors import TooLarge, Unavailable
from amp.kit.fetching import Fetcher
from amp.kit.ids import new_id

UPLOADED_TYPES = frozenset(("image/jpeg", "image/png", "image/webp", "video/mp4", "video/quicktime"))
"""Seed, Ampost: Media Upload."""
MAX_UPLOAD_BYTES = 200_000_000
_PIECE = 1 << 20

Alive = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Intake:
    """What it takes to take files in: one for each process."""

    storage: Storage
    examiner: Examiner
    fetcher: Fetcher
    directory: Path
    """For files on their way. A real disk: what is kept in memory there would be in memory."""


async def take_in(
    intake: Intake,
    workspace_id: UUID,
    chunks: AsyncIterator[bytes],
    *,
    mime_types: Collection[str] = UPLOADED_TYPES,
    max_bytes: int = MAX_UPLOAD_BYTES,
    filename: str | None = None,
    source_url: str | None = None,
    alive: Alive | None = None,
) -> Kept:
    """Store what comes, if it is whole and of one of the types. `alive` is called for every chunk.

    Errors: Invalid (`UNSUPPORTED_MEDIA_TYPE`), TooLarge, Unavailable; and whatever `chunks` raises.
    """
    with await asyncio.to_thread(_nameless_file, intake.directory) as file:
        digest = await _spool(file, chunks, max_bytes, alive)
        probed = await intake.examiner.examine(file)
        if probed.mime_type not in mime_types:
            raise unsupported(f"{probed.mime_type} is not taken: send {', '.join(sorted(mime_types))}")
        media_id = new_id()
        key = f"{workspace_id}/{media_id}"
        await intake.storage.put(key, _pieces(file, alive))
    return Kept(media_id, key, probed, digest, filename, source_url)


def _nameless_file(directory: Path) -> IO[bytes]:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=directory)
    except OSError as error:
        raise Unavailable(f"No file can be taken in: {error.strerror}", retry_after=30) from error


async def _spool(file: IO[bytes], chunks: AsyncIterator[bytes], max_bytes: int, alive: Alive | None) -> str:
    """Write everything to the file; the SHA-256 of it, in hex. Small chunks are gathered: a thread costs more."""
    digest = hashlib.sha256()
    gathered = bytearray()
    size = 0

    def write() -> None:
        digest.update(gathered)
        try:
            file.write(gathered)
            file.flush()
        except OSError as error:
            raise Unavailable(f"No file can be taken in: {error.strerror}", retry_after=30) from error
        gathered.clear()

    async for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"A file has at most {max_bytes // 1_000_000} MB")
        gathered += chunk
        if len(gathered) >= _PIECE:
            await asyncio.to_thread(write)
        if alive:
            await alive()
    await asyncio.to_thread(write)
    return digest.hexdigest()


async def _pieces(file: IO[bytes], alive: Alive | None) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece
        if alive:
            await alive()
