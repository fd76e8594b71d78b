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
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import psycopg
import psycopg_pool
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_loads
from pydantic_core import from_json
from sqlalchemy import ClauseElement, DateTime, MetaData, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler

from amp.kit.errors import Unavailable
from amp.kit.lines import Lines, Statement

APP_ROLE = "amp_app"
SYSTEM_ROLE = "amp_system"

_LINES = 3
"""For each role: enough to keep PostgreSQL busy, and one slow statement from holding up all others."""
_READ_ONLY = psycopg.errors.ReadOnlySqlTransaction.sqlstate
_IS_WRITABLE = text("SELECT current_setting('transaction_read_only') = 'off' AS is_writable")

Pool = psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection[Any]]

set_json_loads(from_json)  # the standard library's takes half of the time that reading a page of a list takes


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
    """Its connections leave BEGIN and COMMIT to us."""
    system_pool: Pool
    """Its connections take every statement for a transaction by itself."""
    system_lines: Lines
    lines: Lines

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncGenerator[AsyncSession]:
        """As `begin`, for who needs the session only."""
        async with self.begin(scope) as transaction:
            yield transaction.session

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[AsyncConnection]:
        """As `begin` in no scope, for tables of which the rows belong to no tenant."""
        async with self.begin(Scope()) as transaction:
            yield transaction.connection

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncGenerator["Transaction"]:
        """One transaction in one scope: committed when the block ends well, else rolled back.

        Errors: Unavailable when the database cannot be reached, takes no writes, or its pool stays exhausted.
        """
        with _unavailable_if_out_of_reach():
            async with self.engine.connect() as connection:
                transaction = Transaction(connection)
                try:
                    await transaction.enter(scope)
                    yield transaction
                    await transaction.commit()
                except psycopg.errors.ReadOnlySqlTransaction:
                    await connection.invalidate()
                    raise
                finally:
                    await transaction.close()

    async def system_statement(self, statement: ClauseElement, values: Mapping[str, Any]) -> Any | None:
        """Run a constant statement in system scope, a transaction by itself, in one round trip; its first row.

        Errors: Unavailable.
        """
        rows = await self.system_rows(statement, values)
        return rows[0] if rows else None

    async def system_rows(self, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        """As `system_statement`, all its rows."""
        return await _at_once(self.system_pool, _driver_text(statement), values)

    async def system_briefly(self, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        """As `system_rows`, for what every request does: short, never waiting for a lock that a transaction of ours may
        hold, and no harm when it is done twice. It shares its connection with others."""
        with _unavailable_if_out_of_reach():
            return await self.system_lines.rows(_numbered(statement), values)

    async def read(self, scope: Scope, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        """What a constant SELECT gives in a workspace's scope, as named tuples, in one round trip: the statement
        enters the scope before it looks. For what is read often. Errors: Unavailable."""
        entered = {"scope_workspace": str(scope.workspace_id or ""), "scope_tenant": str(scope.tenant_id or "")}
        with _unavailable_if_out_of_reach():
            return await self.lines.rows(_entering(statement), {**values, **entered})

    async def close(self) -> None:
        await self.system_pool.close()
        self.system_lines.close()
        self.lines.close()
        await self.engine.dispose()


async def _at_once(pool: Pool, statement: bytes, values: Mapping[str, Any]) -> list[Any]:
    with _unavailable_if_out_of_reach():
        if pool.closed:
            await pool.open()
        async with pool.connection() as connection:
            try:
                return await (await connection.execute(statement, values)).fetchall()
            except psycopg.Error as error:
                if connection.broken or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    await pool.drain()  # the others will not do, either
                raise


class Transaction:
    """Begun, scoped and committed by the driver: SQLAlchemy would take three times as long for that. A session joins
    it when somebody wants one, on a connection that SQLAlchemy takes to commit every statement by itself."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        pooled = cast("Any", connection.sync_connection).connection
        self._driver = cast("psycopg.AsyncConnection[Any]", pooled.driver_connection)
        self._session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        if self._session is None:
            self._session = AsyncSession(self.connection, expire_on_commit=False)
        return self._session

    async def rows(self, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        """What a constant statement gives, as named tuples, straight from the driver: for what is read often."""
        cursor = self._driver.cursor(row_factory=namedtuple_row)
        return await (await cursor.execute(_driver_text(statement), values)).fetchall()

    async def enter(self, scope: Scope) -> None:
        try:
            await self._driver.execute(_entrance(scope), prepare=False)
        except psycopg.OperationalError:
            await self.connection.execute(text("SELECT 1"))  # now the pool knows that its connections are lost, too
            raise

    async def commit(self) -> None:
        """PostgreSQL answers COMMIT of a failed transaction with a silent rollback: never call that committed."""
        if self._session and (self._session.new or self._session.dirty or self._session.deleted):
            await self._session.flush()
        if self._driver.pgconn.transaction_status == TransactionStatus.INERROR:
            raise RuntimeError("a statement failed and its error was swallowed; the transaction is lost")
        await self._driver.commit()

    async def close(self) -> None:
        """Roll back what is not committed."""
        if self._session:
            await self._session.close()


def _entrance(scope: Scope) -> bytes:
    if scope.system:
        return f"BEGIN; SET LOCAL ROLE {SYSTEM_ROLE}".encode()
    seen = {"workspace_id": scope.workspace_id, "tenant_id": scope.tenant_id}
    return "; ".join(["BEGIN", *(f"SET LOCAL amp.{name} = '{value or ''}'" for name, value in seen.items())]).encode()


@lru_cache(maxsize=512)
def _driver_text(statement: ClauseElement) -> bytes:
    return str(statement.compile(dialect=PGDialectAsync_psycopg())).encode()


@lru_cache(maxsize=512)
def _numbered(statement: ClauseElement) -> Statement:
    compiled = cast("SQLCompiler", statement.compile(dialect=PGDialectAsync_psycopg(paramstyle="numeric_dollar")))
    return Statement(str(compiled), tuple(compiled.positiontup or ()))


@lru_cache(maxsize=512)
def _entering(statement: ClauseElement) -> Statement:
    """The statement, made to depend on a first part that sets the scope: PostgreSQL must run that one before. OFFSET
    keeps it from pulling the parts together."""
    wanted = _numbered(statement)
    count = len(wanted.names)
    sql = f"""
        SELECT found.*
        FROM (SELECT set_config('amp.workspace_id', ${count + 1}, true) AS workspace,
                set_config('amp.tenant_id', ${count + 2}, true) AS tenant) AS scope
        CROSS JOIN LATERAL (
            SELECT wanted.* FROM ({wanted.sql}) AS wanted WHERE scope.workspace IS NOT NULL OFFSET 0
        ) AS found
        """  # noqa: S608 (a constant statement)
    return Statement(sql, (*wanted.names, "scope_workspace", "scope_tenant"))


@contextmanager
def _unavailable_if_out_of_reach() -> Generator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, psycopg.Error) as error:
        passing = out_of_reach(error)
        if passing is None:
            raise
        raise passing from error


def out_of_reach(error: Exception) -> Unavailable | None:
    """What an error of the database or its driver means, if it will pass by itself: lost connections (SQLSTATE 08),
    full disks and memory (53), a server that stops or starts (57P0x), its own files (58), no writes (25006)."""
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    if state == _READ_ONLY:
        return Unavailable("The database takes no writes", retry_after=2)
    if isinstance(error, OperationalError | PoolTimeout | psycopg.OperationalError):  # the driver's word for all others
        return Unavailable("The database is not available", retry_after=2)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Unavailable("The database connection was lost", retry_after=2)
    return None


def _lose_what_is_read_only(context: ExceptionContext) -> None:
    """Who takes over a failed server's work is asked for by connecting anew; and what a session found when it began,
    that writes are off by default, holds for it until it ends."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


async def reachable(database: Database) -> bool:
    """Is it there, and does it take writes? Errors: Unavailable."""
    async with database.begin(Scope()) as transaction:
        (found,) = await transaction.rows(_IS_WRITABLE, {})
        if not found.is_writable:
            raise psycopg.errors.ReadOnlySqlTransaction
        return True


def open_database(url: str, *, pool_size: int = 16) -> Database:
    """Connect lazily to `postgresql://...`; a pool that stays full for 5 s is an Unavailable, not a queue."""
    engine = create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,  # what overflows is closed after use, and connecting is dear: rather wait a moment
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,  # errors end in the log, and parameters may be secrets
        connect_args=_connecting(APP_ROLE) | {"autocommit": True},
    )
    event.listen(engine.sync_engine, "handle_error", _lose_what_is_read_only)
    system = _pool(url, SYSTEM_ROLE, max(1, pool_size // 3))
    brief = "-c statement_timeout=10s"  # who waits behind a statement shall not wait for ever
    system_lines, lines = (Lines(url, _LINES, _connecting(role, brief)) for role in (SYSTEM_ROLE, APP_ROLE))
    return Database(url, engine, system, system_lines, lines)


def _pool(url: str, role: str, size: int) -> Pool:
    each = _connecting(role) | {"autocommit": True, "row_factory": namedtuple_row}
    return psycopg_pool.AsyncConnectionPool(url, kwargs=each, min_size=0, max_size=size, timeout=5, open=False)


def _connecting(role: str, more: str = "") -> dict[str, Any]:
    """A server that is gone without a word is noticed within a minute."""
    options = {"options": f"-c role={role} -c timezone=UTC {more}", "connect_timeout": 5}
    return options | {
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 5,
        "tcp_user_timeout": 55_000,
    }


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver named, as SQLAlchemy wants it."""
    _, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}"
