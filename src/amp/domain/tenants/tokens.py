"""Tokens of a session: short access tokens (JWT) that anybody holding our key can check, and refresh tokens
that are good once.

    refresh token 1 ──used──> refresh token 2 ──used──> ...
Each follows from the one before by a keyed hash, so the successor of a token can be told again to a client
that lost our answer without ever being stored. A token names its session: an older one is recognised as
reused. All of this runs on real time.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import cast
from uuid import UUID

import jwt

from amp.domain.tenants.models import Environment, Role
from amp.kit.clock import real_now
from amp.kit.ids import Kind, decode, encode
from amp.kit.secrets import SecretKeys, random_token

ACCESS_LIFE = timedelta(minutes=15)
ISSUER = AUDIENCE = "amp"
"""The same for every server of an installation, whatever address each is reached at."""
_ALGORITHM = "HS256"
_CLAIMS = ["iss", "aud", "sub", "tid", "env", "sid", "role", "iat", "exp"]


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says. The role is for its reader; ours is read from the database every time."""

    user_id: UUID
    tenant_id: UUID
    environment: Environment
    session_id: UUID
    role: Role


def sign_access_token(claims: AccessClaims, *, keys: SecretKeys) -> str:
    now = real_now()
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": encode(Kind.USER, claims.user_id),
        "tid": encode(Kind.TENANT, claims.tenant_id),
        "env": claims.environment,
        "sid": str(claims.session_id),
        "role": claims.role,
        "iat": now,
        "exp": now + ACCESS_LIFE,
    }
    return jwt.encode(payload, keys.derive("access token"), algorithm=_ALGORITHM)


def read_access_token(token: str, *, keys: SecretKeys) -> AccessClaims | None:
    """The claims of a token that we signed and that has not expired, else None."""
    try:
        claims = jwt.decode(
            token,
            keys.derive("access token"),
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": _CLAIMS},
        )
    except jwt.InvalidTokenError:
        return None
    return AccessClaims(
        user_id=decode(Kind.USER, claims["sub"], what="User"),
        tenant_id=decode(Kind.TENANT, claims["tid"], what="Tenant"),
        environment=cast("Environment", claims["env"]),
        session_id=UUID(claims["sid"]),
        role=cast("Role", claims["role"]),
    )


def first_refresh_token(session_id: UUID) -> str:
    return f"{session_id.hex}.{random_token()}"


def next_refresh_token(token: str, keys: SecretKeys) -> str:
    head = token.partition(".")[0]
    raw = hmac.new(keys.derive("next refresh token"), token.encode(), sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def session_of(token: str) -> UUID | None:
    """The session that a refresh token names; None when it cannot be one of ours."""
    head, _, rest = token.partition(".")
    if len(head) != 32 or not rest or not token.isascii():
        return None
    try:
        return UUID(hex=head)
    except ValueError:
        return None


def refresh_digest(token: str, keys: SecretKeys) -> bytes:
    return keys.digest("refresh token", token)
