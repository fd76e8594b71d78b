"""Bluesky, pretended: an account's own server and the app's view of it, as far as posting goes.

Records are put under keys that the client chooses: putting the same one again changes nothing.
"""

import hashlib
import re
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.accounts import Client
from amp.sandbox.audience import reactions
from amp.sandbox.faults import Fault, Step
from amp.sandbox.formats import recognise
from amp.sandbox.ledger import Draft, find_post, find_posts, find_threads, make_public, seen, withdraw
from amp.sandbox.tokens import issue, redeem_refresh_token, revoke
from amp.sandbox.uploads import Verdict, add_part, complete, describe, find_uploads, open_upload
from amp.sandbox.vendor import Call, Limit, Operation, Page, Refusal, Refused, Sandbox, SocialVendor, Window
from amp.sandbox.wire import MEGABYTE

NAME = "bluesky"
ACCESS_LIFETIME = timedelta(hours=2)
_REFRESH_LIFETIME = timedelta(days=90)
_POSTS = "app.bsky.feed.post"
_KEY = re.compile(r"[234567abcdefghij][234567a-z]{12}")
_LARGEST_BLOB = 1_000_000
_LIMIT = Limit(5000, timedelta(hours=1))
_NOBODYS = Client("", "", NAME, "", "")
"""Sessions belong to no app."""

_REFUSALS = {
    Refusal.NO_TOKEN: (401, "AuthMissing", "Authentication Required"),
    Refusal.UNKNOWN_TOKEN: (400, "InvalidToken", "Token could not be verified"),
    Refusal.EXPIRED_TOKEN: (400, "ExpiredToken", "Token has expired"),
    Refusal.REVOKED_TOKEN: (400, "ExpiredToken", "Token has been revoked"),
    Refusal.RATE_LIMITED: (429, "RateLimitExceeded", "Rate Limit Exceeded"),
    Refusal.RATE_LIMITED_BARE: (429, "RateLimitExceeded", "Rate Limit Exceeded"),
    Refusal.TOO_LARGE: (413, "PayloadTooLarge", "request entity too large"),
    Refusal.NO_SUCH_PATH: (501, "MethodNotImplemented", "Method Not Implemented"),
    Refusal.BROKEN: (500, "InternalServerError", "Internal Server Error"),
}


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class _Ref(_Closed):
    uri: str
    cid: str


class _Reply(_Closed):
    root: _Ref
    parent: _Ref


class _Span(_Closed):
    byteStart: int = Field(ge=0)  # noqa: N815 (as it comes)
    byteEnd: int = Field(ge=0)  # noqa: N815


class _Facet(_Closed):
    index: _Span
    features: list[dict[str, Any]] = Field(min_length=1)


class _Post(_Closed):
    type: Literal["app.bsky.feed.post"] = Field(alias="$type")
    text: str = Field(max_length=300)
    createdAt: str  # noqa: N815
    facets: list[_Facet] = []
    reply: _Reply | None = None
    embed: dict[str, Any] | None = None


class _Put(_Closed):
    repo: str
    collection: Literal["app.bsky.feed.post"]
    rkey: str
    record: _Post


class _Delete(_Closed):
    repo: str
    collection: Literal["app.bsky.feed.post"]
    rkey: str


async def upload_blob(call: Call) -> Response:
    found = recognise(call.body)
    if len(call.body) > _LARGEST_BLOB or found is None or not found.media_type.startswith("image/"):
        raise _error(400, "InvalidRequest", "This file is too large, or no image")
    cid = f"bafkrei{hashlib.sha256(call.body).hexdigest()[:52]}"
    if not (await find_uploads(call, [cid])).get(cid):
        how = {"kind": "image", "media_type": found.media_type, "declared_bytes": len(call.body)}
        opened = await open_upload(call, cid, lifetime=timedelta(hours=6), **how)  # type: ignore[arg-type]
        await add_part(call, opened, 0, call.body, keep=True)
        await complete(call, opened, Verdict(size=len(call.body), format=found))
    blob = {"$type": "blob", "ref": {"$link": cid}, "mimeType": found.media_type, "size": len(call.body)}
    return JSONResponse({"blob": blob})


async def put_record(call: Call) -> Response:
    wanted = _parsed(call, _Put)
    _check_repo(call, wanted.repo)
    if not _KEY.fullmatch(wanted.rkey):
        raise _error(400, "InvalidRequest", "Invalid TID record key")
    uri = f"at://{wanted.repo}/{_POSTS}/{wanted.rkey}"
    record = wanted.record
    size = len(record.text.encode())
    if any(not facet.index.byteStart < facet.index.byteEnd <= size for facet in record.facets):
        raise _error(400, "InvalidRequest", "Invalid app.bsky.feed.post record: facet out of the text")
    if await find_post(call, uri) is None:
        _befall(call)
        await make_public(call, await _draft(call, uri, record))
    return JSONResponse({"uri": uri, "cid": _cid(uri), "validationStatus": "valid"})


def _befall(call: Call) -> None:
    """What was ordered to go wrong."""
    match call.misfortune and call.misfortune.fault:
        case Fault.DUPLICATE:
            raise _error(400, "InvalidRequest", "This is a duplicate of another post")
        case Fault.QUOTA_EXHAUSTED:
            raise Refused(_refuse(Refusal.RATE_LIMITED))
        case Fault.ACCOUNT_ACTION:
            raise _error(403, "Forbidden", "The account has to verify its e-mail address first")
        case _:
            pass


async def get_record(call: Call) -> Response:
    query = call.request.query_params
    uri = f"at://{query.get('repo')}/{query.get('collection')}/{query.get('rkey')}"
    post = await find_post(call, uri)
    if post is None:
        raise _error(400, "RecordNotFound", f"Could not locate record: {uri}")
    value = {"$type": _POSTS, "text": post.text, "createdAt": post.created_at.isoformat()}
    return JSONResponse({"uri": uri, "cid": _cid(uri), "value": value})


async def delete_record(call: Call) -> Response:
    wanted = _parsed(call, _Delete)
    _check_repo(call, wanted.repo)
    await withdraw(call, f"at://{wanted.repo}/{_POSTS}/{wanted.rkey}")
    return JSONResponse({})


async def get_posts(call: Call) -> Response:
    uris = call.request.query_params.getlist("uris")
    if not 1 <= len(uris) <= 25:
        raise _error(400, "InvalidRequest", "Error: uris must have 1 to 25 elements")
    found = await find_posts(call, uris)
    threads = await find_threads(call.connection, call.account.owner, list(found.values()))
    shown: list[dict[str, Any]] = []
    for uri, post in found.items():
        earned = reactions(seen(post, threads), call.now)
        counts = {"likeCount": earned.likes, "replyCount": earned.replies, "repostCount": earned.reposts}
        shown.append({"uri": uri, "cid": _cid(uri), **counts, "quoteCount": earned.quotes})
    return JSONResponse({"posts": shown})


async def get_profile(call: Call) -> Response:
    account = call.account
    if call.request.query_params.get("actor") not in (account.remote_id, account.handle):
        raise _error(400, "InvalidRequest", "Profile not found")
    shown = {"did": account.remote_id, "handle": account.handle, "displayName": account.name}
    return JSONResponse(shown)


async def refresh_session(sandbox: Sandbox, request: Request) -> Response:
    """With the refresh token as bearer; it counts once."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with sandbox.database.engine.begin() as connection:
        now, key = sandbox.clock.now(), sandbox.signing_key
        grant = await redeem_refresh_token(connection, key, _NOBODYS, token, now)
        if grant is None:
            return _refuse(Refusal.EXPIRED_TOKEN)
        session = {
            "accessJwt": await issue(connection, key, grant, "access", ACCESS_LIFETIME),
            "refreshJwt": await issue(connection, key, grant, "refresh", _REFRESH_LIFETIME),
            "did": grant.account,
        }
    return JSONResponse(session)


async def delete_session(sandbox: Sandbox, request: Request) -> Response:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with sandbox.database.engine.begin() as connection:
        await revoke(connection, sandbox.signing_key, NAME, token, sandbox.clock.now())
    return Response(status_code=200)


async def _draft(call: Call, uri: str, record: _Post) -> Draft:
    media = await _media(call, record.embed)
    parent = record.reply.parent.uri if record.reply else None
    if parent and await find_post(call, parent) is None:
        raise _error(400, "InvalidRequest", "The post that this replies to was not found")
    is_card = record.embed is not None and record.embed.get("$type") == "app.bsky.embed.external"
    return Draft(
        remote_id=uri,
        kind="reply" if record.reply else "post",
        text=record.text,
        shown_text=record.text,
        same_as=uri,
        media=media,
        parent=parent,
        conversation=record.reply.root.uri if record.reply else None,
        extra={"article": record.embed} if is_card else {},
    )


async def _media(call: Call, embed: dict[str, Any] | None) -> list[dict[str, Any]]:
    if embed is None or embed.get("$type") != "app.bsky.embed.images":
        return []
    images = embed.get("images", [])
    cids = [image["image"]["ref"]["$link"] for image in images]
    found = await find_uploads(call, cids)
    if not 1 <= len(images) <= 4 or set(cids) - set(found):
        raise _error(400, "BlobNotFound", "Could not find blob")
    for image, cid in zip(images, cids, strict=True):
        await describe(call, found[cid], image["alt"])
    return [{**found[cid].described(), "alt_text": image["alt"]} for image, cid in zip(images, cids, strict=True)]


def _parsed(call: Call, model: type[Any]) -> Any:
    try:
        return model.model_validate_json(call.body)
    except ValidationError as problem:
        where = "/".join(map(str, problem.errors()[0]["loc"]))
        raise _error(400, "InvalidRequest", f"Invalid input at {where}: {problem.errors()[0]['msg']}") from problem


def _check_repo(call: Call, repo: str) -> None:
    if repo not in (call.account.remote_id, call.account.handle):
        raise _error(400, "InvalidRequest", "Could not find repo")


def _cid(uri: str) -> str:
    return f"bafyrei{hashlib.sha256(uri.encode()).hexdigest()[:52]}"


def _error(status: int, error: str, message: str) -> Refused:
    return Refused(JSONResponse({"error": error, "message": message}, status))


def _refuse(refusal: Refusal) -> Response:
    status, error, message = _REFUSALS.get(refusal, (403, "Forbidden", "Forbidden"))
    return JSONResponse({"error": error, "message": message}, status)


def _dress(response: Response, window: Window | None) -> Response:
    if window:
        response.headers["ratelimit-limit"] = str(window.limit)
        response.headers["ratelimit-remaining"] = str(window.remaining)
        response.headers["ratelimit-reset"] = str(int(window.resets_at.timestamp()))
    return response


def account_id(digest: bytes) -> str:
    return f"did:plc:{digest.hex()[:24]}"


VENDOR = SocialVendor(
    name=NAME,
    title="Bluesky",
    routes=(
        Operation("POST", "/xrpc/com.atproto.repo.uploadBlob", upload_blob, limit=_LIMIT, max_body=2 * MEGABYTE),
        Operation("POST", "/xrpc/com.atproto.repo.putRecord", put_record, step=Step.COMMIT, limit=_LIMIT),
        Operation("GET", "/xrpc/com.atproto.repo.getRecord", get_record, limit=_LIMIT),
        Operation("POST", "/xrpc/com.atproto.repo.deleteRecord", delete_record, limit=_LIMIT),
        Operation("GET", "/xrpc/app.bsky.feed.getPosts", get_posts, limit=_LIMIT),
        Operation("GET", "/xrpc/app.bsky.actor.getProfile", get_profile, limit=_LIMIT),
        Page("POST", "/xrpc/com.atproto.server.refreshSession", refresh_session),
        Page("POST", "/xrpc/com.atproto.server.deleteSession", delete_session),
    ),
    refuse=_refuse,
    scopes=frozenset(),
    access_lifetime=ACCESS_LIFETIME,
    gives_refresh_tokens=True,
    account_id=account_id,
    dress=_dress,
)
