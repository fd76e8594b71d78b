"""Logging in and API keys (`/auth/...` of the AMP contract)."""

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from amp.domain.tenants import operations as tenants
from amp.domain.tenants import queries, signing_in
from amp.domain.tenants.keys import Family
from amp.domain.tenants.models import ApiKey, Environment, Role
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.roles import KeyScope
from amp.domain.tenants.signing_in import Credentials, SignedIn
from amp.kit.errors import Forbidden
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.actor import require_live
from amp.surfaces.amp.envelope import Deleted, Listing, Paging, listing
from amp.surfaces.fields import Body, Moment
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("auth")


class Login(Body):
    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    environment: Environment | None = None
    """`live`, unless the server's clock is fast and only `test` is open."""
    tenant_id: str | None = None


class Refresh(Body):
    refresh_token: Annotated[str, Field(max_length=200)]


class UserView(BaseModel):
    id: str
    email: str
    name: str


class SessionView(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (the name of a scheme)
    expires_in: int
    """Seconds."""
    refresh_token: str
    tenant_id: str
    environment: Environment
    role: Role
    user: UserView


@router.post("/auth/login", needs=None)
async def login(door: AtDoor, request: Request, body: Login) -> SessionView:
    """Trade an e-mail address and a password for an access token and a refresh token."""
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
    return _session_view(signed_in)


@router.post("/auth/refresh", needs=None)
async def refresh(door: AtDoor, body: Refresh) -> SessionView:
    """Trade a refresh token for a new pair. A refresh token is good once; used again, it ends the session."""
    return _session_view(await signing_in.refresh(door.units, door.secrets, body.refresh_token))


class LoggedOut(BaseModel):
    logged_out: bool = True


@router.post("/auth/logout", needs="read", unit="system")
async def logout(uow: Uow, actor: Actor) -> LoggedOut:
    """End the session at once, with all its tokens."""
    if actor.session_id is None:
        raise Forbidden("A key has no session to end; revoke the key instead")
    await signing_in.log_out(uow, actor.session_id)
    return LoggedOut()


class TenantView(BaseModel):
    id: str
    name: str
    plan: str


class Identity(BaseModel):
    tenant: TenantView
    environment: Environment
    user: UserView | None
    role: Role | None
    key: "KeyView | None"
    permissions: list[str]
    tenants: list[dict[str, str]]
    """Those that `X-Tenant-ID` can choose."""


@router.get("/auth/whoami", needs="read", unit="system")
async def whoami(uow: Uow, actor: Actor) -> Identity:
    """Who the key or token stands for, and what it may do."""
    tenant = await queries.tenant(uow.session, actor.tenant_id)
    user = await queries.user(uow.session, actor.user_id) if actor.user_id else None
    key = await queries.key(uow.session, actor.workspace_id, actor.key_id) if actor.key_id else None
    mine = await queries.belongings(uow.session, actor.user_id) if actor.user_id else ()
    return Identity(
        tenant=TenantView(id=encode(Kind.TENANT, tenant.id), name=tenant.name, plan=tenant.plan),
        environment=actor.environment,
        user=UserView(id=encode(Kind.USER, user.id), email=user.email, name=user.name) if user else None,
        role=actor.role,
        key=_key_view(key) if key else None,
        permissions=sorted(actor.permissions),
        tenants=[{"id": encode(Kind.TENANT, one.tenant_id), "name": one.name, "role": one.role} for one in mine],
    )


class NewKey(Body):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    environment: Environment = "test"
    family: Family = "amp"
    scopes: Annotated[list[KeyScope], Field(max_length=5, default_factory=list)]
    """None: everything."""
    expires_at: Moment | None = None


class KeyView(BaseModel):
    id: str
    name: str
    environment: Environment
    prefix: str
    last_four: str
    scopes: list[str]
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class CreatedKey(KeyView):
    key: str
    """The key itself: shown this once."""


@router.post("/auth/keys", needs="admin", status=201, unit="system", shown_once=("key",))
async def create_key(uow: Uow, door: AtDoor, actor: Actor, body: NewKey) -> CreatedKey:
    """Make an API key. It is shown once; repeated with the same Idempotency-Key, the answer comes without it."""
    wanted = KeyRequest(body.name, body.environment, body.family, tuple(body.scopes), body.expires_at)
    allowed = tenants.key_request_of(actor, wanted)
    row, raw = await tenants.create_key(uow, door.secrets, actor.tenant_id, allowed, by=actor.user_id)
    return CreatedKey(**_key_view(row).model_dump(), key=raw.text)


@router.get("/auth/keys", needs="admin", unit="system")
async def list_keys(uow: Uow, actor: Actor, paging: Paging) -> Listing[KeyView]:
    """The tenant's keys, newest first, without their secrets. A test key sees test keys only."""
    cursor = paging.cursor(Kind.KEY)
    page = await queries.list_keys(uow.session, actor.tenant_id, tenants.reachable(actor), cursor)
    return listing(page, _key_view)


@router.delete("/auth/keys/{key_id}", needs="admin", unit="system")
async def revoke_key(uow: Uow, actor: Actor, key_id: str) -> Deleted:
    """End a key at once."""
    key = decode(Kind.KEY, key_id, what="API key")
    await tenants.revoke_key(uow, actor.tenant_id, key, tenants.reachable(actor))
    return Deleted(id=key_id)


def _session_view(signed_in: SignedIn) -> SessionView:
    user = signed_in.user
    return SessionView(
        access_token=signed_in.access_token,
        expires_in=int(signed_in.expires_in.total_seconds()),
        refresh_token=signed_in.refresh_token,
        tenant_id=encode(Kind.TENANT, signed_in.tenant.tenant_id),
        environment=signed_in.environment,
        role=signed_in.tenant.role,
        user=UserView(id=encode(Kind.USER, user.id), email=user.email, name=user.name),
    )


def _key_view(key: ApiKey) -> KeyView:
    return KeyView(
        id=encode(Kind.KEY, key.id),
        name=key.name,
        environment=queries.environment_of(key),
        prefix=key.prefix,
        last_four=key.last_four,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
