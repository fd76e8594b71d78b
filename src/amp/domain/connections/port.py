"""What connections need from outside: accounts to try things with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
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
