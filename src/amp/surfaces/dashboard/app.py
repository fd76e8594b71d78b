"""The pages for people at `/`: signing in, and the accounts that AMP may publish to."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from amp.surfaces.contract import Contract
from amp.surfaces.dashboard.pages import accounts, choosing, entrance, sets
from amp.surfaces.dashboard.showing import asset_routes
from amp.surfaces.door import Door
from amp.surfaces.edge import Timed

_SIGNED_IN = (accounts.pages, choosing.pages, sets.pages, entrance.pages)


def dashboard_routes(door: Door, contract: Contract) -> Sequence[BaseRoute]:
    """`contract`: in whose rate windows people are counted, as if they had asked the API."""
    routes: list[Route] = [*entrance.open_routes(door, contract), *asset_routes()]
    for pages in _SIGNED_IN:
        routes += pages.routes(door, contract)
    for route in routes:
        route.app = Timed(route.app, "dashboard")
    return routes
