"""A film that is long enough to be sent in parts: ten seconds of nothing, and a box of zeros behind them."""

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from files import File

_PIECE = 1_000_000


@dataclass(frozen=True)
class LongFilm(File):
    length: int = 0
    """Bytes in all."""

    @property
    def size_bytes(self) -> int:
        return self.length

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        free = self.length - len(self.content)
        whole = self.content + struct.pack(">I", free) + b"free"
        position = start
        while position < self.length:
            end = min(position + _PIECE, self.length)
            piece = whole[position:end]
            yield piece + bytes(end - position - len(piece))
            position = end


def long_film(length: int) -> LongFilm:
    return LongFilm("med_9", None, "tall.mp4", length=length)
