"""What a post on X looks like on the wire, and the settings that shape it.

Source: the OpenAPI document of the X API v2, 2.167.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from amp.domain.platforms.port import Draft, Problem, Settings
from amp.domain.platforms.text_length import weighted_length, with_link
from amp.domain.publishing.port import Delivery, Part

LIMIT = 280
"""Weighted characters."""


class TwitterSettings(Settings):
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    """Who may reply; absent: everyone."""
    made_with_ai: bool | None = None
    """Shown with every post of a thread."""
    paid_partnership: bool | None = None
    """Shown with every post of a thread."""
    first_comment: str | None = None
    """A reply to the post, or to the last post of the thread."""


def comments_fit(draft: Draft, settings: Settings) -> Iterator[Problem]:
    length = weighted_length(first_comment(settings) or "")
    if length > LIMIT:
        message = f"X allows {LIMIT} weighted characters; this comment has {length}"
        yield Problem("twitter", "settings.firstComment", "CONTENT_TOO_LONG", message)


def first_comment(settings: Settings) -> str | None:
    return settings.first_comment if isinstance(settings, TwitterSettings) else None


def outgoing(delivery: Delivery, index: int) -> Part:
    """A part as it is sent: the link ends the first."""
    part = delivery.parts[index]
    return part if index else Part(with_link(part.text, delivery.link_url), part.media)


def post_body(text: str, media: Sequence[str], reply_to: str | None, settings: Settings) -> dict[str, Any]:
    """Of `POST /2/tweets`. Who may reply is said once, by the first post; disclosures are said by every one."""
    hidden = {"first_comment", "reply_settings"} if reply_to else {"first_comment"}
    return {
        **({"text": text} if text else {}),
        **({"media": {"media_ids": list(media)}} if media else {}),
        **({"reply": {"in_reply_to_tweet_id": reply_to}} if reply_to else {}),
        **settings.model_dump(exclude_none=True, exclude=hidden),
    }
