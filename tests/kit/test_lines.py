"""What goes over connections that many use at the same time: everybody gets his own answer, or his own error."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from sqlalchemy import text

from amp.kit.database import Database, Scope, open_database
from amp.kit.errors import Unavailable
from amp.kit.lines import Lines, Statement

pytestmark = pytest.mark.anyio

_ECHO = text("SELECT CAST(:word AS text) AS word, pg_backend_pid() AS line")
_SLOWLY = Statement("SELECT $1::text AS word, pg_sleep($2)", ("word", "seconds"))
_DIVIDED = Statement("SELECT 12 / $1::int AS part", ("by",))


@pytest.fixture
async def one_line(database_url: str) -> AsyncIterator[Lines]:
    lines = Lines(database_url, 1, {"options": "-c statement_timeout=300ms"})
    await lines.rows(_DIVIDED, {"by": 1})
    yield lines
    lines.close()


async def echo(database: Database, word: str) -> Any:
    (row,) = await database.read(Scope(), _ECHO, {"word": word})
    return row


def end(database_url: str, pid: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def test_of_many_who_ask_at_once_each_gets_his_own_answer_over_few_lines(database: Database) -> None:
    words = [f"word {number}" for number in range(40)]
    lines: set[int] = set()
    for _ in range(5):
        rows = await asyncio.gather(*(echo(database, word) for word in words))
        assert [row.word for row in rows] == words
        lines |= {row.line for row in rows}
    assert len(lines) == 3


async def test_an_error_is_his_who_asked(one_line: Lines) -> None:
    divisors = [3, 0, 4, 0, 6]
    answers = await asyncio.gather(
        *(one_line.rows(_DIVIDED, {"by": divisor}) for divisor in divisors), return_exceptions=True
    )
    parts = [answer if isinstance(answer, BaseException) else answer[0].part for answer in answers]
    assert [type(part) for part in parts] == [int, psycopg.errors.DivisionByZero] * 2 + [int]
    assert parts[0::2] == [4, 3, 2]


async def test_a_statement_that_cannot_be_prepared_hinders_no_other(one_line: Lines) -> None:
    wrong = Statement("SELECT nonsense", ())
    for _ in range(2):
        answers = await asyncio.gather(*(one_line.rows(wrong, {}) for _ in range(2)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [psycopg.errors.UndefinedColumn, psycopg.OperationalError]
    assert (await one_line.rows(_DIVIDED, {"by": 2}))[0].part == 6


async def test_who_stops_waiting_takes_nothing_from_the_others(one_line: Lines) -> None:
    hasty, patient = (asyncio.create_task(one_line.rows(_SLOWLY, {"word": w, "seconds": 0.01})) for w in "ab")
    for _ in range(3):
        await asyncio.sleep(0)  # now both are sent
    hasty.cancel()
    assert [row.word for row in await patient] == ["b"]
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_one_that_takes_too_long_is_given_up_and_those_behind_are_answered(one_line: Lines) -> None:
    slow, quick = await asyncio.gather(
        one_line.rows(_SLOWLY, {"word": "slow", "seconds": 60}),
        one_line.rows(_DIVIDED, {"by": 3}),
        return_exceptions=True,
    )
    assert isinstance(slow, psycopg.errors.QueryCanceled)
    assert not isinstance(quick, BaseException)
    assert quick[0].part == 4


async def test_values_of_one_name_may_be_of_several_types(database: Database) -> None:
    statement = text("SELECT CAST(:number AS numeric) AS number")
    for number in (1, 70_000, 2**40, None, 1.5, 2):
        (row,) = await database.read(Scope(), statement, {"number": number})
        assert row.number == number


async def test_a_column_without_a_name_has_none_and_no_row_is_none(database: Database) -> None:
    assert [tuple(row) for row in await database.read(Scope(), text("SELECT 1, 2"), {})] == [(1, 2)]
    assert await database.read(Scope(), text("SELECT 1 WHERE false"), {}) == []


async def test_what_is_larger_than_any_buffer_comes_through(database: Database) -> None:
    words = ["x" * 8_000_000, "short", "y" * 8_000_000]
    rows = await asyncio.gather(*(echo(database, word) for word in words))
    assert [row.word for row in rows] == words


async def test_a_line_that_is_lost_while_nobody_asks_is_replaced_unnoticed(
    database: Database, database_url: str
) -> None:
    before = await echo(database, "before")
    end(database_url, before.line)
    after = await echo(database, "after")
    assert after.word == "after"
    assert after.line != before.line


async def test_what_was_under_way_on_a_lost_line_is_asked_again(database: Database, database_url: str) -> None:
    before = await echo(database, "before")
    slow = text("SELECT CAST(:word AS text) AS word, pg_sleep(CASE pg_backend_pid() WHEN :line THEN 9 ELSE 0 END)")
    asked = asyncio.create_task(database.read(Scope(), slow, {"word": "slow", "line": before.line}))
    for _ in range(3):
        await asyncio.sleep(0)  # now it is sent
    end(database_url, before.line)
    assert [row.word for row in await asked] == ["slow"]


async def test_a_database_that_is_away_is_unavailable_for_all_who_ask(database_url: str) -> None:
    away = open_database(urlunsplit(urlsplit(database_url)._replace(path="/no_such_database")))
    answers = await asyncio.gather(
        away.read(Scope(), _ECHO, {"word": "a"}), away.system_briefly(_ECHO, {"word": "b"}), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    await away.close()
