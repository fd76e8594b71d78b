"""At the door: who stands behind a key or a session, with one request counted, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from amp.domain.tenants.models import Environment
from amp.domain.tenants.roles import Actor
from amp.engine import throttle
from amp.kit.clock import real_now
from amp.kit.database import Database
from amp.kit.together import Together

_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class RateWindow:
    """Which window to count in: `bucket` names it within the workspace."""

    bucket: str
    period: timedelta


@dataclass(frozen=True)
class Admission:
    """An actor, and the use of the rate window that was counted on the way in."""

    actor: Actor
    used: int
    resets_at: datetime


@dataclass(frozen=True)
class KeyUse:
    """One request with a key, to be counted in `window`."""

    digest: bytes
    window: RateWindow


Admissions = Together[KeyUse, Admission | None]
"""Admits the owners of valid keys; None for a key that is unknown, expired or revoked."""

_CALLER = "tenants.id AS tenant_id, tenants.plan, workspaces.id AS workspace_id, workspaces.environment"

# Rows are locked in one order (`counting` sorts), or not waited for: statements of two processes must not block each
# other. Of several requests in one window, each is told the use that it was itself.
_ADMIT_KEYS = text(
    f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:digests AS bytea[]), CAST(:buckets AS text[]), CAST(:closing AS timestamptz[]))
            WITH ORDINALITY AS asked (digest, bucket, fresh, place)
    ), caller AS (
        SELECT {_CALLER}, api_keys.id AS key_id, api_keys.scopes, api_keys.last_used_at,
            coalesce(api_keys.created_by, (
                SELECT min(user_id::text)::uuid FROM memberships WHERE tenant_id = tenants.id AND role = 'owner'
            )) AS owner_id,
            asked.place, asked.fresh, asked.bucket || workspaces.id AS key
        FROM asked JOIN api_keys ON api_keys.digest = asked.digest
            JOIN workspaces ON workspaces.id = api_keys.workspace_id
            JOIN tenants ON tenants.id = workspaces.tenant_id
        WHERE api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > :now)
    ), stale AS (
        SELECT api_keys.workspace_id, api_keys.id FROM api_keys JOIN caller
            ON api_keys.workspace_id = caller.workspace_id AND api_keys.id = caller.key_id
        WHERE caller.last_used_at IS NULL OR caller.last_used_at < :touch_before
        FOR UPDATE OF api_keys SKIP LOCKED
    ), touched AS (
        UPDATE api_keys SET last_used_at = :now FROM stale
        WHERE api_keys.workspace_id = stale.workspace_id AND api_keys.id = stale.id
    ), counted AS ({throttle.counting("caller")})
    SELECT caller.*, counted.resets_at,
        counted.used - count(*) OVER (PARTITION BY key) + row_number() OVER (PARTITION BY key ORDER BY place) AS used
    FROM caller JOIN counted USING (key)
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
    ), counted AS ({
        throttle.counting("(SELECT :bucket || workspace_id AS key, CAST(:fresh AS timestamptz) AS fresh FROM caller)")
    })
    SELECT * FROM caller CROSS JOIN counted
    """  # noqa: S608 (all parts are our own text)
)


def key_admissions(database: Database) -> Admissions:
    """Requests that come at once are admitted at once: under load this is half of what the database is asked."""

    async def admit(uses: Sequence[KeyUse]) -> Sequence[Admission | None]:
        now = real_now()
        asked = {
            "digests": [use.digest for use in uses],
            "buckets": [f"{use.window.bucket}:" for use in uses],
            "closing": [now + use.window.period for use in uses],
        }
        rows = await database.system_briefly(_ADMIT_KEYS, {**asked, "now": now, "touch_before": now - _TOUCH_EVERY})
        found = {row.place: row for row in rows}
        return [_of_key(found.get(place)) for place in range(1, len(uses) + 1)]

    return Together(admit)


_RENEW_DIGEST = text("UPDATE api_keys SET digest = :digest, digest_key = :digest_key WHERE id = :id RETURNING id")


async def renew_digest(database: Database, key_id: UUID, *, digest: bytes, digest_key: str) -> None:
    """Find the key under another master key from now on."""
    await database.system_statement(_RENEW_DIGEST, {"id": key_id, "digest": digest, "digest_key": digest_key})


def _of_key(row: Any | None) -> Admission | None:
    return row and _admission(row, key_id=row.key_id, owner_id=row.owner_id, scopes=tuple(row.scopes))


async def admit_session(
    database: Database,
    session_id: UUID,
    tenant_id: UUID | None,
    environment: Environment | None,
    window: RateWindow,
) -> Admission | None:
    """The person of a valid session, as member of `tenant_id`. None leaves the tenant or the environment to the session
    itself."""
    now = real_now()
    known = {"session_id": session_id, "tenant_id": tenant_id, "environment": environment}
    counted = {"bucket": f"{window.bucket}:", "now": now, "fresh": now + window.period}
    rows = await database.system_briefly(_ADMIT_SESSION, {**known, **counted})
    if not rows:
        return None
    row = rows[0]
    return _admission(row, session_id=row.session_id, user_id=row.user_id, owner_id=row.user_id, role=row.role)


_STILL_ADMITTED = text(
    """
    SELECT 1 FROM api_keys
    WHERE id = CAST(:key_id AS uuid) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
    UNION ALL
    SELECT 1 FROM sessions JOIN memberships ON memberships.user_id = sessions.user_id
    WHERE sessions.id = CAST(:session_id AS uuid) AND sessions.revoked_at IS NULL AND sessions.expires_at > :now
        AND memberships.tenant_id = CAST(:tenant_id AS uuid)
    """
)


async def still_admitted(database: Database, actor: Actor) -> bool:
    """Whether the key or the session of somebody who was admitted a while ago still counts. For answers that take
    long; nothing is counted."""
    known = {"key_id": actor.key_id, "session_id": actor.session_id, "tenant_id": actor.tenant_id}
    return bool(await database.system_briefly(_STILL_ADMITTED, {**known, "now": real_now()}))


def _admission(row: Any, **who: Any) -> Admission:
    actor = Actor(
        tenant_id=row.tenant_id,
        workspace_id=row.workspace_id,
        environment=row.environment,
        plan=row.plan,
        **who,
    )
    return Admission(actor, row.used, row.resets_at)
