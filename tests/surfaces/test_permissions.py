"""What keys of each scope and people of each role may do to missions, their content, and posts: what goes out by itself
is changed by those who may publish."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from posts import body, create, later

from amp.domain.content.models import Content
from amp.kit.ids import Kind, decode, encode, new_id
from amp.seed_mission import SEED_MISSION
from world import World, open_world

pytestmark = pytest.mark.anyio

DRAFT = {"name": "Quiet", "objectives": ["Be heard"], "platforms": ["twitter"], "duration_days": 7}
ACTORS: dict[str, tuple[str, ...]] = {
    "read": ("read",),
    "draft": ("draft",),
    "publish": ("publish",),
    "draft and publish": ("draft", "publish"),
    "admin": ("admin",),
}
"""Keys, by their scopes; besides them the roles of people."""
ROLES = ("editor", "reviewer", "viewer")

DRAFTERS = {"draft", "draft and publish", "editor"}
PUBLISHERS = {"publish", "draft and publish", "editor"}
APPROVERS = PUBLISHERS | {"reviewer"}
BOTH = {"draft and publish", "editor"}

Act = Callable[[World, httpx2.AsyncClient], Awaitable[httpx2.Response]]


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture(scope="module")
async def actors(world: World) -> dict[str, httpx2.AsyncClient]:
    keys = {name: await world.new_key(scopes=scopes) for name, scopes in ACTORS.items()}
    for role in ROLES:
        session = await world.log_in(await world.new_member(role), environment="test")
        keys[role] = session["access_token"]
    return {name: world.client(token) for name, token in keys.items()}


def creating(**changes: Any) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.post("/v1/missions", json=DRAFT | changes)

    return act


def soon(world: World) -> str:
    return (world.runtime.clock.now() + timedelta(days=1)).isoformat()


async def creating_one_that_starts_tomorrow(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
    return await creating(starts_at=soon(world))(world, client)


async def made(world: World, state: str) -> str:
    """The path of a new mission in this state."""
    body = {
        "draft": DRAFT,
        "to start": DRAFT | {"starts_at": soon(world)},
    }.get(state, SEED_MISSION)
    path = f"/v1/missions/{(await world.post('/v1/missions', body))['id']}"
    if state == "paused":
        await world.post(f"{path}/pause")
    return path


def changing(state: str, **changes: Any) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.put(await made(world, state), json=changes)

    return act


def deleting(state: str) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.delete(await made(world, state))

    return act


def telling(state: str, verb: str) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.post(f"{await made(world, state)}/{verb}")

    return act


async def written(world: World, status: str) -> str:
    """The id of content in this status, as the pipeline would have made it."""
    mission_id = (await world.post("/v1/missions", DRAFT))["id"]
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        now = uow.clock.now()
        content = Content(
            workspace_id=uow.workspace_id,
            id=new_id(),
            mission_id=decode(Kind.MISSION, mission_id, what="Mission"),
            slot_id=new_id(),
            cycle=1,
            status=status,
            platform="twitter",
            type="post",
            pillar="News",
            topic="Launch",
            parts=["As it was"],
            created_at=now,
            updated_at=now,
        )
        uow.session.add(content)
    return encode(Kind.CONTENT, content.id)


def with_content(status: str, method: str, path: str, **body: Any) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        content_id = await written(world, status)
        sent = {name: content_id if value == "ID" else value for name, value in body.items()}
        return await client.request(method, f"/v1/{path.format(content_id)}", json=sent or None)

    return act


def posting(**changes: Any) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        wanted = await body(world, "facebook") | changes
        if "scheduledFor" in changes:
            wanted["scheduledFor"] = later(world)
        return await client.post("/api/v1/posts", json=wanted)

    return act


def patching(scheduled: bool, **changes: Any) -> Act:
    """Of a draft, or a scheduled post; "LATER" stands for a time."""

    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        post = await create(world, "facebook", scheduledFor=later(world) if scheduled else None)
        sent = {name: later(world, hours=2) if value == "LATER" else value for name, value in changes.items()}
        return await client.patch(f"/api/v1/posts/{post['id']}", json=sent)

    return act


def with_post(verb: str) -> Act:
    async def act(world: World, client: httpx2.AsyncClient) -> httpx2.Response:
        path = f"/api/v1/posts/{(await create(world, 'facebook'))['id']}"
        return await (client.delete(path) if verb == "delete" else client.post(f"{path}/{verb}"))

    return act


LOOSER = {"constraints": {"require_approval": False}}
CHANGES: dict[str, dict[str, Any]] = {
    "review": LOOSER,
    "budget": {"constraints": {"budget_cents": 10**6}},
    "rhythm": {"constraints": {"posts_per_day": 50}},
    "length": {"duration_days": 700},
    "objectives": {"objectives": ["Sell"]},
    "name": {"name": "Another"},
}
CASES: dict[str, tuple[set[str], Act]] = {
    "create a draft": (DRAFTERS, creating()),
    "create one that starts at once": (BOTH, creating(start_immediately=True)),
    "create one that starts by itself": (BOTH, creating_one_that_starts_tomorrow),
    "change a draft": (DRAFTERS, changing("draft", **LOOSER)),
    "delete a draft": (DRAFTERS, deleting("draft")),
    **{
        f"change the {what} of one that is {state}": (BOTH, changing(state, **change))
        for state in ("to start", "active", "paused")
        for what, change in CHANGES.items()
    },
    "delete one that is to start": (BOTH, deleting("to start")),
    "delete one that is paused": (BOTH, deleting("paused")),
    "start": (PUBLISHERS, telling("draft", "start")),
    "pause": (PUBLISHERS, telling("active", "pause")),
    "resume": (PUBLISHERS, telling("paused", "resume")),
    **{
        f"edit content that is {status}": (DRAFTERS, with_content(status, "PUT", "content/{}", text="Better"))
        for status in ("generated", "pending_review", "rejected", "needs_attention")
    },
    **{
        f"edit content that is {status}": (BOTH, with_content(status, "PUT", "content/{}", text="Worse"))
        for status in ("approved", "scheduled")
    },
    "write a post": (DRAFTERS, posting()),
    "schedule a post": (BOTH, posting(scheduledFor="LATER")),
    "change the text of a draft": (DRAFTERS, patching(False, content={"text": "Better"})),
    "give a draft a time": (BOTH, patching(False, scheduledFor="LATER")),
    "change the text of a scheduled post": (BOTH, patching(True, content={"text": "Worse"})),
    "move a scheduled post": (BOTH, patching(True, scheduledFor="LATER")),
    "make a scheduled post a draft again": (BOTH, patching(True, scheduledFor=None)),
    "publish a post": (PUBLISHERS, with_post("publish")),
    "cancel a post": (PUBLISHERS, with_post("cancel")),
    "delete a post": (PUBLISHERS, with_post("delete")),
    "approve content": (APPROVERS, with_content("pending_review", "POST", "content/{}/approve")),
    "reject content": (APPROVERS, with_content("pending_review", "POST", "content/{}/reject")),
    "have content written again": (
        APPROVERS,
        with_content("pending_review", "POST", "content/{}/reject", regenerate=True),
    ),
}


@pytest.mark.parametrize(("allowed", "act"), CASES.values(), ids=CASES)
async def test_who_may_do_what(
    world: World, actors: dict[str, httpx2.AsyncClient], allowed: set[str], act: Act
) -> None:
    answers = {name: await act(world, client) for name, client in actors.items()}
    assert {name for name, answer in answers.items() if answer.is_success} == allowed
    assert {answer.status_code for name, answer in answers.items() if name not in allowed} == {403}


@pytest.mark.parametrize("name", ["draft", "viewer"])
async def test_what_is_refused_changes_nothing(world: World, actors: dict[str, httpx2.AsyncClient], name: str) -> None:
    path = await made(world, "active")
    before = await world.get(path)
    refused = await actors[name].put(path, json=LOOSER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert (await actors[name].delete(path)).status_code == 403
    assert await world.get(path) == before


@pytest.mark.parametrize("verb", ["retry", "resolve"])
async def test_sending_again_and_deciding_need_the_permission_to_publish(
    world: World, actors: dict[str, httpx2.AsyncClient], verb: str
) -> None:
    path = f"/api/v1/posts/{(await create(world, 'facebook'))['id']}/{verb}"
    sent = {"platform": "facebook", "outcome": "published"} if verb == "resolve" else None
    answers = {name: await client.post(path, json=sent) for name, client in actors.items()}
    assert {name for name, answer in answers.items() if answer.status_code == 409} == PUBLISHERS
    assert {answer.status_code for answer in answers.values()} == {403, 409}


async def test_publishing_content_needs_the_permission_to_publish(
    world: World, actors: dict[str, httpx2.AsyncClient]
) -> None:
    for path, sent in {
        "/v1/publish": {"content_id": "cnt_x"},
        "/v1/publish/schedule": {"content_id": "cnt_x", "publish_at": soon(world)},
    }.items():
        answers = {name: await client.post(path, json=sent) for name, client in actors.items()}
        assert {name for name, answer in answers.items() if answer.status_code == 404} == PUBLISHERS
        assert {answer.status_code for answer in answers.values()} == {403, 404}
