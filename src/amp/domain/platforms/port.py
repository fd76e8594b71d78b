"""What a platform declares about itself. Validation, documents, forms and tool schemas all read this one
declaration; an adapter holds it as data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from amp.domain.platforms.settings import NoSettings as NoSettings
from amp.domain.platforms.settings import Settings as Settings


@dataclass(frozen=True)
class TextRule:
    """`limit` in the vendor's own units, as `count` measures them."""

    limit: int
    count: Callable[[str], int]
    unit: str = "characters"


@dataclass(frozen=True)
class MediaRule:
    """One kind of medium: how many, which types, how large (bytes), how long (seconds, for video). Sides are
    in pixels, aspect is width by height; 0 leaves a bound open."""

    max_count: int
    mime_types: frozenset[str]
    max_bytes: int
    alt_text_limit: int = 0
    min_seconds: float = 0
    max_seconds: float = 0
    min_side: int = 0
    max_width: int = 0
    max_height: int = 0
    max_pixels: int = 0
    min_aspect: float = 0
    max_aspect: float = 0


@dataclass(frozen=True)
class Quota:
    """`posts` per `hours` and connection, counted by us before the vendor has to refuse."""

    posts: int
    hours: float
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    """Counts only what has these settings, in the names of the wire; empty: everything. One such kind a platform."""
    noun: str = "posts"
    """What it counts, in the plural."""

    def counts(self, settings: Mapping[str, object]) -> bool:
        """Whether a post with these settings takes room in it."""
        return self.settings.items() <= settings.items()


@dataclass(frozen=True)
class OAuth:
    """Where and how an account is connected (authorization code flow). `authorize_url` and `token_url` are
    the vendor's live ones; under any other base URL only their paths count."""

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    pkce: bool
    scope_separator: str = " "
    client_parameter: str = "client_id"
    """What the vendor calls the app's id."""
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    """More parameters of the authorization URL, such as `access_type=offline`."""
    renews_access: bool = False
    """Whether the vendor prolongs an access token by itself, without a refresh token."""
    scopes_by_approval: tuple[str, ...] = ()
    """What the vendor grants to approved apps only; what it opens (metrics, say) is used where it is granted."""


@dataclass(frozen=True)
class Version:
    """A version of the vendor's API that we speak, with the day from which the vendor refuses it."""

    setting: str
    """The environment variable that chooses another one."""
    default: str
    sunset: date | None


@dataclass(frozen=True)
class Medium:
    """What is known of a file before it is sent; None is not known yet."""

    mime_type: str
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    alt_text: str | None = None

    @property
    def kind(self) -> str:
        """`image`, `gif` or `video`, as the contract's `type`."""
        return "gif" if self.mime_type == "image/gif" else self.mime_type.partition("/")[0]


@dataclass(frozen=True)
class Draft:
    """A post as it would go to one platform. A plain post is a thread of one part."""

    parts: tuple[str, ...]
    media: tuple[Medium, ...] = ()
    link: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    now: datetime | None = None
    """When it is judged (virtual time), for settings that name a moment; None: that is not judged."""
    scheduled_for: datetime | None = None
    """When we would send it, if somebody chose a moment."""


@dataclass(frozen=True)
class Problem:
    """One reason why a draft cannot go to a platform. `field` is the path inside the draft, in the names of
    the wire (`text`, `media[0].sizeBytes`, `settings.visibility`); `code` is one of the Ampost contract."""

    platform: str
    field: str
    code: str
    message: str


OwnRule = Callable[[Draft, Settings], Iterable[Problem]]


@dataclass(frozen=True)
class Capabilities:
    platform: str
    name: str
    text: TextRule
    text_only: bool
    images: MediaRule | None = None
    video: MediaRule | None = None
    gif: MediaRule | None = None
    mixed_media: bool = False
    """Whether images, videos and GIFs may stand in one post."""
    max_media: int = 0
    """Of all kinds together, where they may be mixed; 0: as the kinds say."""
    fetches_media: frozenset[str] = frozenset()
    """The kinds of media that the vendor fetches from their addresses; of all others it is sent the bytes."""
    max_thread_parts: int = 1
    link_in_text: bool = True
    link_card: bool = False
    settings: type[Settings] = NoSettings
    own_rules: tuple[OwnRule, ...] = ()
    """What the numbers here cannot say, such as a setting that needs a link."""
    oauth: OAuth | None = None
    quotas: tuple[Quota, ...] = ()
    deletes: bool = True
    """Whether the vendor lets a published post be deleted; else `delete` is Rejected (`DELETE_NOT_SUPPORTED`)."""
    metrics: frozenset[str] = frozenset()
    """The counters the vendor reports, by the names of `analytics/metrics.py`."""
    versions: tuple[Version, ...] = ()
    scheduling: bool = False
    """Whether the Ampost contract offers scheduling here (missions always may)."""
    described_media: Literal["never", "video", "always"] = "never"
    """Which media the Ampost contract takes only as objects with type, MIME type and size, never as bare URLs."""
    caveats: tuple[str, ...] = ()
    """What a person should know before relying on it, a sentence each (the Ampost contract's launch states)."""
