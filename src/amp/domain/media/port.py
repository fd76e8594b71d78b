"""What media need from outside: somewhere to keep the bytes, and to know who refers to them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class StoredFile:
    """One file in a storage, finished or not. `modified_at` is real time, as the storage knows it."""

    key: str
    modified_at: datetime


class Source(Protocol):
    def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes in order, from `start`. Errors: NotFound."""
        ...


class Storage(Source, Protocol):
    """Keys are ours: `<workspace>/<media>`. Errors of every verb: Unavailable when the storage is out of reach."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store everything under `key`; the number of bytes. All or nothing, and lasting when it returns."""
        ...

    async def delete(self, key: str) -> None:
        """Idempotent."""
        ...

    def files(self) -> AsyncIterator[StoredFile]:
        """Everything that is there, in any order, with what a crash left half written."""
        ...


class References(Protocol):
    """Who refers to media: posts and content, which stand above media."""

    def columns(self) -> Sequence[Any]:
        """Columns of the database that hold lists of descriptions (`media` of posts, say)."""
        ...
