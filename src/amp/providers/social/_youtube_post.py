"""What a video looks like to YouTube, the settings that shape it, and what they may not say.

Source: Google's discovery document youtube.v3 and the guides of the YouTube Data API.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from amp.domain.platforms.port import Draft, Problem, Settings
from amp.domain.platforms.settings import Moment, Several
from amp.domain.platforms.text_length import utf8_bytes, with_link
from amp.domain.publishing.port import Delivery
from amp.providers.social._headline import headline

TITLE, DESCRIPTION, TAGS = 100, 5000, 500
"""Characters, bytes of UTF-8, and characters of all tags together."""

FORCED = (
    "It was uploaded as private, as all videos are until Google verifies the project (YOUTUBE_FORCE_PRIVATE_UPLOADS)."
)
MADE_PRIVATE = "YouTube made it private, as it does while the Google project is not verified; {} was asked for."

PUBLIC_LATER = "It is private, and YouTube makes it public at {}."


class YouTubeSettings(Settings):
    title: str | None = None
    """Up to 100 characters; absent: the first line of the text."""
    description: str | None = None
    """Up to 5,000 bytes; absent: the text."""
    tags: Several[str] = ()
    """Up to 500 characters together."""
    category_id: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")] = "22"
    """22 is People & Blogs, 28 Science & Technology."""
    privacy_status: Literal["private", "unlisted", "public"] = "private"
    """What is not private may still be made so by Google, while the project is not verified."""
    publish_at: Moment | None = None
    """When YouTube itself makes a private video public; not together with a schedule of ours."""
    notify_subscribers: bool = True
    """Whether YouTube tells the channel's subscribers."""
    self_declared_made_for_kids: bool = False
    contains_synthetic_media: bool = False
    """Altered or made by artificial intelligence, and realistic."""
    first_comment: str | None = None
    """Where the account was connected with comments, and never on private videos."""


def own_rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    assert isinstance(settings, YouTubeSettings)  # noqa: S101 (what `capabilities.settings` makes)
    for field, code, message in (*_words(draft, settings), *_moments(draft, settings)):
        yield Problem("youtube", field, code, message)


def _words(draft: Draft, settings: YouTubeSettings) -> Iterator[tuple[str, str, str]]:
    text = draft.parts[0] if draft.parts else ""
    if settings.title is None and not text.strip():
        yield "text", "VALIDATION_FAILED", "YouTube needs a title: write a text, or set settings.title"
    if settings.title is not None and not settings.title.strip():
        yield "settings.title", "VALIDATION_FAILED", "The title is empty"
    is_shown = settings.title is None or settings.description is None
    words = {
        "text": text if is_shown else "",
        "settings.title": settings.title,
        "settings.description": settings.description,
    }
    for field, value in words.items():
        if value and ("<" in value or ">" in value):
            yield field, "VALIDATION_FAILED", "YouTube takes no < or > in titles and descriptions"
    if len(settings.title or "") > TITLE:
        yield "settings.title", "CONTENT_TOO_LONG", f"YouTube allows {TITLE} characters in a title"
    if utf8_bytes(settings.description or "") > DESCRIPTION:
        yield "settings.description", "CONTENT_TOO_LONG", f"YouTube allows {DESCRIPTION} bytes in a description"
    if _length(settings.tags) > TAGS:
        yield "settings.tags", "CONTENT_TOO_LONG", f"YouTube allows {TAGS} characters in all tags together"


def _moments(draft: Draft, settings: YouTubeSettings) -> Iterator[tuple[str, str, str]]:
    at = settings.publish_at
    if at is None:
        return
    field, code = "settings.publishAt", "VALIDATION_FAILED"
    if settings.privacy_status != "private":
        yield field, code, 'publishAt needs privacyStatus "private"'
    if draft.scheduled_for is not None:
        yield field, code, "publishAt cannot be combined with scheduledFor: choose one of them"
    if draft.now is not None and at <= draft.now:
        yield field, code, "publishAt is in the past"


def _length(tags: tuple[str, ...]) -> int:
    """As YouTube counts: commas between them, and quotes around those with spaces."""
    return sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(0, len(tags) - 1)


def title_of(delivery: Delivery, settings: YouTubeSettings) -> str:
    return settings.title or headline(delivery.parts[0].text, TITLE)


def description_of(delivery: Delivery, settings: YouTubeSettings) -> str:
    """The text again where it is more than the title; the link ends it."""
    text = delivery.parts[0].text
    own = text if text.strip() != title_of(delivery, settings) else ""
    return with_link(own if settings.description is None else settings.description, delivery.link_url)


def video_body(delivery: Delivery, settings: YouTubeSettings, *, force_private: bool) -> dict[str, Any]:
    """The body that opens an upload. The privacy is always said: left out, YouTube would take `public`."""
    at = None if force_private else settings.publish_at
    return {
        "snippet": {
            "title": title_of(delivery, settings),
            "description": description_of(delivery, settings),
            "tags": list(settings.tags),
            "categoryId": settings.category_id,
        },
        "status": {
            "privacyStatus": "private" if force_private else settings.privacy_status,
            "selfDeclaredMadeForKids": settings.self_declared_made_for_kids,
            "containsSyntheticMedia": settings.contains_synthetic_media,
            **({"publishAt": _rfc3339(at)} if at else {}),
        },
    }


def privacy_notes(settings: YouTubeSettings, privacy: str, *, force_private: bool) -> tuple[str, ...]:
    """What a person should know of who can see it, and when."""
    if force_private and (settings.privacy_status != "private" or settings.publish_at):
        return (FORCED,)
    if privacy and privacy != settings.privacy_status:
        return (MADE_PRIVATE.format(settings.privacy_status),) if privacy == "private" else ()
    return (PUBLIC_LATER.format(_rfc3339(settings.publish_at)),) if settings.publish_at else ()


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
