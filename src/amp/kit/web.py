"""Calling vendors over HTTP: one pooled client each, and one place that decides what a failed call means.

A call that never left is `Retry`; a call that may have arrived is `Unknown` when it commits something, and
`Retry` when it is safe to repeat.
"""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2

from amp.kit.errors import ProviderFailed, Retry, Unknown

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
_OF_A_POOL = 16
_LIMITS = httpx2.Limits(max_connections=2 * _OF_A_POOL, max_keepalive_connections=_OF_A_POOL // 2)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def vendor_client(base_url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """A pooled client that follows no redirects (a token must not travel) and reads no environment."""
    return httpx2.AsyncClient(
        base_url=base_url,
        headers=dict(headers or {}),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        transport=SmallPools(),
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust, read once: every reading takes 20 ms and most of a megabyte."""
    return httpx2.create_ssl_context(trust_env=False)


class SmallPools(httpx2.AsyncBaseTransport):
    """As many calls at once as its users begin. A pool looks at all its connections whenever a call begins or ends, so
    small pools, filled one after another, cost a rush of calls far less than a large one."""

    def __init__(self) -> None:
        self._pools: list[httpx2.AsyncHTTPTransport] = []
        self._busy: list[int] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        chosen = next((index for index, busy in enumerate(self._busy) if busy < _OF_A_POOL), None)
        if chosen is None:
            chosen = len(self._pools)
            self._pools.append(httpx2.AsyncHTTPTransport(verify=_certificates(), limits=_LIMITS))
            self._busy.append(0)
        self._busy[chosen] += 1
        try:
            return await self._pools[chosen].handle_async_request(request)
        finally:
            self._busy[chosen] -= 1

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


async def call(
    client: httpx2.AsyncClient, method: str, url: str, *, commits: bool = False, **request: Any
) -> httpx2.Response:
    """Send one request. `commits`: it makes something public, so a lost answer is `Unknown`.

    Errors: ProviderFailed for anything that is not an HTTP answer. Statuses are the adapter's to read.
    """
    try:
        return await client.request(method, url, **request)
    except _NEVER_SENT as error:
        message = f"{client.base_url.host} could not be reached{_in_its_words(error)}"
        raise ProviderFailed(message, remedy=Retry()) from error
    except httpx2.HTTPError as error:
        remedy = Unknown() if commits else Retry()
        message = f"no answer came from {client.base_url.host}{_in_its_words(error)}"
        raise ProviderFailed(message, remedy=remedy) from error


def _in_its_words(error: httpx2.HTTPError) -> str:
    """What the network said, if it is for people: a timeout says nothing, and a parser quotes bytes."""
    if isinstance(error, httpx2.TimeoutException):
        return " in time"
    if isinstance(error, httpx2.ProtocolError):
        return ": it broke off, or is none that HTTP knows"
    return f" ({words})" if (words := str(error).strip().rstrip(".")) else ""


def read_json(response: httpx2.Response, *, commits: bool = False) -> Any:
    """The parsed body; a body that cannot be parsed is an unknown outcome, not a failed one."""
    try:
        return response.json()
    except ValueError as error:
        remedy = Unknown() if commits else Retry()
        raise ProviderFailed("unreadable answer", remedy=remedy, status=response.status_code) from error
