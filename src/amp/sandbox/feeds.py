"""What was "published": one feed per platform, newest first, with the numbers each post has earned so far.

A feed opens with a signed link (see `accounts.feed_link`) and shows one owner's world; without it the page only
explains itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amp.sandbox.accounts import read_view
from amp.sandbox.audience import Reactions, followers, reactions
from amp.sandbox.ledger import Post, find_threads, list_public, seen
from amp.sandbox.pages import page
from amp.sandbox.tables import accounts, upload_parts, uploads
from amp.sandbox.vendor import Sandbox, SocialVendor

_POSTS_PER_FEED = 50
_KINDS = {
    "reply": "reply",
    "quote": "quote",
    "comment": "comment",
    "reshare": "reshare",
    "story": "story",
    "reel": "reel",
}


@dataclass(frozen=True)
class Author:
    name: str
    handle: str
    followers: int

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in (self.name or self.handle).split()[:2]).upper() or "?"

    @property
    def hue(self) -> int:
        return sum(self.handle.encode()) * 47 % 360


@dataclass(frozen=True)
class Card:
    """One post as it stands in a feed."""

    post: Post
    author: Author
    age: str
    label: str
    images: Sequence[tuple[str, str]]
    other_media: Sequence[str]
    numbers: Sequence[tuple[str, str]]

    @property
    def article(self) -> Mapping[str, str] | None:
        return self.post.extra.get("article")

    @property
    def poll(self) -> Sequence[str]:
        options = self.post.extra.get("poll", {}).get("options", [])
        return [option if isinstance(option, str) else option["text"] for option in options]


@dataclass(frozen=True)
class Feed:
    title: str
    name: str
    cards: Sequence[Card]


def feed_routes(sandbox: Sandbox, vendors: Mapping[str, SocialVendor]) -> list[Route]:
    async def show(request: Request) -> Response:
        owner = read_view(sandbox.signing_key, request.query_params.get("view", ""))
        if owner is None:
            return page("about.html")
        return await _feeds(sandbox, vendors, owner, request.query_params["view"])

    async def picture(request: Request) -> Response:
        owner = read_view(sandbox.signing_key, request.query_params.get("view", ""))
        return await _picture(sandbox, request, owner) if owner is not None else Response(status_code=404)

    return [Route("/", show, methods=["GET"]), Route("/_media/{vendor}/{remote_id}", picture, methods=["GET"])]


async def _feeds(sandbox: Sandbox, vendors: Mapping[str, SocialVendor], owner: str, view: str) -> Response:
    now = sandbox.clock.now()
    feeds: list[Feed] = []
    async with sandbox.database.connected() as connection:
        authors = await _authors(connection, owner, now)
        for vendor in filter(lambda vendor: vendor.publishes, vendors.values()):
            found = await list_public(connection, owner, vendor=vendor.name, newest_first=True, limit=_POSTS_PER_FEED)
            threads = await find_threads(connection, owner, found)
            cards = [_card(post, authors, threads, view, now) for post in found]
            feeds.append(Feed(vendor.title, vendor.name, cards))
    return page("feeds.html", feeds=sorted(feeds, key=lambda feed: not feed.cards), now=now)


async def _authors(connection: AsyncConnection, owner: str, now: datetime) -> dict[tuple[str, str], Author]:
    rows = await connection.execute(select(accounts).where(accounts.c.owner == owner))
    return {
        (row.vendor, row.remote_id): Author(
            row.name, row.handle, followers(row.vendor, row.remote_id, row.created_at, now)
        )
        for row in rows
    }


def _card(post: Post, authors: Mapping[tuple[str, str], Author], threads: set[str], view: str, now: datetime) -> Card:
    pictures = [medium for medium in post.media if medium["media_type"].startswith("image/")]
    others = [medium for medium in post.media if medium not in pictures]
    return Card(
        post=post,
        author=authors.get((post.vendor, post.account)) or Author("", post.account, 0),
        age=_age(now - post.created_at),
        label="thread" if post.remote_id in threads and post.kind == "post" else _KINDS.get(post.kind, ""),
        images=[(_address(post, str(medium["id"]), view), medium["alt_text"] or "") for medium in pictures],
        other_media=[f"{medium['media_type'] or medium['kind']}, {_size(medium['bytes'])}" for medium in others],
        numbers=_numbers(reactions(seen(post, threads), now)),
    )


def _address(post: Post, upload: str, view: str) -> str:
    return f"_media/{post.vendor}/{quote(upload, safe='')}?view={view}"


def _numbers(earned: Reactions) -> list[tuple[str, str]]:
    """The counters that are not nothing; views are always there."""
    named = [
        ("replies", earned.replies),
        ("reposts", earned.reposts + earned.quotes),
        ("likes", earned.likes),
        ("saves", earned.bookmarks),
        ("link clicks", earned.link_clicks),
    ]
    shown = [(name, _short(count)) for name, count in named if count]
    return [*shown, ("views", _short(earned.impressions))]


def _short(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit
    return str(count)


def _size(size: int | None) -> str:
    return f"{(size or 0) / (1 << 20):.1f} MB"


def _age(age: timedelta) -> str:
    for seconds, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if age.total_seconds() >= seconds:
            return f"{int(age.total_seconds() // seconds)} {unit}"
    return "now"


async def _picture(sandbox: Sandbox, request: Request, owner: str) -> Response:
    """An uploaded image of this owner's world."""
    vendor, remote_id = request.path_params["vendor"], request.path_params["remote_id"]
    kind = select(uploads.c.media_type).where(
        uploads.c.owner == owner, uploads.c.vendor == vendor, uploads.c.remote_id == remote_id
    )
    parts = (
        select(upload_parts.c.content)
        .where(upload_parts.c.owner == owner, upload_parts.c.vendor == vendor, upload_parts.c.upload == remote_id)
        .order_by(upload_parts.c.number)
    )
    async with sandbox.database.connected() as connection:
        media_type = (await connection.execute(kind)).scalar_one_or_none()
        content = b"".join([part or b"" for part in (await connection.execute(parts)).scalars()])
    if media_type is None or not media_type.startswith("image/") or not content:
        return Response(status_code=404)
    headers = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'"}
    return Response(content, media_type=media_type, headers=headers)
