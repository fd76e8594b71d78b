"""Holding back exactly what a vendor's limit is about: one account, our app, or everything at the vendor.

A hold on an account is on its connection; the others are rows of the system's own, by environment and platform. The
claim passes over what is held; what fell due meanwhile moves to the end of the hold, and its error and its timeline
say so.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from amp.domain.connections import operations as connections
from amp.domain.publishing.claiming import Blocked, Claimed
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import Row, Scope
from amp.kit.errors import RateLimited
from amp.kit.ids import new_id
from amp.kit.telemetry import HELD_BACK


class Hold(Row):
    """Until when (virtual time) nothing goes out to a platform, in one environment, and why."""

    __tablename__ = "holds"

    environment: Mapped[str] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    """app or vendor."""
    until: Mapped[datetime]
    reason: Mapped[str]


_REASONS = {
    "quota": "the platform takes no more posts of this account for now",
    "rate limit": "the platform's rate limit holds this back",
}

_HOLD = text(
    """
    INSERT INTO holds AS h (environment, platform, scope, until, reason)
    VALUES (:environment, :platform, :scope, :until, :reason)
    ON CONFLICT (environment, platform, scope) DO UPDATE
        SET until = greatest(h.until, excluded.until), reason = excluded.reason
    RETURNING until
    """
)

_PUT_OFF = text(
    """
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:blocked AS jsonb))
            AS b(workspace_id uuid, id uuid, post_id uuid, event uuid, until timestamptz, reason text)
    ), locked AS MATERIALIZED (
        SELECT p.id FROM posts p JOIN (SELECT DISTINCT workspace_id, post_id FROM given) AS g
            ON p.workspace_id = g.workspace_id AND p.id = g.post_id
        ORDER BY p.workspace_id, p.id FOR NO KEY UPDATE OF p
    ), moved AS (
        UPDATE platform_posts p SET next_attempt_at = g.until, updated_at = :now,
            error_code = 'RATE_LIMITED', error_message = g.reason
        FROM given g JOIN locked ON locked.id = g.post_id
        WHERE p.workspace_id = g.workspace_id AND p.id = g.id
            AND p.next_attempt_at <= :now AND (p.lease_until IS NULL OR p.lease_until < :real)
        RETURNING p.workspace_id, p.id, p.post_id, p.platform, g.event, g.until, g.reason
    ), told AS (
        INSERT INTO timeline_events (workspace_id, id, post_id, platform_post_id, at, kind, detail)
        SELECT workspace_id, event, post_id, id, :now, 'waiting',
            jsonb_build_object('reason', reason, 'again_at', until)
        FROM moved
    )
    SELECT platform, reason, count(*) AS n FROM moved GROUP BY 1, 2
    """
)


async def hold(units: UnitsOfWork, claimed: Claimed, remedy: RateLimited, until: datetime, reason: str) -> None:
    """Nothing that the vendor's limit is about goes out before `until` (virtual)."""
    if remedy.scope == "connection":
        async with units.begin(Scope(workspace_id=claimed.workspace_id)) as uow:
            await connections.hold_back(uow, claimed.connection_id, until)
        return
    known = {"environment": claimed.environment, "platform": claimed.platform, "scope": remedy.scope}
    await units.database.system_statement(_HOLD, {**known, "until": until, "reason": reason})


async def put_off(units: UnitsOfWork, blocked: Sequence[Blocked]) -> None:
    """Move what may not go yet to when it may, unless somebody has begun or cancelled it meanwhile."""
    given = [
        {
            "workspace_id": one.workspace_id,
            "id": one.id,
            "post_id": one.post_id,
            "event": new_id(),
            "until": one.until,
            "reason": _REASONS[one.reason],
        }
        for one in blocked
    ]
    values = {"blocked": to_json(given).decode(), "now": units.clock.now(), "real": real_now()}
    for row in await units.database.system_rows(_PUT_OFF, values):
        HELD_BACK.labels(row.platform, "quota" if row.reason == _REASONS["quota"] else "rate limit").inc(row.n)
