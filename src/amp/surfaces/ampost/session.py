"""The dashboard's session (`/api/session`): a cookie for browsers, and the token that their writes must carry."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field

from amp.domain.tenants import queries, signing_in
from amp.domain.tenants.cookies import cookie_name, cookie_of, csrf_token
from amp.domain.tenants.models import Environment, Role
from amp.domain.tenants.signing_in import SESSION_LIFE, Credentials
from amp.kit.errors import Unauthenticated
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.actor import require_live
from amp.surfaces.ampost.wire import Success, Wire, WireBody
from amp.surfaces.door import Door
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
    environment = body.environment or ("live" if door.live_enabled else "test")
    if environment == "live":
        require_live(door)
    signed_in = await signing_in.log_in(
        door.units,
        door.secrets,
        Credentials(body.email, body.password, request.client.host if request.client else "unknown"),
        environment=environment,
        tenant_id=decode(Kind.TENANT, body.tenant_id, what="Tenant") if body.tenant_id else None,
    )
    _set_cookie(door, response, cookie_of(signed_in.session_id, door.secrets))
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
    if body.environment == "live":
        require_live(door)
    session_id = _session_of(actor)
    await signing_in.choose_environment(uow, session_id, body.environment)
    return await _view(uow, door, actor, body.environment)


@router.delete("/session", needs="read", by="cookie", unit="system")
async def end_session(uow: Uow, door: AtDoor, actor: Actor, response: Response) -> Success:
    """Log out: the session is over at once, and the cookie goes."""
    await signing_in.log_out(uow, _session_of(actor))
    secure = _is_public(door)
    response.delete_cookie(cookie_name(door.base_url), path="/", secure=secure, httponly=True, samesite="lax")
    return Success()


async def _view(uow: Uow, door: Door, actor: Actor, environment: Environment) -> SessionView:
    session_id = _session_of(actor)
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


def _session_of(actor: Actor) -> UUID:
    if actor.session_id is None:
        raise Unauthenticated("Log in first: POST /api/session")
    return actor.session_id


def _set_cookie(door: Door, response: Response, cookie: str) -> None:
    response.set_cookie(
        cookie_name(door.base_url),
        cookie,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=_is_public(door),
        httponly=True,
        samesite="lax",
    )


def _is_public(door: Door) -> bool:
    """Whether the world reaches us over TLS; on one's own machine there is none."""
    return door.base_url.startswith("https:")
