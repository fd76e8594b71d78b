"""Small files that are what they claim to be, for vendors that look: pictures, and a film of ten seconds of nothing."""

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Literal

from PIL import Image

SHAPES = {"square": (720, 720), "wide": (960, 720), "tall": (720, 1280), "phone": (1080, 1920)}
SECONDS = 10
_PIECE = 16_384

Name = Literal["square.jpg", "square.png", "square.gif", "wide.jpg", "tall.jpg", "tall.mp4", "phone.mp4"]
_FORMATS = {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "mp4": "video/mp4"}


@cache
def content_of_file(name: str) -> bytes | None:
    """The bytes of the file with this name; None when there is none."""
    shape, _, ending = name.partition(".")
    sides = SHAPES.get(shape)
    if sides is None or ending not in _TYPES:
        return None
    return _film(*sides) if ending == "mp4" else _picture(*sides, ending)


def type_of_file(name: str) -> str:
    return _TYPES[name.rpartition(".")[2]]


@dataclass(frozen=True)
class File:
    """A medium as publishing hands it to an adapter; `root` is where the test's own server has the files."""

    media_id: str
    alt_text: str | None = None
    name: Name = "square.png"
    root: str = ""
    thumbnail_url: str | None = None
    thumbnail: "File | None" = None

    @property
    def content(self) -> bytes:
        return content_of_file(self.name) or b""

    @property
    def mime_type(self) -> str:
        return type_of_file(self.name)

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    @property
    def width(self) -> int:
        return SHAPES[self.name.partition(".")[0]][0]

    @property
    def height(self) -> int:
        return SHAPES[self.name.partition(".")[0]][1]

    @property
    def seconds(self) -> float | None:
        return SECONDS if self.name.endswith("mp4") else None

    @property
    def url(self) -> str:
        return f"{self.root}/files/{self.name}"

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        for begin in range(start, self.size_bytes, _PIECE):
            yield self.content[begin : begin + _PIECE]


def _picture(width: int, height: int, ending: str) -> bytes:
    written = BytesIO()
    Image.new("RGB", (width, height), (32, 96, 160)).save(written, _FORMATS[ending])
    return written.getvalue()


def _film(width: int, height: int) -> bytes:
    """MP4 by ISO 14496-12: one track of H.264 without samples, and a body of zeros."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    length = SECONDS * 1000
    mvhd = struct.pack(">6IH10x", 0, 0, 0, 1000, length, 0x10000, 0x100) + matrix + bytes(24) + struct.pack(">I", 2)
    tkhd = (
        struct.pack(">6I8x4H", 3, 0, 0, 1, 0, length, 0, 0, 0, 0)
        + matrix
        + struct.pack(">II", width << 16, height << 16)
    )
    mdhd = struct.pack(">5IHH", 0, 0, 0, 1000, length, 0x55C4, 0)
    hdlr = bytes(8) + b"vide" + bytes(12) + b"\0"
    sample = bytes(6) + struct.pack(">H16xHHII4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 24, -1)
    avcc = _box(b"avcC", b"\1\x42\0\x1e\xff\xe0\0")
    tables = [
        _box(b"stsd", struct.pack(">II", 0, 1) + _box(b"avc1", sample + avcc)),
        *(_box(kind, bytes(8)) for kind in (b"stts", b"stsc", b"stco")),
        _box(b"stsz", bytes(12)),
    ]
    where = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1) + _box(b"url ", b"\0\0\0\1")))
    minf = _box(b"minf", _box(b"vmhd", b"\0\0\0\1" + bytes(8)) + where + _box(b"stbl", b"".join(tables)))
    media = _box(b"mdia", _box(b"mdhd", mdhd) + _box(b"hdlr", hdlr) + minf)
    moov = _box(b"moov", _box(b"mvhd", mvhd) + _box(b"trak", _box(b"tkhd", tkhd) + media))
    return _box(b"ftyp", b"isom\0\0\2\0isommp42") + moov + _box(b"mdat", bytes(100_000))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
