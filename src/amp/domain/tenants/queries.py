"""Reads of tenants: who belongs to whom, and whose the keys are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from amp.domain.tenants.models import ApiKey, Environment, Membership, Role, Tenant, User, Workspace
from amp.kit.clock import real_now
from amp.kit.pagination import Cursor, Page, page_of, paged


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
