"""Opaque upload addresses: whoever holds one is the uploader, without a token."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.sandbox.accounts import account_of
from amp.sandbox.tables import accounts, uploads
from amp.sandbox.tokens import Bearer, Grant, digest_of
from amp.sandbox.uploads import Upload, find_upload
from amp.sandbox.vendor import Call, Sandbox


async def holder_of(
    sandbox: Sandbox, connection: AsyncConnection, vendor: str, secret: str, scopes: Collection[str]
) -> Bearer | None:
    """The account to whose upload an address belongs."""
    query = (
        select(accounts)
        .join(uploads, (uploads.c.owner == accounts.c.owner) & (uploads.c.account == accounts.c.remote_id))
        .where(uploads.c.vendor == vendor, uploads.c.secret == secret, accounts.c.vendor == vendor)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    account = account_of(row)
    grant = Grant(account.owner, vendor, account.remote_id, "", frozenset(scopes), secret)
    return Bearer(account, grant, digest_of(sandbox.signing_key, secret), None)


async def held_upload(call: Call, secret: str) -> Upload | None:
    """The caller's upload at an address. Of two requests to one address, the second waits for the first."""
    query = select(uploads.c.remote_id).where(
        uploads.c.vendor == call.account.vendor, uploads.c.owner == call.account.owner, uploads.c.secret == secret
    )
    remote_id = (await call.connection.execute(query)).scalar_one_or_none()
    return await find_upload(call, remote_id, lock=True) if remote_id else None
