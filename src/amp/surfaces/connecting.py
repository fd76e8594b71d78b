"""What the API and the pages share of connecting an account: for whom, where, and by which way back."""

from uuid import UUID

from amp.domain.connections.attempts import Journey, Traveller
from amp.domain.publishing.connecting import Workplace
from amp.domain.publishing.drafting import unknown_platform
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.roles import Actor
from amp.kit.errors import NotFound, Unauthenticated
from amp.surfaces.door import Door


def require_known(door: Door, platform: str) -> None:
    """Errors: NotFound."""
    social = door.ports.get(SocialPlatforms)
    if platform not in social.names():
        raise NotFound(unknown_platform(platform, social))


def place_of(door: Door, actor: Actor) -> Workplace:
    return Workplace(door.units, door.ports, actor.scope, actor.environment)


def traveller_of(actor: Actor) -> Traveller:
    if actor.user_id is None or actor.session_id is None:
        raise Unauthenticated("Log in first: POST /api/session")
    return Traveller(actor.user_id, actor.session_id)


def journey_of(door: Door, actor: Actor, platform: str, set_id: UUID, return_to: str | None) -> Journey:
    """By the callback of ours, or the one that the operator registered with the vendor. `return_to`: the path of ours
    where the person ends up."""
    registered = door.ports.get(SocialPlatforms).redirect_uri(platform, actor.environment)
    return Journey(
        platform=platform,
        platform_set_id=set_id,
        redirect_uri=registered or f"{door.base_url}/api/platforms/{platform}/callback",
        return_to=return_to,
    )
