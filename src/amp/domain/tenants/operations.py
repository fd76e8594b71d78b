"""Making tenants, people and keys. All of it is system work: the surfaces ask for that scope by name and
check the actor's permissions first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from amp.domain.tenants import queries
from amp.domain.tenants.keys import Family, Key, new_key
from amp.domain.tenants.models import ApiKey, Environment, Membership, Plan, Role, Tenant, User, Workspace
from amp.domain.tenants.roles import Actor, KeyScope, scope_permissions
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import Conflict, Forbidden, Invalid, NotFound
from amp.kit.ids import new_id
from amp.kit.secrets import SecretKeys

ENVIRONMENTS: tuple[Environment, ...] = ("live", "test")


async def create_tenant(uow: UnitOfWork, name: str, *, plan: Plan) -> Tenant:
    """A customer with its two workspaces."""
    now = uow.clock.now()
    tenant = Tenant(id=new_id(), name=name, plan=plan, created_at=now)
    uow.session.add(tenant)
    await uow.session.flush()
    for environment in ENVIRONMENTS:
        uow.session.add(Workspace(id=new_id(), tenant_id=tenant.id, environment=environment))
    await uow.session.flush()
    return tenant


async def create_user(
    uow: UnitOfWork, tenant_id: UUID, *, email: str, name: str, password_hash: str, role: Role
) -> User:
    """A person who belongs to a tenant. The password is hashed before (`passwords.hash_password`): that takes
    too long to hold a transaction. Errors: Invalid, Conflict (the address is taken)."""
    email = email.strip().lower()
    if "@" not in email or len(email) > 254:
        raise Invalid("This is not an e-mail address", param="email")
    if await queries.user_by_email(uow.session, email):
        raise Conflict("Somebody with this e-mail address exists already", param="email")
    user = User(id=new_id(), email=email, name=name, password_hash=password_hash, created_at=uow.clock.now())
    uow.session.add(user)
    await uow.session.flush()
    uow.session.add(Membership(tenant_id=tenant_id, user_id=user.id, role=role))
    await uow.session.flush()
    return user


@dataclass(frozen=True)
class KeyRequest:
    name: str
    environment: Environment
    family: Family = "amp"
    scopes: tuple[KeyScope, ...] = ()
    expires_at: datetime | None = None
    """Real time: keys live in the world, not on a fast clock."""


async def create_key(
    uow: UnitOfWork, secrets: SecretKeys, tenant_id: UUID, request: KeyRequest, *, by: UUID | None = None
) -> tuple[ApiKey, Key]:
    """A new key: the row, and the raw key that is shown this one time. Errors: Invalid (a name that is empty or longer
    than 100 characters; already expired)."""
    if not 0 < len(request.name.strip()) <= 100:
        raise Invalid("A key's name has 1 to 100 characters", param="name")
    if request.expires_at and request.expires_at <= real_now():
        raise Invalid("expires_at must lie in the future", param="expires_at")
    workspace = await queries.workspace_of(uow.session, tenant_id, request.environment)
    raw = new_key(request.family, request.environment)
    row = ApiKey(
        workspace_id=workspace.id,
        id=new_id(),
        name=request.name,
        prefix=raw.prefix,
        last_four=raw.last_four,
        digest=raw.digest(secrets),
        digest_key=secrets.key_id,
        scopes=list(request.scopes),
        created_by=by,
        created_at=uow.clock.now(),
        expires_at=request.expires_at,
    )
    uow.session.add(row)
    await uow.session.flush()
    return row, raw


def key_request_of(actor: Actor, request: KeyRequest) -> KeyRequest:
    """The key that this actor may make: never one that can do more than the actor.

    Errors: Forbidden (a test key asking for a live one, scopes that the actor has not).
    """
    if request.environment not in reachable(actor):
        raise Forbidden("A test key cannot make live keys")
    if actor.key_id and not request.scopes:
        return KeyRequest(request.name, request.environment, request.family, actor.scopes, request.expires_at)
    if not scope_permissions(request.scopes) <= actor.permissions:
        raise Forbidden("A key cannot be given scopes that you do not have")
    return request


def reachable(actor: Actor) -> Sequence[Environment]:
    """The environments whose keys an actor may manage: a test key never reaches live ones."""
    if actor.key_id and actor.environment == "test":
        return ("test",)
    return ENVIRONMENTS


async def revoke_key(
    uow: UnitOfWork, tenant_id: UUID, key_id: UUID, environments: Sequence[Environment] = ENVIRONMENTS
) -> ApiKey:
    """End a key at once. Errors: NotFound (also for one that is revoked, or belongs to somebody else)."""
    key = await uow.session.scalar(
        select(ApiKey)
        .join(Workspace, Workspace.id == ApiKey.workspace_id)
        .where(Workspace.tenant_id == tenant_id, Workspace.environment.in_(environments))
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .with_for_update(of=ApiKey)
    )
    if key is None:
        raise NotFound("API key not found")
    key.revoked_at = real_now()
    await uow.session.flush()
    return key


async def change_password(uow: UnitOfWork, user_id: UUID, password_hash: str) -> None:
    """A new password, already hashed, ends all sessions."""
    user = await uow.session.get(User, user_id)
    if user is None:
        raise NotFound("User not found")
    user.password_hash = password_hash
    await uow.session.flush()
