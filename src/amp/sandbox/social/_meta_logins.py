"""Logging in at Instagram and at Threads, which do it alike: a code, a token for an hour, then one for sixty days that
is renewed from itself once it is a day old."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from amp.kit.clock import real_now
from amp.sandbox.accounts import Client, read_client, read_token
from amp.sandbox.oauth import Ask, consent, redeem_code
from amp.sandbox.social._meta_errors import failure
from amp.sandbox.social._meta_graph import as_number
from amp.sandbox.tables import tokens
from amp.sandbox.tokens import Bearer, Grant, digest_of, find_bearer, issue
from amp.sandbox.vendor import Refused, Sandbox
from amp.sandbox.wire import KILOBYTE, BadForm, BodyTooLarge, parse_form, read_body

LONG_LIFETIME = timedelta(days=60)

_SHORT_LIFETIME = timedelta(hours=1)
_CODE_LIFETIME = timedelta(hours=1)
_YOUNGEST = timedelta(hours=24)
_DENIED = {
    "error": "access_denied",
    "error_reason": "user_denied",
    "error_description": "The user denied your request",
}
_UNPARSED = "Invalid OAuth access token - Cannot parse access token"


@dataclass(frozen=True)
class Login:
    """One vendor's way in. `prefix` stands before the names of its grants: `ig_exchange_token`, `th_refresh_token`."""

    vendor: str
    title: str
    prefix: str
    basic: str
    scopes: frozenset[str]
    account_id: Callable[[bytes], str]
    names_permissions: bool

    async def authorize(self, sandbox: Sandbox, request: Request) -> Response:
        """A malformed request is told to the person. `#_` at the end of the way back is Meta's own."""
        query = request.query_params
        client = read_client(sandbox.signing_key, self.vendor, query.get("client_id", ""))
        scopes = frozenset(scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope)
        if client is None:
            return _refused("Invalid platform app").response
        if query.get("response_type") != "code" or not query.get("redirect_uri", "").startswith(
            ("http://", "https://")
        ):
            return _refused("Invalid redirect_uri or response_type").response
        if self.basic not in scopes or scopes - self.scopes:
            return _refused(f"Invalid scopes: {', '.join(sorted(scopes - self.scopes)) or self.basic}").response
        uri, state = query["redirect_uri"], query.get("state", "")
        ask = Ask(client, uri, state, scopes, self.title, _CODE_LIFETIME, self.account_id)
        answer = await consent(sandbox, request, ask, _DENIED)
        if isinstance(answer, RedirectResponse) and "code=" in answer.headers["location"]:
            answer.headers["location"] += "#_"
        return answer

    async def redeem(self, sandbox: Sandbox, request: Request) -> Response:
        """A code for a token of one hour."""
        try:
            form = await _form(request)
            client = _client(sandbox, self.vendor, form)
            if form.get("grant_type") != "authorization_code":
                raise _refused("Invalid grant_type: must be authorization_code")
            async with sandbox.database.connected() as connection:
                code = await redeem_code(connection, sandbox, client, form.get("code", ""))
                if code is None or code.redirect_uri != form.get("redirect_uri"):
                    raise _refused("This authorization code has been used, has expired or belongs elsewhere")
                grant = code.grant(self.vendor)
                token = await issue(connection, sandbox.signing_key, grant, "access", _SHORT_LIFETIME)
        except Refused as refused:
            return refused.response
        if not self.names_permissions:
            return JSONResponse({"access_token": token, "user_id": as_number(grant.account)})
        permissions = ",".join(sorted(grant.scopes))
        return JSONResponse({"access_token": token, "user_id": grant.account, "permissions": permissions})

    async def exchange(self, sandbox: Sandbox, request: Request) -> Response:
        """A token of one hour for one of sixty days: only the app that has it can do that."""
        query = request.query_params
        return await self._renewed(sandbox, query, f"{self.prefix}_exchange_token", self._check_secret)

    async def refresh(self, sandbox: Sandbox, request: Request) -> Response:
        """A token of sixty days for a fresh one."""
        query = request.query_params
        return await self._renewed(sandbox, query, f"{self.prefix}_refresh_token", self._check_age)

    async def _renewed(self, sandbox: Sandbox, query: Mapping[str, str], grant_type: str, check: "_Check") -> Response:
        try:
            if query.get("grant_type") != grant_type:
                raise failure(100, f"(#100) Param grant_type must be {grant_type}")
            async with sandbox.database.connected() as connection:
                token = query.get("access_token", "")
                bearer = await self._bearer(connection, sandbox, token)
                await check(connection, sandbox, bearer, query)
                return await _issued(connection, sandbox, bearer.grant)
        except Refused as refused:
            return refused.response

    async def _bearer(self, connection: AsyncConnection, sandbox: Sandbox, token: str) -> Bearer:
        bearer = await find_bearer(connection, sandbox.signing_key, self.vendor, token, sandbox.clock.now())
        if bearer is None:
            raise failure(190, _UNPARSED)
        if bearer.ended is not None:
            expired = bearer.ended == "expired"
            raise failure(190, "Error validating access token: Session has expired", 463 if expired else 458)
        return bearer

    async def _check_secret(
        self, _connection: AsyncConnection, sandbox: Sandbox, bearer: Bearer, query: Mapping[str, str]
    ) -> None:
        """Signed tokens come from no app."""
        client = read_client(sandbox.signing_key, self.vendor, bearer.grant.client)
        given = query.get("client_secret", "")
        if not given or (client and not hmac.compare_digest(client.secret.encode(), given.encode())):
            raise failure(1, "Error validating client secret.")

    async def _check_age(
        self, connection: AsyncConnection, sandbox: Sandbox, bearer: Bearer, query: Mapping[str, str]
    ) -> None:
        """A signed token is as old as it needs to be. On a fast clock tokens grow old as fast."""
        if self.basic not in bearer.grant.scopes:
            raise failure(10, f"(#10) Requires {self.basic}")
        if read_token(sandbox.signing_key, query.get("access_token", "")) is not None:
            return
        made_at = await _made_at(connection, sandbox, query.get("access_token", ""))
        if (real_now() - made_at) * sandbox.clock.speed < _YOUNGEST:
            raise failure(100, "(#100) The access token must be at least 24 hours old to be refreshed")


_Check = Callable[[AsyncConnection, Sandbox, Bearer, Mapping[str, str]], Awaitable[None]]


async def _made_at(connection: AsyncConnection, sandbox: Sandbox, token: str) -> datetime:
    query = select(tokens.c.made_at).where(tokens.c.digest == digest_of(sandbox.signing_key, token))
    return (await connection.execute(query)).scalar_one()


async def _issued(connection: AsyncConnection, sandbox: Sandbox, grant: Grant) -> Response:
    """The old token goes on to count until it ends."""
    token = await issue(connection, sandbox.signing_key, grant, "access", LONG_LIFETIME)
    seconds = int(LONG_LIFETIME.total_seconds()) - 57
    return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": seconds})


async def _form(request: Request) -> dict[str, str]:
    """Its parameters may come in the query as well."""
    try:
        body = await read_body(request, 16 * KILOBYTE)
        form = dict((await parse_form(request, body)).fields) if body else dict[str, str]()
    except (BadForm, BodyTooLarge) as problem:
        raise _refused("The request cannot be read") from problem
    return {**request.query_params, **form}


def _client(sandbox: Sandbox, vendor: str, form: Mapping[str, str]) -> Client:
    client = read_client(sandbox.signing_key, vendor, form.get("client_id", ""))
    if client is None:
        raise _refused("Invalid platform app")
    if not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise _refused("Error validating client secret.")
    return client


def _refused(message: str) -> Refused:
    """The login hosts have words of their own."""
    return Refused(JSONResponse({"error_type": "OAuthException", "code": 400, "error_message": message}, 400))
