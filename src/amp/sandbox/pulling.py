"""Media that a vendor fetches from their addresses itself: for real, and judged by their bytes."""

import tempfile
from dataclasses import dataclass
from typing import Literal

from amp.kit.errors import AmpError, TooLarge
from amp.kit.fetching import Fetcher
from amp.sandbox.formats import Format, recognise_file
from amp.sandbox.wire import MEGABYTE

_IN_MEMORY = 8 * MEGABYTE
_LARGEST_PICTURE = 16 * MEGABYTE


@dataclass(frozen=True)
class Found:
    """What is at an address. Only pictures keep their bytes."""

    url: str
    size: int = 0
    format: Format | None = None
    content: bytes = b""
    problem: Literal["unreachable", "too large"] | None = None

    @property
    def is_picture(self) -> bool:
        return self.format is not None and self.format.media_type.startswith("image/")

    @property
    def is_film(self) -> bool:
        return self.format is not None and self.format.media_type.startswith("video/")


async def fetch(fetcher: Fetcher, url: str, max_bytes: int) -> Found:
    size = 0
    try:
        with tempfile.SpooledTemporaryFile[bytes](max_size=_IN_MEMORY) as file:
            async with fetcher.fetch(url, max_bytes=max_bytes) as fetched:
                async for chunk in fetched.chunks():
                    size += file.write(chunk)
            found = recognise_file(file)
            file.seek(0)
            is_picture = found is not None and found.media_type.startswith("image/") and size <= _LARGEST_PICTURE
            return Found(url, size, found, file.read() if is_picture else b"")
    except TooLarge:
        return Found(url, max_bytes + 1, problem="too large")
    except AmpError:
        return Found(url, problem="unreachable")
