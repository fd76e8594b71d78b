"""What a platform declares about itself. Validation, documents, forms and tool schemas all read this one
declaration; an adapter holds it as data."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Settings(BaseModel):
    """Base of a platform's own settings (`platformOverrides.<platform>.settings`): camelCase on the wire,
    unknown fields refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class NoSettings(Settings):
    """For a platform that has none."""


@dataclass(frozen=True)
class TextRule:
    """`limit` in the vendor's own units, as `count` measures them."""

    limit: int
    count: Callable[[str], int]
    unit: str = "characters"


@dataclass(frozen=True)
class MediaRule:
    """One kind of medium: how many, which types, how large (bytes), how long (seconds, for video)."""

    max_count: int
    mime_types: frozenset[str]
    max_bytes: int
    alt_text_limit: int = 0
    min_seconds: float = 0
    max_seconds: float = 0


@dataclass(frozen=True)
class Quota:
    """`posts` per `hours` and connection, counted by us before the vendor has to refuse."""

    posts: int
    hours: float


@dataclass(frozen=True)
class Capabilities:
    platform: str
    name: str
    text: TextRule
    text_only: bool
    images: MediaRule | None = None
    video: MediaRule | None = None
    gif: MediaRule | None = None
    max_thread_parts: int = 1
    link_in_text: bool = True
    link_card: bool = False
    settings: type[Settings] = NoSettings
    quotas: tuple[Quota, ...] = ()
    metrics: frozenset[str] = frozenset()
    """The counters the vendor reports, by the names of `analytics/metrics.py`."""
