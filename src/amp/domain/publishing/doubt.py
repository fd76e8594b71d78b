"""What may be public and of which nobody knows: `unconfirmed` until a person decides, and `failed`, still with that
code, after a person left it at that."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_

from amp.domain.publishing.models import PlatformPost
from amp.kit.ids import Kind, encode

UNCONFIRMED = "UNCONFIRMED"


def is_left(delivery: PlatformPost) -> bool:
    return delivery.status == "failed" and delivery.error_code == UNCONFIRMED


def left() -> ColumnElement[bool]:
    """The same as a condition."""
    return and_(PlatformPost.status == "failed", PlatformPost.error_code.is_not_distinct_from(UNCONFIRMED))


def undecided(platform: str, post_id: UUID) -> str:
    """What to do about an unconfirmed delivery."""
    return (
        f"It is not known whether {platform} published this: look at the account, then say what became of it with "
        f"POST /api/v1/posts/{encode(Kind.POST, post_id)}/resolve"
    )
