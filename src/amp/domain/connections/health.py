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
LEAST_AHEAD = timedelta(minutes=10)
MOST_AHEAD = timedelta(days=7)


def renewal_due(connection: Connection, now: datetime) -> bool:
    """Whether its tokens are in the last tenth of their life, but not more than a week and not less than ten minutes
    before their end: two hours at X, sixty days at Instagram. Tokens whose end nobody told are always due."""
    ends = connection.token_expires_at
    if ends is None:
        return True
    tenth = (ends - (connection.token_renewed_at or now)) / 10
    return ends < now + max(LEAST_AHEAD, min(MOST_AHEAD, tenth))


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
