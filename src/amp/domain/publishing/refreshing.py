"""Renewing tokens before they end, so that no post waits for it and no account is lost while nobody posts.
`connections/health.py` says when that is."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from amp.domain.connections.health import LEAST_AHEAD, MOST_AHEAD
from amp.domain.publishing.accounts import authority, refreshed
from amp.domain.publishing.port import Environment, SocialPlatforms
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.kit.clock import real_now
from amp.kit.database import Scope
from amp.kit.errors import ProviderFailed
from amp.kit.secrets import SecretKeys, Unreadable
from amp.kit.telemetry import log

AGAIN_AFTER = timedelta(minutes=10)
_EVERY = timedelta(minutes=5)
_AT_ONCE = 4
_IN_ONE_TURN = 100

_DUE = text(
    """
    SELECT c.id, c.workspace_id, c.platform, w.environment
    FROM connections c JOIN workspaces w ON w.id = c.workspace_id
    WHERE c.status = 'active' AND (c.refresh_token IS NOT NULL OR c.platform = ANY(:renewing))
        AND c.token_expires_at < :now + greatest(
            CAST(:least AS interval),
            least(CAST(:most AS interval), (c.token_expires_at - coalesce(c.token_renewed_at, :now)) / 10)
        )
        AND (c.refresh_failed_at IS NULL OR c.refresh_failed_at < :again)
    ORDER BY c.token_expires_at LIMIT :limit
    """
)
"""What `health.renewal_due` says, of all connections at once."""


@dataclass(frozen=True)
class _Due:
    id: UUID
    workspace_id: UUID
    platform: str
    environment: Environment


@recurring(_EVERY)
async def refresh_ahead(job: Job) -> None:
    """A few at a time. What fails is noted on the connection, and tried again later."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(due: _Due) -> None:
        async with at_once:
            await _refresh(job, due)

    await asyncio.gather(*(one(due) for due in await _soon_over(job)))


async def _soon_over(job: Job) -> list[_Due]:
    social = job.ports.get(SocialPlatforms)
    now = real_now()
    values = {
        "now": now,
        "least": LEAST_AHEAD,
        "most": MOST_AHEAD,
        "again": now - AGAIN_AFTER,
        "limit": _IN_ONE_TURN,
        "renewing": [name for name in social.names() if (o := social.capabilities(name).oauth) and o.renews_access],
    }
    async with job.system_unit() as uow:
        return [_Due(**row) for row in (await uow.session.execute(_DUE, values)).mappings()]


async def _refresh(job: Job, due: _Due) -> None:
    scope, secrets = Scope(workspace_id=due.workspace_id), job.ports.get(SecretKeys)
    platform = job.ports.get(SocialPlatforms).of(due.platform, due.environment)
    try:
        async with job.units.begin(scope) as uow:
            allowed = await authority(uow, secrets, due.id)
        await refreshed(job.units, secrets, scope, due.id, allowed, platform)
    except (ProviderFailed, Unreadable) as error:  # one account's trouble must not keep the others from their tokens
        log.warning("tokens were not renewed ahead of time", platform=due.platform, reason=error.message)
