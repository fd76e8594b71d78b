"""Builders for tests of the sandbox: a clock that is moved by hand, and a world of one owner."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from amp.kit.clock import Clock
from amp.kit.database import Database
from amp.kit.errors import Forbidden, Unauthenticated
from amp.kit.fetching import Fetcher
from amp.sandbox.accounts import sandbox_token
from amp.sandbox.app import create_sandbox, social_vendors

SIGNING_KEY = b"a signing key for tests"


class Stopwatch:
    """Virtual time that moves only when told to."""

    speed = 1.0

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def real_moment(self, virtual: datetime) -> datetime:
        return virtual

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


async def owner_of_key(request: Request) -> str:
    """Stands for the server's check of an admin-scoped test key: here the key is `key-of-<owner>`."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if key == "reader":
        raise Forbidden("This key may not administer")
    if not key.startswith("key-of-"):
        raise Unauthenticated("Give an API key")
    return key.removeprefix("key-of-")


def mounted(database: Database, clock: Clock, fetcher: Fetcher | None = None) -> Starlette:
    sandbox = create_sandbox(
        database=database, clock=clock, signing_key=SIGNING_KEY, authorize=owner_of_key, fetcher=fetcher
    )
    return Starlette(routes=[Mount("/sandbox", app=sandbox)])


def new_owner() -> str:
    return f"wks-{secrets.token_hex(8)}"


@dataclass
class Member:
    """An account of a vendor and its token, calling that vendor."""

    http: httpx2.AsyncClient
    vendor: str
    account: str
    handle: str
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", **self.headers, **request.pop("headers", {})}
        return await self.http.request(method, f"/sandbox/{self.vendor}{path}", headers=headers, **request)

    async def get(self, path: str, **request: Any) -> httpx2.Response:
        return await self.send("GET", path, **request)

    async def post(self, path: str, **request: Any) -> httpx2.Response:
        return await self.send("POST", path, **request)

    async def put(self, path: str, **request: Any) -> httpx2.Response:
        return await self.send("PUT", path, **request)

    async def delete(self, path: str, **request: Any) -> httpx2.Response:
        return await self.send("DELETE", path, **request)


def account_of(handle: str) -> str:
    return str(1_000_000_000 + sum(place * byte for place, byte in enumerate(handle.encode(), 1)))


@dataclass
class World:
    """One owner's world in a sandbox."""

    http: httpx2.AsyncClient
    owner: str = field(default_factory=new_owner)

    def token(
        self,
        vendor: str,
        handle: str = "acme",
        *,
        account: str | None = None,
        scopes: Collection[str] | None = None,
        refresh: bool = False,
    ) -> str:
        return sandbox_token(
            SIGNING_KEY,
            vendor=vendor,
            account=account_of(handle) if account is None else account,
            handle=handle,
            name=handle.title(),
            owner=self.owner,
            scopes=social_vendors()[vendor].scopes if scopes is None else scopes,
            refresh=refresh,
        )

    def member(self, vendor: str, handle: str = "acme", *, scopes: Collection[str] | None = None) -> Member:
        return Member(self.http, vendor, account_of(handle), handle, self.token(vendor, handle, scopes=scopes))

    async def control(self, method: str, path: str, **request: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer key-of-{self.owner}"}
        return await self.http.request(method, f"/sandbox/{path}", headers=headers, **request)

    async def order(self, vendor: str, fault: str | None = None, **order: Any) -> None:
        body = {"vendor": vendor, **({"fault": fault} if fault else {}), **order}
        answer = await self.control("POST", "_faults", json=body)
        assert answer.status_code == 201, answer.text

    async def ledger(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.control("GET", "_ledger", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]
