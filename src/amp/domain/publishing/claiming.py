"""Claiming due deliveries from their own rows: one statement finds them, leases them, and writes the intent.

A delivery is worked on by the holder of its lease. The fence counts holders; everything a holder writes names
its fence, so a late writer changes nothing. From the claim on its post is `posting`. A delivery with media gets its
intent later, right before the call that makes it public; a plain one gets it here.

What may start is decided here, too. No account takes more than `OF_AN_ACCOUNT` places at once, and accounts take
turns: 500 posts of one do not keep another's one waiting. Overdue posts of one account start in the order of their
due times, a later one when the earlier one's attempt has ended, or after `PATIENCE`. What a limit keeps from going is
not claimed: it is given back as `Blocked`, with the moment at which it may go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text

from amp.domain.publishing.port import Environment
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now

OF_AN_ACCOUNT = 64
PATIENCE = timedelta(seconds=10)
"""Real time."""
SHALLOW, DEEP = 512, 1 << 17
"""How many due rows are looked at: more and more while nothing in front may start."""

_CLAIM = text(
    """
    WITH quotas AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:quotas AS jsonb))
            AS q(platform text, posts integer, hours float8, settings jsonb)
    ), ready AS (
        SELECT p.workspace_id, p.id, p.post_id, p.connection_id, p.platform, p.due_at, p.next_attempt_at,
            p.status AS was, p.intent_at AS open_intent, w.environment,
            p.status = 'pending' AND p.attempt = 0 AND p.due_at > :missed AS fresh,
            CASE WHEN p.intent_at IS NULL AND p.status <> 'processing' AND p.due_at > :missed
                THEN jsonb_array_length(p.parts) ELSE 0 END AS uses,
            EXISTS (SELECT FROM quotas q WHERE q.platform = p.platform
                AND q.settings <> '{}' AND p.settings @> q.settings) AS of_a_kind,
            greatest(c.held_until, (SELECT max(h.until) FROM holds h
                WHERE h.environment = w.environment AND h.platform = p.platform)) AS held_until,
            c.token_version, c.status AS connection_status
        FROM platform_posts p
        JOIN connections c ON c.workspace_id = p.workspace_id AND c.id = p.connection_id
        JOIN workspaces w ON w.id = p.workspace_id
        WHERE p.next_attempt_at <= :now AND (p.lease_until IS NULL OR p.lease_until < :real)
        ORDER BY p.next_attempt_at
        LIMIT :scan
    ), accounts AS (
        SELECT DISTINCT workspace_id, connection_id, platform FROM ready
    ), underway AS (
        SELECT p.connection_id, count(*) FILTER (WHERE p.lease_until > :real) AS places,
            sum(jsonb_array_length(p.parts)) AS uses,
            sum(jsonb_array_length(p.parts)) FILTER (WHERE EXISTS (SELECT FROM quotas q WHERE q.platform = p.platform
                AND q.settings <> '{}' AND p.settings @> q.settings)) AS uses_of_a_kind,
            min(p.due_at) FILTER (WHERE p.lease_until > :real AND p.attempt <= 1 AND p.claimed_at > :patience) AS oldest
        FROM platform_posts p JOIN accounts a USING (connection_id)
        WHERE (p.lease_until IS NOT NULL OR p.intent_at IS NOT NULL) AND p.status <> 'unconfirmed'
            AND NOT (p.next_attempt_at <= :now AND p.lease_until IS NULL)
        GROUP BY 1
    ), ranked AS (
        SELECT r.*, u.oldest,
            row_number() OVER account + coalesce(u.places, 0) AS place,
            coalesce(u.uses, 0) + sum(r.uses) OVER account AS used,
            coalesce(u.uses_of_a_kind, 0) + coalesce(sum(r.uses) FILTER (WHERE r.of_a_kind) OVER account, 0)
                AS used_of_a_kind,
            min(r.due_at) FILTER (WHERE r.fresh) OVER (PARTITION BY r.connection_id) AS first_due
        FROM ready r LEFT JOIN underway u USING (connection_id)
        WINDOW account AS (PARTITION BY r.connection_id ORDER BY r.next_attempt_at, r.id)
    ), budgets AS (
        SELECT a.connection_id, q.posts, q.hours * interval '1 hour' AS span, q.settings <> '{}' AS of_a_kind,
            b.moments, coalesce(cardinality(b.moments), 0) AS taken
        FROM accounts a JOIN quotas q USING (platform)
        CROSS JOIN LATERAL (
            SELECT array_agg(p.published_at ORDER BY p.published_at) AS moments
            FROM platform_posts p, generate_series(1, jsonb_array_length(p.parts))
            WHERE p.workspace_id = a.workspace_id AND p.connection_id = a.connection_id
                AND p.published_at > CAST(:now AS timestamptz) - q.hours * interval '1 hour'
                AND p.settings @> q.settings
        ) AS b
    ), weighed AS (
        SELECT r.*, (
            SELECT max(coalesce(b.moments[b.taken + u.used - b.posts], CAST(:now AS timestamptz)) + b.span)
            FROM budgets b
            CROSS JOIN LATERAL (SELECT CASE WHEN b.of_a_kind THEN r.used_of_a_kind ELSE r.used END AS used) AS u
            WHERE b.connection_id = r.connection_id AND r.uses > 0 AND (r.of_a_kind OR NOT b.of_a_kind)
                AND b.taken + u.used > b.posts
        ) AS full_until
        FROM ranked r
    ), able AS (
        SELECT w.*, row_number() OVER lane AS turn
        FROM weighed w
        WHERE (w.held_until IS NULL OR w.held_until <= :now) AND w.full_until IS NULL AND w.place <= :of_an_account
            AND (NOT w.fresh OR w.due_at = w.first_due AND (w.oldest IS NULL OR w.oldest >= w.due_at))
        WINDOW lane AS (PARTITION BY w.environment, w.platform ORDER BY w.place, w.next_attempt_at)
    ), due AS (
        SELECT p.workspace_id, p.id
        FROM platform_posts p JOIN able a ON a.workspace_id = p.workspace_id AND a.id = p.id
        JOIN posts s ON s.workspace_id = p.workspace_id AND s.id = p.post_id
        WHERE a.turn <= coalesce(CAST(CAST(:rooms AS jsonb) ->> (a.environment || ' ' || a.platform) AS integer), :room)
            AND p.next_attempt_at <= :now AND (p.lease_until IS NULL OR p.lease_until < :real)
        ORDER BY a.place, a.next_attempt_at
        LIMIT :limit
        FOR UPDATE OF p SKIP LOCKED FOR NO KEY UPDATE OF s SKIP LOCKED -- it waits for nobody: no deadlock
    ), claimed AS (
        UPDATE platform_posts p SET
            fence = p.fence + 1,
            lease_until = :lease,
            claimed_at = :real,
            intent_at = CASE WHEN i.intends THEN :now ELSE p.intent_at END,
            first_intent_at = CASE WHEN i.intends THEN coalesce(p.first_intent_at, :now) ELSE p.first_intent_at END,
            status = CASE WHEN i.intends THEN 'publishing' WHEN i.begins THEN 'uploading' ELSE p.status END,
            processing_since = CASE WHEN i.begins THEN NULL ELSE p.processing_since END,
            attempt = p.attempt + CASE WHEN p.intent_at IS NULL AND p.status <> 'processing' THEN 1 ELSE 0 END
        FROM due JOIN LATERAL (
            SELECT o.begins, o.begins AND jsonb_array_length(o.media) = 0 AS intends
            FROM (SELECT q.media, q.intent_at IS NULL AND q.status <> 'processing' AND q.due_at > :missed AS begins
                FROM platform_posts q WHERE q.workspace_id = due.workspace_id AND q.id = due.id) AS o
        ) AS i ON true
        WHERE p.workspace_id = due.workspace_id AND p.id = due.id
        RETURNING p.*
    ), posting AS (
        UPDATE posts s SET status = 'posting', updated_at = :now
        FROM claimed p
        WHERE s.workspace_id = p.workspace_id AND s.id = p.post_id AND p.status <> 'pending' AND s.status <> 'posting'
    )
    SELECT w.workspace_id, w.id, w.post_id, w.platform, w.connection_id, w.environment, w.token_version,
        w.connection_status, w.was, w.open_intent, w.held_until, w.full_until, p.parts, p.media, p.link_url, p.settings,
        p.error_message AS waits_for, p.due_at, p.attempt, p.fence, p.lease_until, p.first_intent_at, p.searches,
        p.resending, p.state, p.intent_at, p.processing_since
    FROM weighed w LEFT JOIN claimed p ON p.workspace_id = w.workspace_id AND p.id = w.id
    WHERE p.id IS NOT NULL OR w.held_until > :now OR w.full_until IS NOT NULL
    ORDER BY p.due_at
    """
)

_NEXT = text("SELECT min(next_attempt_at) AS at FROM platform_posts WHERE next_attempt_at > :now")


@dataclass(frozen=True)
class Claimed:
    """A delivery in our hands until `lease_until` (real time)."""

    workspace_id: UUID
    id: UUID
    post_id: UUID
    platform: str
    connection_id: UUID
    environment: Environment
    token_version: int
    connection_status: str
    was: str
    open_intent: datetime | None
    """Set: an earlier attempt may have taken effect. Look before doing anything."""
    parts: list[str]
    media: list[Any]
    link_url: str | None
    settings: dict[str, Any]
    waits_for: str | None
    """What made it wait before."""
    due_at: datetime
    attempt: int
    fence: int
    lease_until: datetime
    first_intent_at: datetime | None
    searches: int
    resending: bool
    state: dict[str, Any]
    intent_at: datetime | None
    processing_since: datetime | None

    @property
    def lane(self) -> str:
        return f"{self.environment} {self.platform}"


@dataclass(frozen=True)
class Blocked:
    """A due delivery that a limit keeps from going before `until` (virtual)."""

    workspace_id: UUID
    id: UUID
    post_id: UUID
    until: datetime
    reason: str


@dataclass(frozen=True)
class Terms:
    """By what rules a process claims."""

    missed_after: timedelta
    """Virtual time."""
    lease: timedelta
    """Real time."""
    quotas: Sequence[Mapping[str, Any]] = ()
    """`platform`, `posts`, `hours` and `settings` of every rolling window."""


@dataclass(frozen=True)
class Room:
    """How much may start: `limit` in all, and in each lane (`environment platform`) what `lanes` say, else `each`."""

    limit: int
    each: int
    lanes: Mapping[str, int]


async def claim_due(
    units: UnitsOfWork, terms: Terms, room: Room, *, scan: int = SHALLOW
) -> tuple[list[Claimed], list[Blocked]]:
    """Due deliveries, oldest first and accounts in turns, and those that have to wait for a limit. In system scope."""
    real, now = real_now(), units.clock.now()
    values = {
        "now": now,
        "real": real,
        "lease": real + terms.lease,
        "missed": now - terms.missed_after,
        "patience": real - PATIENCE,
        "quotas": to_json(list(terms.quotas)).decode(),
        "of_an_account": OF_AN_ACCOUNT,
        "rooms": to_json(dict(room.lanes)).decode(),
        "room": room.each,
        "limit": room.limit,
        "scan": scan,
    }
    claims: list[Claimed] = []
    blocked: list[Blocked] = []
    for row in await units.database.system_rows(_CLAIM, values):
        given = row._asdict()
        held, full = given.pop("held_until"), given.pop("full_until")
        if given["fence"] is None:
            until, reason = (held, "rate limit") if held and held > now else (full, "quota")
            blocked.append(Blocked(row.workspace_id, row.id, row.post_id, until, reason))
        else:
            claims.append(Claimed(**given))
    return claims, blocked


async def next_due(units: UnitsOfWork) -> datetime | None:
    """The next (virtual) moment at which there may be something to do."""
    row = await units.database.system_statement(_NEXT, {"now": units.clock.now()})
    return row.at if row else None
