"""Platform sets: named groups of accounts. A workspace has at most twenty, one of them its default."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text, update

from amp.domain.connections.models import Connection, PlatformSet
from amp.domain.tenants.roles import Actor
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Forbidden, Invalid, NotFound
from amp.kit.ids import new_id

MOST_SETS = 20
LONGEST_NAME = 50
_ONE_AFTER_ANOTHER = text("SELECT pg_advisory_xact_lock(hashtextextended('platform sets ' || :workspace, 0))")


@dataclass(frozen=True)
class CountedSet:
    """A set, and how many active accounts it has."""

    platform_set: PlatformSet
    connections: int


async def list_sets(uow: UnitOfWork) -> Sequence[CountedSet]:
    """Oldest first, the default at the top."""
    active = (
        select(func.count())
        .select_from(Connection)
        .where(Connection.platform_set_id == PlatformSet.id, Connection.status == "active")
        .scalar_subquery()
    )
    query = (
        select(PlatformSet, active)
        .where(PlatformSet.deleted_at.is_(None))
        .order_by(PlatformSet.is_default.desc(), PlatformSet.id)
    )
    return [CountedSet(found, count) for found, count in await uow.session.execute(query)]


async def get_set(uow: UnitOfWork, set_id: UUID, *, lock: bool = False) -> PlatformSet:
    """Errors: NotFound, also for one that is deleted or somebody else's."""
    query = select(PlatformSet).where(PlatformSet.id == set_id, PlatformSet.deleted_at.is_(None))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("Platform set not found")
    return found


async def own_set(uow: UnitOfWork, set_id: UUID, actor: Actor) -> PlatformSet:
    """A set, locked, that the actor may change. Errors: NotFound, Forbidden."""
    chosen = await get_set(uow, set_id, lock=True)
    if not may_change(actor, chosen):
        raise Forbidden("This platform set is somebody else's: its owner or an administrator may change it")
    return chosen


def may_change(actor: Actor, chosen: PlatformSet) -> bool:
    """Whoever made it may, and an administrator."""
    return actor.may("admin") or chosen.user_id == actor.owner_id


async def default_set(uow: UnitOfWork) -> PlatformSet:
    """The workspace's default set, made when there is none."""
    found = await _default(uow)
    if found is None:
        await _lock(uow)
        found = await _default(uow) or await _add(uow, "Default", is_default=True, user_id=None)
    return found


async def create_set(uow: UnitOfWork, name: str, *, user_id: UUID | None) -> PlatformSet:
    """A new set; the first becomes the default. Errors: Invalid (its name; there are twenty already)."""
    name = checked_name(name)
    await _lock(uow)
    count = await uow.session.scalar(
        select(func.count()).select_from(PlatformSet).where(PlatformSet.deleted_at.is_(None))
    )
    if (count or 0) >= MOST_SETS:
        raise Invalid(f"There are {MOST_SETS} platform sets already, which is the most there can be")
    return await _add(uow, name, is_default=await _default(uow) is None, user_id=user_id)


async def rename_set(uow: UnitOfWork, chosen: PlatformSet, name: str) -> None:
    """Errors: Invalid (the name)."""
    chosen.name, chosen.updated_at = checked_name(name), uow.clock.now()
    await uow.session.flush()


async def make_default(uow: UnitOfWork, chosen: PlatformSet) -> None:
    """The set becomes the default in place of the one that was."""
    await _lock(uow)
    now = uow.clock.now()
    await uow.session.execute(
        update(PlatformSet)
        .where(PlatformSet.is_default, PlatformSet.id != chosen.id)
        .values(is_default=False, updated_at=now)
    )
    chosen.is_default, chosen.updated_at = True, now
    await uow.session.flush()


def checked_name(name: str) -> str:
    """Errors: Invalid when, trimmed, it has not 1 to 50 characters."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(f"A platform set's name has 1 to {LONGEST_NAME} characters", param="name")
    return name


async def _default(uow: UnitOfWork) -> PlatformSet | None:
    query = select(PlatformSet).where(PlatformSet.is_default)
    return (await uow.session.execute(query)).scalar_one_or_none()


async def _lock(uow: UnitOfWork) -> None:
    """Whoever adds sets, or says which is the default, does so alone."""
    await uow.session.execute(_ONE_AFTER_ANOTHER, {"workspace": str(uow.workspace_id)})


async def _add(uow: UnitOfWork, name: str, *, is_default: bool, user_id: UUID | None) -> PlatformSet:
    now = uow.clock.now()
    created = PlatformSet(
        workspace_id=uow.workspace_id,
        id=new_id(),
        name=name,
        is_default=is_default,
        user_id=user_id,
        created_at=now,
        updated_at=now,
    )
    uow.session.add(created)
    await uow.session.flush()
    return created
