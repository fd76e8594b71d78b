"""What the routes of posts answer. `documents.py` writes it; this tells it to readers and to tools."""

from typing import Any

from pydantic.json_schema import SkipJsonSchema

from amp.domain.publishing.describing import MediaType
from amp.surfaces.ampost.listing import Status
from amp.surfaces.ampost.wire import Wire
from amp.surfaces.fields import Moment

PLATFORM_STATUSES = ("pending", "uploading", "processing", "publishing", "published", "failed", "cancelled")


class PlatformError(Wire):
    code: str
    message: str


class PlatformPost(Wire):
    """One post on one platform."""

    id: str
    platform: str
    status: str
    """pending, uploading, processing, publishing, published, failed or cancelled."""
    connection_id: str
    """The account, as `/accounts` names it."""
    remote_id: str | None
    """The vendor's own id."""
    url: str | None
    """Where it is public."""
    published_at: Moment | None
    error: PlatformError | None
    """Why it failed; beside `nextAttemptAt`, what the last attempt met and the next one waits for. `UNCONFIRMED`:
    nobody knows whether it was published; look, then tell `/posts/{post_id}/resolve`."""
    attempts: int
    next_attempt_at: Moment | None
    notes: list[str]
    """What one should know of what was published: made private by the vendor, say."""


class PostMedia(Wire):
    """What is not known is null where the contract says so, and else left out."""

    id: str | SkipJsonSchema[None] = None
    """Of a file that we hold."""
    type: MediaType
    url: str
    """Of a file that we hold: good for two days, and renewed whenever the post is read."""
    filename: str | SkipJsonSchema[None] = None
    mime_type: str | SkipJsonSchema[None] = None
    size_bytes: int | SkipJsonSchema[None] = None
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    alt_text: str | None = None
    thumbnail_url: str | None = None


class Post(Wire):
    id: str
    user_id: str
    platform_set_id: str
    text: str
    media: list[PostMedia]
    link_url: str | None
    platform_overrides: dict[str, dict[str, Any]]
    """By platform: `text` and `settings`."""
    platforms: list[str]
    platform_posts: list[PlatformPost]
    status: Status
    scheduled_for: Moment | None
    created_at: Moment
    updated_at: Moment


class PostAnswer(Wire):
    post: Post


class PostPage(Wire):
    posts: list[Post]
    total: int
    limit: int
    offset: int
