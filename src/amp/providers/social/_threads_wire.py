"""Threads' answers as data, and what its errors mean.

Source: developers.facebook.com, Threads API v1.0, and Meta's sample app (`fbsamples/threads_api`).
"""

from pydantic import BaseModel, ConfigDict, Field

from amp.kit.errors import RateLimited, Rejected, Remedy, Retry
from amp.providers.social._calling import Row
from amp.providers.social._containers import Seen, Status
from amp.providers.social._graph import ERRORS as GRAPH_ERRORS
from amp.providers.social._graph import MEDIA_FAILED, MEDIA_REFUSED, NOT_FETCHED, NOT_READY, TAKEN_DOWN

ERRORS = (
    Row(NOT_READY, code="/4279009"),  # published right after it was made
    Row(TAKEN_DOWN, code="/4279013"),
    Row(TAKEN_DOWN, code="/2207051"),
    Row(Rejected("VALIDATION_FAILED", field="text"), says="LINK_LIMIT_EXCEEDED"),
    Row(Rejected("CONTENT_TOO_LONG", field="text"), says="500 characters"),
    Row(NOT_FETCHED, says="media could not be fetched"),
    Row(RateLimited(None), code="/2207042"),
    Row(RateLimited(None), code="9"),
    Row(NOT_READY, code="24"),
    *GRAPH_ERRORS,
)

METRICS = {
    "views": "impressions",
    "likes": "likes",
    "replies": "comments",
    "reposts": "shares",
    "quotes": "shares",
    "shares": "shares",
}
"""Meta's names for our counters; what is passed on in any way is shared."""

_TRY_AGAIN = frozenset({"FAILED_DOWNLOADING_VIDEO", "UNKNOWN", ""})


class ContainerStatus(Status):
    status: str
    error_message: str | None = None

    @property
    def seen(self) -> Seen:
        if self.status != "ERROR":
            return Seen(self.status)
        reason = self.error_message or ""
        remedy: Remedy = Retry() if reason in _TRY_AGAIN else MEDIA_FAILED if "FAILED" in reason else MEDIA_REFUSED
        return Seen("ERROR", remedy, f"Threads: {reason or 'no reason given'}")


class Me(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    username: str = Field(default="")
    name: str = ""
    threads_profile_picture_url: str | None = None
