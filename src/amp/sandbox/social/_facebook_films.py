"""Facebook: films on their way in: bytes in one piece or in parts, what is wrong with them, and the post in the end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from amp.sandbox.formats import Format, recognise
from amp.sandbox.ledger import Post, make_public
from amp.sandbox.skimming import Skim, synopsis
from amp.sandbox.social._facebook_posts import page_draft
from amp.sandbox.social._meta_containers import with_orders
from amp.sandbox.social._meta_graph import random_id
from amp.sandbox.uploads import Upload, Verdict, add_skimmed, complete, list_parts, note, open_upload
from amp.sandbox.vendor import Call
from amp.sandbox.wire import KILOBYTE, MEGABYTE

LARGEST = 2048 * MEGABYTE

_LIFETIME = timedelta(hours=24)
_BYTES_PER_SECOND = 20 * MEGABYTE
_SECONDS = {"video": (1, 40 * 60), "reel": (3, 90), "story": (1, 60)}
_SMALLEST_REEL = (540, 960)
_FAILED_BY_ORDER = "1363019 There was a problem processing your video"


async def open_film(call: Call, purpose: str, size: int | None = None, **facts: Any) -> Upload:
    """`purpose`: video, reel or story."""
    return await open_upload(
        call,
        random_id("9", 15),
        kind="video",
        media_type="",
        declared_bytes=size,
        lifetime=_LIFETIME,
        extra={"for": purpose, "received": 0, **facts},
    )


async def take(call: Call, film: Upload, skim: Skim) -> Upload:
    """One more part, in its turn."""
    parts = await list_parts(call, film)
    await add_skimmed(call, film, len(parts), skim)
    return await note(call, film, received=film.extra["received"] + skim.size)


async def judge_parts(call: Call, film: Upload) -> Upload:
    """All bytes are there: what they are, and how long the work on them will take."""
    parts = await list_parts(call, film)
    return await judge(call, film, film.extra["received"], recognise(synopsis([part.head for part in parts])))


async def judge(call: Call, film: Upload, size: int, found: Format | None) -> Upload:
    works = timedelta(seconds=5 + size // _BYTES_PER_SECOND)
    failure = what_is_wrong(film.extra["for"], size, found)
    verdict = with_orders(call, Verdict(size=size, works=works, failure=failure, format=found), _FAILED_BY_ORDER)
    return await complete(call, film, verdict)


def what_is_wrong(purpose: str, size: int, found: Format | None) -> str | None:
    """The vendor's code and words."""
    shortest, longest = _SECONDS[purpose]
    if size < KILOBYTE:
        return "1363022 The video file you tried to upload is too small. The minimum size is 1 KB."
    if size > LARGEST:
        return "1363023 The video file you tried to upload is too big. The maximum size is 2 GB."
    if found is None or not found.media_type.startswith("video/") or found.width is None:
        return "1363024 The video file format is not supported."
    if found.seconds is not None and found.seconds < shortest:
        return f"1363025 The video is too short. It should be at least {shortest} seconds long."
    if found.seconds is not None and found.seconds > longest:
        return f"1363026 The video is too long. It should be at most {longest} seconds long."
    if purpose == "reel" and ((found.width or 0) < _SMALLEST_REEL[0] or (found.height or 0) < _SMALLEST_REEL[1]):
        return "1363042 The video should be upright and at least 540 by 960 pixels."
    return None


async def release(call: Call, film: Upload, text: str, kind: str, **facts: Any) -> Post | None:
    """Public as soon as the work on it is done; never, if that fails."""
    film = await note(call, film, is_released=True, **facts)
    if film.failure:
        return None
    public_from = max(call.now, film.ready_at or call.now)
    extra = {"video": film.remote_id, "public_from": public_from.isoformat()}
    media: Sequence[dict[str, Any]] = [film.described()]
    post = await make_public(call, page_draft(call, text, film.remote_id, media, extra, kind))
    await note(call, film, post=post.remote_id)
    return post
