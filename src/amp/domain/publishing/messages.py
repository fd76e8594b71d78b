"""What publishing announces."""

from dataclasses import dataclass
from uuid import UUID

from amp.engine.jobs import Message


@dataclass(frozen=True, kw_only=True)
class PlatformPostPublished(Message):
    platform_post_id: UUID
    post_id: UUID


@dataclass(frozen=True, kw_only=True)
class PlatformPostFailed(Message):
    """A delivery ended without being published: `failed`, or `unconfirmed` until a person decides."""

    platform_post_id: UUID
    post_id: UUID
