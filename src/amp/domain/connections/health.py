"""How long an account's tokens will do, as its owner sees it. Pure.

active     works, and will
expiring   works, but somebody should connect it again soon: it cannot be renewed, or renewing it fails
expired    the owner must connect it again
revoked    disconnected
"""

from datetime import datetime, timedelta
from typing import Literal

from amp.domain.connections.models import Connection
from amp.domain.platforms.port import Capabilities

State = Literal["active", "expiring", "expired", "revoked"]

SOON = timedelta(days=7)


def refreshable(connection: Connection, capabilities: Capabilities) -> bool:
    """Whether its tokens can be renewed without the owner."""
    if connection.status == "revoked":
        return False
    renews = capabilities.oauth is not None and capabilities.oauth.renews_access
    return connection.refresh_token is not None or renews


def state(connection: Connection, capabilities: Capabilities, now: datetime) -> State:
    """`now` is real time, as tokens are."""
    if connection.status == "revoked":
        return "revoked"
    if connection.status == "expired":
        return "expired"
    ends = connection.token_expires_at
    if ends and not refreshable(connection, capabilities):
        if ends <= now:
            return "expired"
        return "expiring" if ends - now < SOON else "active"
    return "expiring" if connection.refresh_failed_at else "active"


def missing_scopes(connection: Connection, capabilities: Capabilities) -> list[str]:
    """What was asked for and not granted."""
    asked = capabilities.oauth.scopes if capabilities.oauth else ()
    return [scope for scope in asked if scope not in connection.scopes]
