"""Facebook Login: a code, a person's token for an hour or two, one for sixty days in its place; no refresh token."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from amp.sandbox.accounts import Client, read_client
from amp.sandbox.oauth import Ask, consent, redeem_code
from amp.sandbox.social._facebook_people import NAME, PAGE_LIFETIME, SCOPES, is_person, person_behind, person_id
from amp.sandbox.social._meta_errors import failure, invalid
from amp.sandbox.social._meta_graph import parameters_of
from amp.sandbox.tables import tokens
from amp.sandbox.tokens import Grant, digest_of, find_bearer, issue
from amp.sandbox.vendor import Refused, Sandbox
from amp.sandbox.wire import KILOBYTE, BodyTooLarge, read_body

_SHORT_LIFETIME = timedelta(hours=2)
_LONG_LIFETIME = timedelta(days=60)
_DATA_ACCESS = timedelta(days=90)
_CODE_LIFETIME = timedelta(minutes=10)
_DENIED = {
    "error": "access_denied",
    "error_code": "200",
    "error_description": "Permissions error",
    "error_reason": "user_denied",
}
_NOT_IDENTICAL = (
    "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the "
    "OAuth dialog request"
)


async def dialog(sandbox: Sandbox, request: Request) -> Response:
    """A malformed request is told to the person."""
    query = request.query_params
    client = read_client(sandbox.signing_key, NAME, query.get("client_id", ""))
    scopes = frozenset(scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope)
    if client is None:
        return HTMLResponse("<p>Invalid App ID: The provided app ID does not look like a valid app ID.</p>", 400)
    if query.get("response_type", "code") != "code" or not query.get("redirect_uri", "").startswith("http"):
        return HTMLResponse("<p>Invalid parameter: redirect_uri or response_type.</p>", 400)
    if scopes - SCOPES:
        return HTMLResponse(f"<p>Invalid Scopes: {', '.join(sorted(scopes - SCOPES))}.</p>", 400)
    uri, state = query["redirect_uri"], query.get("state", "")
    granted = scopes or frozenset({"public_profile"})
    ask = Ask(client, uri, state, granted, "Facebook", _CODE_LIFETIME, person_id)
    return await consent(sandbox, request, ask, _DENIED)


async def access_token(sandbox: Sandbox, request: Request) -> Response:
    """For a code, for a token of a person, or for the app itself."""
    try:
        form = (await parameters_of(request, await read_body(request, 16 * KILOBYTE))).fields
        client = _client(sandbox, form)
        if form.get("grant_type") == "client_credentials":
            return JSONResponse({"access_token": f"{client.client_id}|{client.secret}", "token_type": "bearer"})
        async with sandbox.database.connected() as connection:
            if form.get("grant_type") == "fb_exchange_token":
                return await _exchanged(connection, sandbox, client, form.get("fb_exchange_token", ""))
            return await _redeemed(connection, sandbox, client, form)
    except BodyTooLarge:
        return invalid("The request is too large").response
    except Refused as refused:
        return refused.response


async def debug_token(sandbox: Sandbox, request: Request) -> Response:
    """What a token is worth; only its app may ask, with `id|secret` as its token."""
    query = request.query_params
    app_id, _, secret = query.get("access_token", "").partition("|")
    try:
        client = _client(sandbox, {"client_id": app_id, "client_secret": secret})
    except Refused as refused:
        return refused.response
    token = query.get("input_token", "")
    async with sandbox.database.connected() as connection:
        bearer = await find_bearer(connection, sandbox.signing_key, NAME, token, sandbox.clock.now())
        rows = select(tokens).where(tokens.c.digest == digest_of(sandbox.signing_key, token))
        row = (await connection.execute(rows)).one_or_none()
    if bearer is None or client.owner not in ("", bearer.account.owner):
        error = {"code": 190, "message": "Invalid OAuth access token."}
        return JSONResponse({"data": {"error": error, "is_valid": False, "scopes": []}})
    body: dict[str, Any] = {
        "app_id": client.client_id,
        "type": "USER" if is_person(bearer.account) else "PAGE",
        "application": "AMP",
        "is_valid": bearer.ended is None,
        "scopes": sorted(bearer.grant.scopes),
        "user_id": bearer.account.remote_id,
        "expires_at": 0,
        "data_access_expires_at": 0,
    }
    if row is not None and row.expires_at is not None:
        endless = row.expires_at - row.made_at >= PAGE_LIFETIME
        body["expires_at"] = 0 if endless else int(row.expires_at.timestamp())
        body["data_access_expires_at"] = int((row.made_at + _DATA_ACCESS).timestamp())
        body["issued_at"] = int(row.made_at.timestamp())
    return JSONResponse({"data": body})


async def _redeemed(connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]) -> Response:
    if not form.get("code"):
        raise invalid("Missing authorization code")
    code = await redeem_code(connection, sandbox, client, form["code"])
    if code is None:
        raise failure(100, "This authorization code has been used or has expired.", 36009)
    if code.redirect_uri != form.get("redirect_uri"):
        raise failure(100, _NOT_IDENTICAL, 36008)
    person = await person_behind(connection, code.owner, code.account, sandbox.clock.now())
    given = code.grant(NAME)
    grant = Grant(given.owner, NAME, person.remote_id, given.client, given.scopes, given.family)
    return await _issued(connection, sandbox, grant, _SHORT_LIFETIME)


async def _exchanged(connection: AsyncConnection, sandbox: Sandbox, client: Client, token: str) -> Response:
    bearer = await find_bearer(connection, sandbox.signing_key, NAME, token, sandbox.clock.now())
    if bearer is None or bearer.grant.client != client.client_id:
        raise failure(190, "Invalid OAuth access token - Cannot parse access token")
    if bearer.ended is not None:
        subcode = 463 if bearer.ended == "expired" else 458
        raise failure(190, "Error validating access token: Session has expired", subcode)
    if not is_person(bearer.account):
        raise invalid("Only the token of a person can be exchanged")
    return await _issued(connection, sandbox, bearer.grant, _LONG_LIFETIME)


async def _issued(connection: AsyncConnection, sandbox: Sandbox, grant: Grant, lifetime: timedelta) -> Response:
    token = await issue(connection, sandbox.signing_key, grant, "access", lifetime)
    seconds = int(lifetime.total_seconds()) - 41
    return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": seconds})


def _client(sandbox: Sandbox, form: Mapping[str, str]) -> Client:
    client = read_client(sandbox.signing_key, NAME, form.get("client_id", ""))
    if client is None:
        raise failure(101, "Error validating application. Cannot get application info due to a system error.")
    if not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise failure(1, "Error validating client secret.")
    return client
