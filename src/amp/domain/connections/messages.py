"""What connections announce."""

from dataclasses import dataclass
from uuid import UUID

from amp.engine.jobs import Message


@dataclass(frozen=True, kw_only=True)
class AccountDisconnected(Message):
    """An account is no longer ours to use. The tokens are on no row any more: sealed, they travel with the message, to
    be given back to the vendor."""

    connection_id: UUID
    platform: str
    access_token: str
    refresh_token: str | None


@dataclass(frozen=True, kw_only=True)
class SetDeleted(Message):
    platform_set_id: UUID
