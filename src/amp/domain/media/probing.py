"""What a file really is, told from its content: images by Pillow, films by MediaInfo.

    python -m amp.domain.media.probing < file        prints what was found, as JSON

Decoders are where hostile files strike, so this runs as a program of its own (`examining.py` starts it) with bounds on
its memory and time. Only here are the decoders loaded.
"""

import json
import resource
import sys
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from amp.kit.errors import Invalid

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 100_000_000
_MAX_SIDE = 65_500
_MEMORY = 1_500_000_000
_CPU_SECONDS = 20
_FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
"""By Pillow's names. MPO is how some phones write a JPEG that has a second picture behind the first."""
_CANDIDATES = ("JPEG", "PNG", "WEBP", "GIF")
_FILM_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"))
_ORIENTATION = 0x0112
_LYING_ORIENTATIONS = range(5, 9)


@dataclass(frozen=True)
class Probed:
    """What we found out ourselves. Sides are in pixels as the picture is shown, after any rotation."""

    mime_type: str
    size_bytes: int
    width: int
    height: int
    seconds: float | None = None
    """Of a film; None for pictures."""

    @property
    def kind(self) -> str:
        """`image`, `gif` or `video`, as the contract's `type`."""
        return "gif" if self.mime_type == "image/gif" else self.mime_type.partition("/")[0]


def probe(file: BinaryIO) -> Probed:
    """Read a seekable file. Errors: Invalid (`UNSUPPORTED_MEDIA_TYPE`) for what is not whole, or none of our types."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    if not head:
        raise unsupported("The file is empty")
    return _film(file, size) if head[4:8] in _FILM_BOXES else _picture(file, size)


def unsupported(message: str) -> Invalid:
    return Invalid(message, code="UNSUPPORTED_MEDIA_TYPE")


def _picture(file: BinaryIO, size: int) -> Probed:
    from PIL import Image, UnidentifiedImageError

    import_module("PIL.WebPImagePlugin")  # the only one of ours that Pillow does not load by itself
    Image.MAX_IMAGE_PIXELS = None  # judged below, by a bound of our own
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=_CANDIDATES) as image:
            sides = _sides(image)
            image.verify()  # reads on to the last checksum, where there are any
        file.seek(0)
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=_CANDIDATES) as image:
            image.draft("RGB", (1, 1))  # a JPEG is read to its end, but at an eighth of its size
            image.load()
            lying = image.getexif().get(_ORIENTATION) in _LYING_ORIENTATIONS
            mime_type = _FORMATS[image.format or ""]
    except UnidentifiedImageError as error:
        raise unsupported("This is neither a JPEG, PNG or WebP picture nor an MP4 or QuickTime film") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
        raise unsupported("The picture is broken, or not whole") from error
    return Probed(mime_type, size, *(reversed(sides) if lying else sides))


def _sides(image: "ImageFile") -> tuple[int, int]:
    """Width and height, judged before anything is unpacked."""
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > _MAX_SIDE:
        raise unsupported(f"A picture has at most {MAX_PIXELS // 1_000_000} megapixels, not {width} x {height}")
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise unsupported(f"Animated {image.format} pictures are not taken: send a film")
    return width, height


def _film(file: BinaryIO, size: int) -> Probed:
    from pymediainfo import MediaInfo

    found = MediaInfo.parse(file)
    general = found.general_tracks[0].to_data() if found.general_tracks else {}
    if general.get("format") != "MPEG-4":
        raise unsupported("This is neither an MP4 nor a QuickTime film")
    if general.get("istruncated"):
        raise unsupported("The film is not whole")
    pictures = [track.to_data() for track in found.video_tracks]
    if not pictures:
        raise unsupported("There is no picture in this film")
    width, height = _number(pictures[0], "width"), _number(pictures[0], "height")
    milliseconds = _number(general, "duration") or _number(pictures[0], "duration")
    if not (width and height and milliseconds):
        raise unsupported("The film does not say how large or how long it is")
    if _number(pictures[0], "rotation") in (90, 270):
        width, height = height, width
    quicktime = general.get("format_profile") == "QuickTime" or not general.get("codec_id")
    return Probed("video/quicktime" if quicktime else "video/mp4", size, int(width), int(height), milliseconds / 1000)


def _number(track: Mapping[str, Any], name: str) -> float:
    try:
        return float(track.get(name) or 0)
    except (TypeError, ValueError):
        return 0


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with open(0, "rb") as file:
        try:
            answer: dict[str, Any] = asdict(probe(file))
        except Invalid as error:
            answer = {"refused": error.message}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main()
