"""A vendor as the sandbox sees it: its operations as data, and how it says no.

A new vendor is one file in `social/` with a `VENDOR`: its operations run only for a caller whose token counts,
whose scopes suffice and whose rate window is open; `serving` sees to that and to the ordered faults.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from amp.kit.clock import Clock
from amp.kit.database import Database
from amp.kit.fetching import Fetcher
from amp.sandbox.accounts import Account
from amp.sandbox.faults import Misfortune, Step
from amp.sandbox.skimming import Skim
from amp.sandbox.tokens import Bearer
from amp.sandbox.wire import MEGABYTE


@dataclass(frozen=True)
class Sandbox:
    """What every part of the sandbox needs from outside."""

    database: Database
    clock: Clock
    signing_key: bytes
    authorize: Callable[[Request], Awaitable[str]]
    """The owner for whom this request's key may speak. Errors: AmpError."""

    fetcher: Fetcher
    """For vendors that fetch media from their addresses."""


class Refusal(StrEnum):
    """The general reasons for a no; each vendor has its own words for them."""

    NO_TOKEN = auto()
    UNKNOWN_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    REVOKED_TOKEN = auto()
    APP_TOKEN = auto()  # a token that speaks for an app, where a member is needed
    MISSING_SCOPE = auto()
    RATE_LIMITED = auto()
    RATE_LIMITED_BARE = auto()  # without the headers that say until when
    OVER_QUOTA = auto()  # the app has used up what all its accounts share
    TOO_LARGE = auto()
    NO_SUCH_PATH = auto()
    BROKEN = auto()


@dataclass(frozen=True)
class Limit:
    """So many calls of one account in a window of virtual time."""

    calls: int
    window: timedelta


@dataclass(frozen=True)
class Quota:
    """What all accounts of one app may use together in a window of virtual time. Operations that name the same
    `bucket` share it; `zone` is where midnight opens a day."""

    bucket: str
    units: int
    window: timedelta
    cost: int = 1
    zone: str = "UTC"


@dataclass(frozen=True)
class Window:
    limit: int
    used: int
    resets_at: datetime
    lasts: timedelta = timedelta()

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class Call:
    """One request by an account in good standing, inside one transaction."""

    sandbox: Sandbox
    request: Request
    body: bytes
    connection: AsyncConnection
    account: Account
    scopes: frozenset[str]
    now: datetime
    misfortune: Misfortune | None = None
    brought: Any = None
    """What the operation's `bring` came back with."""
    skim: Skim | None = None
    """What is known of a body that was only skimmed."""

    @property
    def request_id(self) -> str | None:
        return self.request.headers.get("x-request-id")

    @property
    def own_url(self) -> str:
        """The address of this vendor's root, as the caller reached it."""
        url = self.request.url
        return f"{url.scheme}://{url.netloc}{self.request.scope['root_path']}"


class Refused(Exception):
    """Ends a call early with the vendor's answer. What was written before it stays written."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def never(request: Request) -> bool:
    return False


@dataclass(frozen=True)
class Operation:
    """One method on one path, for authenticated callers."""

    method: str
    path: str
    perform: Callable[[Call], Awaitable[Response]]
    scopes: frozenset[str] = frozenset()
    step: Step | Callable[[Request], Step] = Step.PLAIN
    """What the request does; where that is said by its body, that is at `request.state.body`."""

    limit: Limit | None = None
    max_body: int = MEGABYTE
    quota: Quota | None = None
    skims: Callable[[Request], bool] = never
    """Whether a body is too large to be held: it is read in passing, and `Call.skim` says what it was."""

    identify: Callable[[Sandbox, Request, AsyncConnection], Awaitable[Bearer | None]] | None = None
    """Who calls, where that is not said by a bearer token: by an opaque upload address, say."""

    bring: Callable[[Sandbox, Request, bytes], Awaitable[object]] | None = None
    """What the operation needs from elsewhere (media at an address, say): got for known callers only, before and
    outside the request's transaction, and handed over as `Call.brought`."""

    def step_of(self, request: Request) -> Step:
        return self.step(request) if callable(self.step) else self.step


@dataclass(frozen=True)
class Page:
    """One method on one path that answers without a bearer token: consent pages and token endpoints."""

    method: str
    path: str
    answer: Callable[[Sandbox, Request], Awaitable[Response]]


def undressed(response: Response, window: Window | None) -> Response:
    return response


async def bearer_token(request: Request, _body: bytes) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def nineteen_digits(digest: bytes) -> str:
    return str(10**18 + int.from_bytes(digest[:8]) % (8 * 10**17))


@dataclass(frozen=True)
class SocialVendor:
    name: str
    """The platform's name everywhere in the product, and the folder of its paths."""

    title: str
    routes: Sequence[Operation | Page]
    refuse: Callable[[Refusal], Response]
    scopes: frozenset[str]
    """What an account made by hand is given when nothing else is asked for."""

    access_lifetime: timedelta
    """Of access tokens, in real time."""

    gives_refresh_tokens: bool = False

    account_id: Callable[[bytes], str] = nineteen_digits
    """An account's id as this vendor spells it, from a hash."""

    token_of: Callable[[Request, bytes], Awaitable[str | None]] = bearer_token
    """The access token that a request carries."""

    dress: Callable[[Response, Window | None], Response] = undressed
    """Adds the headers this vendor puts on every answer; `window` is the caller's rate window, if known."""

    dress_quota: Callable[[Response, Window | None], Response] = undressed
    """Adds what this vendor says of the app's quota, if the operation has one."""

    @property
    def publishes(self) -> bool:
        """Whether anything becomes public here."""
        return any(isinstance(entry, Operation) and entry.step is not Step.PLAIN for entry in self.routes)
