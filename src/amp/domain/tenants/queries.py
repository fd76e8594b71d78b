"""Reads of tenants: who is at the door, and who belongs to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from amp.domain.tenants.models import ApiKey, Environment, Membership, Role, Tenant, User, Workspace
from amp.domain.tenants.roles import Actor
from amp.engine import throttle
from amp.kit.clock import real_now
from amp.kit.database import Database
from amp.kit.pagination import Cursor, Page, page_of, paged

_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Admission:
    """An actor, and the use of the rate window that was counted on the way in."""

    actor: Actor
    used: int
    resets_at: datetime


@dataclass(frozen=True)
class RateWindow:
    """Which window to count in: `bucket` names it within the workspace."""

    bucket: str
    period: timedelta


_CALLER = "tenants.id AS tenant_id, tenants.plan, workspaces.id AS workspace_id, workspaces.environment"

_ADMIT_KEY = text(
    f"""
    WITH caller AS (
        SELECT {_CALLER}, api_keys.id AS key_id, api_keys.scopes, api_keys.last_used_at,
            coalesce(api_keys.created_by, (
                SELECT min(user_id::text)::uuid FROM memberships WHERE tenant_id = tenants.id AND role = 'owner'
            )) AS owner_id
        FROM api_keys JOIN workspaces ON workspaces.id = api_keys.workspace_id
            JOIN tenants ON tenants.id = workspaces.tenant_id
        WHERE api_keys.digest = :digest AND api_keys.revoked_at IS NULL
            AND (api_keys.expires_at IS NULL OR api_keys.expires_at > :now)
    ), touched AS (
        UPDATE api_keys SET last_used_at = :now FROM caller
        WHERE api_keys.workspace_id = caller.workspace_id AND api_keys.id = caller.key_id
            AND (caller.last_used_at IS NULL OR caller.last_used_at < :touch_before)
    ), counted AS ({throttle.counting("(SELECT :bucket || workspace_id AS key FROM caller) AS bucket")})
    SELECT * FROM caller CROSS JOIN counted
    """  # noqa: S608 (all parts are our own text)
)

_ADMIT_SESSION = text(
    f"""
    WITH caller AS (
        SELECT {_CALLER}, memberships.role, memberships.user_id, sessions.id AS session_id
        FROM sessions JOIN memberships ON memberships.user_id = sessions.user_id
            JOIN tenants ON tenants.id = memberships.tenant_id
            JOIN workspaces ON workspaces.tenant_id = tenants.id
        WHERE sessions.id = :session_id AND sessions.revoked_at IS NULL AND sessions.expires_at > :now
            AND tenants.id = coalesce(CAST(:tenant_id AS uuid), sessions.tenant_id)
            AND workspaces.environment = coalesce(CAST(:environment AS text), sessions.environment)
    ), counted AS ({throttle.counting("(SELECT :bucket || workspace_id AS key FROM caller) AS bucket")})
    SELECT * FROM caller CROSS JOIN counted
    """  # noqa: S608 (all parts are our own text)
)


async def admit_key(database: Database, digest: bytes, window: RateWindow) -> Admission | None:
    """The owner of a valid key, one request counted, all in one statement."""
    now = real_now()
    known = {"digest": digest, "touch_before": now - _TOUCH_EVERY}
    row = await database.system_statement(_ADMIT_KEY, {**known, **_counted(window, now)})
    return None if row is None else _admission(row, key_id=row.key_id, owner_id=row.owner_id, scopes=tuple(row.scopes))


_RENEW_DIGEST = text("UPDATE api_keys SET digest = :digest, digest_key = :digest_key WHERE id = :id RETURNING id")


async def renew_digest(database: Database, key_id: UUID, *, digest: bytes, digest_key: str) -> None:
    """Find the key under another master key from now on."""
    await database.system_statement(_RENEW_DIGEST, {"id": key_id, "digest": digest, "digest_key": digest_key})


async def admit_session(
    database: Database,
    session_id: UUID,
    tenant_id: UUID | None,
    environment: Environment | None,
    window: RateWindow,
) -> Admission | None:
    """The person of a valid session, as member of `tenant_id`, one request counted, all in one statement. None leaves
    the tenant or the environment to the session itself."""
    known = {"session_id": session_id, "tenant_id": tenant_id, "environment": environment}
    row = await database.system_statement(_ADMIT_SESSION, {**known, **_counted(window, real_now())})
    who = {"user_id": row.user_id, "owner_id": row.user_id, "role": row.role} if row else {}
    return None if row is None else _admission(row, session_id=row.session_id, **who)


def _counted(window: RateWindow, now: datetime) -> dict[str, object]:
    return {"bucket": f"{window.bucket}:", "now": now, "fresh": now + window.period}


def _admission(row: Row[Any], **who: Any) -> Admission:
    actor = Actor(
        tenant_id=row.tenant_id,
        workspace_id=row.workspace_id,
        environment=row.environment,
        plan=row.plan,
        **who,
    )
    return Admission(actor, row.used, row.resets_at)


@dataclass(frozen=True)
class Belonging:
    tenant_id: UUID
    name: str
    role: Role


async def belongings(session: AsyncSession, user_id: UUID) -> Sequence[Belonging]:
    """The tenants of a person, oldest first (in system scope)."""
    rows = await session.execute(
        select(Tenant.id, Tenant.name, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id)
        .order_by(Tenant.id)
    )
    return [Belonging(row.id, row.name, cast("Role", row.role)) for row in rows]


async def user_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(User.email == email.strip().lower()))


async def workspace_of(session: AsyncSession, tenant_id: UUID, environment: Environment) -> Workspace:
    """One of the two workspaces of a tenant (in system scope)."""
    found = select(Workspace).where(Workspace.tenant_id == tenant_id, Workspace.environment == environment)
    return (await session.scalars(found)).one()


async def list_keys(
    session: AsyncSession, tenant_id: UUID, environments: Sequence[Environment], cursor: Cursor
) -> Page[ApiKey]:
    """A tenant's keys that are not revoked, newest first (in system scope)."""
    found = (
        select(ApiKey)
        .join(Workspace, Workspace.id == ApiKey.workspace_id)
        .where(Workspace.tenant_id == tenant_id, Workspace.environment.in_(environments))
        .where(ApiKey.revoked_at.is_(None))
    )
    total = await session.scalar(select(func.count()).select_from(found.subquery()))
    rows = (await session.scalars(paged(found, ApiKey.id, cursor))).all()
    return page_of(rows, cursor, total or 0)


async def keys_of(
    session: AsyncSession, workspace_id: UUID, user_id: UUID | None, *, of_nobody: bool
) -> Sequence[ApiKey]:
    """The keys of a workspace that a person made and that are not revoked, newest first (in system scope). `of_nobody`:
    those too that the operator made."""
    mine = ApiKey.created_by == user_id
    found = (
        select(ApiKey)
        .where(ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None))
        .where(or_(mine, ApiKey.created_by.is_(None)) if of_nobody else mine)
        .order_by(ApiKey.id.desc())
    )
    return (await session.scalars(found)).all()


async def keys_of_earlier_masters(session: AsyncSession, master_key_id: str) -> int:
    """How many keys were never used since the master key was changed: they work as long as the earlier one is known."""
    earlier = select(func.count()).select_from(ApiKey).where(ApiKey.digest_key.is_distinct_from(master_key_id))
    valid = earlier.where(ApiKey.revoked_at.is_(None), func.coalesce(ApiKey.expires_at, real_now()) >= real_now())
    return await session.scalar(valid) or 0


async def key(session: AsyncSession, workspace_id: UUID, key_id: UUID) -> ApiKey:
    return await session.get_one(ApiKey, (workspace_id, key_id))


async def tenant(session: AsyncSession, tenant_id: UUID) -> Tenant:
    return await session.get_one(Tenant, tenant_id)


async def user(session: AsyncSession, user_id: UUID) -> User:
    return await session.get_one(User, user_id)


def environment_of(key: ApiKey) -> Environment:
    """As its own text says."""
    return cast("Environment", key.prefix.split("_")[1])


async def own_owner(session: AsyncSession) -> UUID | None:
    """The (first) owner of the tenant that the transaction is in: row-level security leaves no other tenant to find."""
    owners = select(Membership.user_id).where(Membership.role == "owner").order_by(Membership.user_id)
    return await session.scalar(owners.limit(1))


async def first_tenant(session: AsyncSession) -> Tenant | None:
    """The tenant that was made first (in system scope)."""
    return await session.scalar(select(Tenant).order_by(Tenant.id).limit(1))
