"""The smallest files that are what they claim to be, and their larger kin."""

import struct


def png(width: int = 8, height: int = 8, size: int = 0) -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0" + b"\0" * 4
    return head + b"\0" * max(0, size - len(head))


def gif(width: int = 8, height: int = 8, size: int = 0) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"
    return head + b"\0" * max(0, size - len(head))


def jpeg(width: int = 8, height: int = 8, size: int = 0) -> bytes:
    head = b"\xff\xd8\xff\xe0\x00\x04\0\0" + b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"
    return head + b"\0" * max(0, size - len(head))


def mp4(
    size: int = 100_000, seconds: float = 10, width: int = 1080, height: int = 1920, *, index_last: bool = False
) -> bytes:
    """A film as far as its index goes, in front of its pictures or behind them; what it shows are zeros."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, int(seconds * 1000)) + b"\0" * 80
    track = b"\0" * 76 + struct.pack(">II", width << 16, height << 16)
    index = _box(b"mvhd", header) + _box(b"trak", _box(b"tkhd", track))
    kind, index = _box(b"ftyp", b"isom" + b"\0" * 12), _box(b"moov", index)
    pictures = _box(b"mdat", b"\0" * max(0, size - len(kind) - len(index) - 8))
    return kind + (pictures + index if index_last else index + pictures)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def pdf() -> bytes:
    return b"%PDF-1.7\n" + b"\0" * 64


def webp() -> bytes:
    return b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x07\0\0" + b"\x07\0\0"


def animated(frames: int) -> bytes:
    """A GIF with a colour table and, before each picture, how long it stays."""
    frame = b"!\xf9\x04\0\0\0\0\0" + b",\0\0\0\0\x08\0\x08\0\0" + b"\x02\x02\x4c\x01\0"
    return b"GIF89a\x08\0\x08\0\x80\0\0" + b"\0" * 6 + frame * frames + b";"
