"""multipart/form-data, read part by part as it comes (RFC 7578): nobody ever holds a whole part.

The parser pushes, its reader pulls: what one piece of the body brings is queued, and the next piece is asked for only
when the queue is empty.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from amp.kit.errors import Invalid

_Event = Literal["begin", "name", "value", "header", "headers", "content", "end", "over"]


@dataclass(frozen=True)
class Part:
    """One field. Its content must be read before the next part is asked for."""

    name: str
    filename: str | None
    content: AsyncIterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """Errors: Invalid (`unsupported_media_type`) for what is not a form."""
    kind, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Invalid("Send a form, with 'Content-Type: multipart/form-data'", code="unsupported_media_type")
    return boundary


async def parts_of(body: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[Part]:
    """The parts in order. Errors: Invalid for a form that is malformed or ends too early."""
    reader = _Reader(body, boundary)
    while (await reader.event())[0] != "over":
        name, filename = await reader.heading()
        yield Part(name, filename, reader.content())


class _Reader:
    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self._body = body
        self._events: deque[tuple[_Event, bytes]] = deque()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._mark("begin"),
                    "on_header_field": self._piece("name"),
                    "on_header_value": self._piece("value"),
                    "on_header_end": self._mark("header"),
                    "on_headers_finished": self._mark("headers"),
                    "on_part_data": self._piece("content"),
                    "on_part_end": self._mark("end"),
                    "on_end": self._mark("over"),
                },
            )
        except FormParserError as error:
            raise _malformed(error) from error

    async def event(self) -> tuple[_Event, bytes]:
        while not self._events:
            piece = await anext(self._body, None)
            if piece is None:
                raise Invalid("The form ends too early")
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise _malformed(error) from error
        return self._events.popleft()

    async def heading(self) -> tuple[str, str | None]:
        """Name and filename of the part that begins."""
        headers: dict[bytes, bytes] = {}
        name, value = b"", b""
        while True:
            kind, piece = await self.event()
            if kind == "headers":
                return _disposition(headers.get(b"content-disposition", b""))
            if kind == "name":
                name += piece
            elif kind == "value":
                value += piece
            elif kind == "header":
                headers[name.lower()] = value
                name, value = b"", b""

    async def content(self) -> AsyncIterator[bytes]:
        while True:
            kind, piece = await self.event()
            if kind == "end":
                return
            yield piece

    def _mark(self, kind: _Event) -> Callable[[], None]:
        return lambda: self._events.append((kind, b""))

    def _piece(self, kind: _Event) -> Callable[[bytes, int, int], None]:
        return lambda data, start, end: self._events.append((kind, data[start:end]))


def _disposition(header: bytes) -> tuple[str, str | None]:
    kind, parameters = parse_options_header(header)
    name = parameters.get(b"name")
    if kind != b"form-data" or name is None:
        raise Invalid("Every part of a form needs a Content-Disposition with its name")
    filename = parameters.get(b"filename")
    return name.decode(errors="replace"), filename.decode(errors="replace") if filename is not None else None


def _malformed(error: FormParserError) -> Invalid:
    return Invalid(f"The form is malformed: {error}")
