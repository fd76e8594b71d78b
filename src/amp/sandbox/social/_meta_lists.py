"""What an account's lists show: what is public by now, between `since` and `until`, newest first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from amp.sandbox.faults import Fault, standing
from amp.sandbox.ledger import Post, Span, list_of_account
from amp.sandbox.social._meta_graph import moment
from amp.sandbox.vendor import Call

_MANY = 1000


async def public_posts(call: Call, *, without_kinds: Sequence[str], start: datetime | None = None) -> list[Post]:
    """Films that are still worked on are left out, and by order the latest posts."""
    lag = await standing(call.connection, call.account, Fault.LISTING_LAG)
    latest = call.now - timedelta(seconds=lag.seconds if lag else 0)
    span = Span(start=start or moment(call, "since"), end=moment(call, "until"), without_kinds=without_kinds)
    found = await list_of_account(call, call.account.remote_id, span, limit=_MANY)
    return [post for post in found if post.public_from <= latest]
