"""Media as files below one directory: written under a draft name, then renamed, so that a file is whole or absent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from amp.kit.errors import NotFound
from amp.kit.ids import new_id

_CHUNK = 1 << 20


class FileStorage:
    """`Storage` in a directory. Keys are relative paths that we make ourselves; none leads outside."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        path = self._path(key)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        draft = path.with_name(f".{new_id()}")
        size = 0
        try:
            with draft.open("wb") as file:
                async for chunk in chunks:
                    size += await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(draft.replace, path)
        finally:
            draft.unlink(missing_ok=True)
        return size

    async def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except FileNotFoundError as error:
            raise NotFound("Media not found") from error
        with file:
            await asyncio.to_thread(file.seek, start)
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def _path(self, key: str) -> Path:
        path = (self._directory / key).resolve()
        if not path.is_relative_to(self._directory):
            raise NotFound("Media not found")
        return path
