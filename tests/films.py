"""Small MP4 and QuickTime films, box by box (ISO 14496-12): complete for whoever reads their headers."""

import struct

_UPRIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ON_ITS_SIDE = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def film(
    width: int = 1080,
    height: int = 1920,
    seconds: float = 12.0,
    *,
    brand: bytes = b"isom",
    picture: bytes = b"\x80" * 4000,
    header_first: bool = False,
    rotated: bool = False,
    handler: bytes = b"vide",
) -> bytes:
    """One track with one sample, `picture`. QuickTime's own brand is `qt  `."""
    first = _box(b"ftyp", brand, struct.pack(">I", 512), brand, b"mp42")
    data = _box(b"mdat", picture)
    offset = len(first) + 8
    if header_first:
        offset += len(_header(width, height, seconds, len(picture), 0, rotated, handler))
    header = _header(width, height, seconds, len(picture), offset, rotated, handler)
    return first + header + data if header_first else first + data + header


def _header(width: int, height: int, seconds: float, size: int, offset: int, rotated: bool, handler: bytes) -> bytes:
    lasts = round(seconds * 1000)
    matrix = struct.pack(">9i", *(_ON_ITS_SIDE if rotated else _UPRIGHT))
    movie = _full(
        b"mvhd", struct.pack(">IIIIIHQH", 0, 0, 1000, lasts, 0x10000, 0x100, 0, 0), matrix, bytes(24), b"\0\0\0\2"
    )
    track = _full(
        b"tkhd", struct.pack(">IIIIIQHHHH", 0, 0, 1, 0, lasts, 0, 0, 0, 0, 0), matrix,
        struct.pack(">II", width << 16, height << 16), flags=3,
    )  # fmt: skip
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, lasts, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), handler, bytes(12), b"made here\0"),
        _box(b"minf", _full(b"vmhd", bytes(8), flags=1), _references(), _samples(width, height, lasts, size, offset)),
    )
    return _box(b"moov", movie, _box(b"trak", track, media))


def _references() -> bytes:
    return _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))


def _samples(width: int, height: int, lasts: int, size: int, offset: int) -> bytes:
    configuration = _box(b"avcC", b"\x01\x64\x00\x28\xff\xe0\x00")
    entry = _box(
        b"avc1", bytes(6), b"\0\1", bytes(16), struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1),
        bytes(32), struct.pack(">Hh", 24, -1), configuration,
    )  # fmt: skip
    return _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">III", 1, 1, lasts)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        _full(b"stsz", struct.pack(">III", 0, 1, size)),
        _full(b"stco", struct.pack(">II", 1, offset)),
    )


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *parts)


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body
