"""What publishing needs from a social platform.

                publish ──> Done                 published, with the vendor's ids
                   │
                   └─────> Pending ── check ──> Pending | ready ── finalize ──> Done

`publish` may be entered again after a crash: whatever an earlier attempt saved is in `progress.state`, and
a step that is saved there is not done again. Verbs raise `ProviderFailed` with a remedy, and nothing else.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import SecretStr

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, Settings

Environment = Literal["live", "test"]


@dataclass(frozen=True)
class Account:
    """The connected account in whose name a call is made, with its tokens in clear."""

    connection_id: str
    remote_id: str
    handle: str
    access_token: SecretStr
    refresh_token: SecretStr | None
    scopes: frozenset[str]


@dataclass(frozen=True)
class Tokens:
    access_token: SecretStr
    refresh_token: SecretStr | None
    """None: the vendor gave no new one; the old one stays."""
    expires_in: timedelta | None


@dataclass(frozen=True)
class Profile:
    remote_id: str
    handle: str
    display_name: str
    avatar_url: str | None = None


class MediaFile(Protocol):
    @property
    def media_id(self) -> str: ...
    @property
    def mime_type(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def alt_text(self) -> str | None: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def url(self) -> str:
        """Where a vendor that fetches media finds it, for at least a day."""
        ...

    @property
    def thumbnail_url(self) -> str | None:
        """Where a picture that stands for a video is found."""
        ...

    @property
    def thumbnail(self) -> "MediaFile | None":
        """The same picture with its bytes, for vendors that do not fetch it."""
        ...

    def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes in order, from `start`; pieces of any size. Only of kinds that the vendor does not fetch."""
        ...


@dataclass(frozen=True)
class Part:
    """One post of a thread; a plain post is a thread of one. Media belong to the first part."""

    text: str
    media: tuple[MediaFile, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """One post on its way to one platform."""

    platform_post_id: str
    account: Account
    parts: tuple[Part, ...]
    link_url: str | None
    settings: Settings
    first_intent_at: datetime
    """When anything could first have become public (vendor's time = virtual time): where `find` starts."""
    resending: bool = False
    """True when an earlier attempt's outcome stayed unknown and this one is the proof: a vendor's refusal as
    duplicate then names our own earlier post."""


class Progress(Protocol):
    """What is known of a delivery, committed as it becomes known."""

    @property
    def state(self) -> Mapping[str, Any]: ...

    async def save(self, **known: Any) -> None:
        """Commit remote ids the moment they are known: of what is public, as `parts` or `post`. Raises LeaseLost when
        another worker took over."""
        ...

    async def intend(self, step: str) -> None:
        """Commit that the next request may make something public. Call it right before that request."""
        ...


class LeaseLost(Exception):
    """Another worker holds this delivery now; stop without touching anything."""


@dataclass(frozen=True)
class Done:
    remote_id: str
    url: str
    """The public address."""
    notes: tuple[str, ...] = ()
    """What a person should know of it: forced to private, the first comment refused."""


@dataclass(frozen=True)
class Pending:
    """The vendor is still working; `check` again after `after` (vendor's time)."""

    after: timedelta


@dataclass(frozen=True)
class Ready:
    """The vendor finished its work; `finalize` makes it public."""


@dataclass(frozen=True)
class Absent:
    """Provably not among the account's recent posts, as far as the vendor shows them yet."""


@dataclass(frozen=True)
class Unknowable:
    """The vendor offers no read that could tell."""


@dataclass(frozen=True)
class Login:
    """One person's way through a vendor's consent page and back. The verifier is PKCE's (RFC 7636), sent as S256."""

    redirect_uri: str
    state: str
    verifier: str


class SocialPlatform(Protocol):
    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def launch_notes(self) -> Sequence[str]:
        """What the operator's app may not do yet, a sentence each: private posts only, say."""
        ...

    @property
    def visibility_delay(self) -> timedelta:
        """How long a new post may stay out of the vendor's listings."""
        ...

    @property
    def refuses_duplicates(self) -> bool:
        """True: resending the identical post once is safe, because the vendor refuses it naming the first."""
        ...

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending: ...
    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending | Ready: ...
    async def finalize(self, delivery: Delivery, progress: Progress) -> Done: ...
    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        """Did the part that was intended last become public? Read-only. When found, its id is in
        `progress.state` and, if more parts follow, `publish` may be entered again."""
        ...

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Cumulative counters by remote id, under the names of `capabilities.metrics`; a post that is gone
        is left out. At most 100 ids."""
        ...

    async def delete(self, account: Account, remote_id: str) -> None:
        """Idempotent: a post that is already gone is deleted."""
        ...

    async def refresh(self, account: Account) -> Tokens:
        """Reconnect only when the vendor explicitly refuses the refresh token."""
        ...

    async def profile(self, account: Account) -> Profile: ...

    def login_url(self, login: Login) -> str:
        """The vendor's consent page. Errors: Invalid (`INVALID_CONFIG`) when the operator set no client."""
        ...

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        """Redeem the code that the vendor sent back: the accounts it opens (one; at Facebook each page).

        Errors: ProviderFailed with Rejected(`TOKEN_EXCHANGE_FAILED` or `PROFILE_FETCH_FAILED`)."""
        ...

    async def disconnect(self, account: Account) -> None:
        """Give the tokens back, where the vendor takes them; idempotent."""
        ...

    async def aclose(self) -> None:
        """Give up pooled connections."""
        ...


class SocialPlatforms(Protocol):
    """All adapters, each once per environment: the same code, another base URL."""

    def names(self) -> Sequence[str]: ...
    def capabilities(self, platform: str) -> Capabilities: ...
    def of(self, platform: str, environment: Environment) -> SocialPlatform: ...
    def redirect_uri(self, platform: str, environment: Environment) -> str | None:
        """Where the vendor sends people back, if the operator registered another address than our own."""
        ...

    def missing_settings(self, platform: str, environment: Environment) -> Sequence[str]:
        """What the operator has yet to set before anybody can connect an account."""
        ...

    async def aclose(self) -> None: ...
