"""X: what becomes of media once their bytes are there (guide "Media best practices", and the help page on videos for
frames, as for accounts without Premium): ready at once, worked on, or refused for their format, frame or length."""

from dataclasses import replace
from datetime import timedelta

from amp.sandbox.faults import Fault
from amp.sandbox.formats import Format, recognise
from amp.sandbox.skimming import synopsis
from amp.sandbox.social._twitter_problems import at, invalid
from amp.sandbox.uploads import Part, Upload, Verdict, complete, joined_content
from amp.sandbox.vendor import Call
from amp.sandbox.wire import MEGABYTE

TYPES = {
    "tweet_image": {"image/jpeg", "image/png", "image/webp", "image/gif"},
    "tweet_gif": {"image/gif"},
    "tweet_video": {"video/mp4", "video/quicktime"},
}

_GIF_FRAME, _GIF_FRAMES = (1280, 1080), 350
_VIDEO_SECONDS = (0.5, 125 * 60)  # for subscribers; all others are told so when they post it
_VIDEO_FRAME = (1920, 1200)  # however it is turned; the help page says 1900 upright, yet 1920 goes through
_SMALLEST_SIDE, _WIDEST = 32, 3
_BYTES_PER_SECOND = 20 * MEGABYTE
_COLOURS, _EXTENSION, _IMAGE = 0x80, 0x21, 0x2C


async def judge(call: Call, opened: Upload, parts: list[Part]) -> Upload:
    """Pictures are ready at once when their bytes are pictures; GIFs and videos are worked on first."""
    size = sum(part.size for part in parts)
    content = await joined_content(call, opened) or synopsis([part.head for part in parts])
    found = recognise(content)
    right = found is not None and found.media_type in TYPES[opened.kind]
    if opened.kind == "tweet_image" and not right:
        raise invalid(at("media", [], "The media type is unrecognized."))
    moving = opened.kind != "tweet_image"
    verdict = Verdict(
        size=size,
        waits=timedelta(seconds=1 if moving else 0),
        works=timedelta(seconds=2 + size // _BYTES_PER_SECOND if moving else 0),
        failure=_objection(opened.kind, found, content) if right and found else "Unsupported media format",
        format=found,
    )
    return await complete(call, opened, _with_orders(call, verdict))


def gif_frames(content: bytes) -> int:
    """How many pictures a GIF shows, as far as its bytes go."""
    frames, position = 0, 13 + _palette(content[10:11])
    while position < len(content) and content[position] in (_EXTENSION, _IMAGE):
        if content[position] == _IMAGE:
            frames += 1
            position += 11 + _palette(content[position + 9 : position + 10])
        else:
            position += 2
        while position < len(content) and content[position]:
            position += 1 + content[position]
        position += 1
    return frames


def _palette(flags: bytes) -> int:
    """The size of the colour table that these flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & _COLOURS else 0


def _objection(kind: str, found: Format, content: bytes) -> str | None:
    width, height = found.width or 0, found.height or 0
    if kind == "tweet_gif" and (width > _GIF_FRAME[0] or height > _GIF_FRAME[1]):
        return "GIF dimensions are limited to 1280x1080"
    if kind == "tweet_gif" and gif_frames(content) > _GIF_FRAMES:
        return "GIF frames are limited to 350"
    if kind != "tweet_video":
        return None
    if found.seconds is not None and not _VIDEO_SECONDS[0] <= found.seconds <= _VIDEO_SECONDS[1]:
        return "Video duration must be between 0.5 and 7500 seconds"
    short, long = sorted((width, height))
    is_odd = short < _SMALLEST_SIDE or long > _VIDEO_FRAME[0] or short > _VIDEO_FRAME[1] or long > _WIDEST * short
    return "Video dimensions or aspect ratio are not supported" if width and height and is_odd else None


def _with_orders(call: Call, verdict: Verdict) -> Verdict:
    fault = call.misfortune.fault if call.misfortune else None
    if fault is Fault.PROCESSING_FAILED:
        return replace(verdict, waits=timedelta(seconds=1), works=timedelta(seconds=2), failure="Processing failed")
    if fault is Fault.PROCESSING_SLOW and call.misfortune:
        return replace(verdict, works=verdict.works + timedelta(seconds=call.misfortune.seconds))
    return verdict
