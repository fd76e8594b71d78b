"""What travels: bounded bodies in, and answers that never arrive out.

How to break a connection from inside an ASGI app, as found out under granian: an exception, or a return, before
the response has started is answered with a polite 500; a response that has started and promised more bytes
(`content-length`) than were sent when the app returns makes the server close the socket. So an answer that
must not arrive is begun with one byte of many; clients see the connection die in the middle of an answer
(httpx2: `RemoteProtocolError`), never a complete one. Over an in-process transport there is no socket to cut.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import anyio
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

KILOBYTE = 1 << 10
MEGABYTE = 1 << 20

LARGEST_WASTE = 64 * MEGABYTE
"""How much more than it takes a vendor reads, only to be able to refuse it."""


class BodyTooLarge(Exception):
    """More bytes than the operation takes."""


class BadForm(Exception):
    """A form that cannot be parsed."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Of one that is longer than `limit` the rest is read and thrown away, within bounds, because
    a client that is still sending cannot read a refusal. Errors: BodyTooLarge."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit + LARGEST_WASTE:
            break
        if size <= limit:
            chunks.append(chunk)
    if size > limit:
        raise BodyTooLarge
    return b"".join(chunks)


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Form:
    """A form body: text fields and files, by name."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def names(self) -> set[str]:
        return {*self.fields, *self.files}


async def parse_form(request: Request, body: bytes) -> Form:
    """A form body, url-encoded or multipart. Errors: BadForm."""
    form = await _parsed(request, body)
    try:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        files = {name: await value.read() for name, value in form.items() if isinstance(value, UploadFile)}
        return Form(fields, files)
    finally:
        await form.close()


async def _parsed(request: Request, body: bytes) -> FormData:
    async def stream() -> AsyncGenerator[bytes]:
        yield body
        yield b""

    try:
        if media_type(request) == "multipart/form-data":
            return await MultiPartParser(request.headers, stream(), max_files=4, max_fields=16).parse()
        if media_type(request) == "application/x-www-form-urlencoded":
            return await FormParser(request.headers, stream()).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise BadForm(str(error)) from error
    raise BadForm(f"unsupported content type {media_type(request)!r}")


class Cut(Response):
    """An answer that breaks off: the client gets no complete response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Held(Cut):
    """No answer for a long time, or until the client gives up; then the connection breaks."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with anyio.move_on_after(self.seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await super().__call__(scope, receive, send)


class Garbage(Response):
    """What a confused proxy says instead of the vendor: the right status and an unreadable body."""

    def __init__(self, status: int) -> None:
        body = "<html><body>upstream connect error or disconnect/reset before headers</body>"
        super().__init__(body, status_code=status, media_type="text/html")
