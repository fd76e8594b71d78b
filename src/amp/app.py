"""What a web process serves: all contracts, the sandbox and the server's own pages, over one runtime."""

from functools import partial
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from amp.domain.tenants.admission import RateWindow, key_admissions
from amp.domain.tenants.plans import MINUTE
from amp.engine.recovery import worker_alive
from amp.kit.database import reachable
from amp.kit.errors import Forbidden
from amp.kit.fetching import Fetcher
from amp.migrations import revision
from amp.runtime import Runtime, sandbox_key
from amp.sandbox.app import create_sandbox
from amp.surfaces.actor import identify
from amp.surfaces.amp.app import create_amp_surface
from amp.surfaces.amp.envelope import AmpContract, errors_page
from amp.surfaces.ampost.app import create_ampost_surface, create_compatible_surface
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.ampost.llm import llm_route
from amp.surfaces.application import render_errors
from amp.surfaces.dashboard.app import dashboard_routes
from amp.surfaces.dashboard.problems import render_problems
from amp.surfaces.door import Door
from amp.surfaces.edge import Mounts, RequestIds, Timed
from amp.surfaces.media import media_routes
from amp.surfaces.status import Probe, status_routes


def build_app(runtime: Runtime) -> ASGIApp:
    """The application of a runtime. Unknown paths answer as the AMP contract does, or with a page to a browser."""
    door = open_door(runtime)
    amp = Timed(create_amp_surface(door, openapi=runtime.settings.openapi), "amp")
    ampost = create_ampost_surface(door, openapi=runtime.settings.openapi)
    compatible = create_compatible_surface(door)
    contract = AmpContract(runtime.settings.base_url)
    contracts = {
        "/v1": amp,
        "/api/v1": Timed(ampost, "ampost"),
        "/api/amp/v1": amp,
        "/api": Timed(compatible, "ampost"),
    }
    routes: list[BaseRoute] = [
        llm_route(door, ampost, compatible),
        Route("/sandbox", _to_the_feeds),
        Mount("/sandbox", app=Timed(_sandbox(runtime, door), "sandbox")),
        Route("/docs/errors", _errors),
        *media_routes(door, contract),
        *dashboard_routes(door, AmpostContract()),
        *status_routes(
            clock=runtime.clock,
            probes=_probes(runtime),
            metrics_directory=runtime.settings.metrics_directory,
        ),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    render_errors(app, contract)
    render_problems(app)
    return RequestIds(Mounts(contracts, rest=app))


def open_door(runtime: Runtime) -> Door:
    return Door(
        units=runtime.units,
        admissions=key_admissions(runtime.database),
        secrets=runtime.secrets,
        base_url=runtime.settings.base_url,
        live_enabled=runtime.clock.speed == 1,
        ports=runtime.ports,
    )


def _sandbox(runtime: Runtime, door: Door) -> ASGIApp:
    async def authorize(request: Request) -> str:
        """Of an admin-scoped test key; in a browser, of an administrator whose session is in the test environment."""
        writes = request.method not in ("GET", "HEAD")
        window = RateWindow("sandbox", MINUTE)
        admission = await identify(door, request.headers, window, by="either", writes=writes)
        if admission.actor.environment != "test" or not admission.actor.may("admin"):
            raise Forbidden("The sandbox takes orders from admin-scoped test keys only")
        return str(admission.actor.workspace_id)

    return create_sandbox(
        database=runtime.database,
        clock=runtime.clock,
        signing_key=sandbox_key(runtime.secrets),
        authorize=authorize,
        fetcher=Fetcher(allow=[_origin(runtime.settings.base_url)], private=runtime.settings.allow_private_urls),
    )


def _origin(url: str) -> str:
    """Where our own media are: the pretended vendors may fetch from there, however private it is."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _probes(runtime: Runtime) -> dict[str, Probe]:
    return {
        "database": partial(reachable, runtime.database),
        "migrations": partial(revision.is_current, runtime.database),
        "worker": partial(worker_alive, runtime.database, runtime.heartbeats),
    }


async def _to_the_feeds(request: Request) -> RedirectResponse:
    return RedirectResponse(f"/sandbox/?{request.url.query}" if request.url.query else "/sandbox/")


async def _errors(_request: Request) -> HTMLResponse:
    return HTMLResponse(errors_page())
