"""The states of a post and of its deliveries, and which may follow which.

one delivery                                             a post, from its deliveries
pending ─> uploading ─> publishing ─> published          draft -> scheduled -> queued -> posting
   │           │         │  │  └────> failed                 -> published | partial | failed
   │           │         │  └─> processing ─> published      -> discarded
   └───────────┴─> cancelled
                         └─> unconfirmed (a person decides)
"""

from collections.abc import Sequence

from amp.kit.errors import Conflict

WAITING = frozenset({"pending"})
UNDERWAY = frozenset({"uploading", "publishing", "processing"})
ENDED = frozenset({"published", "failed", "cancelled", "unconfirmed"})

DISCARDABLE = frozenset({"draft", "scheduled", "queued", "partial", "failed"})
PUBLISHABLE = frozenset({"draft", "scheduled"})


class WrongStatus(Conflict):
    """The post, or all of its deliveries, is in a status that does not allow this."""


def post_status(deliveries: Sequence[str], *, before: str) -> str:
    """What the statuses of a post's deliveries make of the post. `before` holds while nothing has begun; what waits
    again after that is queued."""
    states = set(deliveries) - {"cancelled"}
    if not states:
        return "discarded" if deliveries else before
    if states & UNDERWAY:
        return "posting"
    if states & WAITING:
        if not states <= WAITING:
            return "posting"
        return before if before in PUBLISHABLE else "queued"
    if states == {"published"}:
        return "published"
    return "partial" if "published" in states else "failed"
