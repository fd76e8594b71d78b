"""One transaction that holds rows and the jobs they cause: both are committed, or neither is.

Nobody else commits. Acknowledged means committed: what is sent after a unit of work ended well is true.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import structlog
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncSession

from amp.engine.jobs import REGISTRY, Handler, Message, to_wire
from amp.kit.clock import Clock
from amp.kit.database import Database, Scope, Transaction


@dataclass(frozen=True)
class UnitOfWork:
    transaction: Transaction
    scope: Scope
    clock: Clock
    queue: App

    @property
    def session(self) -> AsyncSession:
        return self.transaction.session

    @property
    def workspace_id(self) -> UUID:
        """The workspace of this unit. System work has none, and must not write rows that need one."""
        if self.scope.workspace_id is None:
            raise LookupError("this unit of work has no workspace")
        return self.scope.workspace_id

    async def change(self, statement: Executable) -> int:
        """Run an UPDATE or DELETE; the number of rows it changed."""
        return cast("CursorResult[Any]", await self.session.execute(statement)).rowcount

    async def defer(
        self,
        message: Message,
        *,
        at: datetime | None = None,
        lock: str | None = None,
        once: str | None = None,
    ) -> None:
        """Ask for work: a job for each handler of `message`, when this unit commits.

        `at`: not before this (virtual) moment. `lock`: jobs of one lock run one after another. `once`: not
        at all if a job under this name is waiting already.
        """
        handlers = REGISTRY.of(type(message))
        if not handlers:
            raise LookupError(f"nobody handles {type(message).__name__}")
        for handler in handlers:
            await self._enqueue(handler, message, at, lock, once)

    async def announce(self, event: Message) -> None:
        """Say what happened, to whoever wants to know."""
        for handler in REGISTRY.of(type(event)):
            await self._enqueue(handler, event, None, None, None)

    async def _enqueue(
        self, handler: Handler, message: Message, at: datetime | None, lock: str | None, once: str | None
    ) -> None:
        if not once:
            await self._insert(handler, message, at, lock, None)
            return
        savepoint = await self.session.begin_nested()
        try:
            await self._insert(handler, message, at, lock, once)
        except AlreadyEnqueued:
            await savepoint.rollback()
        else:
            await savepoint.commit()

    async def _insert(
        self, handler: Handler, message: Message, at: datetime | None, lock: str | None, once: str | None
    ) -> None:
        # Asked for inside the savepoint: the session begins it on a connection only when that is used.
        raw = await (await self.session.connection()).get_raw_connection()
        job = self.queue.configure_task(
            handler.name,
            schedule_at=self.clock.real_moment(at) if at else None,
            lock=lock,
            queueing_lock=once,
            connection=raw.driver_connection,
        )
        try:
            await job.defer_async(message=to_wire(message), request_id=_request_id())
        except ConnectorException as error:
            raise (error.__cause__ or error) from None  # what the driver said is sorted where the transaction began


@dataclass(frozen=True)
class UnitsOfWork:
    """Begins units of work. One for each process."""

    database: Database
    clock: Clock
    queue: App

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncGenerator[UnitOfWork]:
        async with self.database.begin(scope) as transaction:
            yield UnitOfWork(transaction, scope, self.clock, self.queue)


def _request_id() -> str | None:
    return structlog.contextvars.get_contextvars().get("request_id")
