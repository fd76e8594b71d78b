"""Quotas known ahead: whether a post fits what a platform takes of one account, counted from our own rows.

Published posts count from when they were published, all others from when they are due. A thread counts by its parts.
A quota of one kind (Facebook's reels) counts only the posts whose settings make them of that kind.
The claim (`claiming.py`) keeps to the same windows when the time has come.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from amp.domain.platforms.port import Capabilities, Quota
from amp.engine.unit_of_work import UnitOfWork

_MOST_LOOKS = 16
"""How often we look further on for when there is room again, each time for more than a window."""

_MOMENTS = text(
    """
    SELECT moment FROM (
        SELECT p.published_at AS moment, p.parts FROM platform_posts p
        WHERE p.workspace_id = :workspace AND p.connection_id = :connection AND p.published_at > :since
            AND p.published_at <= :until AND p.settings @> :settings
            AND p.post_id IS DISTINCT FROM CAST(:besides AS uuid)
        UNION ALL
        SELECT greatest(p.due_at, p.first_intent_at), p.parts FROM platform_posts p
        WHERE p.workspace_id = :workspace AND p.connection_id = :connection AND p.due_at > :since
            AND p.due_at <= :until AND p.published_at IS NULL
            AND p.status IN ('pending', 'uploading', 'publishing', 'processing', 'unconfirmed')
            AND (p.next_attempt_at IS NOT NULL OR p.intent_at IS NOT NULL OR p.lease_until IS NOT NULL)
            AND p.settings @> :settings AND p.post_id IS DISTINCT FROM CAST(:besides AS uuid)
    ) AS used CROSS JOIN generate_series(1, jsonb_array_length(used.parts))
    ORDER BY moment
    LIMIT :most
    """
).bindparams(bindparam("settings", type_=JSONB))


@dataclass(frozen=True)
class Full:
    """Why a post cannot go at the moment that was asked for, and from when on it can."""

    quota: Quota
    opens_at: datetime
    found: bool = True
    """False: none fits before `opens_at`, and nobody looked further."""

    @property
    def message(self) -> str:
        window = f"{self.quota.hours:g} hours" if self.quota.hours >= 1 else f"{self.quota.hours * 60:g} minutes"
        opens = f"{self.opens_at:%Y-%m-%d %H:%M:%S} UTC"
        some = f"{self.quota.posts} {self.quota.noun}"
        then = f"The next fits at {opens}" if self.found else f"None fits before {opens}"
        return f"This account takes {some} in {window}, and they are taken. {then}."


async def room(
    uow: UnitOfWork,
    connection_id: UUID,
    capabilities: Capabilities,
    at: datetime,
    *,
    settings: Mapping[str, object] | None = None,
    parts: int = 1,
    besides: UUID | None = None,
) -> Full | None:
    """None when a post of so many parts, with these settings, that goes out at `at` (virtual) fits every window of the
    platform's quotas that counts it, counting what the connection has published, has under way and has scheduled,
    except the post `besides`."""
    fullest: Full | None = None
    for quota in (one for one in capabilities.quotas if one.counts(settings or {})):
        full = await _full(uow, connection_id, quota, at, parts, besides)
        if full and (fullest is None or full.opens_at > fullest.opens_at):
            fullest = full
    return fullest


async def _full(
    uow: UnitOfWork, connection_id: UUID, quota: Quota, at: datetime, parts: int, besides: UUID | None
) -> Full | None:
    """Looks at what is around the moment that is asked for, and around the next that may do, and at nothing else."""
    start = at
    for _ in range(_MOST_LOOKS):
        around = await surroundings(uow, connection_id, quota, start, besides=besides)
        fit = first_fit(around.moments, quota, start, parts=parts)
        if fit + timedelta(hours=quota.hours) <= around.until:
            return Full(quota, fit) if fit > at else None
        start = fit
    return Full(quota, start, found=False)


async def left(uow: UnitOfWork, connection_id: UUID, capabilities: Capabilities, at: datetime) -> int | None:
    """How many more posts, of any kind, fit into the tightest window that ends at `at`; None where nothing is known of
    a quota."""
    return (await left_of(uow, {connection_id: capabilities}, at)).get(connection_id)


_LEFT = text(
    """
    SELECT w.connection_id, min(greatest(0, w.posts - coalesce(used.parts, 0))) AS posts
    FROM unnest(CAST(:connections AS uuid[]), CAST(:hours AS float8[]), CAST(:posts AS int[]))
        AS w(connection_id, hours, posts)
    LEFT JOIN LATERAL (
        SELECT sum(jsonb_array_length(p.parts)) AS parts FROM platform_posts p
        WHERE p.workspace_id = :workspace AND p.connection_id = w.connection_id
            AND (
                p.published_at > :at - w.hours * interval '1 hour'
                OR p.published_at IS NULL AND p.due_at > :at - w.hours * interval '1 hour'
                    AND p.due_at <= :at AND greatest(p.due_at, p.first_intent_at) <= :at
                    AND p.status IN ('pending', 'uploading', 'publishing', 'processing', 'unconfirmed')
                    AND (p.next_attempt_at IS NOT NULL OR p.intent_at IS NOT NULL OR p.lease_until IS NOT NULL)
            )
    ) AS used ON true
    GROUP BY w.connection_id
    """
)


async def left_of(uow: UnitOfWork, connections: Mapping[UUID, Capabilities], at: datetime) -> Mapping[UUID, int]:
    """As `left`, of many connections in one statement; those without a known quota are left out."""
    windows = [
        (one, quota) for one, capabilities in connections.items() for quota in capabilities.quotas if not quota.settings
    ]
    values = {
        "workspace": uow.workspace_id,
        "connections": [one for one, _ in windows],
        "hours": [float(quota.hours) for _, quota in windows],
        "posts": [quota.posts for _, quota in windows],
        "at": at,
    }
    return {row.connection_id: int(row.posts) for row in await uow.session.execute(_LEFT, values)}


def first_fit(moments: Sequence[datetime], quota: Quota, at: datetime, *, parts: int = 1) -> datetime:
    """The first moment from `at` on at which `parts` more fit, so that no stretch of the window's length holds more
    than the quota. `moments` are in order and hold all that is within a window of it, before and after."""
    window, spare = timedelta(hours=quota.hours), quota.posts - parts
    if spare < 0:
        return at  # it never fits, and what is done about that is not decided here
    full = [
        moment
        for number, moment in enumerate(moments, start=1)
        if moment > at and _since(moments, moment - window, number) > spare
    ]
    start = at
    while True:
        last_full = bisect_left(full, start + window) - 1
        if last_full >= 0 and full[last_full] > start:  # what it holds would be too much with ours
            start = full[last_full]
        seen = bisect_right(moments, start)
        too_many = _since(moments, start - window, seen) - spare
        if too_many > 0:
            start = moments[seen - spare - 1] + window
        else:
            return start


def _since(moments: Sequence[datetime], after: datetime, number: int) -> int:
    """How many of the first so many are later than that."""
    return number - bisect_right(moments, after, hi=number)


@dataclass(frozen=True)
class Surroundings:
    """What an account publishes around a moment, from a window before it: in order, and complete until `until`."""

    moments: Sequence[datetime]
    until: datetime


async def surroundings(
    uow: UnitOfWork, connection_id: UUID, quota: Quota, at: datetime, *, besides: UUID | None = None
) -> Surroundings:
    """What the quota counts from a window before `at` to two after it; less when there is far more than it allows,
    which is enough to see that."""
    window = timedelta(hours=quota.hours)
    most = 4 * quota.posts + 1
    values = {
        "workspace": uow.workspace_id,
        "connection": connection_id,
        "since": at - window,
        "until": at + 2 * window,
        "settings": dict(quota.settings),
        "besides": besides,
        "most": most,
    }
    moments = list(await uow.session.scalars(_MOMENTS, values))
    return Surroundings(moments, moments[-1] if len(moments) == most else at + 2 * window)
