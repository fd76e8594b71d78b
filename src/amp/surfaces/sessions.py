"""A person's session, whichever surface opens it: which environment it begins in, and who may change that."""

from uuid import UUID

from starlette.requests import Request

from amp.domain.tenants import signing_in
from amp.domain.tenants.models import Environment
from amp.domain.tenants.roles import Actor
from amp.domain.tenants.signing_in import Credentials, SignedIn
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Unauthenticated
from amp.surfaces.actor import require_live
from amp.surfaces.door import Door


def first_environment(door: Door) -> Environment:
    """`live`, unless the server's clock is fast and only `test` is open."""
    return "live" if door.live_enabled else "test"


async def open_session(
    door: Door,
    request: Request,
    email: str,
    password: str,
    *,
    environment: Environment | None = None,
    tenant_id: UUID | None = None,
) -> SignedIn:
    """Errors: Unauthenticated, OverLimit, Forbidden (another's tenant; `live_disabled`)."""
    environment = environment or first_environment(door)
    if environment == "live":
        require_live(door)
    credentials = Credentials(email, password, request.client.host if request.client else "unknown")
    return await signing_in.log_in(door.units, door.secrets, credentials, environment=environment, tenant_id=tenant_id)


async def switch(uow: UnitOfWork, door: Door, actor: Actor, environment: Environment) -> None:
    """Work in this environment from now on (in system scope). Errors: Forbidden (`live_disabled`)."""
    if environment == "live":
        require_live(door)
    await signing_in.choose_environment(uow, session_of(actor), environment)


def session_of(actor: Actor) -> UUID:
    """Errors: Unauthenticated when it is no person with a session."""
    if actor.session_id is None:
        raise Unauthenticated("Log in first: POST /api/session")
    return actor.session_id
