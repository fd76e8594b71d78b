"""The sandbox as a server of its own, for tests that need real sockets: connections that break, answers that never
come. Beside it are the files that vendors fetch. Its settings come in the environment; whoever presents a key
`owner-...` speaks for that owner."""

import os
from datetime import datetime

from files import content_of_file, type_of_file
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from amp.kit.clock import FastClock
from amp.kit.database import open_database
from amp.kit.errors import Unauthenticated
from amp.kit.fetching import Fetcher
from amp.sandbox.app import create_sandbox

SIGNING_KEY = b"the sandbox's key in tests"


def shared_clock(anchor: str, speed: str) -> FastClock:
    moment = datetime.fromisoformat(anchor)
    return FastClock(speed=float(speed), real_anchor=moment, virtual_anchor=moment)


async def authorize(request: Request) -> str:
    scheme, _, owner = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not owner.startswith("owner-"):
        raise Unauthenticated("Which owner?")
    return owner


def build():
    clock = shared_clock(os.environ["SANDBOX_CLOCK_ANCHOR"], os.environ["SANDBOX_CLOCK_SPEED"])
    database = open_database(os.environ["SANDBOX_DATABASE_URL"], pool_size=10)
    fetcher = Fetcher(allow=[os.environ["SANDBOX_URL"]])
    sandbox = create_sandbox(
        database=database, clock=clock, signing_key=SIGNING_KEY, authorize=authorize, fetcher=fetcher
    )
    return Starlette(routes=[Route("/files/{name}", serve_file), Mount("/", app=sandbox)])


async def serve_file(request: Request) -> Response:
    """What vendors fetch from their customers' servers."""
    name = request.path_params["name"]
    content = content_of_file(name)
    return Response(content, media_type=type_of_file(name)) if content else Response(status_code=404)
