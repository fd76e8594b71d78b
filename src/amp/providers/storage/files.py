"""Media as files below one directory: written under a draft name, then renamed, so that a file is whole or absent."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from amp.domain.media.port import StoredFile
from amp.kit.errors import NotFound, Unavailable
from amp.kit.ids import new_id

_CHUNK = 1 << 20


class FileStorage:
    """`Storage` in a directory. Keys are relative paths that we make ourselves; none leads outside."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        path = self._path(key)
        draft = path.with_name(f".{new_id()}")
        try:
            await asyncio.to_thread(self._make, path.parent)
            with await asyncio.to_thread(draft.open, "wb") as file:
                size = 0
                async for chunk in chunks:
                    size += await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(_settle, file)
            await asyncio.to_thread(draft.replace, path)
        except OSError as error:
            raise Unavailable(f"A medium cannot be written: {error.strerror}", retry_after=30) from error
        finally:
            draft.unlink(missing_ok=True)
        return size

    def _make(self, directory: Path) -> None:
        """What is not published yet is nobody else's on this machine: none may pass through the uppermost."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(parents=True, exist_ok=True)

    async def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound("Media not found") from error
        with file:
            await asyncio.to_thread(file.seek, start)
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def files(self) -> AsyncIterator[StoredFile]:
        for directory in await asyncio.to_thread(self._directories):
            for file in await asyncio.to_thread(self._files_in, directory):
                yield file

    def _directories(self) -> list[Path]:
        return [Path(place) for place, _, _ in os.walk(self._directory)]

    def _files_in(self, directory: Path) -> list[StoredFile]:
        with os.scandir(directory) as entries:
            return [self._seen(entry) for entry in entries if entry.is_file(follow_symlinks=False)]

    def _seen(self, entry: "os.DirEntry[str]") -> StoredFile:
        modified_at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
        return StoredFile(str(Path(entry.path).relative_to(self._directory)), modified_at)

    def _path(self, key: str) -> Path:
        path = (self._directory / key).resolve()
        if not path.is_relative_to(self._directory):
            raise NotFound("Media not found")
        return path


def _settle(file: BinaryIO) -> None:
    """On the disk before anybody says that it is kept."""
    file.flush()
    os.fsync(file.fileno())
