"""What Instagram takes, and how: settings, placements and their rules, and the forms that containers are made from."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from amp.domain.platforms.port import Draft, Medium, Problem, Settings
from amp.domain.platforms.settings import Several
from amp.domain.platforms.text_length import with_link
from amp.domain.platforms.validation import INVALID_PLACEMENT, UNSUPPORTED_MEDIA_CONFIG, VALIDATION_FAILED
from amp.domain.publishing.port import Delivery, MediaFile

Placement = Literal["feed", "story", "reel", "carousel"]

MOST_HASHTAGS = 30
MOST_MENTIONS = 20
MOST_IN_CAROUSEL = 10
STORY_SECONDS = 60
STORY_BYTES = 100_000_000
MIN_ASPECT, MAX_ASPECT = 4 / 5, 1.91
_ROUNDING = 0.005
"""Aspects are of whole pixels: 1080 by 1351 is 4:5 enough."""

_HASHTAG = re.compile(r"(?<!\w)#\w*[^\W\d]\w*")
_MENTION = re.compile(r"(?<![\w@.])@[A-Za-z0-9_.]{1,30}")


class InstagramSettings(Settings):
    placement: Placement | None = None
    """Absent: one image in the feed, one video as a reel, several media as a carousel."""
    first_comment: Annotated[str, Field(min_length=1, max_length=2200)] | None = None
    share_to_feed: bool | None = None
    """Whether a reel is shown in the feed, too."""
    cover_url: Annotated[str, Field(pattern=r"^https?://[^/\s]\S*$", max_length=2000)] | None = None
    thumb_offset: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """The frame of a reel that becomes its cover, in milliseconds. A cover of one's own comes first."""
    collaborators: Annotated[Several[Annotated[str, Field(pattern=r"^[A-Za-z0-9._]{1,30}$")]], Field(max_length=3)] = ()
    """User names that are invited to share the post."""
    location_id: Annotated[str, Field(pattern=r"^[0-9]{1,30}$")] | None = None

    def placed(self, kinds: Sequence[str]) -> Placement:
        """Where a post with media of these kinds goes."""
        if self.placement == "story":
            return "story"
        if len(kinds) > 1:
            return "carousel"
        return "reel" if "video" in kinds else "feed"


def rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    own = own_settings(settings)
    kinds = [medium.kind for medium in draft.media]
    yield from (_problem(*found) for found in _placement_problems(own.placement, kinds))
    yield from (_problem(*found) for found in _caption_problems(draft))
    placed = own.placed(kinds)
    yield from (_problem(*found) for found in _medium_problems(draft.media, placed))
    if placed == "story" and own.first_comment:
        yield _problem("settings.firstComment", VALIDATION_FAILED, "Stories take no comments")
    if placed == "story" and draft.link:
        yield _problem("linkUrl", VALIDATION_FAILED, "Stories published by the API carry no link")


def _placement_problems(placement: Placement | None, kinds: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    fits: Mapping[Placement, tuple[bool, str]] = {
        "feed": (len(kinds) <= MOST_IN_CAROUSEL, f"at most {MOST_IN_CAROUSEL} images or videos"),
        "story": (len(kinds) == 1, "exactly one image or video"),
        "reel": (list(kinds) == ["video"], "exactly one video"),
        "carousel": (2 <= len(kinds) <= MOST_IN_CAROUSEL, f"2 to {MOST_IN_CAROUSEL} images or videos"),
    }
    if placement and kinds and not fits[placement][0]:
        yield "settings.placement", INVALID_PLACEMENT, f"Instagram: {placement} takes {fits[placement][1]}"


def _caption_problems(draft: Draft) -> Iterator[tuple[str, str, str]]:
    text = "".join(draft.parts[:1])
    for pattern, most, what in ((_HASHTAG, MOST_HASHTAGS, "hashtags"), (_MENTION, MOST_MENTIONS, "mentions")):
        count = len(pattern.findall(text))
        if count > most:
            yield "text", VALIDATION_FAILED, f"Instagram allows {most} {what}; this has {count}"


def _medium_problems(media: Sequence[Medium], placed: Placement) -> Iterator[tuple[str, str, str]]:
    for index, medium in enumerate(media):
        field = f"media[{index}]"
        if placed == "story" and medium.kind == "video":
            if (medium.seconds or 0) > STORY_SECONDS:
                message = f"Instagram: a story lasts at most {STORY_SECONDS} seconds; this is {medium.seconds:g}"
                yield f"{field}.durationSeconds", UNSUPPORTED_MEDIA_CONFIG, message
            if (medium.size_bytes or 0) > STORY_BYTES:
                yield f"{field}.sizeBytes", UNSUPPORTED_MEDIA_CONFIG, "Instagram: at most 100 MB in a story"
        if placed in ("feed", "carousel") and medium.kind == "image" and medium.width and medium.height:
            aspect = medium.width / medium.height
            if not MIN_ASPECT - _ROUNDING <= aspect <= MAX_ASPECT + _ROUNDING:
                message = f"Instagram: images in the feed are between 4:5 and 1.91:1; this is {aspect:,.2f}:1"
                yield f"{field}.width", UNSUPPORTED_MEDIA_CONFIG, message


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem("instagram", field, code, message)


def children(delivery: Delivery) -> list[dict[str, str]]:
    """The forms of a carousel's items; none where there is no carousel."""
    files = delivery.parts[0].media
    if _placed(delivery) != "carousel":
        return []
    return [{"is_carousel_item": "true", **_item(file)} for file in files]


def parent(delivery: Delivery, made: Sequence[str]) -> dict[str, str]:
    """The form of the container that is published; `made` are the ids of its children."""
    settings, part = own_settings(delivery.settings), delivery.parts[0]
    placed = _placed(delivery)
    if placed == "story":
        return {"media_type": "STORIES", **_address(part.media[0])}
    if placed == "carousel":
        return {"media_type": "CAROUSEL", "children": ",".join(made), **_words(delivery, settings)}
    (file,) = part.media
    if placed == "reel":
        return {
            "media_type": "REELS",
            **_address(file),
            **_words(delivery, settings),
            **_cover(file, settings),
            **({} if settings.share_to_feed is None else {"share_to_feed": str(settings.share_to_feed).lower()}),
        }
    return {**_address(file), **_described(file), **_words(delivery, settings)}


def caption(delivery: Delivery) -> str:
    """What people read; a story shows no text."""
    if _placed(delivery) == "story":
        return ""
    return with_link(delivery.parts[0].text, delivery.link_url)


def is_story(delivery: Delivery) -> bool:
    return _placed(delivery) == "story"


def own_settings(settings: Settings) -> InstagramSettings:
    return settings if isinstance(settings, InstagramSettings) else InstagramSettings()


def _placed(delivery: Delivery) -> Placement:
    kinds = [file.mime_type.partition("/")[0] for file in delivery.parts[0].media]
    return own_settings(delivery.settings).placed(kinds)


def _words(delivery: Delivery, settings: InstagramSettings) -> dict[str, str]:
    words = {"caption": caption(delivery), "location_id": settings.location_id}
    invited = {"collaborators": json.dumps(settings.collaborators)} if settings.collaborators else {}
    return {name: value for name, value in words.items() if value} | invited


def _cover(file: MediaFile, settings: InstagramSettings) -> dict[str, str]:
    if settings.cover_url:
        return {"cover_url": settings.cover_url}
    if settings.thumb_offset is not None:
        return {"thumb_offset": str(settings.thumb_offset)}
    return {"cover_url": file.thumbnail_url} if file.thumbnail_url else {}


def _item(file: MediaFile) -> dict[str, str]:
    video = {"media_type": "VIDEO"} if _is_video(file) else {}
    return {**video, **_address(file), **_described(file)}


def _address(file: MediaFile) -> dict[str, str]:
    return {"video_url" if _is_video(file) else "image_url": file.url}


def _described(file: MediaFile) -> dict[str, str]:
    """Instagram keeps alternative text of images only."""
    return {"alt_text": file.alt_text} if file.alt_text and not _is_video(file) else {}


def _is_video(file: MediaFile) -> bool:
    return file.mime_type.startswith("video/")
