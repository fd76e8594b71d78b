"""Which revision a database has and which one this code wants, told without loading Alembic."""

from pathlib import Path

import psycopg
from sqlalchemy import text

from amp.kit.database import SYSTEM, Database
from amp.kit.errors import Unavailable


def newest() -> str:
    """The last of the numbered files."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return max(file.stem.partition("_")[0] for file in files)


async def is_current(database: Database) -> bool:
    """Whether the database has this revision or a later one: while a newer release takes over, older processes
    stay ready."""
    async with database.transaction(SYSTEM) as session:
        found = await session.scalar(text("SELECT to_regclass('alembic_version')"))
        return bool(found) and await session.scalar(text("SELECT max(version_num) FROM alembic_version")) >= newest()


def is_outdated(url: str) -> bool:
    """Whether a database needs migrating, asked as its login role: on a fresh one there are no others yet.

    Errors: Unavailable.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
            if row is None or row[0] is None:
                return True
            row = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {error}", retry_after=5) from error
    return row is None or row[0] is None or row[0] < newest()
