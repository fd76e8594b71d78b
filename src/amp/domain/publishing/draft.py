"""A post as it is about to be made: what each platform gets, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Target:
    """What one platform gets: the parts of a thread (a plain post has one) and the platform's own settings."""

    parts: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Draft:
    targets: Mapping[str, Target]
    """By platform."""
    text: str
    media: Sequence[Mapping[str, Any]] = ()
    """As `domain/media` describes them."""
    link_url: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the author wrote for single platforms; what comes of it is in `targets`."""
    platform_set_id: UUID | None = None
    """None: the default set."""
    scheduled_for: datetime | None = None
    """None: a draft, or sent at once when `publish_now` is called."""
    content_id: UUID | None = None
    user_id: UUID | None = None
    accounts: Mapping[str, UUID] | None = None
    """The connection of each platform, if they are known already."""


@dataclass(frozen=True)
class Created:
    id: UUID
    deliveries: Mapping[str, UUID]
    """The PlatformPost of each platform."""
    told: str = ""
    """What was asked of the rows that were written."""
