"""Cursor pagination: newest first, stable under inserts because ids are time-ordered.

`starting_after=X` is the page that follows X, `ending_before=X` the page just before it (still newest
first); `has_more` speaks of the direction walked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression

from amp.kit.errors import Invalid

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True)
class Cursor:
    limit: int = 20
    starting_after: UUID | None = None
    ending_before: UUID | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 100:
            raise Invalid("limit must be between 1 and 100", param="limit")
        if self.starting_after and self.ending_before:
            raise Invalid("Use starting_after or ending_before, not both", param="ending_before")


@dataclass(frozen=True)
class Page(Generic[Item_co]):
    items: Sequence[Item_co]
    has_more: bool
    total: int


def paged(query: Select[Item], by: SQLColumnExpression[UUID], cursor: Cursor) -> Select[Item]:
    """The query for one page, asking for one row more than the page to learn whether there is more."""
    if cursor.ending_before:
        query = query.where(by > cursor.ending_before).order_by(by.asc())
    else:
        if cursor.starting_after:
            query = query.where(by < cursor.starting_after)
        query = query.order_by(by.desc())
    return query.limit(cursor.limit + 1)


def page_of(rows: Sequence[Item], cursor: Cursor, total: int) -> Page[Item]:
    items = list(rows[: cursor.limit])
    if cursor.ending_before:
        items.reverse()
    return Page(items=items, has_more=len(rows) > cursor.limit, total=total)
