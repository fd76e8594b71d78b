"""Bodies too large to be held: measured and hashed as they pass, and of a film only the few bytes kept that say what
it is.

A film's length and frame stand in two small boxes (ISO 14496-12: `mvhd`, `tkhd`) near its beginning or its end. They
are kept behind a part's first bytes; `synopsis` puts those of all parts together to a film without pictures,
which `formats.recognise` reads like a whole one. A box that lies across two parts is not seen.
"""

import hashlib
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from amp.sandbox.formats import HEAD_BYTES
from amp.sandbox.wire import LARGEST_WASTE, BodyTooLarge

_BOX_SIZES = {b"mvhd": (108, 120), b"tkhd": (92, 104)}  # by version
_OVERLAP = 128
_MOST_BOXES = 8


@dataclass(frozen=True)
class Skim:
    """What is known of bytes that were not kept. `is_whole`: False when the sender went away in the middle."""

    size: int
    md5: str
    head: bytes
    is_whole: bool = True


def skimmed(content: bytes) -> Skim:
    reader = _Reader()
    reader.feed(content)
    return reader.skim(is_whole=True)


async def skim_body(request: Request, limit: int) -> Skim:
    """Errors: BodyTooLarge, after the rest has been read and thrown away, within bounds (see `wire.read_body`)."""
    reader = _Reader()
    try:
        async for chunk in request.stream():
            reader.feed(chunk)
            if reader.size > limit + LARGEST_WASTE:
                break
    except ClientDisconnect:
        return reader.skim(is_whole=False)
    if reader.size > limit:
        raise BodyTooLarge
    return reader.skim(is_whole=True)


async def skim_stream(chunks: AsyncIterator[bytes]) -> Skim:
    reader = _Reader()
    async for chunk in chunks:
        reader.feed(chunk)
    return reader.skim(is_whole=True)


def synopsis(heads: Sequence[bytes]) -> bytes:
    """The beginning of a file that came in parts; of a film with all boxes found, put in their places."""
    first = heads[0][:HEAD_BYTES] if heads else b""
    if first[4:8] != b"ftyp":
        return first
    found = [box for head in heads for box in _boxes(head[HEAD_BYTES:])]
    index = [box if box[4:8] == b"mvhd" else _box(b"trak", box) for box in found]
    return _box(b"ftyp", first[8:16]) + (_box(b"moov", b"".join(index)) if index else b"")


class _Reader:
    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.md5(usedforsecurity=False)
        self._head = b""
        self._found: list[bytes] = []
        self._last = b""

    def feed(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._hash.update(chunk)
        self._head += chunk[: HEAD_BYTES - len(self._head)]
        window = self._last + chunk
        self._found += _boxes(window, since=len(self._last))
        self._last = window[-_OVERLAP:]

    def skim(self, *, is_whole: bool) -> Skim:
        return Skim(self.size, self._hash.hexdigest(), self._head + b"".join(self._found[:_MOST_BOXES]), is_whole)


def _boxes(window: bytes, since: int = 0) -> Iterator[bytes]:
    """The telling boxes that end after `since`: those before have been seen."""
    for kind, sizes in _BOX_SIZES.items():
        position = window.find(kind, 4)
        while position >= 0:
            start, version = position - 4, window[position + 4 : position + 5]
            size = int.from_bytes(window[start:position])
            is_box = version in (b"\0", b"\1") and size == sizes[version[0]]
            if is_box and since < start + size <= len(window):
                yield window[start : start + size]
            position = window.find(kind, position + 4)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
