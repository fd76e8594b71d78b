"""Random tokens: issued after a consent, kept as keyed hashes, expiring on real time.

Signed tokens (see accounts) need no row; they get one only when they end: used up, revoked, or expired by order.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.kit.clock import real_now
from amp.kit.secrets import random_token
from amp.sandbox.accounts import Account, Claims, Client, account_of, know_account, read_token
from amp.sandbox.tables import accounts, tokens

Ending = Literal["used", "expired", "revoked"]


@dataclass(frozen=True)
class Grant:
    """What a member allowed an app to do. An empty account is an app speaking for nobody."""

    owner: str
    vendor: str
    account: str
    client: str
    scopes: frozenset[str]
    family: str


@dataclass(frozen=True)
class Bearer:
    """Who presents an access token, and whether it still counts."""

    account: Account
    grant: Grant
    digest: bytes
    ended: Literal["expired", "revoked"] | None


def digest_of(signing_key: bytes, secret: str) -> bytes:
    return hmac.digest(signing_key, b"digest " + secret.encode(), hashlib.sha256)


async def issue(
    connection: AsyncConnection,
    signing_key: bytes,
    grant: Grant,
    kind: Literal["access", "refresh"],
    lifetime: timedelta | None,
) -> str:
    """A fresh token for this grant; `lifetime` is real time, None never ends by itself."""
    token, now = random_token(48), real_now()
    await connection.execute(
        insert(tokens).values(
            digest=digest_of(signing_key, token),
            kind=kind,
            made_at=now,
            expires_at=now + lifetime if lifetime else None,
            **_columns(grant),
        )
    )
    return token


async def find_bearer(
    connection: AsyncConnection, signing_key: bytes, vendor: str, token: str, now: datetime
) -> Bearer | None:
    """The bearer of an access token of this vendor; None when no such token was ever given out."""
    claims = read_token(signing_key, token)
    if claims is None:
        return await _find_random(connection, digest_of(signing_key, token), vendor)
    if claims.vendor != vendor or claims.refresh:
        return None
    return await _find_signed(connection, claims, digest_of(signing_key, token), now)


async def _find_random(connection: AsyncConnection, digest: bytes, vendor: str) -> Bearer | None:
    same_account = (
        (accounts.c.owner == tokens.c.owner)
        & (accounts.c.vendor == tokens.c.vendor)
        & (accounts.c.remote_id == tokens.c.account)
    )
    query = (
        select(accounts, tokens)
        .join_from(tokens, accounts, same_account)
        .where(tokens.c.digest == digest, tokens.c.vendor == vendor, tokens.c.kind == "access")
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    found = row._mapping  # noqa: SLF001 (SQLAlchemy's public name)
    account = account_of({column.name: found[column] for column in accounts.c})
    return Bearer(account, _grant_of(row), digest, _ending(row, account))
