"""What a file is, told from its bytes: its format, how large a picture is, how large and how long a film."""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

HEAD_BYTES = 64
"""Enough of a file to recognise its format, though not always the size of a picture."""

_MEGABYTE = 1 << 20

_LARGEST_INDEX = 64 * _MEGABYTE
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class Format:
    media_type: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


def recognise(content: bytes) -> Format | None:
    """The format of a file, or None. Sizes are given when the bytes at hand reach that far."""
    for matches, read in _FORMATS:
        if matches(content):
            return read(content)
    return None


def recognise_file(file: IO[bytes]) -> Format | None:
    """The same for a file that need not fit into memory."""
    file.seek(0)
    found = recognise(file.read(_MEGABYTE))
    return _film(found.media_type, file) if found and found.media_type.startswith("video/") else found


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


def _bmp(content: bytes) -> Format:
    if len(content) < 26:
        return Format("image/bmp")
    width, height = struct.unpack_from("<ii", content, 18)
    return Format("image/bmp", abs(width), abs(height))


def _mp4(content: bytes) -> Format:
    return _film("video/quicktime" if content[8:12] == b"qt  " else "video/mp4", io.BytesIO(content))


def _film(media_type: str, file: IO[bytes]) -> Format:
    """ISO 14496-12: `moov/mvhd` says how long the film is, the largest `moov/trak/tkhd` how large its picture."""
    end = file.seek(0, io.SEEK_END)
    for kind, start, stop in _boxes(file, 0, end):
        if kind == b"moov" and stop <= end and stop - start <= _LARGEST_INDEX:
            file.seek(start)
            return _indexed(media_type, io.BytesIO(file.read(stop - start)))
    return Format(media_type)


def _indexed(media_type: str, moov: IO[bytes]) -> Format:
    seconds, width, height = None, 0, 0
    end = moov.seek(0, io.SEEK_END)
    for kind, start, stop in _boxes(moov, 0, end):
        if kind == b"mvhd":
            seconds = _duration(_read(moov, start, stop))
        for inner, inner_start, inner_stop in _boxes(moov, start, stop) if kind == b"trak" else ():
            if inner == b"tkhd":
                sides = _read(moov, inner_start, inner_stop)[-8:]
                across, down = struct.unpack(">II", sides) if len(sides) == 8 else (0, 0)
                width, height = max((width, height), (across >> 16, down >> 16))
    return Format(media_type, width or None, height or None, seconds)


def _duration(mvhd: bytes) -> float | None:
    """Seconds: the duration over the time scale, which stand elsewhere in version 1. A film in fragments says 0: its
    length is then only known to who reads them all."""
    layout, offset = (">IQ", 20) if mvhd[:1] == b"\1" else (">II", 12)
    if len(mvhd) < offset + struct.calcsize(layout):
        return None
    scale, duration = struct.unpack_from(layout, mvhd, offset)
    return duration / scale if scale and duration else None


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the content begins and ends, of each box in a stretch; a broken one ends it."""
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", _read(file, start, start + 8))
        header = 8
        if size == 1 and start + 16 <= end:
            (size,), header = struct.unpack(">Q", _read(file, start + 8, start + 16)), 16
        stop = end if size == 0 else start + size
        if stop < start + header:
            return
        yield kind, start + header, stop
        start = stop


def _read(file: IO[bytes], start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Format]], ...] = (
    (lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda content: content.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda content: content.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP", _webp),
    (lambda content: content.startswith(b"BM"), _bmp),
    (lambda content: content.startswith((b"II*\0", b"MM\0*")), lambda _: Format("image/tiff")),
    (lambda content: content[4:8] == b"ftyp", _mp4),
    (lambda content: content.startswith(b"\x1a\x45\xdf\xa3"), lambda _: Format("video/webm")),
    (lambda content: content.startswith(b"%PDF-"), lambda _: Format("application/pdf")),
)
