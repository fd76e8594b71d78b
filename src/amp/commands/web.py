"""`amp web`: one process that answers requests. `amp serve` starts it."""

import asyncio
import gc

from granian.constants import Interfaces
from granian.server.embed import Server

from amp.app import build_app
from amp.bootstrap import bootstrap, welcome
from amp.commands.preparing import log_as_set, migrated
from amp.commands.saying import other_master
from amp.commands.supervisor import stop_signal
from amp.config import Settings
from amp.domain.connections.rotating import unknown_masters
from amp.kit.telemetry import log
from amp.runtime import Runtime, open_runtime


async def run_web(settings: Settings, *, child: bool, prepares: bool) -> None:
    """Answer requests until told to stop, then finish those that were begun.

    One web process of an installation `prepares`: it migrates and makes the first tenant. Requests that come
    before that get a 503, as they do whenever the database is away.
    """
    log_as_set(settings)
    stop = await stop_signal(child=child)
    if settings.clock_speed != 1:  # a fast clock has to ask the database
        await migrated(settings, stop, migrate=prepares)
    if stop.is_set():
        return
    runtime = await open_runtime(settings)
    app = build_app(runtime)
    gc.freeze()  # what is loaded by now stays: the collector need not walk it again and again
    gc.set_threshold(10_000)  # a request makes hundreds of objects, hardly ever in circles
    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=1024,
        log_enabled=False,
    )
    preparing = asyncio.create_task(_prepare(runtime, stop)) if prepares else None
    stopping = asyncio.create_task(_stop_server(server, stop))
    await server.serve()
    stop.set()
    await asyncio.gather(stopping, *filter(None, [preparing]))
    await runtime.close()


async def _stop_server(server: Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.stop()


async def _prepare(runtime: Runtime, stop: asyncio.Event) -> None:
    await migrated(runtime.settings, stop, migrate=True)
    if stop.is_set():
        return
    if unknown := await unknown_masters(runtime.database, runtime.secrets):
        log.error(other_master(unknown, runtime.secrets.key_id))
    made = await bootstrap(runtime)
    base_url = runtime.settings.base_url
    text = welcome(made.credentials, base_url) if made.is_new else f"AMP is running at {base_url}"
    print(text, flush=True)  # noqa: T201 (for the person who started it)
