"""Writing posts and their deliveries: one statement, for many are made."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import TextClause, text

from amp.domain.publishing.draft import Created, Draft
from amp.domain.publishing.timeline import current_request
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id

_DELIVERIES = """
    INSERT INTO platform_posts (
        workspace_id, id, post_id, platform, connection_id, status, parts, media, link_url, settings,
        due_at, next_attempt_at, created_at, updated_at
    )
    SELECT :workspace_id, d.id, :post_id, d.platform, d.connection_id, 'pending', d.parts, CAST(:media AS jsonb),
        CAST(:link_url AS text), d.settings, CAST(:scheduled_for AS timestamptz), CAST(:scheduled_for AS timestamptz),
        CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM jsonb_to_recordset(CAST(:deliveries AS jsonb))
        AS d(id uuid, platform text, connection_id uuid, parts jsonb, settings jsonb)
"""

_DELIVERIES_ONLY = text(f"{_DELIVERIES} RETURNING id")


@lru_cache
def _writing(told: str) -> TextClause:
    return text(
        f"""
        WITH post AS (
            INSERT INTO posts (
                workspace_id, id, platform_set_id, text, media, link_url, platform_overrides, status, scheduled_for,
                content_id, user_id, created_at, updated_at
            )
            VALUES (
                :workspace_id, :post_id, :set_id, :text, CAST(:media AS jsonb), :link_url,
                CAST(:overrides AS jsonb), :status, :scheduled_for, :content_id, :user_id, :now, :now
            )
            RETURNING *
        ), deliveries AS ({_DELIVERIES} RETURNING *), event AS (
            INSERT INTO timeline_events (workspace_id, id, post_id, at, kind, detail, request_id)
            VALUES (:workspace_id, :event_id, :post_id, :now, 'created', CAST(:detail AS jsonb), :request_id)
        )
        {told}
        """  # noqa: S608 (all parts are our own text)
    )


async def insert_post(
    uow: UnitOfWork, created: Created, set_id: UUID, accounts: Mapping[str, UUID], draft: Draft, told: str
) -> str:
    """`told` is a SELECT of one text from the rows that were just written, `post` and `deliveries`: whoever wants to
    show them is spared the way to the database and back."""
    rows = await uow.transaction.rows(_writing(told), _values(uow, created, set_id, accounts, draft))
    return rows[0][0]


async def insert_deliveries(
    uow: UnitOfWork, post_id: UUID, ids: Mapping[str, UUID], accounts: Mapping[str, UUID], draft: Draft
) -> None:
    """For a post that is there. The ids are those of `draft.targets`."""
    await uow.transaction.rows(_DELIVERIES_ONLY, _delivery_values(uow, post_id, ids, accounts, draft))


def _values(
    uow: UnitOfWork, created: Created, set_id: UUID, accounts: Mapping[str, UUID], draft: Draft
) -> dict[str, Any]:
    detail = {"scheduled_for": _iso(draft.scheduled_for), "platforms": list(draft.targets)}
    return {
        **_delivery_values(uow, created.id, created.deliveries, accounts, draft),
        "set_id": set_id,
        "text": draft.text,
        "overrides": _as_json(draft.overrides),
        "status": "scheduled" if draft.scheduled_for else "draft",
        "content_id": draft.content_id,
        "user_id": draft.user_id,
        "event_id": new_id(),
        "detail": _as_json({name: value for name, value in detail.items() if value is not None}),
        "request_id": current_request(),
    }


def _delivery_values(
    uow: UnitOfWork, post_id: UUID, ids: Mapping[str, UUID], accounts: Mapping[str, UUID], draft: Draft
) -> dict[str, Any]:
    deliveries = [
        {
            "id": ids[platform],
            "platform": platform,
            "connection_id": accounts[platform],
            "parts": target.parts,
            "settings": target.settings,
        }
        for platform, target in draft.targets.items()
    ]
    return {
        "workspace_id": uow.workspace_id,
        "post_id": post_id,
        "media": _as_json(draft.media),
        "link_url": draft.link_url,
        "scheduled_for": draft.scheduled_for,
        "now": uow.clock.now(),
        "deliveries": _as_json(deliveries),
    }


def _as_json(value: object) -> str:
    return to_json(value).decode()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
