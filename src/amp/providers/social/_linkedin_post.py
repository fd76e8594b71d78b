"""What a LinkedIn post looks like on the wire, and the settings that shape it.

Source: LinkedIn's Posts API documentation on learn.microsoft.com.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from amp.domain.platforms.port import Draft, Problem, Settings
from amp.domain.platforms.text_length import with_link
from amp.domain.publishing.port import Account, Delivery, MediaFile

SMALLEST_VIDEO = 75_000
"""Bytes."""


class LinkedInSettings(Settings):
    visibility: Literal["PUBLIC", "CONNECTIONS"] = "PUBLIC"
    """Everybody, or the member's connections."""
    article_title: str | None = None
    """Of a link's card; absent: the link's host. Beside one image it makes a card that the image illustrates."""
    article_description: str | None = None
    """Of a link's card."""
    alt_text: str | None = None
    """For an image that brings no alternative text of its own."""
    organization_id: str | None = None
    """Refused: posts go out in the member's own name."""
    organization_urn: str | None = None
    """Refused, like organizationId."""

    def makes_card(self, media: int) -> bool:
        """A link alone becomes a card; beside one image it does when it has a title: the image illustrates it."""
        return media == 0 or (media == 1 and self.article_title is not None)


def own_rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    assert isinstance(settings, LinkedInSettings)  # noqa: S101 (what `capabilities.settings` makes)
    has_video = any(medium.kind == "video" for medium in draft.media)
    for index, medium in enumerate(draft.media):
        if medium.kind == "video" and (medium.size_bytes or SMALLEST_VIDEO) < SMALLEST_VIDEO:
            message = f"LinkedIn takes videos of at least {SMALLEST_VIDEO:,} bytes"
            yield Problem("linkedin", f"media[{index}].sizeBytes", "UNSUPPORTED_MEDIA_CONFIG", message)
    for field in ("article_title", "article_description", "organization_id", "organization_urn"):
        if getattr(settings, field) is None:
            continue
        name = to_camel(field)
        if name.startswith("organization"):
            message = f"{name}: posting for an organization is not open, only in the member's own name"
            yield Problem("linkedin", f"settings.{name}", "VALIDATION_FAILED", message)
        elif not draft.link:
            yield Problem("linkedin", f"settings.{name}", "VALIDATION_FAILED", f"{name} needs a linkUrl")
        elif has_video:
            message = f"{name}: LinkedIn shows a video or a link's card, not both"
            yield Problem("linkedin", f"settings.{name}", "VALIDATION_FAILED", message)


def little_text(text: str) -> str:
    r"""The text in LinkedIn's "little text" format, to be read as it stands: reserved characters get a backslash,
    or the post is silently cut at a parenthesis. A `#word` on its own stays a hashtag."""
    return re.sub(r"[|{}@\[\]()<>\\*_~]|#(?!\w)|(?<=[^\s(\[\"'“‘])#", r"\\\g<0>", text)


def post_body(delivery: Delivery, images: Sequence[str]) -> dict[str, Any]:
    """The body of `POST /rest/posts`, with the URNs of the uploaded media in order. The same delivery gives the
    same bytes: LinkedIn knows a duplicate by them."""
    settings = delivery.settings if isinstance(delivery.settings, LinkedInSettings) else LinkedInSettings()
    part, link = delivery.parts[0], delivery.link_url
    card = _card(link, settings, images) if link and settings.makes_card(len(images)) else None
    content = card or _media(part.media, images, settings)
    return {
        "author": author_of(delivery.account),
        "commentary": little_text(part.text if card else with_link(part.text, link)),
        "visibility": settings.visibility,
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        **({"content": content} if content else {}),
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }


def _card(link: str, settings: LinkedInSettings, images: Sequence[str]) -> dict[str, Any]:
    """LinkedIn does not read the page, and wants a title and a description: the address stands in for them."""
    address = urlsplit(link)
    title = settings.article_title or address.hostname or link
    description = settings.article_description or f"{address.hostname}{address.path}".rstrip("/")
    picture = {"thumbnail": images[0]} if images else {}
    return {"article": {"source": link, "title": title, "description": description, **picture}}


def _media(files: Sequence[MediaFile], urns: Sequence[str], settings: LinkedInSettings) -> dict[str, Any]:
    """One image or video is `media`, several images are `multiImage`; only images have alternative texts."""
    described = [
        {"id": urn, **({"altText": text} if (text := _alt_text(file, settings)) else {})}
        for file, urn in zip(files, urns, strict=True)
    ]
    if len(described) > 1:
        return {"multiImage": {"images": described}}
    return {"media": described[0]} if described else {}


def _alt_text(file: MediaFile, settings: LinkedInSettings) -> str | None:
    return (file.alt_text or settings.alt_text) if file.mime_type.startswith("image/") else None


def author_of(account: Account) -> str:
    return f"urn:li:person:{account.remote_id}"
