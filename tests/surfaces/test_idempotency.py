"""One Idempotency-Key, one effect: repeated, at the same time, or after a crash."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from amp.app import open_door
from amp.domain.tenants import operations as tenants
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.sweeping import sweep_answers
from amp.engine.jobs import Job
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.surfaces.amp.envelope import AmpContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.fields import Body
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow
from world import World, client_of, good

pytestmark = pytest.mark.anyio

ONCE = {"Idempotency-Key": "order-1"}


async def test_a_repeated_request_gets_the_first_answer_and_has_one_effect(world: World) -> None:
    first = await make_key(world, ONCE, name="CI")
    again = await make_key(world, ONCE, name="CI")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert await names(world) == ["CI"]


async def test_a_replay_is_the_first_answer_but_for_what_is_shown_once(world: World) -> None:
    first = good(await make_key(world, ONCE, name="CI"))
    again = good(await make_key(world, ONCE, name="CI"))
    assert again == {name: value for name, value in first.items() if name != "key"}
    async with world.runtime.database.transaction(SYSTEM) as session:
        stored = (await session.scalars(text("SELECT body FROM idempotent_answers"))).all()
    assert all(first["key"] not in body for body in stored)


async def test_the_order_of_fields_does_not_make_another_request(world: World) -> None:
    for body in ('{"name": "CI", "family": "mk"}', '{ "family":"mk","name":"CI"}'):
        headers = {**ONCE, "Content-Type": "application/json"}
        assert (await world.test.post("/v1/auth/keys", content=body, headers=headers)).status_code == 201
    assert await names(world) == ["CI"]


async def test_the_same_key_with_another_request_is_422(world: World) -> None:
    await make_key(world, ONCE, name="CI")
    answer = await make_key(world, ONCE, name="another")
    assert refused(answer, 422) == "idempotency_mismatch"
    assert refused(await world.test.delete("/v1/auth/keys/key_x", headers=ONCE), 422) == "idempotency_mismatch"


async def test_a_quoted_key_is_the_same_key(world: World) -> None:
    await make_key(world, ONCE, name="CI")
    again = await make_key(world, {"Idempotency-Key": '"order-1"'}, name="CI")
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "tab\there", "ä"])
async def test_a_key_that_is_none_is_400(world: World, key: str) -> None:
    answer = await make_key(world, {"Idempotency-Key": key.encode("latin-1")}, name="CI")
    assert refused(answer, 400) == "invalid_request"


async def test_keys_are_the_workspace_s_own(world: World) -> None:
    other = await world.new_tenant()
    for client in (world.test, world.live, world.client(other.test_key)):
        answer = await client.post("/v1/auth/keys", json={"name": "CI"}, headers=ONCE)
        assert "Idempotent-Replayed" not in answer.headers


async def test_of_twenty_at_the_same_time_one_has_an_effect(world: World) -> None:
    answers = await asyncio.gather(*(make_key(world, ONCE, name="CI") for _ in range(20)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len([answer for answer in made if "Idempotent-Replayed" not in answer.headers]) == 1
    assert {answer.json()["id"] for answer in made} == {made[0].json()["id"]}
    assert await names(world) == ["CI"]


async def test_a_refused_request_leaves_the_key_free(world: World) -> None:
    assert (await make_key(world, ONCE, name="")).status_code == 400
    assert (await make_key(world, ONCE, name="CI")).status_code == 201


async def test_reads_ignore_the_key(world: World) -> None:
    for path in ("/v1/auth/whoami", "/v1/auth/keys"):
        assert (await world.test.get(path, headers=ONCE)).status_code == 200


async def test_a_deletion_can_be_repeated_too(world: World) -> None:
    key = good(await make_key(world, {}, name="CI"))
    answers = [await world.test.delete(f"/v1/auth/keys/{key['id']}", headers=ONCE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


async def test_after_a_day_the_key_is_free_again(world: World) -> None:
    await make_key(world, ONCE, name="CI")
    async with world.runtime.database.transaction(SYSTEM) as session:
        values = {"past": real_now() - timedelta(hours=24, seconds=1)}
        await session.execute(text("UPDATE idempotent_answers SET created_at = :past"), values)
    answer = await make_key(world, ONCE, name="another")
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


async def test_answers_older_than_a_day_are_swept(world: World) -> None:
    await make_key(world, {"Idempotency-Key": "old"}, name="CI")
    async with world.runtime.database.transaction(SYSTEM) as session:
        values = {"past": real_now() - timedelta(hours=25)}
        await session.execute(text("UPDATE idempotent_answers SET created_at = :past"), values)
    await make_key(world, {"Idempotency-Key": "new"}, name="CI")
    await sweep_answers(Job(world.runtime.units, world.runtime.ports, SYSTEM, attempt=0))
    assert await world.count("idempotent_answers") == 1


router = Surface("crashes")


class Order(Body):
    name: str


@router.post("/keys", needs="admin", unit="system")
async def make_key_or_crash(uow: Uow, door: AtDoor, actor: Actor, body: Order) -> dict[str, Any]:
    """Takes effect, and then loses the database before there is an answer, if a crash is pending."""
    row, _ = await tenants.create_key(uow, door.secrets, actor.tenant_id, KeyRequest(body.name, "test"))
    if pending_crashes:
        pending_crashes.pop()
        await lose_connection(uow, door.units.database.url)
    return {"name": row.name}


pending_crashes: list[str] = []


async def lose_connection(uow: Uow, url: str) -> None:
    pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
    async with await psycopg.AsyncConnection.connect(url) as killer:
        await killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def test_a_crash_between_effect_and_answer_leaves_neither(world: World) -> None:
    app = ContractApp(open_door(world.runtime), AmpContract(""), About("Crashes", "1"), [router])
    async with client_of(app, world.tenant.test_key) as client:
        answers = await world.count("idempotent_answers")
        pending_crashes.append("one")
        assert refused(await client.post("/keys", json={"name": "CI"}, headers=ONCE), 503) == "unavailable"
        assert await names(world) == []
        assert await world.count("idempotent_answers") == answers
        again = await client.post("/keys", json={"name": "CI"}, headers=ONCE)
        assert (again.status_code, "Idempotent-Replayed" in again.headers) == (200, False)
        assert await names(world) == ["CI"]


async def make_key(world: World, headers: Any, **body: Any) -> httpx2.Response:
    return await world.test.post("/v1/auth/keys", json=body, headers=headers)


async def names(world: World) -> list[str]:
    """Of the keys that were made since the world began."""
    return [key["name"] for key in (await world.get("/v1/auth/keys"))["data"] if key["name"] != "test"]


def refused(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["code"]
