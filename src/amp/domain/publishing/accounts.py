"""From a connection to the account an adapter works with, and fresh tokens when the vendor wants them.

    claim (version unchanged, nobody else at it) ─> call the vendor ─> store, version + 1
                                                         ├─ refused ──> the owner must reconnect
                                                         └─ anything else ─> let go; try again later

One worker at a time, never twice with the same refresh token, and never a disconnect for anything but the
vendor's explicit refusal.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import or_, select, update

from amp.domain.connections import operations as connections
from amp.domain.connections.health import renewal_due
from amp.domain.connections.models import Connection
from amp.domain.publishing.choosing import must_reconnect
from amp.domain.publishing.port import Account, SocialPlatform, Tokens
from amp.domain.publishing.recording import insist
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import Scope
from amp.kit.errors import ProviderFailed, Reconnect, RefreshToken, Retry
from amp.kit.ids import Kind, encode
from amp.kit.secrets import SecretKeys, Unreadable

Answer = TypeVar("Answer")

_AT_IT = timedelta(seconds=90)  # longer than any refresh call may take


@dataclass(frozen=True)
class Authority:
    """An account as it could be used when it was read; `version` counts its tokens."""

    account: Account
    version: int


async def authority(uow: UnitOfWork, secrets: SecretKeys, connection_id: UUID, *, name: str | None = None) -> Authority:
    """`name` is what people call the platform. Errors: ProviderFailed(Reconnect) when the connection is not active any
    more."""
    connection = await connections.get_connection(uow, connection_id)
    opened = _opened(secrets, connection)
    if opened is None and connection.status == "revoked":
        message = f"The {name or connection.platform} account {connection.handle} was disconnected"
        raise ProviderFailed(message, remedy=Reconnect("PLATFORM_NOT_CONNECTED"))
    if opened is None:
        message = must_reconnect(name or connection.platform, connection.handle)
        raise ProviderFailed(message, remedy=Reconnect())
    return opened


async def authorities(uow: UnitOfWork, secrets: SecretKeys, connection_ids: Iterable[UUID]) -> dict[UUID, Authority]:
    """Those of many connections, by connection, read in one go (in system scope); the ones not active are left out, and
    those whose tokens cannot be opened: asked for one by one, they say why."""
    rows = await uow.session.scalars(select(Connection).where(Connection.id.in_(list(connection_ids))))
    found: dict[UUID, Authority] = {}
    for connection in rows:
        with suppress(Unreadable):
            if opened := _opened(secrets, connection):
                found[connection.id] = opened
    return found


def _opened(secrets: SecretKeys, connection: Connection) -> Authority | None:
    tokens = connections.open_tokens(secrets, connection)
    if connection.status != "active" or tokens is None:
        return None
    return Authority(account=account_of(connection, tokens), version=connection.token_version)


def account_of(connection: Connection, tokens: connections.OpenTokens) -> Account:
    """The account as adapters want it."""
    return Account(
        connection_id=encode(Kind.ACCOUNT, connection.id),
        remote_id=connection.remote_id,
        handle=connection.handle,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        scopes=frozenset(connection.scopes),
    )


async def refreshed(
    units: UnitsOfWork,
    secrets: SecretKeys,
    scope: Scope,
    connection_id: UUID,
    used: Authority,
    platform: SocialPlatform,
) -> Authority:
    """The account with newer tokens than those `used`, whoever fetched them.

    Errors: ProviderFailed: Reconnect (marked so), or Retry while another worker is at it.
    """
    until = real_now() + _AT_IT
    async with units.begin(scope) as uow:
        current = await authority(uow, secrets, connection_id)
        if current.version != used.version:
            return current
        if not await _claim(uow, connection_id, used.version, until):
            raise ProviderFailed("the tokens are being refreshed", remedy=Retry())
    try:
        tokens = await platform.refresh(current.account)
    except ProviderFailed as error:
        await insist(partial(_note_failure, units, scope, connection_id, used.version, error), until)
        raise
    return await insist(partial(_kept, units, secrets, scope, connection_id, used.version, tokens), until)


async def call_with_account(
    units: UnitsOfWork,
    secrets: SecretKeys,
    scope: Scope,
    connection_id: UUID,
    platform: SocialPlatform,
    call: Callable[[Account], Awaitable[Answer]],
) -> Answer:
    """Make a read-only call in the account's name, refreshing its tokens once if the vendor asks for it."""
    async with units.begin(scope) as uow:
        allowed = await authority(uow, secrets, connection_id, name=platform.capabilities.name)
    try:
        return await call(allowed.account)
    except ProviderFailed as error:
        if not isinstance(error.remedy, RefreshToken):
            raise
    newer = await refreshed(units, secrets, scope, connection_id, allowed, platform)
    return await call(newer.account)


async def _kept(
    units: UnitsOfWork,
    secrets: SecretKeys,
    scope: Scope,
    connection_id: UUID,
    version: int,
    tokens: Tokens,
) -> Authority:
    """The new tokens are known here only, and the old ones may not count any more."""
    async with units.begin(scope) as uow:
        await _store(uow, secrets, connection_id, version, tokens)
        fresh = await connections.get_connection(uow, connection_id)
        if fresh.status != "revoked":
            return await authority(uow, secrets, connection_id)
    raise ProviderFailed("the account was disconnected", remedy=Reconnect("PLATFORM_NOT_CONNECTED"))


async def _claim(uow: UnitOfWork, connection_id: UUID, version: int, until: datetime) -> bool:
    now = real_now()
    claim = (
        update(Connection)
        .where(
            Connection.id == connection_id,
            Connection.token_version == version,
            or_(Connection.refreshing_until.is_(None), Connection.refreshing_until < now),
        )
        .values(refreshing_until=until)
    )
    return await uow.change(claim) == 1


async def _store(uow: UnitOfWork, secrets: SecretKeys, connection_id: UUID, version: int, tokens: Tokens) -> None:
    """Keep new tokens, unless the owner was quicker: connected again, the account has newer ones; disconnected, it
    wants none, and these go back to the vendor too."""
    connection = await _locked(uow, connection_id)
    access_token = connections.sealed(secrets, connection_id, tokens.access_token)
    refresh_token = connections.sealed(secrets, connection_id, tokens.refresh_token) if tokens.refresh_token else None
    if connection.status == "revoked":
        await connections.announce_disconnected(uow, connection, access_token, refresh_token)
    if connection.token_version != version:
        return
    connection.access_token = access_token
    connection.refresh_token = refresh_token or connection.refresh_token  # a vendor that sends none: keep the old one
    connection.token_renewed_at = real_now()
    connection.token_expires_at = real_now() + tokens.expires_in if tokens.expires_in else None
    connection.token_version += 1
    connection.refreshing_until = connection.refresh_failed_at = connection.refresh_failure = None
    connection.updated_at = uow.clock.now()
    await uow.session.flush()


async def _note_failure(
    units: UnitsOfWork, scope: Scope, connection_id: UUID, version: int, error: ProviderFailed
) -> None:
    """What was refused are the tokens we had then, not those that an owner brought meanwhile. Tokens that were to be
    renewed before it was time are as good as they were."""
    async with units.begin(scope) as uow:
        connection = await _locked(uow, connection_id)
        if connection.token_version != version:
            return
        connection.refreshing_until = None
        lost, now = isinstance(error.remedy, Reconnect), real_now()
        if lost or renewal_due(connection, now):
            connection.refresh_failed_at, connection.refresh_failure = now, error.message
        await uow.session.flush()
        if lost:
            await connections.needs_reconnect(uow, connection_id, version)


async def _locked(uow: UnitOfWork, connection_id: UUID) -> Connection:
    query = select(Connection).where(Connection.id == connection_id).with_for_update()
    return (await uow.session.scalars(query)).one()
