"""Collecting media that nobody refers to any more, and files that no row knows.

Rows go first, bytes after the commit: a crash between them leaves a file without row, and those are collected, too.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, cast, delete, func, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import JSONPATH

from amp.domain.media.models import Media
from amp.domain.media.port import References, Storage, StoredFile
from amp.domain.tenants.models import Workspace
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.kit.clock import real_now
from amp.kit.telemetry import log

KEPT = timedelta(days=30)
"""Spec: unused media is collected after 30 days."""
_BATCH = 500


@recurring(timedelta(days=1))
async def collect_unused_media(job: Job) -> None:
    """Media older than a month that no post and no content refers to."""
    if job.clock.speed != 1:
        return  # a month passes in minutes there, and somebody is watching
    storage = job.ports.get(Storage)
    while keys := await _forget(job, _unused(job.ports.get(References).columns(), job)):
        for key in keys:
            await storage.delete(key)
        log.info("unused media collected", files=len(keys))


async def _forget(job: Job, unused: Select[UUID, UUID]) -> Sequence[str]:
    """Delete some rows; the keys of their files."""
    statement = delete(Media).where(tuple_(Media.workspace_id, Media.id).in_(unused.limit(_BATCH)))
    async with job.system_unit() as uow:
        return (await uow.session.scalars(statement.returning(Media.storage_key))).all()


def _unused(columns: Iterable[Any], job: Job) -> Select[UUID, UUID]:
    # A key stands in the description of a medium, or in that of its thumbnail.
    everywhere = cast("$.**.storageKey", JSONPATH)
    keys = [select(func.jsonb_path_query(column, everywhere).label("key")) for column in columns]
    named = union_all(*keys).subquery()
    referred = select(1).where(named.c.key == func.to_jsonb(Media.storage_key)).exists()
    return select(Media.workspace_id, Media.id).where(Media.created_at < job.clock.now() - KEPT, ~referred)


@recurring(timedelta(days=1))
async def collect_leftovers(job: Job) -> None:
    """Files older than a month without a row: what a crash left between storing bytes and committing their row."""
    storage, before = job.ports.get(Storage), real_now() - KEPT
    batch: list[StoredFile] = []
    async for file in storage.files():
        if file.modified_at < before:
            batch.append(file)
        if len(batch) == _BATCH:
            await _collect(job, storage, batch)
            batch = []
    await _collect(job, storage, batch)


async def _collect(job: Job, storage: Storage, files: Sequence[StoredFile]) -> None:
    """Files of workspaces that this database does not know are somebody else's, and left alone."""
    workspaces = {file.key: _workspace(file.key) for file in files}
    async with job.system_unit() as uow:
        ours = set(await uow.session.scalars(select(Workspace.id).where(Workspace.id.in_({*workspaces.values()}))))
        known = set(await uow.session.scalars(select(Media.storage_key).where(Media.storage_key.in_([*workspaces]))))
    for key, workspace_id in workspaces.items():
        if workspace_id in ours and key not in known:
            await storage.delete(key)
            log.info("a file without row was collected", key=key)


def _workspace(key: str) -> UUID | None:
    try:
        return UUID(key.partition("/")[0])
    except ValueError:
        return None
