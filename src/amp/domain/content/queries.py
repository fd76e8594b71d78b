"""Reads of content."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from amp.engine.unit_of_work import UnitOfWork
from amp.kit.pagination import Cursor, Page, page_of

SHOWN: Final = (
    *("id", "mission_id", "cycle", "status", "platform", "type", "pillar", "topic", "parts", "hashtags", "link_url"),
    *("media", "publish_at", "published_at", "url", "hash", "approval", "rejection", "verdicts", "error", "post_id"),
    *("created_at", "updated_at"),
)
"""The columns that people see; prompts and drafts are not among them."""


@dataclass(frozen=True)
class ContentFilter:
    """`created_after` includes its moment, `created_before` does not."""

    mission_id: UUID | None = None
    status: str | None = None
    platform: str | None = None
    type: str | None = None
    pillar: str | None = None
    topic: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


_EQUAL = {"mission_id": "uuid", **dict.fromkeys(("status", "platform", "type", "pillar", "topic"), "text")}
_WANTED = " AND ".join(
    [
        *(f"(CAST(:{name} AS {kind}) IS NULL OR {name} = :{name})" for name, kind in _EQUAL.items()),
        "(CAST(:created_after AS timestamptz) IS NULL OR created_at >= :created_after)",
        "(CAST(:created_before AS timestamptz) IS NULL OR created_at < :created_before)",
    ]
)


def _page(turn: str, order: str) -> Any:
    """The page and the total in one statement; the total is there even when the page is empty."""
    return text(
        f"""
        SELECT counted.total, page.* FROM (SELECT count(*) AS total FROM content WHERE {_WANTED}) AS counted
        LEFT JOIN LATERAL (
            SELECT {", ".join(SHOWN)} FROM content
            WHERE {_WANTED} AND (CAST(:turn AS uuid) IS NULL OR id {turn} :turn) ORDER BY id {order} LIMIT :limit
        ) AS page ON true
        ORDER BY page.id {order}
        """  # noqa: S608 (all parts are our own text)
    )


_FOLLOWING, _PRECEDING = _page("<", "DESC"), _page(">", "ASC")


async def list_content(uow: UnitOfWork, cursor: Cursor, which: ContentFilter) -> Page[Any]:
    """Content, newest first: rows of the columns SHOWN."""
    turn = cursor.ending_before or cursor.starting_after
    values = {**asdict(which), "turn": turn, "limit": cursor.limit + 1}
    statement = _PRECEDING if cursor.ending_before else _FOLLOWING
    rows = await uow.transaction.rows(statement, values)
    return page_of([row for row in rows if row.id], cursor, rows[0].total)
