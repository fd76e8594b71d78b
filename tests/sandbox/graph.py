"""What tests of Meta's graphs have in common."""

from collections.abc import Awaitable

import httpx2
from pretending import SIGNING_KEY, Stopwatch, World

from amp.sandbox.accounts import Client, sandbox_client


def assert_refused(answer: httpx2.Response, code: int, subcode: int | None = None, status: int = 400) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (status, code, subcode), answer.text
    assert error["message"]
    assert error["type"]
    assert error["fbtrace_id"]


async def made(request: Awaitable[httpx2.Response]) -> str:
    """The id of what was made."""
    answer = await request
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def finished(request: Awaitable[httpx2.Response], stopwatch: Stopwatch) -> str:
    """The id of a container that had its time."""
    remote_id = await made(request)
    stopwatch.advance(seconds=30)
    return remote_id


def oauth_client(world: World, vendor: str) -> Client:
    return sandbox_client(SIGNING_KEY, vendor=vendor, owner=world.owner)
