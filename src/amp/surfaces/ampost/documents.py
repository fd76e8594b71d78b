"""Posts as the contract shows them. PostgreSQL writes the JSON, for lists are long and asked for often; what it cannot
write well stands between separators, and we put it in: ids (U+001F) and the addresses of media (U+001E).

A separator cannot be part of what somebody wrote: inside JSON it is escaped.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import TextClause, text

from amp.domain.media.links import MediaLinks
from amp.domain.media.operations import presented
from amp.engine.jobs import Ports
from amp.kit.ids import Kind, encode

_ID, _MEDIA = "\x1f", "\x1e"


def _id(kind: Kind, column: str) -> str:
    return f"""CASE WHEN {column} IS NULL THEN '""' ELSE concat('"', chr(31), '{kind}', {column}, chr(31), '"') END"""


def _time(column: str) -> str:
    """As `fields.to_wire` writes it."""
    return f"coalesce(replace(to_json({column})::text, '+00:00\"', 'Z\"'), 'null')"


def _value(column: str) -> str:
    return f"coalesce(to_json({column})::text, 'null')"


def _object(**members: str) -> str:
    """SQL that writes an object, each member by its own SQL. `concat` copies once; `||` would each time."""
    parts = [f"""'{"{" if index == 0 else ","}"{name}":', {sql}""" for index, (name, sql) in enumerate(members.items())]
    return f"concat({', '.join(parts)}, '}}')"


_DELIVERY = _object(
    id=_id(Kind.PLATFORM_POST, "d.id"),
    platform=_value("d.platform"),
    # Whether it was published has to be found out by a person: by the contract's words it failed, with that code.
    status="CASE d.status WHEN 'unconfirmed' THEN '\"failed\"' ELSE to_json(d.status)::text END",
    connectionId=_id(Kind.ACCOUNT, "d.connection_id"),
    remoteId=_value("d.remote_id"),
    url=_value("d.url"),
    publishedAt=_time("d.published_at"),
    error="CASE WHEN d.error_code IS NULL THEN 'null' ELSE "
    + _object(code=_value("d.error_code"), message=_value("d.error_message"))
    + " END",
    attempts="d.attempt",
    nextAttemptAt=_time("d.next_attempt_at"),
    notes="d.notes",
)

_MAKER = "coalesce(p.user_id, CAST(:owner_id AS uuid))"


def _post(maker: str = _MAKER) -> str:
    """SQL that writes a post `p` with what belongs to it, `its` (`_deliveries_of`)."""
    return _object(
        id=_id(Kind.POST, "p.id"),
        userId=_id(Kind.USER, maker),
        platformSetId=_id(Kind.PLATFORM_SET, "p.platform_set_id"),
        text=_value("p.text"),
        media="CASE WHEN p.media = '[]' THEN '[]' ELSE concat(chr(30), p.media, chr(30)) END",
        linkUrl=_value("p.link_url"),
        platformOverrides="p.platform_overrides",
        platforms="its.platforms",
        platformPosts="'[', its.deliveries, ']'",
        status=_value("p.status"),
        scheduledFor=_time("p.scheduled_for"),
        createdAt=_time("p.created_at"),
        updatedAt=_time("p.updated_at"),
    )


def _deliveries_of(relation: str) -> str:
    return f"""
        CROSS JOIN LATERAL (
            SELECT string_agg({_DELIVERY}, ',' ORDER BY d.id) AS deliveries,
                json_agg(d.platform ORDER BY d.id) AS platforms
            FROM {relation} d WHERE d.workspace_id = p.workspace_id AND d.post_id = p.id
        ) AS its
    """  # noqa: S608 (all parts are our own text)


_POST, _ITS = _post(), _deliveries_of("platform_posts")

ONE = text(
    f"SELECT concat('{{\"post\":', {_POST}, '}}') AS document FROM posts p {_ITS} "  # noqa: S608
    "WHERE p.workspace_id = :workspace_id AND p.id = :post_id"
)
"""The document `{"post": ...}`; needs :workspace_id, :post_id and :owner_id, in the workspace's scope."""

WRITTEN = f"SELECT concat('{{\"post\":', {_post('p.user_id')}, '}}') FROM post p {_deliveries_of('deliveries')}"  # noqa: S608
"""The same of a post that is just being written, for `create_post(told=...)`."""


@lru_cache
def page_of(conditions: tuple[str, ...], *, searched: bool = False) -> TextClause:
    """The document `{"posts": [...], "total", "limit", "offset"}` of posts that fulfil all conditions (SQL about `p`).
    `searched`: the conditions name the posts of this page, and :total is known."""
    where = " AND ".join(("p.workspace_id = :workspace_id", *conditions))
    total = "CAST(:total AS int)" if searched else f"(SELECT count(*) FROM posts p WHERE {where})"  # noqa: S608
    skip = "0" if searched else ":offset"
    return text(
        f"""
        SELECT concat('{{"posts":[', string_agg({_POST}, ',' ORDER BY p.id DESC), '],"total":', {total},
            ',"limit":', CAST(:limit AS int), ',"offset":', CAST(:offset AS int), '}}') AS document
        FROM (SELECT * FROM posts p WHERE {where} ORDER BY p.id DESC LIMIT :limit OFFSET {skip}) AS p {_ITS}
        """  # noqa: S608
    )


def finished(document: str, ports: Ports) -> bytes:
    """The document with ids and media put in."""
    document = _replaced(document, _ID, _wire_id)
    if _MEDIA in document:
        document = _replaced(document, _MEDIA, lambda media: _media(media, ports))
    return document.encode()


def _replaced(document: str, separator: str, written: Callable[[str], str]) -> str:
    """With every second piece as `written`."""
    pieces = document.split(separator)
    pieces[1::2] = map(written, pieces[1::2])
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _wire_id(piece: str) -> str:
    return encode(Kind(piece[:-36]), UUID(piece[-36:]))


def _media(piece: str, ports: Ports) -> str:
    described = cast("list[dict[str, Any]]", from_json(piece))
    return to_json([presented(ports.get(MediaLinks), medium) for medium in described]).decode()
