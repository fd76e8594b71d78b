"""Renewing an account's tokens is repeated without fear, although the vendor is called before there is an answer."""

import asyncio

import httpx2
import pytest

from connecting import account_in, consented, refresh, tokens_of
from world import World, good

pytestmark = pytest.mark.anyio

PATH = "/api/platforms/twitter/refresh"


async def test_a_repeated_refresh_gets_the_first_answer_and_renews_once(
    person: httpx2.AsyncClient, served: World, mine: str
) -> None:
    good(await person.get(await consented(person, "twitter", mine)))
    query, headers = {"platformSetId": mine}, {"Idempotency-Key": f"refresh-{mine}"}
    first = await person.post(PATH, params=query, headers=headers)
    tokens = await tokens_of(served, mine)
    again = await person.post(PATH, params=query, headers=headers)
    assert good(again) == good(first)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert await tokens_of(served, mine) == tokens
    other = await person.post(PATH.replace("twitter", "linkedin"), params=query, headers=headers)
    assert other.status_code == 422


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "at-once"}], ids=["bare", "with a key"])
async def test_refreshes_at_the_same_time_leave_an_account_that_works(
    person: httpx2.AsyncClient, served: World, mine: str, headers: dict[str, str]
) -> None:
    good(await person.get(await consented(person, "twitter", mine)))
    query = {"platformSetId": mine}
    headers = {name: f"{value}-{mine}" for name, value in headers.items()}
    answers = await asyncio.gather(*(person.post(PATH, params=query, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 409, 502}
    assert 200 in {answer.status_code for answer in answers}
    assert (await account_in(served, mine))["status"] == "active"
    good(await refresh(person, "twitter", mine))
