"""The AMP contract: `/v1` (and `/api/amp/v1`). One file of routes for each page of the reference."""

from amp.surfaces.amp import analytics, auth, connect, content, missions, publish
from amp.surfaces.amp.envelope import AmpContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.door import Door

SURFACES = (auth.router, missions.router, content.router, publish.router, analytics.router, connect.router)


def create_amp_surface(door: Door, *, openapi: bool = True) -> ContractApp:
    about = About(title="AMP API", version="1.0.0", openapi=openapi)
    return ContractApp(door, AmpContract(door.base_url), about, SURFACES)
