"""Messages, who handles them, and what happens when handling fails.

A message is a row of the queue, written in the same transaction as the rows that caused it. Every handler of
a message gets a job of its own. A job is short and may run twice: the domain rows are the checkpoint.

A failed job is tried again as the error's remedy says; when that is over, the handler's `gave_up` writes into
the domain rows why it stopped.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter

from amp.kit.clock import Clock, real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import (
    AmpError,
    OverLimit,
    ProviderFailed,
    RateLimited,
    Reconnect,
    RefreshToken,
    Rejected,
    Retry,
    Unavailable,
)

if TYPE_CHECKING:
    from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork

M = TypeVar("M", bound="Message")
P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Message:
    """What somebody asks for or announces. `workspace_id` is the scope its handlers work in; None: system."""

    workspace_id: UUID | None = None


class Ports:
    """The implementations of the domain's ports, by port."""

    def __init__(self, implementations: Mapping[type[Any], object]) -> None:
        self._implementations = implementations

    def get(self, port: type[P]) -> P:
        return cast("P", self._implementations[port])


@dataclass(frozen=True)
class Job:
    """What a handler works with."""

    units: "UnitsOfWork"
    ports: Ports
    scope: Scope
    attempt: int
    """0 at the first run."""

    @property
    def clock(self) -> Clock:
        return self.units.clock

    def unit(self) -> AbstractAsyncContextManager["UnitOfWork"]:
        """One transaction in the job's workspace. Never hold one across a call to the outside."""
        return self.units.begin(self.scope)

    def system_unit(self) -> AbstractAsyncContextManager["UnitOfWork"]:
        return self.units.begin(SYSTEM)


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential from `first` to `longest` (real time), at most `attempts` runs in all."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=5)

    def wait(self, error: BaseException, attempt: int, clock: Clock) -> datetime | None:
        """The real moment of the next run after run number `attempt` (from 0); None: give up."""
        backoff = min(self.first * 2 ** min(attempt, 16), self.longest)
        if isinstance(error, Unavailable):
            return real_now() + min(backoff, timedelta(seconds=15))
        if attempt + 1 >= self.attempts:
            return None
        if isinstance(error, OverLimit):
            return real_now() + timedelta(seconds=error.retry_after)
        if isinstance(error, ProviderFailed):
            return _by_remedy(error, backoff, clock)
        return None if isinstance(error, AmpError) else real_now() + backoff


def _by_remedy(error: ProviderFailed, backoff: timedelta, clock: Clock) -> datetime | None:
    match error.remedy:
        case Rejected() | Reconnect():
            return None
        case RateLimited(until) if until:
            return max(clock.real_moment(until), real_now())
        case Retry(after) if after:
            return real_now() + after
        case Retry() | RateLimited() | RefreshToken():
            return real_now() + backoff
        case _:
            return None


Handle = Callable[[M, Job], Awaitable[None]]
GaveUp = Callable[[M, Job, Exception], Awaitable[None]]


@dataclass(frozen=True)
class Handler:
    name: str
    message: type[Message]
    handle: Handle[Any]
    gave_up: GaveUp[Any] | None
    retry: RetryPolicy


@dataclass
class Registry:
    """All handlers, filled when the composition root imports the modules that hold them."""

    by_message: dict[type[Message], list[Handler]] = field(default_factory=dict[type[Message], list[Handler]])

    def add(self, handler: Handler) -> None:
        handlers = self.by_message.setdefault(handler.message, [])
        if all(known.name != handler.name for known in handlers):
            handlers.append(handler)

    def of(self, message: type[Message]) -> list[Handler]:
        return self.by_message.get(message, [])

    def all(self) -> list[Handler]:
        return [handler for handlers in self.by_message.values() for handler in handlers]


REGISTRY = Registry()


def handles(
    message: type[M], *, gave_up: GaveUp[M] | None = None, retry: RetryPolicy | None = None
) -> Callable[[Handle[M]], Handle[M]]:
    """Register an async function `(message, job)` as a handler of `message`.

    `gave_up(message, job, error)` runs when no retry is left, before the job ends as failed.
    """

    def register(handle: Handle[M]) -> Handle[M]:
        name = f"{handle.__module__.removeprefix('amp.')}.{getattr(handle, '__name__', 'handle')}"
        REGISTRY.add(Handler(name, message, handle, gave_up, retry or RetryPolicy()))
        return handle

    return register


@cache
def _adapter(message: type[Message]) -> TypeAdapter[Any]:
    return TypeAdapter(message)


def to_wire(message: Message) -> dict[str, Any]:
    return _adapter(type(message)).dump_python(message, mode="json")


def from_wire(message: type[M], payload: Mapping[str, Any]) -> M:
    return _adapter(message).validate_python(dict(payload))
