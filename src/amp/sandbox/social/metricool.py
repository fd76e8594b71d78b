"""Metricool, pretended as far as connecting goes: its brands, by the paths and members of its own MCP server.

An account is a user of Metricool with one brand, to which every network is connected under the account's handle.
"""

import hashlib
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.vendor import Call, Limit, Operation, Refusal, Refused, SocialVendor

NETWORKS = ("facebook", "instagram", "linkedin", "threads", "tiktok", "twitter", "youtube")
_LIMIT = Limit(600, timedelta(minutes=10))
_NEVER = timedelta(days=36_500)  # a user token has no end of its own


async def token_of(request: Request, _body: bytes) -> str | None:
    return request.headers.get("x-mc-auth") or None


def user_id(digest: bytes) -> str:
    return str(10**6 + int.from_bytes(digest[:4]) % (9 * 10**6))


def blog_id(user: str) -> int:
    return 10**6 + int.from_bytes(hashlib.sha256(user.encode()).digest()[:4]) % (9 * 10**6)


async def brands(call: Call) -> Response:
    """Of the user whose token and whose `userId` it is."""
    if call.request.query_params.get("userId") != call.account.remote_id:
        raise Refused(_error(401, "UNAUTHORIZED", "The user does not belong to this token"))
    connected: dict[str, Any] = {f"{name}Data": {"username": call.account.handle} for name in NETWORKS}
    brand = {
        "id": blog_id(call.account.remote_id),
        "userId": int(call.account.remote_id),
        "label": call.account.name or call.account.handle,
        "timezone": "Europe/Madrid",
        "networksData": {**connected, "pinterestData": None},
    }
    return JSONResponse({"data": [brand]})


def _error(status: int, code: str, detail: str) -> Response:
    return JSONResponse({"status": code, "code": status, "detail": detail}, status)


def _refuse(refusal: Refusal) -> Response:
    """Without valid authority every path answers 401, known or not."""
    match refusal:
        case Refusal.RATE_LIMITED | Refusal.RATE_LIMITED_BARE:
            return _error(429, "TOO_MANY_REQUESTS", "Too many requests")
        case Refusal.TOO_LARGE:
            return _error(413, "PAYLOAD_TOO_LARGE", "The request is too large")
        case Refusal.BROKEN:
            return _error(500, "INTERNAL_SERVER_ERROR", "Something went wrong")
        case _:
            return _error(401, "UNAUTHORIZED", "Full authentication is required to access this resource")


VENDOR = SocialVendor(
    name="metricool",
    title="Metricool",
    routes=(Operation("GET", "/v2/settings/brands", brands, limit=_LIMIT),),
    refuse=_refuse,
    scopes=frozenset(),
    access_lifetime=_NEVER,
    account_id=user_id,
    token_of=token_of,
)
