"""How the server is: for people, load balancers and Prometheus."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from amp.kit.clock import Clock
from amp.kit.errors import Unavailable
from amp.surfaces.fields import to_wire

Probe = Callable[[], Awaitable[bool]]


def status_routes(*, clock: Clock, probes: Mapping[str, Probe], metrics_directory: Path | None) -> list[BaseRoute]:
    """`/healthz` answers while the process lives. `/readyz` asks every probe and names those that fail.
    `/metrics` speaks for all processes that share `metrics_directory`, else for this one."""

    async def healthz(_request: Request) -> Response:
        moving = {"speed": clock.speed, "now": to_wire(clock.now())}
        return JSONResponse({"status": "ok", "clock": moving, "live": clock.speed == 1})

    async def readyz(_request: Request) -> Response:
        results = {name: await _ask(probe) for name, probe in probes.items()}
        missing = [name for name, good in results.items() if not good]
        if missing:
            body = {"status": "unavailable", "missing": missing, "checks": results}
            return JSONResponse(body, 503, headers={"Retry-After": "2"})
        return JSONResponse({"status": "ready", "checks": results})

    async def metrics(_request: Request) -> Response:
        return Response(_metrics(metrics_directory), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _ask(probe: Probe) -> bool:
    try:
        return await probe()
    except (Unavailable, DBAPIError):  # away, or there without our tables
        return False


def _metrics(directory: Path | None) -> bytes:
    if directory is None:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))
    return generate_latest(registry)
