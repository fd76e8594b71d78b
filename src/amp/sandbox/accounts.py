"""Accounts at the pretended vendors, and the tokens and clients that carry their own proof.

A signed token makes its account on first use, so that a test workspace has working connections without any
call beforehand. It names its owner and is signed with the sandbox's key:

    sbx.<base64url json: v vendor, a account, h handle, n name, o owner, s scopes, r refresh>.<base64url hmac>
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.sandbox.tables import accounts

_PREFIX = "sbx"


@dataclass(frozen=True)
class Account:
    owner: str
    vendor: str
    remote_id: str
    handle: str
    name: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class Claims:
    """What a signed token says of itself."""

    vendor: str
    account: str
    handle: str
    name: str
    owner: str
    scopes: frozenset[str]
    refresh: bool


def sandbox_token(
    signing_key: bytes,
    *,
    vendor: str,
    account: str,
    handle: str,
    name: str,
    owner: str,
    scopes: Collection[str],
    refresh: bool = False,
) -> str:
    """A token that any vendor of this sandbox accepts. The same arguments give the same token."""
    claims: dict[str, Any] = {
        "v": vendor,
        "a": account,
        "h": handle,
        "n": name,
        "o": owner,
        "s": sorted(scopes),
    }
    if refresh:
        claims["r"] = 1
    return _signed(signing_key, "token", claims)


def read_token(signing_key: bytes, token: str) -> Claims | None:
    claims = _verified(signing_key, "token", token)
    if claims is None:
        return None
    return Claims(
        vendor=str(claims["v"]),
        account=str(claims["a"]),
        handle=str(claims["h"]),
        name=str(claims["n"]),
        owner=str(claims["o"]),
        scopes=frozenset(str(scope) for scope in claims["s"]),
        refresh=claims.get("r") == 1,
    )


@dataclass(frozen=True)
class Client:
    """An app registered at a vendor. One without an owner acts for whoever is logged in at its consent page."""

    client_id: str
    secret: str
    vendor: str
    owner: str
    account: str


def sandbox_client(signing_key: bytes, *, vendor: str, owner: str = "", account: str = "") -> Client:
    """An app that the vendor knows; `account` is the one its consent page proposes."""
    client_id = _signed(signing_key, "client", {"v": vendor, "o": owner, "a": account})
    return Client(client_id, _client_secret(signing_key, client_id), vendor, owner, account)


def read_client(signing_key: bytes, vendor: str, client_id: str) -> Client | None:
    claims = _verified(signing_key, "client", client_id)
    if claims is None or claims["v"] != vendor:
        return None
    secret = _client_secret(signing_key, client_id)
    return Client(client_id, secret, vendor, str(claims["o"]), str(claims["a"]))


def feed_link(signing_key: bytes, owner: str) -> str:
    """The query string that opens an owner's feeds at `/sandbox/`."""
    return f"view={_signed(signing_key, 'view', {'o': owner})}"


def read_view(signing_key: bytes, view: str) -> str | None:
    """The owner whose feeds a `view` parameter opens."""
    claims = _verified(signing_key, "view", view)
    return None if claims is None else str(claims["o"])


async def know_account(
    connection: AsyncConnection, owner: str, vendor: str, remote_id: str, *, handle: str, name: str, now: datetime
) -> Account:
    """The account as stored, made if this is the first time it is heard of."""
    await connection.execute(
        insert(accounts)
        .values(owner=owner, vendor=vendor, remote_id=remote_id, handle=handle, name=name, created_at=now)
        .on_conflict_do_nothing()
    )
    query = select(accounts).where(
        accounts.c.owner == owner, accounts.c.vendor == vendor, accounts.c.remote_id == remote_id
    )
    return account_of((await connection.execute(query)).mappings().one())


def account_of(row: RowMapping) -> Account:
    return Account(
        owner=row["owner"],
        vendor=row["vendor"],
        remote_id=row["remote_id"],
        handle=row["handle"],
        name=row["name"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


def _client_secret(signing_key: bytes, client_id: str) -> str:
    return _b64(hmac.digest(signing_key, b"client secret " + client_id.encode(), hashlib.sha256))


def _signed(signing_key: bytes, purpose: str, claims: dict[str, Any]) -> str:
    body = _b64(json.dumps(claims, separators=(",", ":")).encode())
    return f"{_PREFIX}.{body}.{_b64(_signature(signing_key, purpose, body))}"


def _verified(signing_key: bytes, purpose: str, text: str) -> dict[str, Any] | None:
    prefix, _, rest = text.partition(".")
    body, _, signature = rest.partition(".")
    if prefix != _PREFIX or not text.isascii():
        return None
    expected = _b64(_signature(signing_key, purpose, body))
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    return cast(dict[str, Any], json.loads(_unb64(body)))


def _signature(signing_key: bytes, purpose: str, body: str) -> bytes:
    """A bare token is signed over its body alone; other purposes are named, so that none passes for another."""
    message = body if purpose == "token" else f"{purpose} {body}"
    return hmac.digest(signing_key, message.encode(), hashlib.sha256)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
