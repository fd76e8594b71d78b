"""Quotas known ahead: whether a post fits what a platform takes of one account, counted from our own rows.

Published posts count from when they were published, all others from when they are due. A thread counts by its parts.
A quota of one kind (Facebook's reels) counts only the posts whose settings make them of that kind.
The claim (`claiming.py`) keeps to the same windows when the time has come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from amp.domain.platforms.port import Capabilities, Quota
from amp.engine.unit_of_work import UnitOfWork

_MOMENTS = text(
    """
    SELECT moment FROM (
        SELECT p.published_at AS moment, p.parts FROM platform_posts p
        WHERE p.workspace_id = :workspace AND p.connection_id = :connection AND p.published_at > :since
            AND p.settings @> :settings AND p.post_id IS DISTINCT FROM CAST(:besides AS uuid)
        UNION ALL
        SELECT greatest(p.due_at, p.first_intent_at), p.parts FROM platform_posts p
        WHERE p.workspace_id = :workspace AND p.connection_id = :connection AND p.due_at > :since
            AND p.published_at IS NULL
            AND p.status IN ('pending', 'uploading', 'publishing', 'processing', 'unconfirmed')
            AND (p.next_attempt_at IS NOT NULL OR p.intent_at IS NOT NULL OR p.lease_until IS NOT NULL)
            AND p.settings @> :settings AND p.post_id IS DISTINCT FROM CAST(:besides AS uuid)
    ) AS used CROSS JOIN generate_series(1, jsonb_array_length(used.parts))
    ORDER BY moment
    """
).bindparams(bindparam("settings", type_=JSONB))


@dataclass(frozen=True)
class Full:
    """Why a post cannot go at the moment that was asked for, and from when on it can."""

    quota: Quota
    opens_at: datetime

    @property
    def message(self) -> str:
        window = f"{self.quota.hours:g} hours" if self.quota.hours >= 1 else f"{self.quota.hours * 60:g} minutes"
        opens = f"{self.opens_at:%Y-%m-%d %H:%M:%S} UTC"
        some = f"{self.quota.posts} {self.quota.noun}"
        return f"This account takes {some} in {window}, and they are taken. The next fits at {opens}."


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
        moments = await _moments(uow, connection_id, quota, at, besides)
        opens_at = first_fit(moments, quota, at, parts=parts)
        if opens_at > at and (fullest is None or opens_at > fullest.opens_at):
            fullest = Full(quota, opens_at)
    return fullest


async def left(uow: UnitOfWork, connection_id: UUID, capabilities: Capabilities, at: datetime) -> int | None:
    """How many more posts, of any kind, fit into the tightest window that ends at `at`; None where nothing is known of
    a quota."""
    spare: list[int] = []
    for quota in (one for one in capabilities.quotas if not one.settings):
        moments = await _moments(uow, connection_id, quota, at, None)
        spare.append(max(0, quota.posts - sum(moment <= at for moment in moments)))
    return min(spare, default=None)


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
                    AND greatest(p.due_at, p.first_intent_at) <= :at
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
    window = timedelta(hours=quota.hours)
    for start in (at, *(moment + window for moment in moments if moment + window > at)):
        if all(
            sum(end - window < moment <= end for moment in moments) + parts <= quota.posts
            for end in (start, *(moment for moment in moments if start < moment < start + window))
        ):
            return start
    return at


async def _moments(
    uow: UnitOfWork, connection_id: UUID, quota: Quota, at: datetime, besides: UUID | None
) -> list[datetime]:
    """Of all that the quota counts from a window before `at` on."""
    values = {
        "workspace": uow.workspace_id,
        "connection": connection_id,
        "since": at - timedelta(hours=quota.hours),
        "settings": dict(quota.settings),
        "besides": besides,
    }
    return list(await uow.session.scalars(_MOMENTS, values))
