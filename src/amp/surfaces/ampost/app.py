"""The Ampost contract: the public API under `/api/v1`, and under `/api` its compatibility and dashboard routes."""

from amp.surfaces.ampost import accounts, keys, oauth, platform_sets, posts, session, upload
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.door import Door

PUBLIC = (posts.router, accounts.router, platform_sets.router)
"""Routes of `/api/v1`."""

COMPATIBLE = (upload.router, session.router, keys.router, platform_sets.compatible, oauth.router)
"""Routes of `/api`: what answered there before there were versions, and what only the dashboard may use."""


def create_ampost_surface(door: Door, *, openapi: bool = True) -> ContractApp:
    about = About(title="Ampost API", version="1.0.0", openapi=openapi)
    return ContractApp(door, AmpostContract(), about, PUBLIC)


def create_compatible_surface(door: Door) -> ContractApp:
    about = About(title="Ampost dashboard API", version="1.0.0", openapi=False)
    return ContractApp(door, AmpostContract(), about, COMPATIBLE)
