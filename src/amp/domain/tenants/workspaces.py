"""The workspace that a unit of work is in."""

from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import select

from amp.domain.tenants.models import Environment, Workspace
from amp.engine.unit_of_work import UnitOfWork


async def own_environment(uow: UnitOfWork) -> Environment:
    """Live or test. Row-level security leaves one row to find."""
    found = await uow.session.scalar(select(Workspace.environment).where(Workspace.id == uow.workspace_id))
    return cast("Environment", found)


async def own_time_zone(uow: UnitOfWork) -> ZoneInfo:
    """Where the workspace's days begin."""
    found = await uow.session.scalar(select(Workspace.time_zone).where(Workspace.id == uow.workspace_id))
    return ZoneInfo(found or "UTC")
