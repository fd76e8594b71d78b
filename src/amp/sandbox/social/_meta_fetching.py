"""Media that Meta fetches from their addresses itself, before it answers."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request

from amp.sandbox.pulling import Found, fetch
from amp.sandbox.social._meta_graph import parameters_of
from amp.sandbox.vendor import Sandbox

Bring = Callable[[Sandbox, Request, bytes], Awaitable[Mapping[str, Found]]]


def bringing(**limits: int) -> Bring:
    """Fetches the media whose addresses stand in these parameters, each of at most so many bytes. `file_url` may also
    be a header."""

    async def bring(sandbox: Sandbox, request: Request, body: bytes) -> Mapping[str, Found]:
        given = await parameters_of(request, body)
        named = {name: given.text(name) or request.headers.get(name, "") for name in limits}
        return {name: await fetch(sandbox.fetcher, url, limits[name]) for name, url in named.items() if url}

    return bring
