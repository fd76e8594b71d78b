"""What a Page takes, and where it goes: settings, placements and their rules."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from amp.domain.platforms.port import Draft, Medium, Problem, Settings
from amp.domain.platforms.text_length import with_link
from amp.domain.platforms.validation import INVALID_PLACEMENT, UNSUPPORTED_MEDIA_CONFIG, VALIDATION_FAILED
from amp.domain.publishing.port import Delivery

Placement = Literal["feed", "story", "reel"]

REEL_SECONDS = (4, 60)
STORY_SECONDS = 60
REEL_ASPECT = 9 / 16
_ROUNDING = 0.01
"""Aspects are of whole pixels: 720 by 1278 is 9:16 enough."""


class FacebookSettings(Settings):
    placement: Placement = "feed"
    first_comment: Annotated[str, Field(min_length=1, max_length=8000)] | None = None
    title: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """Of a video or a reel."""


def rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    own = own_settings(settings)
    kinds = [medium.kind for medium in draft.media]
    if own.placement == "reel" and kinds != ["video"]:
        yield _problem("settings.placement", INVALID_PLACEMENT, "Facebook: a reel takes exactly one video")
    elif own.placement == "reel":
        yield from _reel_problems(draft.media[0])
    if own.placement == "story":
        yield from _story_problems(draft, own)
    if own.title and kinds != ["video"]:
        yield _problem("settings.title", VALIDATION_FAILED, "Only a video has a title")


def _reel_problems(video: Medium) -> Iterator[Problem]:
    least, most = REEL_SECONDS
    if video.seconds is not None and not least <= video.seconds <= most:
        message = f"Facebook: a reel lasts {least} to {most} seconds; this is {video.seconds:g}"
        yield _problem("media[0].durationSeconds", UNSUPPORTED_MEDIA_CONFIG, message)
    if video.width and video.height and abs(video.width / video.height - REEL_ASPECT) > _ROUNDING:
        message = f"Facebook: a reel is 9:16; this is {video.width} by {video.height}"
        yield _problem("media[0].width", UNSUPPORTED_MEDIA_CONFIG, message)


def _story_problems(draft: Draft, settings: "FacebookSettings") -> Iterator[Problem]:
    if len(draft.media) != 1:
        yield _problem("settings.placement", INVALID_PLACEMENT, "Facebook: a story takes exactly one image or video")
    elif (draft.media[0].seconds or 0) > STORY_SECONDS:
        message = f"Facebook: a story lasts at most {STORY_SECONDS} seconds; this is {draft.media[0].seconds:g}"
        yield _problem("media[0].durationSeconds", UNSUPPORTED_MEDIA_CONFIG, message)
    if settings.first_comment:
        yield _problem("settings.firstComment", VALIDATION_FAILED, "Stories take no comments")
    if draft.link:
        yield _problem("linkUrl", VALIDATION_FAILED, "Stories published by the API carry no link")


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem("facebook", field, code, message)


def own_settings(settings: Settings) -> FacebookSettings:
    return settings if isinstance(settings, FacebookSettings) else FacebookSettings()


def message(delivery: Delivery) -> str:
    """What people read beside the media; a link alone becomes a card of its own."""
    part = delivery.parts[0]
    return with_link(part.text, delivery.link_url) if part.media else part.text


def has_video(delivery: Delivery) -> bool:
    return any(kind == "video" for kind in _kinds(delivery))


def _kinds(delivery: Delivery) -> Sequence[str]:
    return [file.mime_type.partition("/")[0] for file in delivery.parts[0].media]
