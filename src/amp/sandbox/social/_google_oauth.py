"""Google: OAuth 2.0 for web server applications. An access token lives an hour; a refresh token comes with the first
consent, or when consent is asked for again, and may be used again and again."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from amp.sandbox.accounts import Client, read_client
from amp.sandbox.oauth import Ask, Code, consent, redeem_code
from amp.sandbox.tables import tokens
from amp.sandbox.tokens import Grant, find_refresh_grant, issue, revoke
from amp.sandbox.vendor import Refused, Sandbox
from amp.sandbox.wire import KILOBYTE, BadForm, BodyTooLarge, parse_form, read_body

NAME = "youtube"
ACCESS_LIFETIME = timedelta(seconds=3599)

PREFIX = "https://www.googleapis.com/auth/"
SCOPES = frozenset(
    PREFIX + name
    for name in (
        "youtube",
        "youtube.force-ssl",
        "youtube.readonly",
        "youtube.upload",
        "yt-analytics.readonly",
        "yt-analytics-monetary.readonly",
        "userinfo.email",
        "userinfo.profile",
    )
) | {"openid", "email", "profile"}

_CODE_LIFETIME = timedelta(minutes=10)
_OFFLINE, _OFFLINE_AGAIN = "offline", "offline again"
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def channel_id(digest: bytes) -> str:
    """`UC` and 22 characters."""
    return "UC" + "".join(_ID[byte % len(_ID)] for byte in digest[:22])


async def authorize(sandbox: Sandbox, request: Request) -> Response:
    """What is wrong with the request is told to the person."""
    query = request.query_params
    client = read_client(sandbox.signing_key, NAME, query.get("client_id", ""))
    scopes = frozenset(query.get("scope", "").split())
    complaints = [
        (client is None, "Error 401: invalid_client"),
        (urlsplit(query.get("redirect_uri", "")).scheme not in ("http", "https"), "Error 400: redirect_uri_mismatch"),
        (query.get("response_type") != "code", "Error 400: unsupported_response_type"),
        (not scopes or bool(scopes - SCOPES), "Error 400: invalid_scope"),
        (query.get("access_type", "online") not in ("online", "offline"), "Error 400: invalid_request"),
        (query.get("code_challenge_method", "plain") not in ("S256", "plain"), "Error 400: invalid_request"),
    ]
    wrong = [complaint for is_wrong, complaint in complaints if is_wrong]
    if wrong or client is None:
        return HTMLResponse(f"<p>Access blocked: authorization error. {wrong[0]}</p>", 400)
    ask = Ask(
        client=client,
        redirect_uri=query["redirect_uri"],
        state=query.get("state", ""),
        scopes=scopes,
        title="YouTube",
        code_lifetime=_CODE_LIFETIME,
        account_id=channel_id,
        challenge=query.get("code_challenge"),
        challenge_method=query.get("code_challenge_method", "plain"),
        noted=_noted(query),
    )
    return await consent(sandbox, request, ask, {"error": "access_denied"})


async def token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        client = _client(sandbox, form)
        async with sandbox.database.connected() as connection:
            match form.get("grant_type"):
                case "authorization_code":
                    return await _by_code(connection, sandbox, client, form)
                case "refresh_token":
                    return await _by_refresh(connection, sandbox, client, form)
                case other:
                    return _error("unsupported_grant_type", f"Invalid grant_type: {other}").response
    except Refused as refused:
        return refused.response


async def revoke_token(sandbox: Sandbox, request: Request) -> Response:
    """The token stands in the query or in a form."""
    try:
        form = {} if "token" in request.query_params else await _form(request)
    except Refused as refused:
        return refused.response
    given = request.query_params.get("token") or form.get("token", "")
    async with sandbox.database.connected() as connection:
        ended = await revoke(connection, sandbox.signing_key, NAME, given, sandbox.clock.now())
    return JSONResponse({}) if ended else _error("invalid_token", "Token expired or revoked").response


def _noted(query: Mapping[str, str]) -> frozenset[str]:
    if query.get("access_type") != "offline":
        return frozenset()
    return frozenset({_OFFLINE_AGAIN if "consent" in query.get("prompt", "").split() else _OFFLINE})


async def _by_code(connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]) -> Response:
    code = await redeem_code(connection, sandbox, client, form.get("code", ""))
    if code is None or not _is_proven(code, form):
        return _error("invalid_grant", "Malformed auth code.").response
    if form.get("redirect_uri") != code.redirect_uri:
        return _error("redirect_uri_mismatch", "Bad Request").response
    offline = code.scopes & {_OFFLINE, _OFFLINE_AGAIN}
    grant = code.grant(NAME)
    grant = Grant(grant.owner, NAME, grant.account, grant.client, grant.scopes - offline, grant.family)
    body = await _issued(connection, sandbox, grant)
    if _OFFLINE_AGAIN in offline or (offline and not await _has_refresh_token(connection, grant)):
        body["refresh_token"] = await issue(connection, sandbox.signing_key, grant, "refresh", None)
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _by_refresh(
    connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]
) -> Response:
    given, now = form.get("refresh_token", ""), sandbox.clock.now()
    grant = await find_refresh_grant(connection, sandbox.signing_key, client, given, now)
    if grant is None:
        return _error("invalid_grant", "Token has been expired or revoked.").response
    return JSONResponse(await _issued(connection, sandbox, grant), headers={"cache-control": "no-store"})


async def _issued(connection: AsyncConnection, sandbox: Sandbox, grant: Grant) -> dict[str, str | int]:
    return {
        "access_token": await issue(connection, sandbox.signing_key, grant, "access", ACCESS_LIFETIME),
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "scope": " ".join(sorted(grant.scopes)),
        "token_type": "Bearer",
    }


async def _has_refresh_token(connection: AsyncConnection, grant: Grant) -> bool:
    query = select(tokens.c.digest).where(
        tokens.c.owner == grant.owner,
        tokens.c.vendor == NAME,
        tokens.c.account == grant.account,
        tokens.c.client == grant.client,
        tokens.c.kind == "refresh",
        tokens.c.ended_at.is_(None),
    )
    return (await connection.execute(query.limit(1))).one_or_none() is not None


def _is_proven(code: Code, form: Mapping[str, str]) -> bool:
    """PKCE is optional; where there was a challenge, the verifier belongs to it."""
    if code.challenge is None:
        return True
    proof = form.get("code_verifier", "")
    if code.challenge_method == "S256":
        proof = base64.urlsafe_b64encode(hashlib.sha256(proof.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(code.challenge.encode(), proof.encode())


async def _form(request: Request) -> dict[str, str]:
    try:
        form = await parse_form(request, await read_body(request, 16 * KILOBYTE))
    except (BadForm, BodyTooLarge) as problem:
        raise _error("invalid_request", "The body cannot be read.") from problem
    return dict(form.fields)


def _client(sandbox: Sandbox, form: Mapping[str, str]) -> Client:
    client = read_client(sandbox.signing_key, NAME, form.get("client_id", ""))
    if client is None:
        raise _error("invalid_client", "The OAuth client was not found.", 401)
    if not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise _error("invalid_client", "The provided client secret is invalid.", 401)
    return client


def _error(error: str, description: str, status: int = 400) -> Refused:
    return Refused(JSONResponse({"error": error, "error_description": description}, status))
