"""Meta's Graph API as Instagram, Facebook and Threads all speak it: one call in an account's name, errors by their
codes, and the headers that say how long to wait.

Source: developers.facebook.com, Graph API v26.0, "Handle errors" and "Rate limits".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from amp.domain.publishing.port import Account, Tokens
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, RefreshToken, Rejected, Remedy, Retry, Unknown
from amp.providers.social._calling import Answer, Refusal, Row, failed, read, remedy_of, send
from amp.providers.social._signing_in import Grant

GRAPH_VERSION = "v26.0"
GRAPH_SUNSET = date(2028, 7, 29)
"""Introduced on 29 July 2026; Meta keeps a version for two years at least and has not named the day."""
TRANSIENT = Retry()
"""Meta failed. Harmless in a read or a preparation; after the request that publishes, it may have been published."""
NOT_READY = Retry(after=timedelta(seconds=30))
"""Definitely not done, because something is still being prepared."""
TAKEN_DOWN = Rejected("ACCOUNT_ACTION_REQUIRED")
"""The owner has to do something in the vendor's own app: a checkpoint, a restriction, a block."""
MEDIA_REFUSED = Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media")
MEDIA_FAILED = Rejected("MEDIA_UPLOAD_FAILED", field="media")
"""Meta could not work on a file, and does not say what is wrong with it."""
NOT_FETCHED = Rejected("MEDIA_UPLOAD_FAILED", field="media.url")
"""Meta did not get a file from its address. It may be a passing trouble of ours: `_containers.py` asks once more."""

ERRORS = (
    Row(Reconnect("AUTH_REVOKED"), code="190/458"),  # the person removed the app
    Row(Reconnect("AUTH_REVOKED"), code="190/460"),  # the password changed
    Row(Reconnect("AUTH_REVOKED"), code="190/492"),  # the person lost the role on the Page
    Row(TAKEN_DOWN, code="190/459"),
    Row(TAKEN_DOWN, code="190/464"),
    Row(RefreshToken(), code="190"),
    Row(RefreshToken(), code="102"),
    Row(Rejected("PAGE_IDENTITY_CONFIRMATION_REQUIRED"), code="/4854002"),
    Row(Rejected("PAGE_IDENTITY_CONFIRMATION_REQUIRED"), code="/1404078"),
    Row(Rejected("DUPLICATE", field="text"), code="/1404082"),
    Row(TAKEN_DOWN, code="368"),
    Row(Rejected("DUPLICATE", field="text"), code="506"),
    Row(RateLimited(None, scope="app"), code="4"),
    Row(RateLimited(None, scope="app"), code="341"),
    *(Row(RateLimited(None), code=code) for code in ("17", "32", "613", "80001", "80002")),
    *(Row(Rejected("PERMISSION_DENIED"), code=code) for code in ("3", "10", "200-299")),
    Row(Rejected("VALIDATION_FAILED", field="linkUrl"), code="/1609005"),
    Row(Rejected("POST_NOT_FOUND"), code="100/33"),
    Row(Rejected("POST_NOT_FOUND"), code="803"),
    Row(Rejected("VALIDATION_FAILED"), code="100"),
    Row(TRANSIENT, code="1"),
    Row(TRANSIENT, code="2"),
    Row(TRANSIENT, code="is_transient"),
)
"""What all of Meta's platforms answer; a platform's own rows stand before these."""

_FULL_DAY = frozenset({"9", "/2207042"})
_FULL_DAY_PAUSE = timedelta(hours=3)
"""The posts of a day are counted over 24 hours that roll: their places come free one by one, at no named time."""
_BUSY_HOUR_PAUSE = timedelta(minutes=10)
"""Calls are counted over an hour that rolls."""


class Made(BaseModel):
    """Something that was made or changed, with its id where it got one."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = Field(min_length=1)


class Paging(BaseModel):
    class _Cursors(BaseModel):
        after: str | None = None

    cursors: _Cursors = Field(default_factory=_Cursors)
    next: str | None = None

    @property
    def after(self) -> str | None:
        """The cursor of the next page, if there is one."""
        return self.cursors.after if self.next else None


class Insights(BaseModel):
    class _Metric(BaseModel):
        class _Value(BaseModel):
            value: int | dict[str, int] = 0

        name: str
        values: list[_Value] = []

    data: list[_Metric] = []

    def counters(self, names: Mapping[str, str]) -> dict[str, int]:
        """Our counters, by Meta's names for them; those of which Meta says nothing are left out. Several of Meta's
        names for one of ours are added up, and so are the parts of a number that Meta splits."""
        found: dict[str, int] = {}
        for metric in self.data:
            if metric.name in names and metric.values:
                value = metric.values[0].value
                ours = names[metric.name]
                found[ours] = found.get(ours, 0) + (sum(value.values()) if isinstance(value, dict) else value)
        return found


class _Error(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    message: str = ""
    code: str
    error_subcode: str = ""
    is_transient: bool = False
    error_user_msg: str = ""

    def codes(self) -> frozenset[str]:
        """`190`, `190/463` and `/463`; `200-299` for every permission that is missing. What Meta documents as a subcode
        comes as the code, too."""
        found = {self.code, f"/{self.code}"}
        if self.error_subcode:
            found |= {f"{self.code}/{self.error_subcode}", f"/{self.error_subcode}"}
        if self.code.isdigit() and 200 <= int(self.code) <= 299:
            found.add("200-299")
        return frozenset(found | {"is_transient"} if self.is_transient else found)


class _Envelope(BaseModel):
    error: _Error


class _Usage(BaseModel):
    estimated_time_to_regain_access: float = 0


_USAGES = TypeAdapter(dict[str, list[_Usage]])


@dataclass(frozen=True)
class Graph:
    """Meta's API for one platform. `path`s are complete, the version included; bodies are forms."""

    vendor: str
    client: httpx2.AsyncClient
    errors: Sequence[Row]
    clock: Clock

    async def read(self, answer: type[Answer], path: str, token: SecretStr, **query: str) -> Answer:
        response = await send(self.client, "GET", path, token=token, params=query)
        if not response.is_success:
            raise self.failed(response)
        return read(answer, response)

    async def write(
        self,
        answer: type[Answer],
        path: str,
        token: SecretStr,
        form: Mapping[str, str],
        *,
        commits: bool = False,
        files: Mapping[str, Any] | None = None,
    ) -> Answer:
        response = await send(
            self.client, "POST", path, token=token, commits=commits, data=dict(form), files=files or None
        )
        if not response.is_success:
            raise self.failed(response, commits=commits)
        return read(answer, response, commits=commits)

    async def remove(self, path: str, token: SecretStr) -> None:
        """Twice is once: what is gone is removed."""
        response = await send(self.client, "DELETE", path, token=token)
        if response.is_success:
            return
        error = self.failed(response)
        if not is_gone(error):
            raise error

    async def renewed(self, path: str, account: Account, grant_type: str) -> Tokens:
        """A long-lived token for another 60 days: it renews itself, while it lives.

        Errors: Reconnect when the token is refused.
        """
        query = {"grant_type": grant_type, "access_token": account.access_token.get_secret_value()}
        response = await send(self.client, "GET", path, params=query)
        if response.is_success:
            grant = read(Grant, response)
            lifetime = timedelta(seconds=grant.expires_in) if grant.expires_in else None
            return Tokens(SecretStr(grant.access_token), None, lifetime)
        error = self.failed(response)
        remedy = Reconnect() if isinstance(error.remedy, RefreshToken) else error.remedy
        raise ProviderFailed(error.message, remedy=remedy, status=error.status)

    def failed(self, response: httpx2.Response, *, commits: bool = False) -> ProviderFailed:
        refused = refusal(response)
        remedy = graph_remedy(refused, self.errors, commits=commits)
        if isinstance(remedy, RateLimited):
            now = self.clock.now()
            pause = _FULL_DAY_PAUSE if refused.codes & _FULL_DAY else _BUSY_HOUR_PAUSE
            remedy = RateLimited(regained(response.headers, now) or now + pause, scope=remedy.scope)
        return failed(self.vendor, refused, remedy)


async def granted(client: httpx2.AsyncClient, path: str, query: Mapping[str, str]) -> Grant:
    """A token for what the query holds, a code or a short-lived token.

    Errors: ProviderFailed, `TOKEN_EXCHANGE_FAILED` when it is refused.
    """
    response = await send(client, "GET", path, params=dict(query))
    if response.is_success:
        return read(Grant, response)
    message = f"{refusal(response).message} ({response.status_code}); start connecting again"
    raise ProviderFailed(message, remedy=Rejected("TOKEN_EXCHANGE_FAILED"), status=response.status_code)


def refusal(response: httpx2.Response) -> Refusal:
    """Whatever Meta said against a request; a body that is none of Meta's leaves only the status to go by."""
    try:
        error = _Envelope.model_validate_json(response.content).error
    except ValueError:
        return Refusal(response.status_code, frozenset(), response.reason_phrase, readable=False)
    return Refusal(response.status_code, error.codes(), error.error_user_msg or error.message)


def graph_remedy(refused: Refusal, table: Sequence[Row], *, commits: bool) -> Remedy:
    """Meta's codes decide, whatever its status says; the status only where no code of the table does."""
    known = next((row.remedy for row in table if row.fits(refused)), None) if refused.readable else None
    if known is None:
        return remedy_of(refused, table, commits=commits)
    return Unknown() if commits and known == TRANSIENT else known


def regained(headers: httpx2.Headers, now: datetime) -> datetime | None:
    """When calls are allowed again, by the header that tells it in minutes; None when it does not."""
    try:
        usages = _USAGES.validate_json(headers.get("x-business-use-case-usage", "{}"))
    except ValidationError:
        return None
    minutes = max((usage.estimated_time_to_regain_access for some in usages.values() for usage in some), default=0)
    return now + timedelta(minutes=minutes) if minutes else None


def is_gone(error: ProviderFailed) -> bool:
    return isinstance(error.remedy, Rejected) and error.remedy.code == "POST_NOT_FOUND"
