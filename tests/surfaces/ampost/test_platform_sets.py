"""Platform sets, over the versioned routes and their compatibility twin."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from amp.domain.publishing.operations import get_post
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode
from dashboard import browser, refused, statements_of
from world import World, good

pytestmark = pytest.mark.anyio

PATHS = ("/api/v1/platform-sets", "/api/platforms/sets")
COUNTED = {"id", "userId", "name", "isDefault", "createdAt", "updatedAt", "connectionCount"}


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_list_platform_sets_returns_all_sets_with_active_connection_counts(world: World, path: str) -> None:
    await new_set(world, path, "My Brand Accounts")
    default, mine = good(await world.test.get(path))["sets"]
    assert default.keys() == mine.keys() == COUNTED
    assert (default["isDefault"], default["connectionCount"] > 1) == (True, True)
    assert (mine["name"], mine["isDefault"], mine["connectionCount"]) == ("My Brand Accounts", False, 0)
    await sql(world, "UPDATE connections SET status = 'expired' WHERE platform = 'twitter'")
    again = good(await world.test.get(path))["sets"][0]
    assert again["connectionCount"] == default["connectionCount"] - 1


async def test_create_platform_set_answers_200_with_the_set(world: World, path: str) -> None:
    answer = await world.test.post(path, json={"name": "  My Brand Accounts "})
    assert answer.status_code == 200
    created = answer.json()["set"]
    assert created.keys() == COUNTED
    assert (created["name"], created["isDefault"], created["connectionCount"]) == ("My Brand Accounts", False, 0)
    assert created["id"].startswith("set_")
    assert created["userId"].startswith("usr_")
    assert created["createdAt"] == created["updatedAt"]


async def test_the_first_set_of_a_workspace_becomes_its_default(world: World, path: str) -> None:
    first, second = [
        good(await world.live.post(path, json={"name": name}))["set"]["isDefault"] for name in ("One", "Two")
    ]
    assert (first, second) == (True, False)


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}, {"name": "   "}, {"name": "x" * 51}, {"name": 5}])
async def test_a_name_has_1_to_50_characters(world: World, path: str, body: dict[str, Any]) -> None:
    assert refused(await world.test.post(path, json=body), 400) == "VALIDATION_FAILED"
    made = await new_set(world, path)
    if body.get("name", "") is not None:
        assert refused(await world.test.patch(f"{path}/{made['id']}", json=body), 400) == "VALIDATION_FAILED"


async def test_50_characters_are_counted_after_trimming(world: World, path: str) -> None:
    assert (await new_set(world, path, f"  {'ä' * 50}  "))["name"] == "ä" * 50


async def test_at_most_20_sets_however_many_are_made_at_once(world: World, path: str) -> None:
    answers = await asyncio.gather(*(world.live.post(path, json={"name": f"Set {n}"}) for n in range(25)))
    assert [answer.status_code for answer in answers].count(200) == 20
    assert {refused(answer, 400) for answer in answers if answer.status_code != 200} == {"VALIDATION_FAILED"}
    listed = good(await world.live.get(path))["sets"]
    assert (len(listed), [one["isDefault"] for one in listed].count(True)) == (20, 1)


async def test_rename_platform_set(world: World, path: str) -> None:
    made = await new_set(world, path)
    renamed = good(await world.test.patch(f"{path}/{made['id']}", json={"name": "Renamed Set"}))["set"]
    assert renamed.keys() == COUNTED - {"connectionCount"}
    assert (renamed["id"], renamed["name"], renamed["isDefault"]) == (made["id"], "Renamed Set", False)
    assert renamed["createdAt"] == made["createdAt"]
    assert renamed["updatedAt"] > made["updatedAt"]


async def test_another_set_can_be_designated_the_default(world: World, path: str) -> None:
    made = await new_set(world, path)
    assert good(await world.test.patch(f"{path}/{made['id']}", json={"isDefault": True}))["set"]["isDefault"]
    listed = good(await world.test.get(path))["sets"]
    assert [one["id"] for one in listed if one["isDefault"]] == [made["id"]]
    answer = await world.test.patch(f"{path}/{made['id']}", json={"isDefault": False})
    assert refused(answer, 400) == "VALIDATION_FAILED"


async def test_somebody_else_s_set_is_403_to_rename_unless_one_administers(world: World) -> None:
    path = "/api/platforms/sets"
    async with (
        browser(world, await world.new_member("editor")) as editor,
        browser(world, await world.new_member("editor")) as colleague,
        browser(world, await world.new_member("admin")) as admin,
    ):
        made = good(await editor.post(path, json={"name": "Mine"}))["set"]
        assert made["userId"] == good(await editor.get("/api/session"))["user"]["id"]
        for method, body in (("PATCH", {"name": "Taken"}), ("DELETE", None)):
            answer = await colleague.request(method, f"{path}/{made['id']}", json=body)
            assert refused(answer, 403) == "FORBIDDEN"
        assert good(await editor.patch(f"{path}/{made['id']}", json={"name": "Ours"}))
        assert good(await admin.patch(f"{path}/{made['id']}", json={"name": "Administered"}))


async def test_what_is_not_there_or_belongs_to_another_tenant_is_404(world: World, path: str) -> None:
    other = await world.new_tenant()
    foreign = good(await world.client(other.test_key).get(path))["sets"][0]["id"]
    live = good(await world.live.post(path, json={"name": "Live"}))["set"]["id"]
    for set_id in (foreign, live, "set_00000000000000000000000000", "nonsense"):
        assert refused(await world.test.patch(f"{path}/{set_id}", json={"name": "a"}), 404) == "NOT_FOUND"
        assert refused(await world.test.delete(f"{path}/{set_id}"), 404) == "NOT_FOUND"


async def test_a_key_that_may_only_draft_changes_no_sets(world: World, path: str) -> None:
    client = world.client(await world.new_key(scopes=("draft",)))
    assert good(await client.get(path))["sets"]
    assert refused(await client.post(path, json={"name": "a"}), 403) == "FORBIDDEN"


async def test_delete_platform_set_answers_success_and_hides_it(world: World, path: str) -> None:
    made = await new_set(world, path)
    answer = await world.test.delete(f"{path}/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert made["id"] not in {one["id"] for one in good(await world.test.get(path))["sets"]}
    assert refused(await world.test.delete(f"{path}/{made['id']}"), 404) == "NOT_FOUND"


async def test_the_default_set_cannot_be_deleted(world: World, path: str) -> None:
    (default,) = good(await world.test.get(path))["sets"]
    assert refused(await world.test.delete(f"{path}/{default['id']}"), 400) == "VALIDATION_FAILED"


async def test_deleting_a_set_revokes_its_connections_and_clears_their_tokens(world: World, path: str) -> None:
    set_id, accounts = await filled_set(world, path)
    assert good(await world.test.delete(f"{path}/{set_id}")) == {"success": True}
    assert not {one["platformSetId"] for one in good(await world.test.get("/api/v1/accounts"))["accounts"]} & {set_id}
    for account in accounts:
        shown = good(await world.test.get(f"/api/v1/accounts/{account['id']}"))["account"]
        assert shown["status"] == "revoked"
    async with world.runtime.database.transaction(SYSTEM) as session:
        wanted = {"set": decode(Kind.PLATFORM_SET, set_id, what="set")}
        query = (
            "SELECT count(*) FROM connections WHERE platform_set_id = :set AND (access_token || refresh_token) IS NULL"
        )
        assert await session.scalar(text(query), wanted) == len(accounts)


async def test_what_was_scheduled_for_a_deleted_set_fails_at_once_and_says_why(world: World, path: str) -> None:
    set_id, _ = await filled_set(world, path)
    post = await schedule(world, set_id, "facebook")
    await world.test.delete(f"{path}/{set_id}")
    await world.work()
    shown = good(await world.test.get(f"/api/v1/posts/{post}"))["post"]
    assert shown["status"] == "failed"
    (delivery,) = shown["platformPosts"]
    assert delivery["status"] == "failed"
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await get_post(uow, decode(Kind.POST, post, what="post"))
        row = (
            await uow.session.execute(text("SELECT error_code, error_message, next_attempt_at FROM platform_posts"))
        ).one()
    assert (row.error_code, row.next_attempt_at) == ("PLATFORM_NOT_CONNECTED", None)
    assert "deleted" in row.error_message


async def test_sets_are_listed_in_a_bounded_number_of_statements(world: World, path: str) -> None:
    few = await statements_of(world, path)
    for number in range(15):
        await new_set(world, path, f"Set {number}")
    assert await statements_of(world, path) == few


async def test_the_twin_takes_the_session_cookie_too(world: World) -> None:
    async with browser(world) as client:
        made = good(await client.post("/api/platforms/sets", json={"name": "Mine"}))["set"]
        assert good(await client.delete(f"/api/platforms/sets/{made['id']}")) == {"success": True}


async def new_set(world: World, path: str, name: str = "Mine") -> dict[str, Any]:
    return good(await world.test.post(path, json={"name": name}))["set"]


async def filled_set(world: World, path: str) -> tuple[str, list[dict[str, Any]]]:
    """A set that holds what the default set held."""
    made = await new_set(world, path)
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        moved = text("UPDATE connections SET platform_set_id = :set")
        await uow.session.execute(moved, {"set": decode(Kind.PLATFORM_SET, made["id"], what="set")})
    listed = good(await world.test.get("/api/v1/accounts", params={"platformSetId": made["id"]}))
    return made["id"], listed["accounts"]


async def schedule(world: World, set_id: str, platform: str) -> str:
    at = world.runtime.clock.now() + timedelta(days=1)
    body = {
        "content": {"text": "Soon", "media": [], "linkUrl": None, "platformOverrides": {}},
        "platforms": [platform],
        "scheduledFor": at.isoformat(),
        "platformSetId": set_id,
    }
    return good(await world.test.post("/api/v1/posts", json=body))["post"]["id"]


async def sql(world: World, statement: str) -> None:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        await uow.session.execute(text(statement))
