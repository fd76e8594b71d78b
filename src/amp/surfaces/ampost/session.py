"""The dashboard's session (`/api/session`): a cookie for browsers, and the token that their writes must carry."""

from typing import Annotated

from fastapi import Request, Response
from pydantic import Field

from amp.domain.tenants import queries, signing_in
from amp.domain.tenants.cookies import cookie_of, csrf_token
from amp.domain.tenants.models import Environment, Role
from amp.kit.errors import Unauthenticated
from amp.kit.ids import Kind, decode, encode
from amp.surfaces import sessions
from amp.surfaces.ampost.wire import Success, Wire, WireBody
from amp.surfaces.browser import give_session, take_session
from amp.surfaces.door import Door
from amp.surfaces.sessions import session_of
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("session")


class Login(WireBody):
    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    environment: Environment | None = None
    """`live`, unless the server's clock is fast and only `test` is open."""
    tenant_id: str | None = None


class UserView(Wire):
    id: str
    email: str
    name: str


class SessionView(Wire):
    user: UserView
    tenant_id: str
    environment: Environment
    """Which workspace the cookie opens; PATCH changes it."""
    role: Role
    csrf_token: str
    """To be sent in X-CSRF-Token with everything that writes."""


@router.post("/session", needs=None)
async def open_session(door: AtDoor, request: Request, response: Response, body: Login) -> SessionView:
    """Log in with an e-mail address and a password; the answer sets the session cookie."""
    signed_in = await sessions.open_session(
        door,
        request,
        body.email,
        body.password,
        environment=body.environment,
        tenant_id=decode(Kind.TENANT, body.tenant_id, what="Tenant") if body.tenant_id else None,
    )
    give_session(door, response, signed_in.session_id)
    user = signed_in.user
    return SessionView(
        user=UserView(id=encode(Kind.USER, user.id), email=user.email, name=user.name),
        tenant_id=encode(Kind.TENANT, signed_in.tenant.tenant_id),
        environment=signed_in.environment,
        role=signed_in.tenant.role,
        csrf_token=csrf_token(cookie_of(signed_in.session_id, door.secrets), door.secrets),
    )


@router.get("/session", needs="read", by="cookie", unit="system")
async def show_session(uow: Uow, door: AtDoor, actor: Actor) -> SessionView:
    """Who is logged in, where, and the token for writes."""
    return await _view(uow, door, actor, actor.environment)


class Switch(WireBody):
    environment: Environment


@router.patch("/session", needs="read", by="cookie", unit="system")
async def switch_environment(uow: Uow, door: AtDoor, actor: Actor, body: Switch) -> SessionView:
    """Work in the other environment from now on, live or test."""
    await sessions.switch(uow, door, actor, body.environment)
    return await _view(uow, door, actor, body.environment)


@router.delete("/session", needs="read", by="cookie", unit="system")
async def end_session(uow: Uow, door: AtDoor, actor: Actor, response: Response) -> Success:
    """Log out: the session is over at once, and the cookie goes."""
    await signing_in.log_out(uow, session_of(actor))
    take_session(door, response)
    return Success()


async def _view(uow: Uow, door: Door, actor: Actor, environment: Environment) -> SessionView:
    session_id = session_of(actor)
    if actor.user_id is None or actor.role is None:
        raise Unauthenticated("Log in first: POST /api/session")
    user = await queries.user(uow.session, actor.user_id)
    return SessionView(
        user=UserView(id=encode(Kind.USER, user.id), email=user.email, name=user.name),
        tenant_id=encode(Kind.TENANT, actor.tenant_id),
        environment=environment,
        role=actor.role,
        csrf_token=csrf_token(cookie_of(session_id, door.secrets), door.secrets),
    )
