"""TikTok: Login Kit v2 ("Manage User Access Tokens"). The app's id is called `client_key`, scopes stand between
commas, and the optional PKCE challenge is the hex SHA-256. An access token lives a day, a refresh token one use."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from amp.sandbox.accounts import Client, read_client
from amp.sandbox.oauth import Ask, Code, back, consent, redeem_code
from amp.sandbox.social._tiktok_wire import log_id
from amp.sandbox.tokens import Grant, issue, redeem_refresh_token, revoke
from amp.sandbox.vendor import Refused, Sandbox
from amp.sandbox.wire import KILOBYTE, BadForm, BodyTooLarge, media_type, parse_form, read_body
from amp.sandbox.words import words

NAME = "tiktok"
SCOPES = words("user.info.basic user.info.profile user.info.stats video.publish video.upload video.list")
ACCESS_LIFETIME = timedelta(hours=24)

_REFRESH_LIFETIME = timedelta(days=365)
_CODE_LIFETIME = timedelta(minutes=10)  # not published
_DENIED = {"error": "access_denied", "error_description": "The user denied the request"}


def open_id(digest: bytes) -> str:
    """As in `-000` and a long tail of letters and digits: opaque, one for each app and user."""
    return f"-000{digest[:16].hex()}"


async def authorize(sandbox: Sandbox, request: Request) -> Response:
    """An unknown app or address is told to the person; everything else to the app."""
    query = request.query_params
    client = read_client(sandbox.signing_key, NAME, query.get("client_key", ""))
    redirect_uri = query.get("redirect_uri", "")
    if client is None or urlsplit(redirect_uri).scheme not in ("http", "https"):
        wrong = "client_key" if client is None else "redirect_uri"
        return HTMLResponse(f"<p>Something went wrong. We couldn't log in with TikTok: {wrong}</p>", 400)
    scopes = frozenset(scope for scope in query.get("scope", "").split(",") if scope)
    problem = _problem(query, scopes)
    if problem is not None:
        answer = {"error": problem, "error_description": f"The request has an invalid parameter: {problem}"}
        return back(redirect_uri, answer | ({"state": query["state"]} if "state" in query else {}))
    ask = Ask(
        client=client,
        redirect_uri=redirect_uri,
        state=query.get("state", ""),
        scopes=scopes,
        title="TikTok",
        code_lifetime=_CODE_LIFETIME,
        account_id=open_id,
        challenge=query.get("code_challenge"),
        challenge_method=query.get("code_challenge_method"),
    )
    return await consent(sandbox, request, ask, _DENIED)


async def token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        client = _client(sandbox, form)
        async with sandbox.database.connected() as connection:
            grant = await _grant(connection, sandbox, client, form)
            return await _answer(connection, sandbox, grant) if grant else _refused(form)
    except Refused as refused:
        return refused.response


async def revoke_token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        _client(sandbox, form)
        if not form.get("token"):
            raise _error("invalid_request", "token is required.")
        async with sandbox.database.connected() as connection:
            await revoke(connection, sandbox.signing_key, NAME, form["token"], sandbox.clock.now())
    except Refused as refused:
        return refused.response
    return Response(status_code=200)


def _problem(query: Mapping[str, str], scopes: frozenset[str]) -> str | None:
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    if not scopes or scopes - SCOPES:
        return "invalid_scope"
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return "code_challenge_method"
    return None


async def _grant(
    connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]
) -> Grant | None:
    match form.get("grant_type"):
        case "authorization_code":
            code = await redeem_code(connection, sandbox, client, form.get("code", ""))
            return code.grant(NAME) if code and _fits(code, form) else None
        case "refresh_token":
            given, now = form.get("refresh_token", ""), sandbox.clock.now()
            return await redeem_refresh_token(connection, sandbox.signing_key, client, given, now)
        case _:
            raise _error("unsupported_grant_type", "The grant type is not supported.")


def _fits(code: Code, form: Mapping[str, str]) -> bool:
    """The same redirect address and, if there was a challenge, its verifier: in hex, unlike everywhere else."""
    proof = hashlib.sha256(form.get("code_verifier", "").encode()).hexdigest()
    proven = code.challenge is None or hmac.compare_digest(code.challenge.encode(), proof.encode())
    return proven and form.get("redirect_uri") == code.redirect_uri


def _refused(form: Mapping[str, str]) -> Response:
    what = "Refresh token" if form["grant_type"] == "refresh_token" else "Authorization code"
    return _error("invalid_grant", f"{what} is invalid or expired.").response


async def _answer(connection: AsyncConnection, sandbox: Sandbox, grant: Grant) -> Response:
    """Flat, without the envelope of the other answers; the refresh token is a new one each time."""
    body = {
        "access_token": await issue(connection, sandbox.signing_key, grant, "access", ACCESS_LIFETIME),
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "open_id": grant.account,
        "refresh_token": await issue(connection, sandbox.signing_key, grant, "refresh", _REFRESH_LIFETIME),
        "refresh_expires_in": int(_REFRESH_LIFETIME.total_seconds()),
        "scope": ",".join(sorted(grant.scopes)),
        "token_type": "Bearer",
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    if media_type(request) != "application/x-www-form-urlencoded":
        raise _error("invalid_request", "Only application/x-www-form-urlencoded is supported as Content-Type.")
    try:
        form = await parse_form(request, await read_body(request, 16 * KILOBYTE))
    except (BadForm, BodyTooLarge) as problem:
        raise _error("invalid_request", "The body cannot be read.") from problem
    return dict(form.fields)


def _client(sandbox: Sandbox, form: Mapping[str, str]) -> Client:
    client = read_client(sandbox.signing_key, NAME, form.get("client_key", ""))
    if client is None or not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise _error("invalid_client", "Client key or secret is incorrect.", 401)
    return client


def _error(error: str, description: str, status: int = 400) -> Refused:
    body = {"error": error, "error_description": description, "log_id": log_id()}
    return Refused(JSONResponse(body, status))
