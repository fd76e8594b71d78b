"""Sealing all tokens anew after the master key was changed, in batches, while everything runs. What is left to do is
what still names an earlier key, so it may be broken off and begun again at any time."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ColumnElement, SQLColumnExpression, or_, select, text

from amp.domain.connections import operations as connections
from amp.domain.connections.models import Connection
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.kit.database import SYSTEM, Database
from amp.kit.secrets import SecretKeys, Unreadable

_BATCH = 100

Renewed = Callable[[str], str]
"""What becomes of a token on the way: usually nothing."""


@dataclass
class Rotation:
    """What was done; `unreadable` are the accounts whose key nobody has any more."""

    accounts: int = 0
    unreadable: int = 0


async def rotate(units: UnitsOfWork, secrets: SecretKeys, renewed: Renewed) -> Rotation:
    """Seal with the master key whatever an earlier one sealed. Each batch is a transaction of its own."""
    done, after = Rotation(), UUID(int=0)
    while True:
        async with units.begin(SYSTEM) as uow:
            batch = await _batch(uow, secrets, after)
            for connection in batch:
                if _seal_anew(secrets, connection, renewed):
                    done.accounts += 1
                else:
                    done.unreadable += 1
        if len(batch) < _BATCH:
            return done
        after = batch[-1].id


_MASTERS = text(
    """
    SELECT DISTINCT digest_key AS id FROM api_keys WHERE revoked_at IS NULL AND digest_key <> ALL(:known)
    UNION SELECT DISTINCT split_part(access_token, '.', 1) FROM connections
    WHERE split_part(access_token, '.', 1) <> ALL(:known)
    """
)


async def unknown_masters(database: Database, secrets: SecretKeys) -> list[str]:
    """The ids of master keys that API keys or tokens were made with, and that we were not given."""
    known = [secrets.key_id, *(earlier.key_id for earlier in secrets.earlier())]
    return [row.id for row in await database.system_rows(_MASTERS, {"known": known})]


async def _batch(uow: UnitOfWork, secrets: SecretKeys, after: UUID) -> list[Connection]:
    """Locked: whoever renews tokens at the same time comes before or after us, never between."""
    sealed_earlier = or_(
        _not_current(secrets, Connection.access_token), _not_current(secrets, Connection.refresh_token)
    )
    query = select(Connection).where(sealed_earlier, Connection.id > after).order_by(Connection.id).limit(_BATCH)
    return list(await uow.session.scalars(query.with_for_update()))


def _not_current(secrets: SecretKeys, column: SQLColumnExpression[str | None]) -> ColumnElement[bool]:
    return column.not_like(f"{secrets.key_id}.%")


def _seal_anew(secrets: SecretKeys, connection: Connection, renewed: Renewed) -> bool:
    try:
        tokens = connections.open_tokens(secrets, connection)
    except Unreadable:
        return False
    if tokens:
        access = SecretStr(renewed(tokens.access_token.get_secret_value()))
        connection.access_token = connections.sealed(secrets, connection.id, access)
        if tokens.refresh_token:
            refresh = SecretStr(renewed(tokens.refresh_token.get_secret_value()))
            connection.refresh_token = connections.sealed(secrets, connection.id, refresh)
    return True
