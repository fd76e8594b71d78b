"""X: reading (contract 2.167): the account, posts by id, and the timeline that answers "did it go out?"."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from amp.sandbox.audience import reactions
from amp.sandbox.faults import Fault, standing
from amp.sandbox.ledger import Post, Span, find_posts, find_threads, list_of_account, seen
from amp.sandbox.social import _twitter_query as query
from amp.sandbox.social._twitter_problems import at, invalid, not_found
from amp.sandbox.social._twitter_shapes import (
    USER_FIELDS,
    Asked,
    media_key,
    show_post,
    show_user,
    withheld,
    withheld_error,
)
from amp.sandbox.tables import accounts, posts
from amp.sandbox.vendor import Call

_FIELD_NAMES = frozenset(
    {"post.fields", "tweet.fields", "user.fields", "media.fields", "poll.fields", "place.fields", "expansions"}
)
_TIMELINE_NAMES = _FIELD_NAMES | {
    "max_results", "start_time", "end_time", "since_id", "until_id", "exclude", "pagination_token",
}  # fmt: skip


async def me(call: Call) -> Response:
    query.check_names(call, {"user.fields", "post.fields", "tweet.fields", "expansions"})
    fields = query.fields(call, "user.fields", USER_FIELDS)
    asked = query.asked(call)
    shown = show_user(call.account, fields, await _counts(call), call.now)
    return JSONResponse({"data": asked.spelled(shown)})


async def lookup(call: Call) -> Response:
    """Posts that are there; those that are not come as errors beside them, with a 200."""
    query.check_names(call, _FIELD_NAMES | {"ids"})
    wanted, asked = query.ids(call), query.asked(call)
    found = await find_posts(call, wanted)
    listed = [found[post_id] for post_id in dict.fromkeys(wanted) if post_id in found]
    errors = [not_found("ids", post_id) for post_id in dict.fromkeys(wanted) if post_id not in found]
    return JSONResponse(await _listing(call, listed, asked, errors, "ids"))


async def lookup_one(call: Call) -> Response:
    query.check_names(call, _FIELD_NAMES)
    post_id, asked = call.request.path_params["id"], query.asked(call)
    found = await find_posts(call, [post_id])
    if post_id not in found:
        return JSONResponse({"errors": [not_found("id", post_id)]}, 404, media_type="application/problem+json")
    body = await _listing(call, [found[post_id]], asked, [], "id")
    return JSONResponse(body | {"data": body["data"][0]})


async def timeline(call: Call) -> Response:
    """An account's posts, newest first. `start_time` is compared with the exact moment, though times are shown
    in whole seconds."""
    query.check_names(call, _TIMELINE_NAMES)
    user_id, asked = call.request.path_params["id"], query.asked(call)
    if not await _exists(call, user_id):
        return JSONResponse({"errors": [not_found("id", user_id, "user")]})
    size = query.number(call, "max_results", 5, 100, 10)
    found = await list_of_account(call, user_id, await _lagging(call, _span(call)), limit=size + 1)
    page, more = found[:size], len(found) > size
    body = await _listing(call, page, asked, [], "id")
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta |= {"newest_id": page[0].remote_id, "oldest_id": page[-1].remote_id}
    if more:
        meta["next_token"] = _page_token(page[-1].remote_id)
    return JSONResponse(body | {"meta": meta})


async def _lagging(call: Call, span: Span) -> Span:
    """By order the latest posts are not listed yet."""
    lag = await standing(call.connection, call.account, Fault.LISTING_LAG)
    if lag is None:
        return span
    latest = call.now - timedelta(seconds=lag.seconds)
    return replace(span, end=min(span.end, latest) if span.end else latest)


def _span(call: Call) -> Span:
    exclude = [entry for entry in call.request.query_params.get("exclude", "").split(",") if entry]
    if set(exclude) - {"replies", "retweets"}:
        raise invalid(at("exclude", exclude, "The `exclude` query parameter takes replies and retweets"))
    return Span(
        start=query.time(call, "start_time"),
        end=query.time(call, "end_time"),
        after_id=query.one_id(call, "since_id"),
        before_id=_page_start(call) or query.one_id(call, "until_id"),
        without_kinds=("reply",) if "replies" in exclude else (),
    )


def _page_token(last_id: str) -> str:
    """Opaque to callers: the last id seen, in base 36 as it happens."""
    digits, number = "", int(last_id)
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"7140dibdnow9c7btw{digits}"


def _page_start(call: Call) -> str | None:
    token = call.request.query_params.get("pagination_token")
    if token is None:
        return None
    head, separator, digits = token.partition("c7btw")
    if head != "7140dibdnow9" or not separator or not digits.isalnum() or not digits.isascii():
        raise invalid(at("pagination_token", [token], "The `pagination_token` query parameter value is not valid"))
    return str(int(digits, 36))


async def _listing(
    call: Call, found: Sequence[Post], asked: Asked, errors: Sequence[Mapping[str, Any]], parameter: str
) -> dict[str, Any]:
    threads = await find_threads(call.connection, call.account.owner, found)
    data: list[Any] = []
    problems = list(errors)
    for post in found:
        earned = reactions(seen(post, threads), call.now)
        data.append(asked.spelled(show_post(post, earned, asked, call.account, call.now)))
        problems += [withheld_error(post, field, parameter) for field in withheld(post, asked, call.account, call.now)]
    body: dict[str, Any] = {"data": data} if data else {}
    includes = _includes(call, found)
    if includes:
        body["includes"] = includes
    return body | {"errors": problems} if problems else body


def _includes(call: Call, found: Sequence[Post]) -> dict[str, Any]:
    wanted = set(call.request.query_params.get("expansions", "").split(","))
    includes: dict[str, Any] = {}
    own = call.account
    if "author_id" in wanted and any(post.account == own.remote_id for post in found):
        includes["users"] = [{"id": own.remote_id, "name": own.name, "username": own.handle}]
    if "attachments.media_keys" in wanted:
        media = {media_key(medium): medium for post in found for medium in post.media}
        kinds = {"tweet_image": "photo", "tweet_gif": "animated_gif", "tweet_video": "video"}
        includes["media"] = [{"media_key": key, "type": kinds[medium["kind"]]} for key, medium in media.items()]
    return includes


async def _exists(call: Call, user_id: str) -> bool:
    if user_id == call.account.remote_id:
        return True
    known = select(accounts.c.remote_id).where(
        accounts.c.owner == call.account.owner,
        accounts.c.vendor == call.account.vendor,
        accounts.c.remote_id == user_id,
    )
    return (await call.connection.execute(known)).one_or_none() is not None


async def _counts(call: Call) -> dict[str, int]:
    query = select(
        func.count().label("posts"),
        func.count().filter(func.jsonb_array_length(posts.c.media) > 0).label("media"),
    ).where(
        posts.c.owner == call.account.owner,
        posts.c.vendor == call.account.vendor,
        posts.c.account == call.account.remote_id,
        posts.c.deleted_at.is_(None),
    )
    row = (await call.connection.execute(query)).one()
    return {"posts": row.posts, "media": row.media}
