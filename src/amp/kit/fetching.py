"""Fetching what a stranger's URL points to, without being led into our own network (SSRF).

    URL ── http(s), no user, port 80/443 ──> resolve once ── every address public ──> connect to one of these
     ^                                                                                        │
     └──────────────── redirect: all of it again, at most 4 times ────────────────────────────┘

The connection goes to the address that was checked; TLS still verifies the name. No proxy, no cookies, no
compression, nothing from the environment; time and size are bounded, and the body is a stream.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import cast

import httpcore2
import httpx2

from amp.kit.addresses import is_private, is_public
from amp.kit.errors import AmpError, Invalid, NotFound, TooLarge, Unavailable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to numeric addresses. Errors: OSError when there are none."""

_REDIRECTS = 4
_PORTS = {"http": 80, "https": 443}
_HEADERS = ((b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"amp"))
_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 15.0
_RETRY_AFTER = 30.0
_LONGEST_URL = 4096


async def system_resolver(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True)
class Fetched:
    """An answer whose body is still on its way. `mime_type` and `size` are what the server says."""

    mime_type: str
    size: int | None
    max_bytes: int
    _response: httpcore2.Response

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, once. Errors: TooLarge past `max_bytes`, Unavailable when the connection breaks."""
        received = 0
        try:
            async for chunk in self._response.aiter_stream():
                received += len(chunk)
                if received > self.max_bytes:
                    raise _too_large(self.max_bytes)
                yield chunk
        except _NETWORK_FAILURES as error:
            raise _unreachable("The connection broke before everything had come") from error


class Fetcher:
    """Fetches by GET. `allow` are origins that may be private, as `http://host:port`: our own server.
    `private` lets every URL lead into private networks, for operators who host their media there."""

    def __init__(
        self,
        *,
        allow: Collection[str] = (),
        private: bool = False,
        resolve: Resolve = system_resolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = frozenset(_origin(httpx2.URL(origin)) for origin in allow)
        self._private = private
        self._resolve = resolve
        self._given_tls = tls

    def fetch(self, url: str, *, max_bytes: int, seconds: float = 60) -> AbstractAsyncContextManager[Fetched]:
        """The answer to a GET of `url`, redirects followed. `seconds` bound everything up to the end of the
        `async with`.

        Errors: Invalid (`VALIDATION_FAILED`) for a URL that may not be fetched or is refused; NotFound;
        TooLarge; Unavailable when the server cannot be reached or does not finish in time.
        """
        return self._fetch(url, max_bytes, seconds)

    def check(self, url: str) -> None:
        """What can be said of a URL before anything is resolved: its form, and the address it is written with.

        Errors: Invalid (`VALIDATION_FAILED`), which `fetch` would be, too.
        """
        target = _parsed(url)
        address = _written_address(target.raw_host.decode("ascii"))
        if address and _origin(target) not in self._allow and not _is_open(address, private=self._private):
            raise _refused(f"{target.host} is not a public address")

    def reads_from(self, url: str) -> bool:
        """Whether its port is one that we fetch from. Errors: Invalid for what is no URL."""
        target = _parsed(url)
        return self._opens(target, own=_origin(target) in self._allow)

    def _opens(self, url: httpx2.URL, *, own: bool) -> bool:
        return own or self._private or (url.port or _PORTS[url.scheme]) == _PORTS[url.scheme]

    @asynccontextmanager
    async def _fetch(self, url: str, max_bytes: int, seconds: float) -> AsyncGenerator[Fetched]:
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline, self._following(url) as response:
                yield _fetched(response, max_bytes)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise _unreachable(f"{_host(url)} took longer than {seconds:g} s") from error

    @asynccontextmanager
    async def _following(self, url: str) -> AsyncGenerator[httpcore2.Response]:
        target = _parsed(url)
        own = _origin(target) in self._allow
        for _ in range(_REDIRECTS + 1):
            async with self._answer(target, own) as response:
                onward = _redirect(target, response)
                if onward is None:
                    yield response
                    return
            own = own and _origin(onward) == _origin(target)
            target = onward
        raise _refused(f"{_host(url)} redirects more than {_REDIRECTS} times")

    @asynccontextmanager
    async def _answer(self, url: httpx2.URL, own: bool) -> AsyncGenerator[httpcore2.Response]:
        """One hop. `own`: the caller named one of our own origins; a redirect of a stranger to it does not count."""
        if not self._opens(url, own=own):
            raise _refused(f"Only ports 80 and 443 are fetched from, not {url.host}:{url.port}")
        network = _Guarded(self._resolve, own=own, private=self._private)
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [(b"Host", url.netloc), *_HEADERS]
        timeouts = {"connect": _CONNECT_SECONDS, "read": _SILENCE_SECONDS, "write": _SILENCE_SECONDS}
        async with httpcore2.AsyncConnectionPool(ssl_context=self._tls, network_backend=network) as pool:
            request = httpcore2.Request("GET", target, headers=headers, extensions={"timeout": timeouts})
            try:
                response = await pool.handle_async_request(request)
            except _NETWORK_FAILURES as error:
                raise _unreachable(_reason(url.host, error)) from error
            try:
                yield response
            finally:
                await response.aclose()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx2.create_ssl_context(trust_env=False)


class _Nameless(httpcore2.ConnectError):
    """The name leads to no address."""


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Resolves, checks and connects in one place, so that nothing can be resolved a second time."""

    def __init__(self, resolve: Resolve, *, own: bool, private: bool) -> None:
        self._resolve = resolve
        self._own = own
        self._private = private
        self._network = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._addresses(host, port, timeout):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise _Nameless(f"{host} cannot be resolved") from error
        for address in addresses:
            if not (self._own or _is_open(address, private=self._private)):
                raise _refused(f"{host} is not a public address")
        return list(dict.fromkeys(addresses))


_NETWORK_FAILURES = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException)


def _parsed(url: str) -> httpx2.URL:
    if len(url) > _LONGEST_URL:
        raise _refused(f"A URL has at most {_LONGEST_URL} characters")
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise _refused("This is not a URL") from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise _refused("Only http and https URLs are fetched")
    if "%" in parsed.host and ":" not in parsed.host:
        raise _refused("This is not a URL")
    if parsed.userinfo or (parsed.port is not None and not 0 < parsed.port < 1 << 16):
        raise _refused("A URL that is fetched has a valid port and no user")
    return parsed


def _is_open(address: str, *, private: bool) -> bool:
    return is_public(address) or (private and is_private(address))


def _written_address(host: str) -> str | None:
    """The address that a host is written as, in any spelling that a resolver takes for one; None for a name."""
    plain = host.rstrip(".").lower()
    if plain == "localhost" or plain.endswith(".localhost"):  # this machine wherever one asks (RFC 6761)
        return "127.0.0.1"
    with suppress(ValueError):
        return str(ip_address(plain))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(plain))
    return None


def _redirect(url: httpx2.URL, response: httpcore2.Response) -> httpx2.URL | None:
    location = _header(response, b"location")
    if response.status not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        return _parsed(str(url.join(location)))
    except httpx2.InvalidURL as error:
        raise _refused(f"{url.host} redirects to what is not a URL") from error


def _fetched(response: httpcore2.Response, max_bytes: int) -> Fetched:
    """Errors: as of `fetch`, for everything but a plain 200."""
    if response.status != 200:
        raise _status_error(response.status)
    if _header(response, b"content-encoding") not in ("", "identity"):
        raise _refused("The server compressed what was asked for uncompressed")
    declared = _header(response, b"content-length")
    size = int(declared) if declared.isdecimal() else None
    if size is not None and size > max_bytes:
        raise _too_large(max_bytes)
    mime_type = _header(response, b"content-type").partition(";")[0].strip().lower()
    return Fetched(mime_type, size, max_bytes, response)


def _status_error(status: int) -> AmpError:
    if status in (404, 410):
        return NotFound(f"There is nothing at this URL (status {status})")
    if status == 429 or status >= 500:
        return Unavailable(f"The server of this URL answers with status {status}", retry_after=_RETRY_AFTER)
    return _refused(f"The server of this URL answers with status {status}")


def _header(response: httpcore2.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def _host(url: str) -> str:
    return httpx2.URL(url).host


def _refused(message: str) -> Invalid:
    return Invalid(message, code="VALIDATION_FAILED")


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"What is fetched may have at most {max_bytes} bytes")


def _reason(host: str, error: Exception) -> str:
    """Why nothing came of it, for people: what the network calls it says more of our network than of theirs."""
    match error:
        case _Nameless():
            return f"{host} could not be found: no address belongs to this name"
        case httpcore2.TimeoutException():
            return f"{host} did not answer in time"
        case httpcore2.ProtocolError():
            return f"{host} does not answer as a web server does"
        case _:
            return f"{host} could not be reached"


def _unreachable(message: str) -> Unavailable:
    return Unavailable(message, retry_after=_RETRY_AFTER)
