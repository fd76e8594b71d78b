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
_Parts = list[str]
"""What to write one after the other: JSON at even places, expressions of SQL at odd ones. One `concat` of many
arguments is far cheaper than many of few."""


def _joined(*parts: _Parts) -> _Parts:
    joined = [""]
    for first, *rest in parts:
        joined[-1] += first
        joined += rest
    return joined


def _concat(parts: _Parts) -> str:
    """SQL that writes the parts; what is NULL is left out."""
    written = [f"'{part}'" if index % 2 == 0 else part for index, part in enumerate(parts) if part]
    return f"concat({', '.join(written)})"


def _id(kind: Kind, column: str) -> _Parts:
    return [f'"{_ID}{kind}', column, f'{_ID}"']


def _id_or_empty(kind: Kind, column: str) -> _Parts:
    return ['"', f"'{_ID}{kind}' || {column} || '{_ID}'", '"']


def _time(column: str) -> _Parts:
    """As `fields.to_wire` writes it: of '"2026-11-21T08:30:00+00:00"', 'Z"' takes the place of the last seven."""
    return ["", f"left(to_json({column})::text, -7)", 'Z"']


def _time_or_null(column: str) -> _Parts:
    return ["", f"coalesce(left(to_json({column})::text, -7) || 'Z\"', 'null')", ""]


def _word(column: str) -> _Parts:
    """Of a word that needs no escaping."""
    return ['"', column, '"']


def _value(column: str) -> _Parts:
    return ["", f"to_json({column})", ""]


def _value_or_null(column: str) -> _Parts:
    return ["", f"coalesce(to_json({column})::text, 'null')", ""]


def _json(sql: str) -> _Parts:
    return ["", sql, ""]


def _list(sql: str) -> _Parts:
    return ["[", sql, "]"]


def _object(**members: _Parts) -> _Parts:
    named = [_joined([f'"{name}":'], parts) for name, parts in members.items()]
    separated = [part for one in named for part in ([","], one)][1:]
    return _joined(["{"], *separated, ["}"])


_ERROR = _object(code=_value("d.error_code"), message=_value_or_null("d.error_message"))

_DELIVERY = _object(
    id=_id(Kind.PLATFORM_POST, "d.id"),
    platform=_word("d.platform"),
    # Whether it was published has to be found out by a person: by the contract's words it failed, with that code.
    status=_word("CASE d.status WHEN 'unconfirmed' THEN 'failed' ELSE d.status END"),
    connectionId=_id(Kind.ACCOUNT, "d.connection_id"),
    remoteId=_value_or_null("d.remote_id"),
    url=_value_or_null("d.url"),
    publishedAt=_time_or_null("d.published_at"),
    error=_json(f"CASE WHEN d.error_code IS NULL THEN 'null' ELSE {_concat(_ERROR)} END"),
    attempts=_json("d.attempt"),
    nextAttemptAt=_time_or_null("d.next_attempt_at"),
    notes=_json("d.notes"),
)

_MAKER = "coalesce(p.user_id, CAST(:owner_id AS uuid))"


def _post(maker: str = _MAKER) -> _Parts:
    """A post `p` with what belongs to it, `its` (`_deliveries_of`)."""
    return _object(
        id=_id(Kind.POST, "p.id"),
        userId=_id_or_empty(Kind.USER, maker),
        platformSetId=_id(Kind.PLATFORM_SET, "p.platform_set_id"),
        text=_value("p.text"),
        media=_json(f"CASE p.media WHEN '[]' THEN '[]' ELSE concat('{_MEDIA}', p.media, '{_MEDIA}') END"),
        linkUrl=_value_or_null("p.link_url"),
        platformOverrides=_json("p.platform_overrides"),
        platforms=_list("its.platforms"),
        platformPosts=_list("its.deliveries"),
        status=_word("p.status"),
        scheduledFor=_time_or_null("p.scheduled_for"),
        createdAt=_time("p.created_at"),
        updatedAt=_time("p.updated_at"),
    )


def _deliveries_of(relation: str) -> str:
    return f"""
        CROSS JOIN LATERAL (
            SELECT string_agg({_concat(_DELIVERY)}, ',' ORDER BY d.id) AS deliveries,
                string_agg({_concat(_word("d.platform"))}, ',' ORDER BY d.id) AS platforms
            FROM {relation} d WHERE d.workspace_id = p.workspace_id AND d.post_id = p.id
        ) AS its
    """  # noqa: S608 (all parts are our own text)


_ITS = _deliveries_of("platform_posts")


def _answer(maker: str = _MAKER) -> str:
    return _concat(_object(post=_post(maker)))


ONE = text(
    f"SELECT {_answer()} AS document FROM posts p {_ITS} "  # noqa: S608
    "WHERE p.workspace_id = :workspace_id AND p.id = :post_id"
)
"""The document `{"post": ...}`; needs :workspace_id, :post_id and :owner_id, in the workspace's scope."""

WRITTEN = f"SELECT {_answer('p.user_id')} FROM post p {_deliveries_of('deliveries')}"  # noqa: S608
"""The same of a post that is just being written, for `create_post(told=...)`."""


@lru_cache
def page_of(conditions: tuple[str, ...], *, searched: bool = False) -> TextClause:
    """The document `{"posts": [...], "total", "limit", "offset"}` of posts that fulfil all conditions (SQL about `p`).
    `searched`: the conditions name the posts of this page, and :total is known."""
    where = " AND ".join(("p.workspace_id = :workspace_id", *conditions))
    total = "CAST(:total AS int)" if searched else f"(SELECT count(*) FROM posts p WHERE {where})"  # noqa: S608
    skip = "0" if searched else ":offset"
    page = _object(
        posts=_list(f"string_agg({_concat(_post())}, ',' ORDER BY p.id DESC)"),
        total=_json(total),
        limit=_json("CAST(:limit AS int)"),
        offset=_json("CAST(:offset AS int)"),
    )
    return text(
        f"""
        SELECT {_concat(page)} AS document
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
