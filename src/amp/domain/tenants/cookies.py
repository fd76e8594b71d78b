"""The session cookie of a browser, and the token that proves a write was meant.

    cookie  <session id>.<keyed hash of it>             HttpOnly: no script reads it
    CSRF    <keyed hash of the cookie>                  told by GET /api/session, sent back in X-CSRF-Token
Neither is stored: the session's row says whether the session is open, and another master key ends all of them.
"""

import base64
import hmac
from uuid import UUID

from amp.kit.secrets import SecretKeys

CSRF_HEADER = "X-CSRF-Token"


def cookie_name(base_url: str) -> str:
    """Over TLS with the prefix that browsers tie to this host and to TLS (RFC 6265bis, `__Host-`)."""
    return "__Host-amp_session" if base_url.startswith("https:") else "amp_session"


def cookie_of(session_id: UUID, keys: SecretKeys) -> str:
    head = session_id.hex
    return f"{head}.{_b64(keys.digest('session cookie', head))}"


def session_in(cookie: str, keys: SecretKeys) -> UUID | None:
    """The session that a cookie of ours names; None for any other."""
    head, _, _ = cookie.partition(".")
    try:
        session_id = UUID(hex=head)
    except ValueError:
        return None
    genuine = hmac.compare_digest(cookie.encode(), cookie_of(session_id, keys).encode())
    return session_id if genuine else None


def csrf_token(cookie: str, keys: SecretKeys) -> str:
    return _b64(keys.digest("csrf", cookie))


def csrf_matches(given: str, cookie: str, keys: SecretKeys) -> bool:
    return hmac.compare_digest(given.encode(), csrf_token(cookie, keys).encode())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
