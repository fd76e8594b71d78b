"""LinkedIn: OAuth ("Authorization Code Flow") and the OpenID profile. Members log in again every 60 days: refresh
tokens are for approved partners, which here are those who hold a signed one."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from amp.sandbox.accounts import Client, read_client
from amp.sandbox.oauth import Ask, back, consent, redeem_code
from amp.sandbox.social._linkedin_media import NAME
from amp.sandbox.tables import tokens
from amp.sandbox.tokens import Grant, digest_of, find_bearer, issue, redeem_refresh_token
from amp.sandbox.vendor import Call, Refused, Sandbox
from amp.sandbox.wire import KILOBYTE, BadForm, BodyTooLarge, parse_form, read_body
from amp.sandbox.words import words

ACCESS_LIFETIME = timedelta(days=60)

_MEMBER_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_REFRESH_LIFETIME = timedelta(days=365)
_CODE_LIFETIME = timedelta(minutes=30)
_SCOPES = words(
    "openid profile email w_member_social r_basicprofile r_member_social r_member_postAnalytics "
    "r_member_profileAnalytics"
)
_DENIED = {"error": "user_cancelled_authorize", "error_description": "The user cancelled the authorization"}
_NO_MATCH = (
    "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. "
    "Or authorization code expired. Or external member binding exists"
)


def member_id(digest: bytes) -> str:
    """Ten characters, as in `urn:li:person:AbC123dEf4`."""
    return "".join(_MEMBER_ID[byte % len(_MEMBER_ID)] for byte in digest[:10])


async def authorize(sandbox: Sandbox, request: Request) -> Response:
    """An unknown app or address is told to the person; wrong scopes are told to the app."""
    query = request.query_params
    client = read_client(sandbox.signing_key, NAME, query.get("client_id", ""))
    redirect_uri, scopes = query.get("redirect_uri", ""), frozenset(query.get("scope", "").split())
    if client is None or query.get("response_type") != "code" or not _is_address(redirect_uri):
        return HTMLResponse("<p>Bummer, something went wrong: the app or its address is not known.</p>", 400)
    if not scopes or scopes - _SCOPES:
        wrong = " ".join(sorted(scopes - _SCOPES)) or "(none)"
        answer = {"error": "unauthorized_scope_error", "error_description": f'Scope "{wrong}" is not authorized'}
        return back(redirect_uri, answer | ({"state": query["state"]} if "state" in query else {}))
    ask = Ask(client, redirect_uri, query.get("state", ""), scopes, "LinkedIn", _CODE_LIFETIME, member_id)
    return await consent(sandbox, request, ask, _DENIED)


async def access_token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        client = _client(sandbox, form)
        async with sandbox.database.connected() as connection:
            match form.get("grant_type"):
                case "authorization_code":
                    return await _by_code(connection, sandbox, client, form)
                case "refresh_token":
                    return await _by_refresh(connection, sandbox, client, form)
                case _:
                    return _error(400, "unsupported_grant_type", "The grant type is not supported").response
    except Refused as refused:
        return refused.response


async def introspect(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        client = _client(sandbox, form)
    except Refused as refused:
        return refused.response
    token, now = form.get("token", ""), sandbox.clock.now()
    async with sandbox.database.connected() as connection:
        bearer = await find_bearer(connection, sandbox.signing_key, NAME, token, now)
        query = select(tokens.c.made_at, tokens.c.expires_at).where(
            tokens.c.digest == digest_of(sandbox.signing_key, token)
        )
        row = (await connection.execute(query)).one_or_none()
    if bearer is None or client.owner not in ("", bearer.account.owner):
        return JSONResponse({"active": False})
    body: dict[str, Any] = {
        "active": bearer.ended is None,
        "status": bearer.ended or "active",
        "client_id": client.client_id,
        "scope": ",".join(sorted(bearer.grant.scopes)),
        "auth_type": "3L",
    }
    if row is not None and row.expires_at is not None:
        body["created_at"] = body["authorized_at"] = int(row.made_at.timestamp())
        body["expires_at"] = int(row.expires_at.timestamp())
    return JSONResponse(body)


async def userinfo(call: Call) -> Response:
    account = call.account
    given, _, family = account.name.partition(" ")
    body: dict[str, Any] = {
        "sub": account.remote_id,
        "name": account.name,
        "given_name": given,
        "family_name": family or given,
        "picture": f"https://media.licdn.com/dms/image/{account.remote_id}/profile-displayphoto",
        "locale": {"country": "US", "language": "en"},
    }
    if "email" in call.scopes:
        body |= {"email": f"{account.handle}@example.com", "email_verified": True}
    return JSONResponse(body)


async def _by_code(connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]) -> Response:
    code = await redeem_code(connection, sandbox, client, form.get("code", ""))
    if code is None or form.get("redirect_uri") != code.redirect_uri:
        return _error(400, "invalid_request", _NO_MATCH).response
    return JSONResponse(await _issued(connection, sandbox, code.grant(NAME)))


async def _by_refresh(
    connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]
) -> Response:
    now, token = sandbox.clock.now(), form.get("refresh_token", "")
    grant = await redeem_refresh_token(connection, sandbox.signing_key, client, token, now)
    if grant is None:
        return _error(400, "invalid_grant", "The provided refresh token is invalid, expired or revoked").response
    body = await _issued(connection, sandbox, grant)
    body["refresh_token"] = await issue(connection, sandbox.signing_key, grant, "refresh", _REFRESH_LIFETIME)
    return JSONResponse(body | {"refresh_token_expires_in": int(_REFRESH_LIFETIME.total_seconds())})


async def _issued(connection: AsyncConnection, sandbox: Sandbox, grant: Grant) -> dict[str, Any]:
    return {
        "access_token": await issue(connection, sandbox.signing_key, grant, "access", ACCESS_LIFETIME),
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "scope": ",".join(sorted(grant.scopes)),
        "token_type": "Bearer",
    }


async def _form(request: Request) -> dict[str, str]:
    try:
        form = await parse_form(request, await read_body(request, 16 * KILOBYTE))
    except (BadForm, BodyTooLarge) as problem:
        raise _error(400, "invalid_request", "A required parameter is missing") from problem
    return dict(form.fields)


def _client(sandbox: Sandbox, form: Mapping[str, str]) -> Client:
    client = read_client(sandbox.signing_key, NAME, form.get("client_id", ""))
    if client is None or not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise _error(401, "invalid_client", "Client authentication failed")
    return client


def _is_address(redirect_uri: str) -> bool:
    return urlsplit(redirect_uri).scheme in ("http", "https")


def _error(status: int, error: str, description: str) -> Refused:
    return Refused(JSONResponse({"error": error, "error_description": description}, status))
