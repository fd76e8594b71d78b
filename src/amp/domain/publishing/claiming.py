"""Claiming due deliveries from their own rows: one statement finds them, leases them, and writes the intent.

A delivery is worked on by the holder of its lease. The fence counts holders; everything a holder writes names
its fence, so a late writer changes nothing. A delivery with media gets its intent later, right before the call
that makes it public; a plain one gets it here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now

_CLAIM = text(
    """
    WITH due AS (
        SELECT p.workspace_id, p.id, p.intent_at AS open_intent, p.status AS was
        FROM platform_posts p
        JOIN connections c ON c.workspace_id = p.workspace_id AND c.id = p.connection_id
        WHERE p.next_attempt_at <= :now
          AND (p.lease_until IS NULL OR p.lease_until < :real)
          AND (c.held_until IS NULL OR c.held_until <= :now)
        ORDER BY p.next_attempt_at
        LIMIT :limit
        FOR UPDATE OF p SKIP LOCKED
    ), plain AS (
        SELECT p.id, d.open_intent IS NULL AND d.was <> 'processing' AND p.due_at > :missed
            AND jsonb_array_length(p.media) = 0 AS intends
        FROM platform_posts p JOIN due d ON d.id = p.id
    )
    UPDATE platform_posts p SET
        fence = p.fence + 1,
        lease_until = :lease,
        intent_at = CASE WHEN plain.intends THEN :now ELSE p.intent_at END,
        first_intent_at = CASE WHEN plain.intends THEN coalesce(p.first_intent_at, :now)
            ELSE p.first_intent_at END,
        status = CASE WHEN plain.intends THEN 'publishing'
            WHEN due.was = 'pending' AND due.open_intent IS NULL AND p.due_at > :missed THEN 'uploading'
            ELSE p.status END,
        attempt = p.attempt + CASE WHEN due.open_intent IS NULL AND due.was <> 'processing' THEN 1 ELSE 0 END
    FROM due JOIN plain ON plain.id = due.id
    WHERE p.workspace_id = due.workspace_id AND p.id = due.id
    RETURNING p.workspace_id, p.id, p.post_id, p.platform, p.connection_id, p.parts, p.media, p.link_url,
        p.settings, p.due_at, p.attempt, p.fence, p.lease_until, p.first_intent_at, p.searches, p.resending,
        p.state, due.was, due.open_intent, p.intent_at
    """
)

_NEXT = text("SELECT min(next_attempt_at) FROM platform_posts WHERE next_attempt_at > :now")


@dataclass(frozen=True)
class Claimed:
    """A delivery in our hands until `lease_until` (real time)."""

    workspace_id: UUID
    id: UUID
    post_id: UUID
    platform: str
    connection_id: UUID
    parts: list[str]
    media: list[Any]
    link_url: str | None
    settings: dict[str, Any]
    due_at: datetime
    attempt: int
    fence: int
    lease_until: datetime
    first_intent_at: datetime | None
    searches: int
    resending: bool
    state: dict[str, Any]
    was: str
    open_intent: datetime | None
    """Set: an earlier attempt may have taken effect. Look before doing anything."""
    intent_at: datetime | None


async def claim_due(uow: UnitOfWork, *, limit: int, missed_after: timedelta, lease: timedelta) -> list[Claimed]:
    """Up to `limit` due deliveries, oldest first, in system scope."""
    real, now = real_now(), uow.clock.now()
    values = {"now": now, "real": real, "lease": real + lease, "limit": limit, "missed": now - missed_after}
    rows = (await uow.session.execute(_CLAIM, values)).mappings()
    return sorted((Claimed(**row) for row in rows), key=lambda claimed: claimed.due_at)


async def next_due(uow: UnitOfWork) -> datetime | None:
    """The next (virtual) moment at which there may be something to do."""
    return await uow.session.scalar(_NEXT, {"now": uow.clock.now()})
