"""The smallest files that are what they claim to be, and their larger kin."""

import struct


def png(width: int = 8, height: int = 8, size: int = 0) -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0" + b"\0" * 4
    return head + b"\0" * max(0, size - len(head))


def gif(width: int = 8, height: int = 8, size: int = 0) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"
    return head + b"\0" * max(0, size - len(head))


def jpeg(width: int = 8, height: int = 8) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x04\0\0" + b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"


def mp4(size: int = 100_000) -> bytes:
    head = struct.pack(">I", 24) + b"ftypisom" + b"\0" * 12
    return head + b"\0" * max(0, size - len(head))


def pdf() -> bytes:
    return b"%PDF-1.7\n" + b"\0" * 64
