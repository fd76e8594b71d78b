"""Instagram: the account whose token it is. `user_id` and the id that only this app knows both name it."""

from typing import Any

from amp.sandbox.audience import followers
from amp.sandbox.ledger import Span, list_of_account
from amp.sandbox.social._meta_graph import check_is_caller
from amp.sandbox.vendor import Call

_MANY = 1000


def is_own(call: Call) -> bool:
    given = call.request.path_params.get("id", "me")
    return given in ("me", call.account.remote_id, _scoped_id(call.account.remote_id))


def check_own(call: Call) -> None:
    check_is_caller(call, _scoped_id(call.account.remote_id))


async def profile(call: Call) -> dict[str, Any]:
    account = call.account
    posts = await list_of_account(call, account.remote_id, Span(without_kinds=("comment", "story")), limit=_MANY)
    return {
        "id": _scoped_id(account.remote_id),
        "user_id": account.remote_id,
        "username": account.handle,
        "name": account.name,
        "account_type": "BUSINESS",
        "profile_picture_url": f"https://scontent.cdninstagram.com/v/{account.remote_id}.jpg",
        "followers_count": followers(account.vendor, account.remote_id, account.created_at, call.now),
        "follows_count": 120,
        "media_count": len(posts),
        "biography": "",
        "website": None,
    }


def _scoped_id(remote_id: str) -> str:
    return f"26{remote_id.zfill(15)[-15:]}"
