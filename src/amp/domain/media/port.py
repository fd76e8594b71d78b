"""What media needs from outside: somewhere to keep the bytes."""

from collections.abc import AsyncIterator
from typing import Protocol


class Storage(Protocol):
    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store everything under `key`; the number of bytes. All or nothing."""
        ...

    def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes in order, from `start`. Errors: NotFound."""
        ...

    async def delete(self, key: str) -> None:
        """Idempotent."""
        ...
