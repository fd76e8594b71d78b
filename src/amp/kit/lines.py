"""Connections to PostgreSQL that many read over at the same time.

Over a line, statements go out as they come, each a transaction by itself, and the answers come back in the same order
(libpq's pipeline mode, https://www.postgresql.org/docs/current/libpq-pipeline-mode.html). So a statement costs us a
fraction of what it costs to take a connection, send, wait and give it back, and PostgreSQL does not sleep in between.
The other side: who asks waits for those before. This is for short reads, which can be asked again when a line is lost.
"""

import asyncio
from collections import deque, namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from amp.kit.together import Together

_Shape = tuple[str, tuple[int, ...] | None]
"""A statement, and the types of its values: what is prepared for one does not fit another."""


@dataclass(frozen=True)
class Statement:
    """SQL with `$1`, `$2` and so on for the values of these names."""

    sql: str
    names: tuple[str, ...]


class Lines:
    """Up to `size` lines, opened when they are needed; `connecting` as for `psycopg.connect`."""

    def __init__(self, url: str, size: int, connecting: Mapping[str, Any]) -> None:
        self._url = url
        self._size = size
        self._connecting = connecting
        self._open: list[_Line] = []
        self._another: Together[None, _Line] = Together(self._open_another)

    async def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        """What it gives, as named tuples; asked again when its line is lost. Errors: psycopg.Error."""
        line = await self._least_busy()
        try:
            return await line.rows(statement, values)
        except psycopg.errors.ReadOnlySqlTransaction:
            self.close()  # somewhere else the database may take writes
            raise
        except psycopg.OperationalError:
            if line.is_open:
                raise
            return await (await self._least_busy()).rows(statement, values)

    def close(self) -> None:
        for line in self._open:
            line.lose(psycopg.OperationalError("the line was closed"))

    async def _least_busy(self) -> "_Line":
        self._open = [line for line in self._open if line.is_open]
        line = min(self._open, key=lambda line: line.busy, default=None)
        if line and not (line.busy and len(self._open) < self._size):
            return line
        try:
            return await self._another.ask(None)
        except psycopg.OperationalError:
            if line is None:
                raise
            return line

    async def _open_another(self, asked: Sequence[None]) -> "Sequence[_Line]":
        """One for all who would like one at the moment."""
        line = _Line(await psycopg.AsyncConnection.connect(self._url, autocommit=True, **self._connecting))
        self._open.append(line)
        return [line] * len(asked)


class _Line:
    """One connection. What psycopg would read from it, `_receive` does."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._adapting = Transformer(connection)
        self._prepared: dict[_Shape, bytes] = {}
        self._names = count()
        self._asked: list[_Asked] = []
        """Not sent yet."""
        self._waiting: deque[_Asked] = deque()
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._libpq.nonblocking = 1
        self._libpq.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._receive)
        self.is_open = True

    @property
    def busy(self) -> int:
        """How many wait for an answer."""
        return len(self._asked) + len(self._waiting)

    async def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        result = await self._ask(statement.sql, [values[name] for name in statement.names])
        self._adapting.set_pgresult(result)
        names = tuple([result.fname(column) for column in range(result.nfields)])
        return self._adapting.load_rows(0, result.ntuples, _row_of(names)._make)

    def lose(self, error: psycopg.OperationalError) -> None:
        """Give it up: all who wait get this error."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        for asked in (*self._waiting, *self._asked):
            asked.fail(error)
        self._waiting.clear()
        self._asked.clear()
        self._libpq.finish()

    def _ask(self, sql: str, values: Sequence[Any]) -> "asyncio.Future[PGresult]":
        if not self.is_open:
            raise psycopg.OperationalError("the line was lost")
        dumped = self._adapting.dump_sequence(values, [PyFormat.AUTO] * len(values))
        asked = _Asked((sql, self._adapting.types), dumped, self._adapting.formats, self._loop.create_future())
        if not self._asked:
            self._loop.call_soon(self._send_asked)  # what else is asked in this turn of the loop goes with it
        self._asked.append(asked)
        return asked.answer

    def _send_asked(self) -> None:
        asked, self._asked = self._asked, []
        self._waiting.extend(asked)
        try:
            for one in asked:
                self._libpq.send_query_prepared(self._prepare(one.shape), one.values, one.formats)
                self._libpq.pipeline_sync()
            self._send()
        except psycopg.OperationalError as error:
            self.lose(error)

    def _prepare(self, shape: _Shape) -> bytes:
        """The name under which the statement is prepared, or will be by then."""
        if shape not in self._prepared:
            self._prepared[shape] = b"line_%d" % next(self._names)
            self._libpq.send_prepare(self._prepared[shape], shape[0].encode(), shape[1])
        return self._prepared[shape]

    def _send(self) -> None:
        """What libpq still holds, now or as soon as the socket takes it."""
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._send_later)

    def _send_later(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            self._send()
        except psycopg.OperationalError as error:
            self.lose(error)

    def _receive(self) -> None:
        try:
            self._libpq.consume_input()
            while self._waiting and self._libpq.status == ConnStatus.OK and not self._libpq.is_busy():
                self._take(self._libpq.get_result())
        except psycopg.OperationalError as error:
            self.lose(error)
        else:
            if self._libpq.status == ConnStatus.BAD:
                self.lose(psycopg.OperationalError("the connection was lost"))

    def _take(self, result: PGresult | None) -> None:
        """One of what a statement gives: that it was prepared, its rows or an error, None in between, and an end."""
        if result is None or result.status == ExecStatus.COMMAND_OK:
            return
        asked = self._waiting[0]
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._waiting.popleft().settle()
        elif asked.result is None:
            asked.result = result
            if result.status != ExecStatus.TUPLES_OK:
                self._prepared.pop(asked.shape, None)


@dataclass
class _Asked:
    """Somebody who waits, unless he has stopped."""

    shape: _Shape
    values: Sequence[Buffer | None]
    formats: Sequence[Format] | None
    answer: "asyncio.Future[PGresult]"
    result: PGresult | None = None

    def settle(self) -> None:
        if self.answer.done() or self.result is None:
            return
        if self.result.status == ExecStatus.TUPLES_OK:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(_error(self.result))

    def fail(self, error: psycopg.OperationalError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _error(result: PGresult) -> psycopg.Error:
    error = error_from_result(result)
    if isinstance(error, psycopg.errors.InvalidSqlStatementName):
        return psycopg.OperationalError("whoever was to prepare this statement failed")
    return error


@lru_cache(maxsize=512)
def _row_of(names: tuple[bytes, ...]) -> Any:
    fields = [name.decode() for name in names]
    return namedtuple("Row", fields, rename=True)  # pyright: ignore  (no checker can know them)
