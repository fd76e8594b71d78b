"""Facebook: people log in, pages publish. Whoever logs in manages every page of this world, each with tasks of its own;
a newcomer brings three."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse, Response

from amp.kit.clock import real_now
from amp.sandbox.accounts import Account, account_of
from amp.sandbox.oauth import make_account
from amp.sandbox.social._meta_errors import forbidden, gone
from amp.sandbox.social._meta_fields import asked, listed, select
from amp.sandbox.social._meta_graph import token_of
from amp.sandbox.tables import accounts, tokens
from amp.sandbox.tokens import Grant, digest_of, issue, revoke
from amp.sandbox.vendor import Call
from amp.sandbox.words import words

NAME = "facebook"
PAGE_LIFETIME = timedelta(days=36_500)
"""A page's token from a long-lived one of a person has no end of its own."""

SCOPES = words(
    "pages_show_list pages_read_engagement pages_manage_posts pages_manage_engagement pages_read_user_content "
    "pages_manage_metadata read_insights business_management publish_video email public_profile instagram_basic "
    "instagram_content_publish instagram_manage_comments instagram_manage_insights"
)

_TASKS = ("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE")
_TASKS_OF_ANALYSTS = ("ANALYZE",)
_NEEDS_CREATE_CONTENT = frozenset({"pages_manage_posts", "publish_video"})
_SHORT = timedelta(hours=3)
_OWN_PAGES = ("", "_events", "_archive")


def person_id(digest: bytes) -> str:
    """Eighteen digits that begin with 122: what tells a person from a page."""
    return f"122{int.from_bytes(digest[:8]) % 10**15:015}"


def page_id(digest: bytes) -> str:
    return f"10{int.from_bytes(digest[:8]) % 10**13:013}"


def is_person(account: Account) -> bool:
    return len(account.remote_id) == 18 and account.remote_id.startswith("122")


async def person_behind(connection: AsyncConnection, owner: str, remote_id: str, now: datetime) -> Account:
    """The person whose login this is: of a page, the one who has its name."""
    query = select_rows(accounts).where(
        accounts.c.owner == owner, accounts.c.vendor == NAME, accounts.c.remote_id == remote_id
    )
    chosen = account_of((await connection.execute(query)).mappings().one())
    if is_person(chosen):
        return chosen
    return await make_account(connection, owner, NAME, chosen.handle, person_id, now)


async def list_pages(call: Call) -> Response:
    _check_person(call)
    pages = await _pages(call)
    fields = asked(call, "access_token,category,name,id,tasks")
    wants_tokens = any(field.name == "access_token" for field in fields)

    async def show(page: Account) -> dict[str, Any]:
        token = await _page_token(call, page) if wants_tokens else None
        return select(fields, page_values(page) | {"access_token": token, "tasks": list(tasks_of(page))}, "Page")

    return await listed(call, pages, lambda page: page.remote_id, show)


def page_values(page: Account) -> dict[str, Any]:
    """What anybody may read of a page."""
    picture = {"url": f"https://scontent.xx.fbcdn.net/v/{page.remote_id}.jpg", "is_silhouette": False}
    return {
        "id": page.remote_id,
        "name": page.name,
        "username": page.handle,
        "category": "Local business",
        "category_list": [{"id": "2500", "name": "Local business"}],
        "link": f"https://www.facebook.com/{page.remote_id}",
        "picture": {"data": picture},
        "instagram_business_account": None,
    }


def tasks_of(page: Account) -> Sequence[str]:
    return _TASKS_OF_ANALYSTS if page.handle.endswith("_archive") else _TASKS


async def list_permissions(call: Call) -> Response:
    _check_person(call)
    granted = [{"permission": scope, "status": "granted"} for scope in sorted(call.scopes)]
    return JSONResponse({"data": granted})


async def give_back(call: Call) -> Response:
    """The app gives up all that a person allowed it, their pages included."""
    _check_person(call)
    token = await token_of(call.request, call.body) or ""
    await revoke(call.connection, call.sandbox.signing_key, NAME, token, call.now)
    return JSONResponse({"success": True})


async def list_businesses(call: Call) -> Response:
    """Nobody here owns a business."""
    _check_person(call)
    return JSONResponse({"data": []})


def person_values(person: Account) -> dict[str, Any]:
    picture = {"url": f"https://scontent.xx.fbcdn.net/v/{person.remote_id}.jpg", "is_silhouette": False}
    return {
        "id": person.remote_id,
        "name": person.name,
        "email": f"{person.handle}@example.com",
        "picture": {"data": picture},
    }


def check_page(call: Call) -> None:
    """Pages publish in their own name, with their own token."""
    given = call.request.path_params.get("id", "me")
    if is_person(call.account):
        raise forbidden("A page access token is required to call this method.")
    if given not in ("me", call.account.remote_id):
        raise gone(given, call.request.method.lower())


def _check_person(call: Call) -> None:
    if not is_person(call.account):
        raise gone(call.account.remote_id, call.request.method.lower())


async def _pages(call: Call) -> Sequence[Account]:
    person = call.account
    known = await _known_pages(call)
    missing = {f"{person.handle}{suffix}" for suffix in _OWN_PAGES} - {page.handle for page in known}
    for handle in sorted(missing):
        await make_account(call.connection, person.owner, NAME, handle, page_id, call.now)
    return await _known_pages(call) if missing else known


async def _known_pages(call: Call) -> Sequence[Account]:
    query = select_rows(accounts).where(accounts.c.owner == call.account.owner, accounts.c.vendor == NAME)
    rows = (await call.connection.execute(query.order_by(accounts.c.created_at, accounts.c.remote_id))).mappings()
    return [page for page in map(account_of, rows) if not is_person(page)]


async def _page_token(call: Call, page: Account) -> str:
    """It carries what the person allowed, as far as their tasks on the page go, and lasts as theirs does."""
    key, connection = call.sandbox.signing_key, call.connection
    token = await token_of(call.request, call.body) or ""
    query = select_rows(tokens).where(tokens.c.digest == digest_of(key, token))
    row = (await connection.execute(query)).one()
    scopes = call.scopes if "CREATE_CONTENT" in tasks_of(page) else call.scopes - _NEEDS_CREATE_CONTENT
    left = row.expires_at - real_now()
    lifetime = left if row.expires_at - row.made_at < _SHORT else PAGE_LIFETIME
    grant = Grant(page.owner, NAME, page.remote_id, row.client, scopes, row.family)
    return await issue(connection, key, grant, "access", lifetime)
