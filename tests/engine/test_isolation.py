"""A workspace cannot see or change another's rows, even when the code forgets every WHERE."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from amp.commands.doctor import UNPROTECTED_TABLES
from amp.kit.database import SYSTEM, Database, Scope
from amp.kit.ids import new_id

pytestmark = pytest.mark.anyio

SYSTEM_TABLES = {
    "alembic_version",
    "clock_anchor",
    "holds",
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
    "sessions",
    "throttles",
    "turns",
    "users",
}
"""They belong to nobody in particular, and only system work may touch them. A new table is in here, or protected."""

VALUES: dict[str, Callable[[], Any]] = {
    "uuid": new_id,
    "character varying": lambda: str(new_id()),
    "text": lambda: str(new_id()),
    "boolean": lambda: False,
    "integer": lambda: 1,
    "smallint": lambda: 1,
    "bigint": lambda: 1,
    "double precision": lambda: 1.0,
    "numeric": lambda: 1,
    "jsonb": lambda: "{}",
    "bytea": lambda: new_id().bytes,
    "timestamp with time zone": lambda: "2026-01-01T00:00:00Z",
    "date": lambda: "2026-01-01",
}
"""Something for each type of column."""


@dataclass(frozen=True)
class Table:
    name: str
    owner: str
    """The column that says whose a row is."""


@dataclass(frozen=True)
class Two:
    """Two workspaces of two tenants, each with one row in every table."""

    mine: Scope
    theirs: Scope
    tables: list[Table]

    def owner_of(self, table: Table, scope: Scope) -> UUID | None:
        of_tenant = table.owner == "tenant_id" or table.name == "tenants"
        return scope.tenant_id if of_tenant else scope.workspace_id


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[Two]:
    async with await psycopg.AsyncConnection.connect(database_url) as owner:
        tables = await tables_of(owner)
        scopes = [Scope(tenant_id=new_id(), workspace_id=new_id()) for _ in range(2)]
        two = Two(*scopes, tables)
        await owner.execute("SET session_replication_role = replica")  # no foreign keys: any row will do
        for table in tables:
            for scope in scopes:
                await insert_row(owner, table, two.owner_of(table, scope))
    yield two
    async with await psycopg.AsyncConnection.connect(database_url) as owner:
        await owner.execute("SET session_replication_role = replica")
        for table in tables:
            for scope in scopes:
                statement = sql.SQL("DELETE FROM {} WHERE {} = %s")
                names = sql.Identifier(table.name), sql.Identifier(table.owner)
                await owner.execute(statement.format(*names), [two.owner_of(table, scope)])


async def test_every_table_is_protected_or_for_system_work_only(database: Database, two: Two) -> None:
    async with database.transaction(SYSTEM) as session:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        existing = set(await session.scalars(text(query)))
        unprotected = (await session.scalars(text(UNPROTECTED_TABLES))).all()
    assert existing == SYSTEM_TABLES | {table.name for table in two.tables}
    assert unprotected == []


async def test_a_workspace_sees_its_own_rows_only(database: Database, two: Two) -> None:
    async with database.transaction(two.mine) as session:
        for table in two.tables:
            owners = (await session.scalars(text(f"SELECT {table.owner} FROM {table.name}"))).all()
            assert owners == [two.owner_of(table, two.mine)], table


SHAPES = (
    "SELECT {owner} AS owner FROM {table}",
    "SELECT {owner} AS owner, count(*) OVER () FROM {table} ORDER BY 1 LIMIT 5",
    "SELECT max({owner}::text)::uuid AS owner FROM {table} HAVING count(*) > 0",
    "WITH known AS MATERIALIZED (SELECT {owner} AS owner FROM {table}) SELECT owner FROM known",
    "SELECT one.{owner} AS owner FROM {table} AS one JOIN {table} AS other USING ({owner})",
    "SELECT (SELECT {owner} FROM {table}) AS owner WHERE EXISTS (SELECT FROM {table})",
)
"""What PostgreSQL plans in different ways."""


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_read_in_one_round_trip_enters_its_scope_before_it_looks(
    database: Database, two: Two, shape: str
) -> None:
    for table in two.tables:
        statement = text(shape.format(owner=table.owner, table=table.name))
        for scope in (two.mine, two.theirs):
            owners = [row.owner for row in await database.read(scope, statement, {})]
            assert owners == [two.owner_of(table, scope)], table
        assert await database.read(Scope(), statement, {}) == [], table


async def test_a_read_cannot_write(database: Database, two: Two) -> None:
    changing = "WITH gone AS (DELETE FROM media RETURNING id) SELECT id FROM gone"
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="top level"):
        await database.read(two.mine, text(changing), {})


async def test_updating_everything_updates_own_rows_only(database: Database, two: Two) -> None:
    async with database.transaction(two.mine) as session:
        for table in two.tables:
            changed = await session.execute(text(f"UPDATE {table.name} SET {table.owner} = {table.owner}"))
            assert changed.rowcount == 1, table


async def test_deleting_everything_leaves_the_others_rows(database: Database, two: Two) -> None:
    async with database.transaction(two.mine) as session:
        for table in two.tables:
            await session.execute(text(f"DELETE FROM {table.name}"))
    async with database.transaction(SYSTEM) as session:
        for table in two.tables:
            count = text(f"SELECT count(*) FROM {table.name} WHERE {table.owner} = :owner")
            for scope, rows in ((two.mine, 0), (two.theirs, 1)):
                assert await session.scalar(count, {"owner": two.owner_of(table, scope)}) == rows, table


async def test_a_row_cannot_be_given_to_another(database: Database, two: Two) -> None:
    for table in two.tables:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await give_away(database, two, table)


async def give_away(database: Database, two: Two, table: Table) -> None:
    async with database.transaction(two.mine) as session:
        values = {"owner": two.owner_of(table, two.theirs)}
        await session.execute(text(f"UPDATE {table.name} SET {table.owner} = :owner"), values)


async def test_without_a_workspace_there_is_nothing_to_see(database: Database, two: Two) -> None:
    async with database.transaction(Scope()) as session:
        for table in two.tables:
            assert await session.scalar(text(f"SELECT count(*) FROM {table.name}")) == 0, table


@pytest.mark.parametrize("table", sorted(SYSTEM_TABLES))
async def test_tables_of_the_system_are_closed_to_workspaces(database: Database, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        await look_into(database, table)


async def look_into(database: Database, table: str) -> None:
    async with database.transaction(Scope(tenant_id=new_id(), workspace_id=new_id())) as session:
        await session.execute(text(f"SELECT 1 FROM {table}"))


async def tables_of(owner: psycopg.AsyncConnection) -> list[Table]:
    """Every table that says whose its rows are, from the catalogue."""
    query = """
        SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
            AND (column_name IN ('workspace_id', 'tenant_id') OR (table_name IN ('tenants', 'workspaces')
                AND column_name = 'id'))
        ORDER BY 1
    """
    rows = await (await owner.execute(query)).fetchall()
    owners = {"workspaces": "id"}
    tables = [Table(name, column) for name, column in rows if owners.get(name, column) == column]
    return [table for table in tables if table.name not in SYSTEM_TABLES]


async def insert_row(owner: psycopg.AsyncConnection, table: Table, owner_id: UUID | None) -> None:
    query = """
        SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s AND (is_nullable = 'NO' OR column_name = %s)
    """
    columns = await (await owner.execute(query, [table.name, table.owner])).fetchall()
    values = {name: VALUES[kind]() for name, kind in columns}
    values[table.owner] = owner_id
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    places = sql.SQL(", ").join(sql.Placeholder() * len(values))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table.name), names, places)
    await owner.execute(statement, list(values.values()))
