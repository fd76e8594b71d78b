"""Bringing a database to the newest shape: roles first, then Alembic, all in one transaction that one
process at a time may hold. Forward only; every step must be safe while older processes run (expand, then
contract)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from amp.kit.database import APP_ROLE, SYSTEM_ROLE, sqlalchemy_url
from amp.kit.errors import Unavailable

_LOCK = 0x414D50
_OLDEST = 150_000


def upgrade(url: str) -> None:
    """Migrate to the newest revision. Errors: Unavailable (no database, or one older than PostgreSQL 15)."""
    config = _config()
    with _connect(url) as connection, connection.begin():
        version = _checked_version(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _make_roles(connection, version)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _connect(url: str) -> Connection:
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        return engine.connect()
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}", retry_after=5) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def _checked_version(connection: Connection) -> int:
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    if version < _OLDEST:
        raise Unavailable("AMP needs PostgreSQL 15 or newer", retry_after=3600)
    return version


def _make_roles(connection: Connection, version: int) -> None:
    """The roles that connections become. Neither can log in, own or bypass; see `kit/database.py`."""
    for role in (APP_ROLE, SYSTEM_ROLE):
        known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
        if connection.execute(known, {"role": role}).scalar() is None:
            connection.execute(text(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB"))
        # From version 16 on, who makes a role is its member, but may become it only by an explicit grant.
        allowed = text(f"SELECT pg_has_role(session_user, :role, '{'SET' if version >= 160_000 else 'MEMBER'}')")
        if not connection.execute(allowed, {"role": role}).scalar():
            connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
