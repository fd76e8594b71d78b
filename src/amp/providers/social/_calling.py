"""What all social adapters do alike: call in somebody's name, read answers, and turn a refusal into a remedy."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from amp.domain.publishing.port import MediaFile, Tokens
from amp.kit.errors import ProviderFailed, Reconnect, Rejected, Remedy, Retry, Unknown
from amp.kit.web import call, read_json

Answer = TypeVar("Answer", bound=BaseModel)

_LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Refusal:
    """A vendor's error answer, taken apart: its status, its machine-readable codes, its words."""

    status: int
    codes: frozenset[str]
    message: str
    readable: bool = True
    """False: the body was not the vendor's, and only the status speaks."""


@dataclass(frozen=True)
class Row:
    """One line of a vendor's error table: what is seen, and what to do about it. An empty sign fits all."""

    remedy: Remedy
    status: int | None = None
    code: str = ""
    says: str = ""

    def fits(self, refusal: Refusal) -> bool:
        return (
            self.status in (None, refusal.status)
            and (not self.code or self.code in refusal.codes)
            and self.says.casefold() in refusal.message.casefold()
        )


_MAY_MEAN_DUPLICATE = (400, 403, 409, 422)


def remedy_of(refusal: Refusal, table: Sequence[Row], *, commits: bool) -> Remedy:
    """A server's failure is unknown when something may have become public and harmless otherwise, whatever it
    says; so is a refusal whose reason cannot be read, for it may be that of a duplicate. Else the first row that
    fits decides; a refusal beyond the table is permanent."""
    if refusal.status >= 500 or refusal.status in (408, 425):
        return Unknown() if commits else Retry()
    if commits and not refusal.readable and refusal.status in _MAY_MEAN_DUPLICATE:
        return Unknown()
    return next((row.remedy for row in table if row.fits(refusal)), Rejected("PLATFORM_ERROR"))


async def send(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    token: SecretStr | None = None,
    commits: bool = False,
    headers: dict[str, str] | None = None,
    **request: Any,
) -> httpx2.Response:
    """One request, in the name of `token`, carrying the id of what we do it for. Errors: as `kit.web.call`."""
    sent = dict(headers or {})
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        sent["X-Request-ID"] = str(request_id)
    if token:
        sent["Authorization"] = f"Bearer {token.get_secret_value()}"
    return await call(client, method, url, commits=commits, headers=sent, **request)


def read(answer: type[Answer], response: httpx2.Response, *, commits: bool = False) -> Answer:
    """The body as one of our models. One that does not fit is an unknown outcome, not a failed one."""
    body = read_json(response, commits=commits)
    try:
        return answer.model_validate(body)
    except ValidationError as error:
        remedy = Unknown() if commits else Retry()
        raise ProviderFailed("unexpected answer", remedy=remedy, status=response.status_code) from error


def failed(vendor: str, refusal: Refusal, remedy: Remedy) -> ProviderFailed:
    message = f"{vendor}: {refusal.message or 'no reason given'}"[:_LONGEST_MESSAGE]
    return ProviderFailed(message, remedy=remedy, status=refusal.status)


async def content_of(file: MediaFile) -> bytes:
    """The whole file in memory: for images, which the vendors bound to a few megabytes."""
    return b"".join([chunk async for chunk in file.chunks()])


async def slice_of(file: MediaFile, start: int, length: int) -> AsyncIterator[bytes]:
    """Exactly `length` bytes from `start`, in pieces, for uploads in parts: no part has to fit into memory."""
    async for chunk in file.chunks(start):
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return


class _TokenAnswer(BaseModel):
    """Of a token endpoint; some say no with status 200."""

    access_token: str = ""
    refresh_token: str | None = None
    expires_in: float | None = None
    error: str = ""
    error_description: str = ""


_TOKEN_REFUSED = {"invalid_grant", "invalid_request"}
"""RFC 6749 names the first; X answers the second for a refresh token that is dead or already used."""


async def refreshed(
    client: httpx2.AsyncClient,
    url: str,
    vendor: str,
    form: dict[str, str],
    refresh_token: SecretStr | None,
    *,
    auth: tuple[str, str] | None = None,
) -> Tokens:
    """Trade a refresh token for new tokens at an OAuth 2 token endpoint (RFC 6749, section 6).

    Errors: Reconnect only when the token itself is refused, or when there is none; a refused client is our own
    configuration (`INVALID_CONFIG`); everything else may be tried again.
    """
    if refresh_token is None:
        raise ProviderFailed(f"{vendor} gave no refresh token", remedy=Reconnect())
    body = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value(), **form}
    response = await send(client, "POST", url, data=body, auth=auth)
    if response.status_code not in (200, 400, 401, 403):
        refusal = Refusal(response.status_code, frozenset(), "the token could not be refreshed")
        raise failed(vendor, refusal, Retry())
    answer = read(_TokenAnswer, response)
    if answer.error or not response.is_success:
        refusal = Refusal(response.status_code, frozenset({answer.error}), answer.error_description or answer.error)
        remedy = Reconnect("REFRESH_TOKEN_EXPIRED") if answer.error in _TOKEN_REFUSED else Rejected("INVALID_CONFIG")
        raise failed(vendor, refusal, remedy)
    if not answer.access_token:
        raise ProviderFailed(f"{vendor}: no token came back", remedy=Retry(), status=response.status_code)
    return Tokens(
        access_token=SecretStr(answer.access_token),
        refresh_token=SecretStr(answer.refresh_token) if answer.refresh_token else None,
        expires_in=timedelta(seconds=answer.expires_in) if answer.expires_in else None,
    )
