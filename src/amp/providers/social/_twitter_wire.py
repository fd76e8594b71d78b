"""X's answers as data, in both spellings: `tweet` became `post` between contract 2.166 and 2.167 and neither is gone.

Source: the OpenAPI document of the X API v2, 2.167, and its guide pages.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from unicodedata import normalize

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from amp.domain.platforms.text_length import find_urls
from amp.domain.publishing.port import Part
from amp.kit.errors import RateLimited
from amp.providers.social._calling import Refusal

Numbers = Mapping[str, int | None]

_NAMES = {
    "impressions": ("impression_count",),
    "likes": ("like_count",),
    "comments": ("reply_count",),
    "saves": ("bookmark_count",),
    "clicks": ("url_link_clicks",),
}
_REPOSTS = ("repost_count", "retweet_count")
_UNSHOWN = {"field-unauthorized", "not-authorized-for-field", "field-hydration-failure"}
_LINK = "\ufffc"


class Processing(BaseModel):
    """What X does with an upload before it may be posted."""

    class _Error(BaseModel):
        message: str = ""

    state: str
    check_after_secs: int | None = None
    error: _Error | None = None

    @property
    def why(self) -> str:
        return self.error.message if self.error else ""


class Made(BaseModel):
    """A post or an upload that X took."""

    class Data(BaseModel):
        id: str = Field(min_length=1)
        media_key: str | None = None
        processing_info: Processing | None = None

    data: Data


class Me(BaseModel):
    class _Data(BaseModel):
        id: str
        name: str
        username: str
        profile_image_url: str | None = None

    data: _Data


class Problem(BaseModel):
    """Either of the two error bodies, and each entry of the `errors` list of either."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    title: str = ""
    detail: str = ""
    type: str = ""
    message: str = ""
    error: str = ""
    error_description: str = ""
    resource_id: str = ""
    value: str = ""
    parameters: dict[str, object] = {}
    errors: list["Problem"] = []

    def codes(self) -> frozenset[str]:
        """The last path segments of the problem types and the parameters complained of: hosts differ."""
        own = {self.type.rpartition("/")[2], self.error, *self.parameters}
        return frozenset(own - {""}).union(*(problem.codes() for problem in self.errors))

    def words(self) -> str:
        own = self.detail or self.error_description or self.message or self.title
        return "; ".join(dict.fromkeys(filter(None, [own, *(problem.words() for problem in self.errors)])))


class Post(BaseModel):
    class _Attachments(BaseModel):
        media_keys: list[str] = []

    id: str
    text: str = ""
    attachments: _Attachments = Field(default_factory=_Attachments)
    created_at: datetime | None = None
    conversation_id: str | None = None
    public_metrics: dict[str, int | None] = {}
    non_public_metrics: dict[str, int | None] = {}

    def counters(self) -> dict[str, int]:
        """Our names for X's numbers; what X did not say is left out."""
        numbers = self.public_metrics | self.non_public_metrics
        found = {ours: _first(numbers, theirs) for ours, theirs in _NAMES.items()}
        found["shares"] = _sum(_first(numbers, _REPOSTS), _first(numbers, ("quote_count",)))
        return {name: number for name, number in found.items() if number is not None}


class Posts(BaseModel):
    class _Meta(BaseModel):
        next_token: str | None = None

    data: list[Post] = []
    errors: list[Problem] = []
    meta: _Meta = Field(default_factory=_Meta)

    def hidden(self) -> frozenset[str]:
        """Ids left out because a field asked for is not shown, rather than because the post is gone."""
        unshown = (problem for problem in self.errors if problem.codes() & _UNSHOWN)
        return frozenset(problem.resource_id or problem.value for problem in unshown) - {post.id for post in self.data}


@dataclass(frozen=True)
class Sought:
    """A part of a delivery that may have gone out, looked for among the account's posts."""

    part: Part
    thread: str | None
    """The id of the thread's first post; None for the first post itself."""
    known: frozenset[str]
    """Ids of other parts: they are not it, whatever they say."""
    media_keys: frozenset[str]
    """What X calls the images that were uploaded for it."""

    def is_it(self, post: Post) -> bool:
        """The same words and the same images, in the conversation where the part belongs: its own, or its
        thread's. What X does not show is not held against a post."""
        shown = frozenset(post.attachments.media_keys)
        return (
            post.id not in self.known
            and post.conversation_id in (None, self.thread or post.id)
            and (not shown or not self.media_keys or shown == self.media_keys)
            and self._says(post.text)
        )

    def _says(self, text: str) -> bool:
        ours, theirs = _fingerprint(self.part.text), _fingerprint(text)
        return theirs == ours or (bool(self.part.media) and theirs == f"{ours} {_LINK}".strip())


def refusal(response: httpx2.Response) -> Refusal:
    """Whatever X said against a request; a body that is none of X's leaves only the status to go by."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        return Refusal(response.status_code, frozenset(), response.reason_phrase, readable=False)
    return Refusal(response.status_code, problem.codes(), problem.words())


def limit(headers: httpx2.Headers, remedy: RateLimited) -> RateLimited:
    """The limit that is used up, with the moment it ends. X counts per 15 minutes and per 24 hours."""
    limits: dict[str, Literal["app", "connection"]] = {
        "x-app-limit-24hour": "app",
        "x-user-limit-24hour": "connection",
    }
    for prefix, scope in limits.items():
        if headers.get(f"{prefix}-remaining") == "0":
            return RateLimited(_moment(headers.get(f"{prefix}-reset")), scope=scope)
    return RateLimited(_moment(headers.get("x-rate-limit-reset")), scope=remedy.scope)


def _moment(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds and seconds.isdigit() else None


def _fingerprint(text: str) -> str:
    """The text without what X changes: links become t.co, images append one, `&` is escaped, spaces are trimmed."""
    text = normalize("NFC", html.unescape(text))
    pieces: list[str] = []
    position = 0
    for start, end in find_urls(text):
        pieces += [text[position:start], _LINK]
        position = end
    return " ".join("".join([*pieces, text[position:]]).split())


def _first(numbers: Numbers, names: tuple[str, ...]) -> int | None:
    return next((numbers[name] for name in names if numbers.get(name) is not None), None)


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
