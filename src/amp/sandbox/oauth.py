"""The consent page that every vendor shares: who is asked, what for, allow or deny.

`&approve=auto` skips the page for tests; `&login=<handle>` chooses or makes the account; `&grant=<scope>`, repeated,
grants fewer scopes than were asked for. Codes are single-use
and live on real time, for as long as the vendor says.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from amp.kit.clock import real_now
from amp.kit.errors import AmpError
from amp.kit.secrets import random_token
from amp.sandbox.accounts import Account, Client, account_of, know_account
from amp.sandbox.pages import page
from amp.sandbox.tables import accounts, codes
from amp.sandbox.tokens import Grant, digest_of
from amp.sandbox.vendor import Sandbox

_LONGEST_HANDLE = 50


@dataclass(frozen=True)
class Ask:
    """A well-formed request for consent; the vendor has checked it."""

    client: Client
    redirect_uri: str
    state: str
    scopes: frozenset[str]
    title: str
    code_lifetime: timedelta
    account_id: Callable[[bytes], str]
    challenge: str | None = None
    challenge_method: str | None = None
    noted: frozenset[str] = frozenset()
    """What the code remembers among its scopes though nobody is asked for it: that access is for a while, say."""


@dataclass(frozen=True)
class Code:
    owner: str
    account: str
    client: str
    redirect_uri: str
    challenge: str | None
    challenge_method: str | None
    scopes: frozenset[str]

    def grant(self, vendor: str) -> Grant:
        return Grant(self.owner, vendor, self.account, self.client, self.scopes, random_token(12))


async def consent(sandbox: Sandbox, request: Request, ask: Ask, denied: Mapping[str, str]) -> Response:
    """The page, or the redirect once somebody has answered it. `denied`: what this vendor sends back on a no."""
    try:
        owner = ask.client.owner or await sandbox.authorize(request)
    except AmpError as error:
        said = "Nobody is logged in to AMP in this browser, so the sandbox cannot tell for whom it is."
        return HTMLResponse(f"<p>{said}</p><p>{escape(error.message)}</p>", 401)
    approve = request.query_params.get("approve")
    if approve == "no":
        return back(ask.redirect_uri, {**denied, **_echo(ask)})
    async with sandbox.database.connected() as connection:
        if approve not in ("yes", "auto"):
            return await _page(connection, request, ask, owner)
        account = await _chosen(connection, sandbox, request, ask, owner)
        code = await _issue_code(connection, sandbox, _granted(request, ask), account)
    return back(ask.redirect_uri, {**_echo(ask), "code": code})


def back(redirect_uri: str, answer: Mapping[str, str]) -> RedirectResponse:
    """To the app's own address, exactly as it gave it, with the answer added to its query."""
    parts = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *answer.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)


async def redeem_code(connection: AsyncConnection, sandbox: Sandbox, client: Client, code: str) -> Code | None:
    """Use a code up: the first to ask gets it, and only while it lives."""
    now = real_now()
    query = (
        update(codes)
        .where(codes.c.digest == digest_of(sandbox.signing_key, code), codes.c.used_at.is_(None))
        .where(codes.c.vendor == client.vendor, codes.c.client == client.client_id, codes.c.expires_at > now)
        .values(used_at=now)
        .returning(codes)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Code(
        owner=row.owner,
        account=row.account,
        client=row.client,
        redirect_uri=row.redirect_uri,
        challenge=row.challenge,
        challenge_method=row.challenge_method,
        scopes=frozenset(row.scopes),
    )


async def make_account(
    connection: AsyncConnection,
    owner: str,
    vendor: str,
    handle: str,
    account_id: Callable[[bytes], str],
    now: datetime,
) -> Account:
    """The owner's account with this handle; the same handle always gives the same remote id."""
    remote_id = account_id(hashlib.sha256(f"{owner}/{vendor}/{handle.lower()}".encode()).digest())
    name = re.sub(r"[._-]+", " ", handle).strip().title()
    return await know_account(connection, owner, vendor, remote_id, handle=handle, name=name, now=now)


async def _page(connection: AsyncConnection, request: Request, ask: Ask, owner: str) -> Response:
    query = (
        select(accounts.c.handle)
        .where(accounts.c.owner == owner, accounts.c.vendor == ask.client.vendor)
        .order_by((accounts.c.remote_id == ask.client.account).desc(), accounts.c.created_at)
        .limit(20)
    )
    handles = list((await connection.execute(query)).scalars())
    answers = ("approve", "login", "grant")
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in answers]
    return page("consent.html", title=ask.title, scopes=sorted(ask.scopes), query=kept, handles=handles)


async def _chosen(connection: AsyncConnection, sandbox: Sandbox, request: Request, ask: Ask, owner: str) -> Account:
    """The account that was named, else the client's own, else a new one."""
    vendor, login = ask.client.vendor, request.query_params.get("login", "").strip().lstrip("@")[:_LONGEST_HANDLE]
    wanted = accounts.c.handle == login if login else accounts.c.remote_id == ask.client.account
    query = select(accounts).where(accounts.c.owner == owner, accounts.c.vendor == vendor, wanted).limit(1)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is not None:
        return account_of(row)
    handle = login or f"{vendor}_demo"
    return await make_account(connection, owner, vendor, handle, ask.account_id, sandbox.clock.now())


def _echo(ask: Ask) -> dict[str, str]:
    return {"state": ask.state} if ask.state else {}


def _granted(request: Request, ask: Ask) -> Ask:
    chosen = frozenset(request.query_params.getlist("grant"))
    return replace(ask, scopes=ask.scopes & chosen) if chosen else ask


async def _issue_code(connection: AsyncConnection, sandbox: Sandbox, ask: Ask, account: Account) -> str:
    code = random_token(32)
    row = {
        "digest": digest_of(sandbox.signing_key, code),
        "vendor": ask.client.vendor,
        "owner": account.owner,
        "account": account.remote_id,
        "client": ask.client.client_id,
        "redirect_uri": ask.redirect_uri,
        "challenge": ask.challenge,
        "challenge_method": ask.challenge_method,
        "scopes": sorted(ask.scopes | ask.noted),
        "expires_at": real_now() + ask.code_lifetime,
    }
    await connection.execute(insert(codes).values(row))
    return code
