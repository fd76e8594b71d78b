"""What content announces."""

from dataclasses import dataclass
from uuid import UUID

from amp.engine.jobs import Message


@dataclass(frozen=True, kw_only=True)
class ContentApproved(Message):
    """Ready to be scheduled: approved by a person, or needing no approval."""

    content_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContentRejected(Message):
    content_id: UUID
    regenerate: bool


@dataclass(frozen=True, kw_only=True)
class ContentPublished(Message):
    content_id: UUID
    platform_post_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContentFailed(Message):
    content_id: UUID
