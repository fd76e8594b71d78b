"""Metricool, connected over its own wire protocol: verified, kept sealed, shown, forgotten."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from amp.kit.database import SYSTEM
from world import World, good

pytestmark = pytest.mark.anyio

PATH = "/v1/connect/metricool"


async def an_account(world: World, server: str) -> dict[str, Any]:
    """A user of the pretended Metricool, as `user_token` and `user_id`."""
    headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
    async with httpx2.AsyncClient(base_url=server, headers=headers) as http:
        account = good(await http.post("/sandbox/_accounts", json={"vendor": "metricool", "handle": "acme"}))
        query = {"userId": account["account"]}
        brands = await http.get(
            "/sandbox/metricool/v2/settings/brands", params=query, headers={"X-Mc-Auth": account["access_token"]}
        )
    return {
        "user_token": account["access_token"],
        "user_id": account["account"],
        "blog_id": good(brands)["data"][0]["id"],
    }


async def test_metricool_is_verified_kept_sealed_shown_and_forgotten(fast_world: World, server: str) -> None:
    login = await an_account(fast_world, server)
    connected = await fast_world.post(PATH, login)
    assert (connected["integration"], connected["status"]) == ("metricool", "connected")
    assert connected["blog_id"] == str(login["blog_id"])
    [brand] = (await fast_world.get(f"{PATH}/accounts"))["data"]
    assert brand["selected"]
    assert {"platform": "instagram", "handle": "acme"} in brand["networks"]
    assert "pinterest" not in {network["platform"] for network in brand["networks"]}
    shown = (await fast_world.get("/v1/connect/status"))["metricool"]
    assert (shown["status"], shown["fix"]) == ("connected", None)
    async with fast_world.runtime.database.transaction(SYSTEM) as session:
        kept = str((await session.execute(text("SELECT * FROM integrations"))).all())
    assert login["user_token"] not in kept
    good(await fast_world.test.delete(PATH))
    assert (await fast_world.get("/v1/connect/status"))["metricool"]["status"] == "not_connected"


async def test_connecting_twice_is_connecting_once(fast_world: World, server: str) -> None:
    login = await an_account(fast_world, server)
    key = {"Idempotency-Key": "metricool"}
    answers = [await fast_world.test.post(PATH, json=login, headers=headers) for headers in (key, key, {})]
    assert [good(answer) for answer in answers] == [good(answers[0])] * 3
    assert ["Idempotent-Replayed" in answer.headers for answer in answers] == [False, True, False]
    assert (await fast_world.test.post(PATH, json=login | {"blog_id": 7}, headers=key)).status_code == 422
    async with fast_world.runtime.database.transaction(SYSTEM) as session:
        mine = {"workspace": (await fast_world.test_scope()).workspace_id}
        query = text("SELECT count(*) FROM integrations WHERE workspace_id = :workspace")
        assert await session.scalar(query, mine) == 1


@pytest.mark.parametrize(
    ("field", "wrong", "says"),
    [
        ("user_token", "nonsense", "does not take this user_token"),
        ("user_id", 1, "does not take this user_token"),
        ("blog_id", 7, "There are: "),
    ],
)
async def test_what_metricool_does_not_know_is_refused_and_not_kept(
    fast_world: World, server: str, field: str, wrong: object, says: str
) -> None:
    login = await an_account(fast_world, server)
    answer = await fast_world.test.post(PATH, json=login | {field: wrong})
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert says in error["message"]
    assert error["param"] == ("blog_id" if field == "blog_id" else "user_token")
    assert (await fast_world.get("/v1/connect/status"))["metricool"]["status"] == "not_connected"


async def test_accounts_before_connecting_say_what_to_do(fast_world: World) -> None:
    answer = await fast_world.test.get(f"{PATH}/accounts")
    assert answer.status_code == 404
    assert "POST /connect/metricool" in answer.json()["error"]["message"]
