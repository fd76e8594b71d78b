"""What a file is, told from its first bytes, and how large a picture is."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

HEAD_BYTES = 64
"""Enough of a file to recognise its format, though not always the size of a picture."""

_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class Format:
    media_type: str
    width: int | None = None
    height: int | None = None


def recognise(content: bytes) -> Format | None:
    """The format of a file, or None. Sizes are given when the bytes at hand reach that far."""
    for matches, read in _FORMATS:
        if matches(content):
            return read(content)
    return None


def _png(content: bytes) -> Format:
    return _sized("image/png", content, ">II", 16)


def _gif(content: bytes) -> Format:
    return _sized("image/gif", content, "<HH", 6)


def _webp(content: bytes) -> Format:
    """Only the extended form states its canvas plainly; for the others the size stays unknown."""
    if content[12:16] != b"VP8X" or len(content) < 30:
        return Format("image/webp")
    width = int.from_bytes(content[24:27], "little") + 1
    return Format("image/webp", width, int.from_bytes(content[27:30], "little") + 1)


def _jpeg(content: bytes) -> Format:
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return Format("image/jpeg", width, height)
        length = 0 if marker in _JPEG_BARE else int.from_bytes(content[position + 2 : position + 4])
        position += 2 + length
    return Format("image/jpeg")


def _sized(media_type: str, content: bytes, layout: str, offset: int) -> Format:
    if len(content) < offset + struct.calcsize(layout):
        return Format(media_type)
    width, height = struct.unpack_from(layout, content, offset)
    return Format(media_type, width, height)


def _mp4(content: bytes) -> Format:
    return Format("video/quicktime" if content[8:12] == b"qt  " else "video/mp4")


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Format]], ...] = (
    (lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda content: content.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda content: content.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP", _webp),
    (lambda content: content[4:8] == b"ftyp", _mp4),
    (lambda content: content.startswith(b"%PDF-"), lambda _: Format("application/pdf")),
)
