"""The list of posts: which are wanted, found in one round trip, or two where words are searched.

PostgreSQL uses no full-text index for a role that row-level security binds (it may not run a foreign operator on rows
that may not be seen). So a search finds the ids in the system's scope, by workspace, and the posts are read in ours.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import TextClause, text

from amp.domain.tenants.roles import Actor
from amp.kit.database import Database
from amp.surfaces.ampost.documents import page_of

Status = Literal["draft", "scheduled", "queued", "posting", "published", "partial", "failed", "discarded"]

_CONDITIONS = {
    "status": "p.status = :status",
    "platform": "EXISTS (SELECT FROM platform_posts d WHERE d.workspace_id = p.workspace_id AND d.post_id = p.id "
    "AND d.platform = :platform)",
    "set_id": "p.platform_set_id = :set_id",
}
_MATCHES = (
    "post_words(p.workspace_id, p.text, p.link_url) "
    "@@ (CAST(:within AS tsquery) && to_tsquery('simple', CAST(:words AS text)))"
)
_FOUND = "p.id = ANY(:ids)"
_MOST_WORDS = 20


@dataclass(frozen=True)
class PostFilter:
    status: Status | None = None
    platform: str | None = None
    set_id: UUID | None = None
    search: str | None = None
    """Beginnings of words, all of which a post must have."""

    def values(self) -> dict[str, Any]:
        """Of the conditions that are set."""
        values = {"status": self.status, "platform": self.platform, "set_id": self.set_id}
        return {name: value for name, value in values.items() if value is not None}


async def post_page(database: Database, actor: Actor, wanted: PostFilter, *, limit: int, offset: int) -> str:
    """The unfinished document of one page, newest first."""
    owner = {"workspace_id": actor.workspace_id, "owner_id": actor.owner_id}
    page = {"limit": limit, "offset": offset}
    given = wanted.values()
    if wanted.search and wanted.search.strip():
        found = await _search(database, actor.workspace_id, wanted.search, given, page)
        ids, total = [row.id for row in found if row.id], found[0].total if found else 0
        statement, values = page_of((_FOUND,), searched=True), {"ids": ids, "total": total}
    else:
        statement, values = page_of(tuple(_CONDITIONS[name] for name in given)), given
    rows = await database.read(actor.scope, statement, {**owner, **page, **values})
    return rows[0].document


async def _search(
    database: Database, workspace_id: UUID, search: str, given: dict[str, Any], page: dict[str, int]
) -> list[Any]:
    words = re.findall(r"[^\W_]+", search)[:_MOST_WORDS]
    if not words:
        return []
    searched = {"within": f"' {workspace_id}'", "words": " & ".join(f"{word}:*" for word in words)}
    statement = _search_statement(tuple(_CONDITIONS[name] for name in given))
    return await database.system_rows(statement, {"workspace_id": workspace_id, **searched, **given, **page})


@lru_cache
def _search_statement(conditions: tuple[str, ...]) -> TextClause:
    """The ids of a page, each with the number of all; one row without an id when the page lies behind the last."""
    where = " AND ".join(("p.workspace_id = :workspace_id", _MATCHES, *conditions))
    return text(
        f"""
        WITH found AS MATERIALIZED (SELECT p.id FROM posts p WHERE {where})
        SELECT page.id, counted.total
        FROM (SELECT count(*) AS total FROM found) AS counted
        LEFT JOIN (SELECT id FROM found ORDER BY id DESC LIMIT :limit OFFSET :offset) AS page ON true
        """  # noqa: S608 (all parts are our own text)
    )
