"""Everything ever made public, in order, and who may see it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.sandbox.accounts import Account
from amp.sandbox.audience import Seen
from amp.sandbox.tables import posts
from amp.sandbox.vendor import Call

_PUBLISH = insert(posts)
_SAME = (
    select(posts)
    .where(
        posts.c.owner == bindparam("owner"),
        posts.c.vendor == bindparam("vendor"),
        posts.c.account == bindparam("account"),
        posts.c.fingerprint == bindparam("fingerprint"),
        posts.c.created_at > bindparam("since"),
        posts.c.deleted_at.is_(None),
    )
    .order_by(posts.c.sequence.desc())
    .limit(1)
)
_LONGEST_REQUEST_ID = 200
_LONGEST_ID = 20


@dataclass(frozen=True)
class Draft:
    """A post about to become public. `same_as` decides what counts as the same post said twice."""

    remote_id: str
    kind: str
    text: str
    shown_text: str
    same_as: str
    media: Sequence[Mapping[str, Any]] = ()
    parent: str | None = None
    conversation: str | None = None
    extra: Mapping[str, Any] | None = None
    created_at: datetime | None = None
    """When it comes out, if not at once."""


@dataclass(frozen=True)
class Post:
    vendor: str
    account: str
    remote_id: str
    kind: str
    text: str
    shown_text: str
    media: Sequence[Mapping[str, Any]]
    parent: str | None
    conversation: str
    extra: Mapping[str, Any]
    request_id: str | None
    created_at: datetime
    deleted_at: datetime | None

    @property
    def public_from(self) -> datetime:
        """When others can see it: from the start, unless `extra` says from when, or (with None) never."""
        if "public_from" not in self.extra:
            return self.created_at
        moment = self.extra["public_from"]
        return datetime.fromisoformat(moment) if moment else datetime.max.replace(tzinfo=UTC)


async def make_public(call: Call, draft: Draft) -> Post:
    account = call.account
    post = Post(
        vendor=account.vendor,
        account=account.remote_id,
        remote_id=draft.remote_id,
        kind=draft.kind,
        text=draft.text,
        shown_text=draft.shown_text,
        media=list(draft.media),
        parent=draft.parent,
        conversation=draft.conversation or draft.remote_id,
        extra=dict(draft.extra or {}),
        request_id=(call.request_id or "")[:_LONGEST_REQUEST_ID] or None,
        created_at=draft.created_at or call.now,
        deleted_at=None,
    )
    row = vars(post) | {"owner": account.owner, "fingerprint": _fingerprint(draft.same_as)}
    await call.connection.execute(_PUBLISH, row)
    return post


async def find_same(call: Call, same_as: str, within: timedelta) -> Post | None:
    """The account's latest post, not deleted, that says the same and is younger than `within`."""
    said = {
        "owner": call.account.owner,
        "vendor": call.account.vendor,
        "account": call.account.remote_id,
        "fingerprint": _fingerprint(same_as),
        "since": call.now - within,
    }
    row = (await call.connection.execute(_SAME, said)).one_or_none()
    return None if row is None else _post_of(row)


async def find_posts(call: Call, remote_ids: Sequence[str]) -> dict[str, Post]:
    """Posts of anybody in this owner's world by id, deleted ones left out."""
    query = select(posts).where(
        posts.c.owner == call.account.owner,
        posts.c.vendor == call.account.vendor,
        posts.c.remote_id.in_(remote_ids),
        posts.c.deleted_at.is_(None),
    )
    return {row.remote_id: _post_of(row) for row in await call.connection.execute(query)}


async def find_post(call: Call, remote_id: str) -> Post | None:
    return (await find_posts(call, [remote_id])).get(remote_id)


@dataclass(frozen=True)
class Span:
    """A stretch of an account's posts, by time or by id; ids compare as numbers."""

    start: datetime | None = None
    end: datetime | None = None
    after_id: str | None = None
    before_id: str | None = None
    without_kinds: Sequence[str] = ()


async def list_of_account(call: Call, remote_id: str, span: Span, *, limit: int) -> list[Post]:
    """Posts of one account in this owner's world, newest first, deleted ones left out."""
    padded = func.lpad(posts.c.remote_id, _LONGEST_ID, "0")
    query = select(posts).where(
        posts.c.owner == call.account.owner,
        posts.c.vendor == call.account.vendor,
        posts.c.account == remote_id,
        posts.c.deleted_at.is_(None),
        posts.c.kind.not_in(span.without_kinds),
    )
    if span.start is not None:
        query = query.where(posts.c.created_at >= span.start)
    if span.end is not None:
        query = query.where(posts.c.created_at < span.end)
    if span.after_id is not None:
        query = query.where(padded > span.after_id.zfill(_LONGEST_ID))
    if span.before_id is not None:
        query = query.where(padded < span.before_id.zfill(_LONGEST_ID))
    query = query.order_by(posts.c.sequence.desc()).limit(limit)
    return [_post_of(row) for row in await call.connection.execute(query)]


async def list_replies(call: Call, remote_id: str) -> list[Post]:
    """What was said under a post, oldest first, deleted ones left out."""
    query = select(posts).where(
        posts.c.owner == call.account.owner,
        posts.c.vendor == call.account.vendor,
        posts.c.parent == remote_id,
        posts.c.kind.in_(("reply", "comment")),
        posts.c.deleted_at.is_(None),
    )
    return [_post_of(row) for row in await call.connection.execute(query.order_by(posts.c.sequence))]


async def count_since(call: Call, moment: datetime, *, kinds: Sequence[str], deleted: bool = False) -> int:
    """How many posts the account made since then, those that are gone included; or how many it deleted."""
    when = posts.c.deleted_at if deleted else posts.c.created_at
    query = select(func.count()).where(*_of_account(call.account), posts.c.kind.in_(kinds), when > moment)
    return (await call.connection.execute(query)).scalar_one()


async def find_threads(connection: AsyncConnection, owner: str, among: Sequence[Post]) -> set[str]:
    """Which of these posts were continued by their own author."""
    if not among:
        return set()
    query = select(posts.c.parent).where(
        posts.c.owner == owner,
        posts.c.parent.in_([post.remote_id for post in among]),
        posts.c.account.in_([post.account for post in among]),
        posts.c.kind == "reply",
        posts.c.deleted_at.is_(None),
    )
    return {row.parent for row in await connection.execute(query)}


def seen(post: Post, threads: Collection[str] = ()) -> Seen:
    """The post as the audience sees it; `threads` are the ids of posts that were continued."""
    is_head = post.remote_id in threads and post.kind != "reply"
    return Seen(
        vendor=post.vendor,
        account=post.account,
        remote_id=post.remote_id,
        text=post.text,
        created_at=post.public_from,
        media=tuple("video" if "video" in medium["kind"] else "image" for medium in post.media),
        place="reply" if post.kind in ("reply", "comment") else "head" if is_head else "single",
        has_link="article" in post.extra,
        has_poll="poll" in post.extra,
    )


async def withdraw(call: Call, remote_id: str) -> None:
    query = update(posts).where(*_of_account(call.account), posts.c.remote_id == remote_id)
    await call.connection.execute(query.where(posts.c.deleted_at.is_(None)).values(deleted_at=call.now))


async def reword(call: Call, remote_id: str, *, text: str, shown_text: str, same_as: str) -> None:
    query = update(posts).where(*_of_account(call.account), posts.c.remote_id == remote_id)
    await call.connection.execute(query.values(text=text, shown_text=shown_text, fingerprint=_fingerprint(same_as)))


async def amend(call: Call, post: Post, **facts: Any) -> None:
    """Remember more of what only this vendor knows."""
    query = update(posts).where(*_of_account(call.account), posts.c.remote_id == post.remote_id)
    await call.connection.execute(query.values(extra={**post.extra, **facts}))


async def list_public(
    connection: AsyncConnection,
    owner: str,
    *,
    vendor: str | None = None,
    account: str | None = None,
    since: datetime | None = None,
    newest_first: bool = False,
    limit: int,
) -> Sequence[Post]:
    """An owner's posts, deleted ones included, in the order in which they became public."""
    query = select(posts).where(posts.c.owner == owner)
    if vendor is not None:
        query = query.where(posts.c.vendor == vendor)
    if account is not None:
        query = query.where(posts.c.account == account)
    if since is not None:
        query = query.where(posts.c.created_at >= since)
    order = posts.c.sequence.desc() if newest_first else posts.c.sequence.asc()
    return [_post_of(row) for row in await connection.execute(query.order_by(order).limit(limit))]


def _of_account(account: Account) -> tuple[Any, Any, Any]:
    return (
        posts.c.owner == account.owner,
        posts.c.vendor == account.vendor,
        posts.c.account == account.remote_id,
    )


def _fingerprint(same_as: str) -> bytes:
    return hashlib.sha256(same_as.encode()).digest()


def _post_of(row: Row[Any]) -> Post:
    return Post(
        vendor=row.vendor,
        account=row.account,
        remote_id=row.remote_id,
        kind=row.kind,
        text=row.text,
        shown_text=row.shown_text,
        media=row.media,
        parent=row.parent,
        conversation=row.conversation,
        extra=row.extra,
        request_id=row.request_id,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )
