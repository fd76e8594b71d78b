"""Platform sets, the accounts in them, and their tokens: sealed at rest, opened only for a call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select, update

from amp.domain.connections.models import Connection, PlatformSet
from amp.domain.connections.port import NewAccount, SandboxAccounts
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Conflict, Invalid, NotFound
from amp.kit.ids import Kind, encode, new_id
from amp.kit.secrets import SecretKeys


@dataclass(frozen=True)
class OpenTokens:
    access_token: SecretStr
    refresh_token: SecretStr | None


async def default_set(uow: UnitOfWork) -> PlatformSet:
    """The workspace's default set, made when there is none."""
    query = select(PlatformSet).where(PlatformSet.is_default)
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found:
        return found
    now = uow.clock.now()
    created = PlatformSet(
        workspace_id=uow.workspace_id,
        id=new_id(),
        name="Default",
        is_default=True,
        created_at=now,
        updated_at=now,
    )
    uow.session.add(created)
    await uow.session.flush()
    return created


async def connect(uow: UnitOfWork, secrets: SecretKeys, set_id: UUID, account: NewAccount) -> Connection:
    """Connect an account. Errors: Conflict when the set has one on this platform already."""
    if await active_in_set(uow, set_id, [account.platform]):
        raise Conflict(f"The set already has an account on {account.platform}. Disconnect it first.")
    connection_id, now = new_id(), uow.clock.now()
    connection = Connection(
        workspace_id=uow.workspace_id,
        id=connection_id,
        platform_set_id=set_id,
        platform=account.platform,
        remote_id=account.remote_id,
        handle=account.handle,
        display_name=account.display_name,
        status="active",
        scopes=list(account.scopes),
        access_token=_seal(secrets, connection_id, account.access_token),
        refresh_token=_seal(secrets, connection_id, account.refresh_token),
        created_at=now,
        updated_at=now,
    )
    uow.session.add(connection)
    await uow.session.flush()
    return connection


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
    row = _row(connection.id)
    refresh = connection.refresh_token
    return OpenTokens(
        access_token=SecretStr(secrets.unseal(connection.access_token, row=row)),
        refresh_token=SecretStr(secrets.unseal(refresh, row=row)) if refresh else None,
    )


async def hold_back(uow: UnitOfWork, connection_id: UUID, until: datetime) -> None:
    """Nothing goes out by this connection before `until` (virtual): the vendor said so."""
    await uow.session.execute(update(Connection).where(Connection.id == connection_id).values(held_until=until))


async def needs_reconnect(uow: UnitOfWork, connection_id: UUID) -> None:
    """The vendor refused the account's authority; only its owner can repair that."""
    await uow.session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.status == "active")
        .values(status="expired", updated_at=uow.clock.now())
    )


def sealed(secrets: SecretKeys, connection_id: UUID, token: SecretStr) -> str:
    return secrets.seal(token.get_secret_value(), row=_row(connection_id))


def _seal(secrets: SecretKeys, connection_id: UUID, token: SecretStr | None) -> str | None:
    return sealed(secrets, connection_id, token) if token else None


def _row(connection_id: UUID) -> str:
    """What a sealed token is bound to: it cannot be moved to another row."""
    return encode(Kind.ACCOUNT, connection_id)
