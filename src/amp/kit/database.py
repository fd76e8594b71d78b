"""PostgreSQL: connections, rows, and who may see them.

Three roles: the login role owns the tables and migrates; `amp_app` is what every connection becomes, neither
owner nor superuser, so row-level security binds it; `amp_system` is what system work (picking jobs,
authenticating, claiming deliveries) asks for by name, inside one transaction.

A transaction sees the rows of the one workspace named in `amp.workspace_id` (and of the tenant in
`amp.tenant_id`); with neither set it sees nothing.
"""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import DateTime, Executable, MetaData, text
from sqlalchemy import Row as ResultRow
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from amp.kit.errors import Unavailable

APP_ROLE = "amp_app"
SYSTEM_ROLE = "amp_system"


class Row(DeclarativeBase):
    """Base of every table that is ours."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own declaration)
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }


@dataclass(frozen=True)
class Scope:
    """Whose rows a transaction may touch. `SYSTEM` asks for all of them by name."""

    tenant_id: UUID | None = None
    workspace_id: UUID | None = None
    system: bool = False


SYSTEM = Scope(system=True)


@dataclass(frozen=True)
class Database:
    url: str
    engine: AsyncEngine
    system_engine: AsyncEngine
    """Its connections are the system's from the start, and every statement is a transaction by itself."""

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncGenerator[AsyncSession]:
        """One transaction in one scope: committed when the block ends well, else rolled back.

        Errors: Unavailable when the database cannot be reached or its pool stays exhausted.
        """
        with _unavailable_if_out_of_reach():
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                await _enter(session, scope)
                yield session
                await _refuse_aborted(session)

    async def system_statement(self, statement: Executable, values: Mapping[str, Any]) -> ResultRow[Any] | None:
        """Run one statement in system scope, a transaction by itself, in one round trip; its only row, if any.

        For what every request does. Errors: Unavailable.
        """
        with _unavailable_if_out_of_reach():
            async with self.system_engine.connect() as connection:
                return (await connection.execute(statement, values)).one_or_none()

    async def close(self) -> None:
        await self.engine.dispose()
        await self.system_engine.dispose()


@contextmanager
def _unavailable_if_out_of_reach() -> Generator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("The database is not available", retry_after=2) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database connection was lost", retry_after=2) from error
        raise


async def reachable(database: Database) -> bool:
    async with database.transaction(Scope()) as session:
        return await session.scalar(text("SELECT true")) is True


async def _refuse_aborted(session: AsyncSession) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a silent rollback: never call that committed."""
    await session.flush()
    raw = await (await session.connection()).get_raw_connection()
    driver = cast("AsyncConnection[Any]", raw.driver_connection)
    if driver.info.transaction_status == TransactionStatus.INERROR:
        raise RuntimeError("a statement failed and its error was swallowed; the transaction is lost")


_SET_SCOPE = text("SELECT set_config('amp.workspace_id', :workspace, true), set_config('amp.tenant_id', :tenant, true)")


async def _enter(session: AsyncSession, scope: Scope) -> None:
    if scope.system:
        await session.execute(text(f"SET LOCAL ROLE {SYSTEM_ROLE}"))
        return
    await session.execute(
        _SET_SCOPE,
        {"workspace": str(scope.workspace_id or ""), "tenant": str(scope.tenant_id or "")},
    )


def open_database(url: str, *, pool_size: int = 10) -> Database:
    """Connect lazily to `postgresql://...`; a pool that stays full for 5 s is an Unavailable, not a queue."""
    engine = _engine(url, APP_ROLE, pool_size)
    system_engine = _engine(url, SYSTEM_ROLE, max(1, pool_size // 2)).execution_options(isolation_level="AUTOCOMMIT")
    return Database(url, engine, system_engine)


def _engine(url: str, role: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_recycle=1800,
        connect_args={"options": f"-c role={role} -c timezone=UTC", "connect_timeout": 5},
    )


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver named, as SQLAlchemy wants it."""
    _, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}"
