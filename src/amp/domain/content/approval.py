"""What an approval is bound to: change anything that would be published, and it is void. Pure."""

import hashlib
import json

from amp.domain.content.models import Content

STATUSES = (
    "generating",
    "generated",
    "pending_review",
    "approved",
    "rejected",
    "scheduled",
    "publishing",
    "published",
    "failed",
    "needs_attention",
    "cancelled",
)
UNSENT = ("generating", "generated", "pending_review", "approved", "scheduled", "needs_attention")
"""May still go out, once they are ready."""
ON_ITS_WAY = ("approved", "scheduled")
"""Goes out by itself, unless somebody stops it."""
EDITABLE = ("generated", "pending_review", "approved", "scheduled", "needs_attention", "rejected")


def content_hash(content: Content) -> str:
    """Fingerprint of text, media, settings and target."""
    bound = {
        "platform": content.platform,
        "type": content.type,
        "parts": content.parts,
        "link_url": content.link_url,
        "media": content.media,
    }
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()


def is_approved(content: Content) -> bool:
    """Approved, and unchanged since."""
    return content.approval is not None and content.approval["hash"] == content_hash(content)
