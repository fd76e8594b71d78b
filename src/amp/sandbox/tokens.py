"""Tokens at the vendors: random ones issued after a consent, kept as keyed hashes, expiring on real time.

Signed tokens (see accounts) need no row; they get one only when they end: used up, revoked, or expired by order.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.kit.clock import real_now
from amp.kit.secrets import random_token
from amp.sandbox.accounts import Account, Claims, Client, account_of, know_account, read_token
from amp.sandbox.tables import accounts, tokens

_SIGNED = (
    select(accounts, tokens.c.ended_how)
    .outerjoin_from(accounts, tokens, tokens.c.digest == bindparam("digest"))
    .where(
        accounts.c.owner == bindparam("owner"),
        accounts.c.vendor == bindparam("vendor"),
        accounts.c.remote_id == bindparam("account"),
    )
)

Kind = Literal["access", "refresh"]
Ended = Literal["expired", "revoked"]


@dataclass(frozen=True)
class Grant:
    """What a member allowed an app to do."""

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
    ended: Ended | None


def digest_of(signing_key: bytes, secret: str) -> bytes:
    return hmac.digest(signing_key, b"digest " + secret.encode(), hashlib.sha256)


async def issue(
    connection: AsyncConnection, signing_key: bytes, grant: Grant, kind: Kind, lifetime: timedelta | None
) -> str:
    """A fresh token for this grant; `lifetime` is real time, None never ends by itself."""
    token, now = random_token(48), real_now()
    expires_at = now + lifetime if lifetime else None
    row = _row(digest_of(signing_key, token), kind, grant) | {"made_at": now, "expires_at": expires_at}
    await connection.execute(insert(tokens).values(row))
    return token


async def find_bearer(
    connection: AsyncConnection, signing_key: bytes, vendor: str, token: str, now: datetime
) -> Bearer | None:
    """The bearer of an access token of this vendor; None when no such token was ever given out."""
    digest = digest_of(signing_key, token)
    claims = read_token(signing_key, token)
    if claims is None:
        return await _find_random(connection, digest, vendor)
    if claims.vendor != vendor or claims.refresh:
        return None
    return await _find_signed(connection, digest, claims, now)


async def redeem_refresh_token(
    connection: AsyncConnection, signing_key: bytes, client: Client, token: str, now: datetime
) -> Grant | None:
    """Use up a refresh token: of two that try at once, one gets the grant and the other None."""
    digest = digest_of(signing_key, token)
    claims = read_token(signing_key, token)
    if claims is None:
        return await _redeem_random(connection, digest, client)
    if claims.vendor != client.vendor or not claims.refresh or client.owner not in ("", claims.owner):
        return None
    account = await _account_of_claims(connection, claims, now)
    grant = _grant_of_claims(claims, client.client_id)
    if account.revoked_at is not None or not await _end(connection, digest, grant, "refresh", "used"):
        return None
    return grant


async def find_refresh_grant(
    connection: AsyncConnection, signing_key: bytes, client: Client, token: str, now: datetime
) -> Grant | None:
    """What a refresh token stands for, at vendors where it may be used again and again."""
    digest = digest_of(signing_key, token)
    row = (await connection.execute(select(tokens).where(tokens.c.digest == digest))).one_or_none()
    claims = read_token(signing_key, token)
    if claims is not None:
        if claims.vendor != client.vendor or not claims.refresh or client.owner not in ("", claims.owner):
            return None
        account = await _account_of_claims(connection, claims, now)
        return None if row is not None or account.revoked_at is not None else _grant_of_claims(claims, client.client_id)
    if row is None or row.kind != "refresh" or (row.vendor, row.client) != (client.vendor, client.client_id):
        return None
    account = await _account(connection, row.owner, client.vendor, row.account)
    return None if _ending(row, account) else _grant_of_row(row)


async def end_by_order(connection: AsyncConnection, bearer: Bearer, how: Ended) -> None:
    """A fault order ends this access token; `revoked` ends all that the account ever gave out."""
    await _end(connection, bearer.digest, bearer.grant, "access", how)
    if how == "revoked":
        await connection.execute(update(accounts).where(*_is_account(bearer.account)).values(revoked_at=real_now()))


async def forget_orders(connection: AsyncConnection, owner: str, vendor: str | None) -> None:
    """Undo what fault orders did to tokens; used refresh tokens stay used."""
    ended = tokens.c.ended_how.in_(("expired", "revoked")) & (tokens.c.owner == owner)
    theirs = accounts.c.owner == owner
    if vendor is not None:
        ended, theirs = ended & (tokens.c.vendor == vendor), theirs & (accounts.c.vendor == vendor)
    await connection.execute(delete(tokens).where(ended, tokens.c.expires_at.is_(None)))
    await connection.execute(update(tokens).where(ended).values(ended_at=None, ended_how=None))
    await connection.execute(update(accounts).where(theirs).values(revoked_at=None))


async def revoke(connection: AsyncConnection, signing_key: bytes, vendor: str, token: str, now: datetime) -> bool:
    """The app gives a token back: every token of the same consent ends."""
    digest = digest_of(signing_key, token)
    claims = read_token(signing_key, token)
    if claims is not None and claims.vendor == vendor:
        await _account_of_claims(connection, claims, now)
        kind: Kind = "refresh" if claims.refresh else "access"
        return await _end(connection, digest, _grant_of_claims(claims, ""), kind, "used")
    family = select(tokens.c.family).where(tokens.c.digest == digest, tokens.c.vendor == vendor)
    ended = await connection.execute(
        update(tokens)
        .where(tokens.c.family.in_(family), tokens.c.ended_at.is_(None))
        .values(ended_at=real_now(), ended_how="used")
    )
    return ended.rowcount > 0


async def _find_random(connection: AsyncConnection, digest: bytes, vendor: str) -> Bearer | None:
    query = select(tokens).where(tokens.c.digest == digest, tokens.c.vendor == vendor, tokens.c.kind == "access")
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    account = await _account(connection, row.owner, vendor, row.account)
    return Bearer(account, _grant_of_row(row), digest, _ending(row, account))


async def _find_signed(connection: AsyncConnection, digest: bytes, claims: Claims, now: datetime) -> Bearer | None:
    who = {"digest": digest, "owner": claims.owner, "vendor": claims.vendor, "account": claims.account}
    row = (await connection.execute(_SIGNED, who)).mappings().one_or_none()
    grant = _grant_of_claims(claims, "")
    if row is None:
        return Bearer(await _account_of_claims(connection, claims, now), grant, digest, None)
    account = account_of(row)
    if account.revoked_at is not None or row["ended_how"] in ("revoked", "used"):
        return Bearer(account, grant, digest, "revoked")
    return Bearer(account, grant, digest, row["ended_how"])


async def _redeem_random(connection: AsyncConnection, digest: bytes, client: Client) -> Grant | None:
    now = real_now()
    query = (
        update(tokens)
        .where(tokens.c.digest == digest, tokens.c.kind == "refresh", tokens.c.ended_at.is_(None))
        .where(tokens.c.vendor == client.vendor, tokens.c.client == client.client_id)
        .where(tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now))
        .values(ended_at=now, ended_how="used")
        .returning(tokens)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    account = await _account(connection, row.owner, client.vendor, row.account)
    if account.revoked_at is not None and row.made_at <= account.revoked_at:
        return None
    return _grant_of_row(row)


async def _end(connection: AsyncConnection, digest: bytes, grant: Grant, kind: Kind, how: str) -> bool:
    """Whether this call ended the token: False when it had ended before."""
    now = real_now()
    ending = {"ended_at": now, "ended_how": how}
    row = _row(digest, kind, grant) | {"made_at": now} | ending
    query = (
        insert(tokens)
        .values(row)
        .on_conflict_do_update(index_elements=["digest"], set_=ending, where=tokens.c.ended_at.is_(None))
        .returning(tokens.c.digest)
    )
    return (await connection.execute(query)).one_or_none() is not None


async def _account(connection: AsyncConnection, owner: str, vendor: str, remote_id: str) -> Account:
    query = select(accounts).where(
        accounts.c.owner == owner, accounts.c.vendor == vendor, accounts.c.remote_id == remote_id
    )
    return account_of((await connection.execute(query)).mappings().one())


async def _account_of_claims(connection: AsyncConnection, claims: Claims, now: datetime) -> Account:
    return await know_account(
        connection,
        claims.owner,
        claims.vendor,
        claims.account,
        handle=claims.handle,
        name=claims.name,
        now=now,
    )


def _is_account(account: Account) -> tuple[Any, Any, Any]:
    return (
        accounts.c.owner == account.owner,
        accounts.c.vendor == account.vendor,
        accounts.c.remote_id == account.remote_id,
    )


def _ending(row: Row[Any], account: Account) -> Ended | None:
    if row.ended_how in ("used", "revoked"):
        return "revoked"
    if account.revoked_at is not None and row.made_at <= account.revoked_at:
        return "revoked"
    if row.ended_how == "expired" or (row.expires_at is not None and row.expires_at <= real_now()):
        return "expired"
    return None


def _row(digest: bytes, kind: Kind, grant: Grant) -> dict[str, Any]:
    return {
        "digest": digest,
        "kind": kind,
        "owner": grant.owner,
        "vendor": grant.vendor,
        "account": grant.account,
        "client": grant.client,
        "scopes": sorted(grant.scopes),
        "family": grant.family,
    }


def _grant_of_row(row: Row[Any]) -> Grant:
    return Grant(row.owner, row.vendor, row.account, row.client, frozenset(row.scopes), row.family)


def _grant_of_claims(claims: Claims, client: str) -> Grant:
    family = f"{claims.owner}/{claims.vendor}/{claims.account}"
    return Grant(claims.owner, claims.vendor, claims.account, client, claims.scopes, family)
