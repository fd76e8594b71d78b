"""What connections need from outside: accounts to try things with, and services that hold accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID

from pydantic import SecretStr


@dataclass(frozen=True)
class NewAccount:
    """An account somebody allowed us to use."""

    platform: str
    remote_id: str
    handle: str
    display_name: str
    scopes: tuple[str, ...]
    access_token: SecretStr
    refresh_token: SecretStr | None
    expires_in: timedelta | None = None
    """None: the vendor set no end."""
    avatar_url: str | None = None
    details: Mapping[str, str | bool | None] = field(default_factory=dict[str, str | bool | None])
    """What else the vendor says of the account that is no secret, for its owner to see."""


class SandboxAccounts(Protocol):
    """Accounts at the sandbox, for a test workspace that has never connected anything."""

    def issue(self, platform: str, workspace_id: UUID) -> NewAccount: ...

    def feeds(self, workspace_id: UUID) -> str:
        """The page (path and query) that shows what these accounts published."""
        ...


@dataclass(frozen=True)
class AggregatorLogin:
    user_token: SecretStr
    user_id: str


@dataclass(frozen=True)
class Brand:
    """What a service posts for: one account on each of some networks."""

    blog_id: str
    label: str
    time_zone: str | None
    networks: Mapping[str, str | None]
    """The handle of each connected network, where the service tells it."""


class Aggregator(Protocol):
    """A service that holds accounts on many platforms. It raises `ProviderFailed`; Reconnect: the token is refused."""

    async def brands(self, login: AggregatorLogin) -> Sequence[Brand]: ...
    async def aclose(self) -> None: ...


class Aggregators(Protocol):
    """Metricool, once per environment: the same code, another base URL."""

    def of(self, environment: Literal["live", "test"]) -> Aggregator: ...
    async def aclose(self) -> None: ...
