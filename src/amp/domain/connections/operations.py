"""The accounts in platform sets, and their tokens: sealed at rest, opened only for a call.

    nobody ── place ──> active ── the vendor refuses its tokens ──> expired ──┐
                          │ ^                                                 │
               disconnect │ └──────── place (the same account) ───────────────┤
                          v                                                   │
                       revoked, its tokens gone ──────────────────────────────┘
The same account keeps its row, so what is scheduled for it stays so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select, update

from amp.domain.connections.messages import AccountDisconnected, SetDeleted
from amp.domain.connections.models import Connection, PlatformSet
from amp.domain.connections.port import NewAccount, SandboxAccounts
from amp.domain.connections.sets import default_set, get_set
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import Conflict, Invalid, NotFound
from amp.kit.ids import Kind, encode, new_id
from amp.kit.secrets import SecretKeys


@dataclass(frozen=True)
class OpenTokens:
    access_token: SecretStr
    refresh_token: SecretStr | None


async def connect(uow: UnitOfWork, secrets: SecretKeys, set_id: UUID, account: NewAccount) -> Connection:
    """Put an account into a set. The same account as before gets its new tokens and keeps its row.

    Errors: NotFound (the set); Conflict when the set has another account on this platform.
    """
    await get_set(uow, set_id, lock=True)
    present = await _present(uow, set_id, account)
    if present and present.remote_id != account.remote_id:
        raise Conflict(
            f"The set has {present.handle} on {account.platform} already. Disconnect that account first.",
            code="platform_occupied",
        )
    connection = present or _unused(uow, set_id, account)
    _renew(uow, secrets, connection, account)
    if connection not in uow.session:
        uow.session.add(connection)
    await uow.session.flush()
    return connection


async def _present(uow: UnitOfWork, set_id: UUID, account: NewAccount) -> Connection | None:
    """What the set has on this platform, or had of this very account."""
    query = select(Connection).where(Connection.platform_set_id == set_id, Connection.platform == account.platform)
    in_use = (await uow.session.execute(query.where(Connection.status != "revoked"))).scalar_one_or_none()
    if in_use:
        return in_use
    earlier = query.where(Connection.remote_id == account.remote_id).order_by(Connection.id.desc()).limit(1)
    return (await uow.session.execute(earlier)).scalar_one_or_none()


def _unused(uow: UnitOfWork, set_id: UUID, account: NewAccount) -> Connection:
    return Connection(
        workspace_id=uow.workspace_id,
        id=new_id(),
        platform_set_id=set_id,
        platform=account.platform,
        remote_id=account.remote_id,
        token_version=0,
        created_at=uow.clock.now(),
    )


def _renew(uow: UnitOfWork, secrets: SecretKeys, connection: Connection, account: NewAccount) -> None:
    """What the vendor says of the account today. A late refresh of the tokens before finds another version."""
    now = real_now()
    connection.handle = account.handle
    connection.display_name = account.display_name
    connection.avatar_url = account.avatar_url
    connection.details = dict(account.details)
    connection.scopes = list(account.scopes)
    connection.status = "active"
    connection.access_token = sealed(secrets, connection.id, account.access_token)
    connection.refresh_token = _seal(secrets, connection.id, account.refresh_token)
    connection.token_expires_at = now + account.expires_in if account.expires_in else None
    connection.token_renewed_at = now
    connection.refresh_failed_at = connection.refresh_failure = connection.refreshing_until = None
    connection.token_version += 1
    connection.updated_at = uow.clock.now()


async def disconnect(uow: UnitOfWork, connection: Connection) -> None:
    """End our use of an account at once; the vendor is told afterwards. Idempotent."""
    access_token, refresh_token = connection.access_token, connection.refresh_token
    connection.status = "revoked"
    connection.access_token = connection.refresh_token = connection.refreshing_until = None
    connection.token_expires_at = connection.refresh_failed_at = connection.refresh_failure = None
    connection.token_version += 1
    connection.updated_at = uow.clock.now()
    await uow.session.flush()
    if access_token:
        await announce_disconnected(uow, connection, access_token, refresh_token)


async def announce_disconnected(
    uow: UnitOfWork, connection: Connection, access_token: str, refresh_token: str | None
) -> None:
    """Have these (sealed) tokens of a disconnected account given back to the vendor."""
    await uow.announce(
        AccountDisconnected(
            workspace_id=uow.workspace_id,
            connection_id=connection.id,
            platform=connection.platform,
            access_token=access_token,
            refresh_token=refresh_token,
        )
    )


async def delete_set(uow: UnitOfWork, chosen: PlatformSet) -> None:
    """Delete a (locked) set with its accounts. What was scheduled for it fails at once, for all to see.

    Errors: Invalid for the default set.
    """
    if chosen.is_default:
        raise Invalid("The default platform set cannot be deleted; make another the default first")
    query = select(Connection).where(Connection.platform_set_id == chosen.id, Connection.status != "revoked")
    for connection in (await uow.session.execute(query.with_for_update())).scalars():
        await disconnect(uow, connection)
    chosen.deleted_at = chosen.updated_at = uow.clock.now()
    await uow.session.flush()
    await uow.announce(SetDeleted(workspace_id=uow.workspace_id, platform_set_id=chosen.id))


async def in_set(uow: UnitOfWork, set_id: UUID, platform: str) -> Connection:
    """The set's account on a platform, locked. Errors: NotFound (`connection_not_found`)."""
    query = select(Connection).where(
        Connection.platform_set_id == set_id, Connection.platform == platform, Connection.status != "revoked"
    )
    found = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if found is None:
        raise NotFound(f"This platform set has no account on {platform}", code="connection_not_found")
    return found


async def open_test_accounts(
    uow: UnitOfWork, secrets: SecretKeys, accounts: SandboxAccounts, platforms: Iterable[str]
) -> None:
    """Give a test workspace one sandbox account on every platform of its default set. Idempotent."""
    chosen = await default_set(uow)
    present = await active_in_set(uow, chosen.id, list(platforms))
    for platform in platforms:
        if platform not in present:
            await connect(uow, secrets, chosen.id, accounts.issue(platform, uow.workspace_id))


async def active_in_set(uow: UnitOfWork, set_id: UUID, platforms: Sequence[str]) -> Mapping[str, Connection]:
    """The set's active connections on these platforms, by platform."""
    query = select(Connection).where(
        Connection.platform_set_id == set_id, Connection.platform.in_(platforms), Connection.status == "active"
    )
    return {connection.platform: connection for connection in (await uow.session.execute(query)).scalars()}


async def resolve(uow: UnitOfWork, set_id: UUID, platforms: Sequence[str]) -> Mapping[str, Connection]:
    """An active connection for each platform. Errors: Invalid (`platform_not_connected`) naming those without."""
    found = await active_in_set(uow, set_id, platforms)
    missing = [platform for platform in platforms if platform not in found]
    if missing:
        raise Invalid(
            f"No active account for {', '.join(missing)} in this platform set. Connect one, or leave the platform out.",
            code="platform_not_connected",
            param="platforms",
        )
    return found


async def get_connection(uow: UnitOfWork, connection_id: UUID) -> Connection:
    connection = await uow.session.get(Connection, (uow.scope.workspace_id, connection_id))
    if connection is None:
        raise NotFound("Account not found")
    return connection


def open_tokens(secrets: SecretKeys, connection: Connection) -> OpenTokens | None:
    """The tokens in clear, for one call; None when they were cleared."""
    if connection.access_token is None:
        return None
    return opened(secrets, connection.id, connection.access_token, connection.refresh_token)


def opened(secrets: SecretKeys, connection_id: UUID, access_token: str, refresh_token: str | None) -> OpenTokens:
    """Sealed tokens of a connection in clear."""
    row = _row(connection_id)
    return OpenTokens(
        access_token=SecretStr(secrets.unseal(access_token, row=row)),
        refresh_token=SecretStr(secrets.unseal(refresh_token, row=row)) if refresh_token else None,
    )


async def hold_back(uow: UnitOfWork, connection_id: UUID, until: datetime) -> None:
    """Nothing goes out by this connection before `until` (virtual): the vendor said so."""
    await uow.session.execute(update(Connection).where(Connection.id == connection_id).values(held_until=until))


async def needs_reconnect(uow: UnitOfWork, connection_id: UUID, version: int) -> bool:
    """The vendor refused the authority of these tokens; only the account's owner can repair that.

    False: it has newer ones by now, and stays as it is."""
    await uow.session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.status == "active", Connection.token_version == version)
        .values(status="expired", updated_at=uow.clock.now())
    )
    return await uow.session.scalar(select(Connection.status).where(Connection.id == connection_id)) != "active"


def sealed(secrets: SecretKeys, connection_id: UUID, token: SecretStr) -> str:
    return secrets.seal(token.get_secret_value(), row=_row(connection_id))


def _seal(secrets: SecretKeys, connection_id: UUID, token: SecretStr | None) -> str | None:
    return sealed(secrets, connection_id, token) if token else None


def _row(connection_id: UUID) -> str:
    """What a sealed token is bound to: it cannot be moved to another row."""
    return encode(Kind.ACCOUNT, connection_id)
