"""A database that takes no writes for a while, as after a failover: the old sessions are ended, and the new
ones find that they may only read."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

_NAME = "switched"
_END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"


def own(database_url: str) -> str:
    """The same database for sessions that `read_only` may end. Others' sessions, such as a server's, go on."""
    return f"{database_url}{'&' if '?' in database_url else '?'}application_name={_NAME}"


@contextmanager
def read_only(database_url: str) -> Generator[None]:
    """Sessions that began meanwhile can only read for as long as they last, as PostgreSQL has it."""
    _switch(database_url, "ALTER DATABASE {} SET default_transaction_read_only = on", end_sessions=True)
    try:
        yield
    finally:
        _switch(database_url, "ALTER DATABASE {} RESET default_transaction_read_only", end_sessions=False)


def _switch(database_url: str, statement: LiteralString, *, end_sessions: bool) -> None:
    name = urlsplit(database_url).path.lstrip("/")
    with psycopg.connect(database_url, autocommit=True, application_name="switching") as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
        if end_sessions:
            connection.execute(_END_OURS, [name, _NAME])
