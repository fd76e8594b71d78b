"""X: OAuth 2.0 with PKCE, as the guide describes it. A code lives 30 seconds, an access token two hours, a refresh
token one use."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.accounts import Client, read_client
from amp.sandbox.oauth import Ask, Code, consent, redeem_code
from amp.sandbox.social._twitter_problems import dress, problem
from amp.sandbox.tokens import Grant, issue, redeem_refresh_token, revoke
from amp.sandbox.vendor import Refused, Sandbox, nineteen_digits
from amp.sandbox.wire import KILOBYTE, BadForm, BodyTooLarge, media_type, parse_form, read_body
from amp.sandbox.words import words

NAME = "twitter"
SCOPES = words(
    "tweet.read tweet.write tweet.moderate.write users.read users.email follows.read follows.write offline.access "
    "space.read mute.read mute.write like.read like.write list.read list.write block.read block.write bookmark.read "
    "bookmark.write dm.read dm.write media.write"
)

ACCESS_LIFETIME = timedelta(hours=2)

_CODE_LIFETIME = timedelta(seconds=30)
_LONGEST_STATE = 500
_REFUSED_REFRESH = "Value passed for the token was invalid."
_REFUSED_CODE = "Value passed for the authorization code was invalid."


async def authorize(sandbox: Sandbox, request: Request) -> Response:
    """A malformed request is told to the person, not to the redirect address."""
    try:
        ask = _ask(sandbox, request.query_params)
    except Refused as refused:
        return refused.response
    return await consent(sandbox, request, ask, {"error": "access_denied"})


async def token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        client = _client(sandbox, request, form)
        async with sandbox.database.connected() as connection:
            grant = await _grant(connection, sandbox, client, form)
            return dress(await _answer(connection, sandbox, grant), None) if grant else _refuse(form)
    except Refused as refused:
        return refused.response


async def revoke_token(sandbox: Sandbox, request: Request) -> Response:
    try:
        form = await _form(request)
        _client(sandbox, request, form)
        if not form.get("token"):
            raise _error(400, "invalid_request", "Missing required parameter [token].")
        async with sandbox.database.connected() as connection:
            await revoke(connection, sandbox.signing_key, NAME, form["token"], sandbox.clock.now())
    except Refused as refused:
        return refused.response
    return JSONResponse({"revoked": True})


def _ask(sandbox: Sandbox, query: Mapping[str, str]) -> Ask:
    client = read_client(sandbox.signing_key, NAME, query.get("client_id", ""))
    scopes = frozenset(query.get("scope", "").split())
    method = query.get("code_challenge_method", "plain")
    complaints = [
        (client is None, "client_id"),
        (query.get("response_type") != "code", "response_type"),
        (not query.get("redirect_uri", "").startswith(("http://", "https://")), "redirect_uri"),
        (not scopes or bool(scopes - SCOPES), "scope"),
        (not 1 <= len(query.get("state", "")) <= _LONGEST_STATE, "state"),
        (not query.get("code_challenge"), "code_challenge"),
        (method not in ("S256", "plain"), "code_challenge_method"),
    ]
    wrong = [name for is_wrong, name in complaints if is_wrong]
    if wrong or client is None:
        detail = f"Something went wrong. You weren't able to give access to the App: [{', '.join(wrong)}]."
        raise Refused(problem(400, "Invalid Request", detail))
    return Ask(
        client=client,
        redirect_uri=query["redirect_uri"],
        state=query["state"],
        scopes=scopes,
        title="X",
        code_lifetime=_CODE_LIFETIME,
        account_id=nineteen_digits,
        challenge=query["code_challenge"],
        challenge_method=method,
    )


async def _form(request: Request) -> dict[str, str]:
    if media_type(request) != "application/x-www-form-urlencoded":
        raise _error(400, "invalid_request", "Content-Type must be application/x-www-form-urlencoded.")
    try:
        form = await parse_form(request, await read_body(request, 16 * KILOBYTE))
    except (BadForm, BodyTooLarge) as error:
        raise _error(400, "invalid_request", "The body cannot be read.") from error
    return dict(form.fields)


def _client(sandbox: Sandbox, request: Request, form: Mapping[str, str]) -> Client:
    """Our apps are confidential: they prove themselves with Basic; a bare `client_id` is what public apps send."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise _error(401, "unauthorized_client", "Missing valid authorization header")
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _error(401, "unauthorized_client", "Missing valid authorization header") from error
    client = read_client(sandbox.signing_key, NAME, client_id)
    if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise _error(401, "unauthorized_client", "Missing valid authorization header")
    if form.get("client_id", client_id) != client_id:
        raise _error(400, "invalid_request", "client_id does not match the authorization header.")
    return client


async def _grant(
    connection: AsyncConnection, sandbox: Sandbox, client: Client, form: Mapping[str, str]
) -> Grant | None:
    match form.get("grant_type"):
        case "authorization_code":
            code = await redeem_code(connection, sandbox, client, form.get("code", ""))
            return code.grant(NAME) if code and _fits(code, form) else None
        case "refresh_token":
            token = form.get("refresh_token", "")
            return await redeem_refresh_token(connection, sandbox.signing_key, client, token, sandbox.clock.now())
        case other:
            raise _error(400, "unsupported_grant_type", f"grant_type [{other}] is not supported.")


def _fits(code: Code, form: Mapping[str, str]) -> bool:
    """The same redirect address, and the verifier that belongs to the challenge."""
    verifier = form.get("code_verifier", "")
    if code.challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    proven = hmac.compare_digest((code.challenge or "").encode(), verifier.encode())
    return proven and form.get("redirect_uri") == code.redirect_uri


def _refuse(form: Mapping[str, str]) -> Response:
    refreshing = form.get("grant_type") == "refresh_token"
    return _error(400, "invalid_request", _REFUSED_REFRESH if refreshing else _REFUSED_CODE).response


async def _answer(connection: AsyncConnection, sandbox: Sandbox, grant: Grant) -> Response:
    """A refresh token comes only with `offline.access`."""
    access = await issue(connection, sandbox.signing_key, grant, "access", ACCESS_LIFETIME)
    body: dict[str, str | int] = {
        "token_type": "bearer",
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "access_token": access,
        "scope": " ".join(sorted(grant.scopes)),
    }
    if "offline.access" in grant.scopes:
        body["refresh_token"] = await issue(connection, sandbox.signing_key, grant, "refresh", None)
    return JSONResponse(body, headers={"cache-control": "no-store"})


def _error(status: int, error: str, description: str) -> Refused:
    return Refused(JSONResponse({"error": error, "error_description": description}, status))
