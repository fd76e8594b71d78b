"""Instagram's answers as data, what its errors mean, and which numbers each kind of post has.

Source: developers.facebook.com, Instagram Platform v26.0, "Error codes" and "Media insights".
"""

import re

from pydantic import BaseModel, ConfigDict

from amp.kit.errors import RateLimited, Rejected, Remedy
from amp.providers.social._calling import Refusal, Row
from amp.providers.social._containers import EXPIRED, Seen, Status
from amp.providers.social._graph import ERRORS as GRAPH_ERRORS
from amp.providers.social._graph import (
    MEDIA_FAILED,
    MEDIA_REFUSED,
    NOT_FETCHED,
    NOT_READY,
    TAKEN_DOWN,
    TRANSIENT,
    graph_remedy,
)

FEED = {
    "views": "impressions",
    "reach": "reach",
    "likes": "likes",
    "comments": "comments",
    "saved": "saves",
    "shares": "shares",
    "follows": "followers_gained",
}
METRICS = {
    "REELS": {name: ours for name, ours in FEED.items() if name != "follows"},
    "STORY": {
        "views": "impressions",
        "reach": "reach",
        "replies": "comments",
        "shares": "shares",
        "follows": "followers_gained",
    },
}
"""Meta's names for our counters, where a kind of post has not those of the feed."""

_FAILED_UPLOADS = ("2207003", "2207001", "2207032", "2207053", "2207076", "2207077", "2207082")
_CONTENT = ("2207057", "2207023", "2207028", "2207035", "2207036", "2207037", "2207040", "2207081")
_MEDIA = ("2207026", "2207004", "2207005", "2207009")

ERRORS = (
    *(Row(TRANSIENT, code=f"/{subcode}") for subcode in _FAILED_UPLOADS),
    Row(EXPIRED, code="/2207020"),
    *(Row(NOT_READY, code=f"/{subcode}") for subcode in ("2207006", "2207008", "2207027")),
    *(Row(Rejected("VALIDATION_FAILED"), code=f"/{subcode}") for subcode in _CONTENT),
    Row(Rejected("CONTENT_TOO_LONG", field="text"), code="/2207010"),
    *(Row(MEDIA_REFUSED, code=f"/{subcode}") for subcode in _MEDIA),
    Row(NOT_FETCHED, code="/2207052"),
    *(Row(TAKEN_DOWN, code=f"/{subcode}") for subcode in ("2207051", "2207050")),
    Row(RateLimited(None), code="/2207042"),
    Row(RateLimited(None), code="9"),
    Row(NOT_READY, code="24"),
    Row(NOT_READY, code="9007"),
    Row(TAKEN_DOWN, code="25"),
    Row(NOT_FETCHED, code="9004"),
    *(Row(MEDIA_REFUSED, code=code) for code in ("352", "36000", "36001", "36003")),
    Row(Rejected("CONTENT_TOO_LONG", field="text"), code="36004"),
    Row(TRANSIENT, code="-1"),
    Row(TRANSIENT, code="-2"),
    *GRAPH_ERRORS,
)
"""Instagram's subcodes are what its documents call reliable; its codes stand in where there is none."""


class ContainerStatus(Status):
    status_code: str
    status: str = ""

    @property
    def seen(self) -> Seen:
        if self.status_code != "ERROR":
            return Seen(self.status_code)
        return Seen("ERROR", _failure(self.status), f"Instagram: {self.status or 'no reason given'}")


class Me(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    user_id: str
    username: str
    name: str = ""
    profile_picture_url: str | None = None


class Kind(BaseModel):
    media_product_type: str = "FEED"


def _failure(status: str) -> Remedy:
    """What a container's text says went wrong: the error's subcode is in it."""
    codes = frozenset(f"/{subcode}" for subcode in re.findall(r"\b\d{7}\b", status))
    remedy = graph_remedy(Refusal(400, codes, status), ERRORS, commits=False)
    return MEDIA_FAILED if remedy == Rejected("PLATFORM_ERROR") else remedy
