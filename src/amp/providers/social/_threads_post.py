"""What Threads takes, and how: settings and their rules, and the forms that containers are made from."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from amp.domain.platforms.port import Draft, Problem, Settings
from amp.domain.platforms.text_length import find_urls, with_link
from amp.domain.platforms.validation import VALIDATION_FAILED
from amp.domain.publishing.port import Delivery, MediaFile, Part

MOST_LINKS = 5
MOST_IN_CAROUSEL = 20


class ThreadsSettings(Settings):
    reply_control: (
        Literal["everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only"] | None
    ) = None
    """Who may reply; absent: everyone."""
    topic_tag: Annotated[str, Field(pattern=r"^[^.&]{1,50}$")] | None = None
    """The one topic of the post, without `#`."""


def rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    for index, text in enumerate(draft.parts):
        links = {text[start:end] for start, end in find_urls(text)}
        if index == 0 and draft.link:
            links.add(draft.link)
        if len(links) > MOST_LINKS:
            field = "text" if len(draft.parts) == 1 else f"parts[{index}].text"
            message = f"Threads allows {MOST_LINKS} different links in a post; this has {len(links)}"
            yield Problem("threads", field, VALIDATION_FAILED, message)


def outgoing(delivery: Delivery, index: int) -> Part:
    """A part as people read it: a link that gets no card ends the first."""
    part = delivery.parts[index]
    if index == 0 and part.media:
        return Part(with_link(part.text, delivery.link_url), part.media)
    return part


def children(part: Part) -> list[dict[str, str]]:
    """The forms of a carousel's items; none where there is no carousel."""
    if len(part.media) < 2:
        return []
    return [{"is_carousel_item": "true", **_medium(file)} for file in part.media]


def parent(delivery: Delivery, index: int, made: Sequence[str], reply_to: str | None) -> dict[str, str]:
    """The form of the container that is published; `made` are the ids of its children."""
    part = outgoing(delivery, index)
    reply = {"reply_to_id": reply_to} if reply_to else _settings(delivery.settings)
    text = {"text": part.text} if part.text else {}
    if made:
        return {"media_type": "CAROUSEL", "children": ",".join(made), **text, **reply}
    if part.media:
        return {**_medium(part.media[0]), **text, **reply}
    card = {"link_attachment": delivery.link_url} if index == 0 and delivery.link_url else {}
    return {"media_type": "TEXT", **text, **card, **reply}


def _settings(settings: Settings) -> dict[str, str]:
    """Said once, by the first post."""
    return {name: str(value) for name, value in settings.model_dump(exclude_none=True).items()}


def _medium(file: MediaFile) -> dict[str, str]:
    described = {"alt_text": file.alt_text} if file.alt_text else {}
    if file.mime_type.startswith("video/"):
        return {"media_type": "VIDEO", "video_url": file.url, **described}
    return {"media_type": "IMAGE", "image_url": file.url, **described}
