"""Every error AMP raises on purpose, sorted by what the caller can do about it.

    AmpError
    ├── Invalid           change the request
    ├── Unauthenticated   say who you are
    ├── Forbidden         ask somebody who may
    ├── NotFound          look elsewhere (also for what belongs to others)
    ├── Conflict          the thing is in another state; look, then decide
    ├── OverLimit         wait `retry_after` seconds
    ├── OverBudget        raise the budget
    ├── TooLarge          send less
    ├── ProviderFailed    a vendor said no or nothing; `remedy` says what to do
    └── Unavailable       we are down; try again in `retry_after` seconds

No HTTP here: each surface owns one table from these classes to its statuses and codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal


class AmpError(Exception):
    """Root of all expected errors. `code` is stable, `message` is for people, `param` names the field."""

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param
        self.details = details


class Invalid(AmpError):
    code = "invalid_request"


class Unauthenticated(AmpError):
    code = "unauthorized"


class Forbidden(AmpError):
    code = "forbidden"


class NotFound(AmpError):
    code = "not_found"


class Conflict(AmpError):
    code = "conflict"


class OverBudget(AmpError):
    code = "budget_exhausted"


class TooLarge(AmpError):
    code = "payload_too_large"


class _Wait(AmpError):
    def __init__(self, message: str, *, retry_after: float, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class OverLimit(_Wait):
    code = "rate_limited"


class Unavailable(_Wait):
    code = "unavailable"


@dataclass(frozen=True)
class Retry:
    """Nothing happened at the vendor; try again, after `after` if it said so. `code` is what it fails with in the
    end."""

    after: timedelta | None = None
    code: str = "PLATFORM_ERROR"


@dataclass(frozen=True)
class RateLimited:
    """Wait until `until` (the vendor's reset; None: back off); only `scope` is held back."""

    until: datetime | None
    scope: Literal["connection", "app", "vendor"] = "connection"


@dataclass(frozen=True)
class RefreshToken:
    """The access token is refused; refresh it once, then try again."""


@dataclass(frozen=True)
class Reconnect:
    """The owner has to connect the account again. `code` is what a delivery fails with."""

    code: str = "AUTH_EXPIRED"


@dataclass(frozen=True)
class Rejected:
    """Permanent: this content, medium or configuration will never be accepted. `code` is our own,
    upper case (`DUPLICATE`, `CONTENT_TOO_LONG`, ...); `adopted` names an earlier identical post."""

    code: str
    field: str | None = None
    adopted: str | None = None


@dataclass(frozen=True)
class Unknown:
    """The request may have taken effect. Look before doing anything again."""


Remedy = Retry | RateLimited | RefreshToken | Reconnect | Rejected | Unknown


class ProviderFailed(AmpError):
    """A call to the outside world failed. `remedy` is all that the callers act on; `message` and
    `status` (the vendor's HTTP status, if there was one) are for the timeline."""

    code = "provider_failed"

    def __init__(self, message: str, *, remedy: Remedy, status: int | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.status = status
