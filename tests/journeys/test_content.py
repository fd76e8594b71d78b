"""What people do with content between its writing and its publishing."""

import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from amp.seed_mission import SEED_MISSION
from world import World, good

pytestmark = pytest.mark.anyio

SMALL = SEED_MISSION | {
    "duration_days": 3,
    "constraints": {"posts_per_day": 1, "require_approval": True},
    "platforms": ["twitter"],
    "kpis": [],
}


async def written(world: World, **changes: Any) -> tuple[str, list[dict[str, Any]]]:
    """A mission whose first cycle is written, and its content in order of publication."""
    constraints = SMALL["constraints"] | changes.pop("constraints", {})
    mission = await world.post("/v1/missions", SMALL | changes | {"constraints": constraints})
    await world.work()
    content = (await world.get("/v1/content", mission_id=mission["id"]))["data"]
    return mission["id"], sorted(content, key=lambda item: item["publish_at"])


async def test_content_waits_for_review_with_all_its_fields_and_the_verdict_of_every_gate(fast_world: World) -> None:
    _, content = await written(fast_world)
    assert len(content) == 3
    item = content[0]
    assert item["status"] == "pending_review"
    assert item["approval"] is None
    assert [verdict["gate"] for verdict in item["quality"]] == ["shape", "platform", "topics", "duplicate"]
    assert item["text"]
    assert item["pillar"]
    assert (await fast_world.get(f"/v1/content/{item['id']}", expand="mission"))["mission"]["name"] == SMALL["name"]


async def test_lists_are_filtered_by_every_parameter(fast_world: World) -> None:
    mission, content = await written(fast_world)
    item = content[0]
    for name in ("status", "platform", "type", "pillar", "topic"):
        found = await fast_world.get("/v1/content", mission_id=mission, **{name: item[name]})
        assert item["id"] in [each["id"] for each in found["data"]]
        assert all(each[name] == item[name] for each in found["data"])
    assert (await fast_world.get("/v1/content", mission_id=mission, created_before=item["created_at"]))["total"] == 0
    assert (await fast_world.get("/v1/content", mission_id=mission, created_after=item["created_at"]))["total"] == 3
    expanded = await fast_world.get("/v1/content", mission_id=mission, expand="mission")
    assert expanded["data"][0]["mission"] == {"id": mission, "name": SMALL["name"]}


async def test_the_preview_shows_what_the_platform_will_as_json_and_as_a_page(fast_world: World) -> None:
    _, content = await written(fast_world)
    path = f"/v1/content/{content[0]['id']}/preview"
    preview = await fast_world.get(path)
    assert preview["parts"][0]["text"] == content[0]["parts"][0]
    assert preview["parts"][0]["length"] <= preview["parts"][0]["limit"] == 280
    page = await fast_world.test.get(path, headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")


async def test_an_approval_says_who_and_when_and_is_bound_to_what_was_read(fast_world: World) -> None:
    _, content = await written(fast_world)
    approved = await fast_world.post(f"/v1/content/{content[0]['id']}/approve", {"note": "Good"})
    assert approved["status"] == "approved"
    assert approved["approval"]["by"].startswith("key_")
    assert approved["approval"]["hash"] == approved["hash"]
    await fast_world.work()
    assert (await fast_world.get(f"/v1/content/{content[0]['id']}"))["status"] == "scheduled"


async def test_an_edit_voids_the_approval_and_takes_the_post_back(fast_world: World) -> None:
    _, content = await written(fast_world)
    path = f"/v1/content/{content[-1]['id']}"
    await fast_world.post(f"{path}/approve")
    await fast_world.work()
    edited = good(await fast_world.test.put(path, json={"parts": ["Another text altogether"]}))
    assert edited["status"] == "pending_review"
    assert edited["approval"] is None
    assert edited["post_id"] == (await fast_world.get(path))["post_id"] is None
    assert (await fast_world.test.post("/v1/publish", json={"content_id": edited["id"]})).status_code == 409


async def test_an_edit_that_the_platform_would_refuse_is_refused(fast_world: World) -> None:
    _, content = await written(fast_world)
    answer = await fast_world.test.put(f"/v1/content/{content[0]['id']}", json={"parts": ["x" * 281]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "text"
    assert (await fast_world.get(f"/v1/content/{content[0]['id']}"))["parts"] == content[0]["parts"]


async def test_rejected_content_does_not_go_out_and_can_be_written_again(fast_world: World) -> None:
    _, content = await written(fast_world)
    first, second = (f"/v1/content/{item['id']}" for item in content[:2])
    assert (await fast_world.post(f"{first}/reject", {"reason": "Dull"}))["status"] == "rejected"
    assert (await fast_world.test.post(f"{first}/approve")).status_code == 409
    again = await fast_world.post(f"{second}/reject", {"reason": "Too long", "regenerate": True})
    assert again["status"] == "generating"
    await fast_world.work()
    rewritten = await fast_world.get(second)
    assert rewritten["status"] == "pending_review"
    assert rewritten["parts"] != content[1]["parts"]


async def test_several_are_approved_at_once_and_what_cannot_be_is_told(fast_world: World) -> None:
    _, content = await written(fast_world)
    await fast_world.post(f"/v1/content/{content[0]['id']}/reject")
    answer = await fast_world.post("/v1/content/approve", {"content_ids": [item["id"] for item in content]})
    assert {item["id"] for item in answer["data"]} == {item["id"] for item in content[1:]}
    assert answer["failed"] == [
        {"id": content[0]["id"], "code": "conflict", "message": "Content that is rejected cannot be approved"}
    ]


async def test_publishing_at_once_scheduling_and_cancelling(fast_world: World) -> None:
    _, content = await written(fast_world)
    await fast_world.post("/v1/content/approve", {"content_ids": [item["id"] for item in content]})
    await fast_world.work()
    sent = await fast_world.post("/v1/publish", {"content_id": content[2]["id"]})
    assert sent["data"][0]["content_id"] == content[2]["id"]
    later = content[2]["publish_at"].replace("2026", "2027")
    moved = await fast_world.post("/v1/publish/schedule", {"content_id": content[1]["id"], "publish_at": later})
    assert moved["publish_at"] == later
    cancelled = good(await fast_world.test.delete(f"/v1/publish/{moved['id']}"))
    assert cancelled == {
        "id": moved["id"],
        "content_id": content[1]["id"],
        "status": "cancelled",
        "cancelled": True,
    }
    assert (await fast_world.test.delete(f"/v1/publish/{moved['id']}")).status_code == 404


async def test_a_past_time_cannot_be_scheduled(fast_world: World) -> None:
    _, content = await written(fast_world)
    body = {"content_id": content[0]["id"], "publish_at": "2020-01-01T00:00:00Z"}
    answer = await fast_world.test.post("/v1/publish/schedule", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "publish_at"


async def test_a_pause_holds_what_is_scheduled_and_resuming_moves_it_forward(fast_world: World) -> None:
    mission, content = await written(fast_world, constraints={"require_approval": False})
    await fast_world.work()
    assert (await fast_world.get(f"/v1/missions/{mission}/status"))["content"]["scheduled"] == len(content)
    await fast_world.post(f"/v1/missions/{mission}/pause")
    status = await fast_world.get(f"/v1/missions/{mission}/status")
    assert status["next_publish_at"] is None
    assert status["pipeline"]["status"] == "paused"
    async with fast_world.runtime.units.begin(await fast_world.test_scope()) as uow:
        held = await uow.session.scalar(text("SELECT count(*) FROM platform_posts WHERE next_attempt_at IS NOT NULL"))
    assert held == 0
    await fast_world.post(f"/v1/missions/{mission}/resume")
    resumed = await fast_world.get(f"/v1/missions/{mission}/status")
    assert resumed["next_publish_at"] is not None
    assert resumed["content"]["scheduled"] == len(content)


async def test_deleting_a_paused_mission_cancels_its_posts(fast_world: World) -> None:
    mission, _ = await written(fast_world, constraints={"require_approval": False})
    await fast_world.work()
    await fast_world.post(f"/v1/missions/{mission}/pause")
    good(await fast_world.test.delete(f"/v1/missions/{mission}"))
    async with fast_world.runtime.units.begin(await fast_world.test_scope()) as uow:
        left = await uow.session.scalar(text("SELECT count(*) FROM platform_posts WHERE status <> 'cancelled'"))
    assert left == 0
    assert (await fast_world.get("/v1/content", mission_id=mission))["total"] == 0


async def test_a_budget_that_is_used_up_stops_the_stage_and_says_what_to_do(fast_world: World) -> None:
    mission, content = await written(fast_world, constraints={"budget_cents": 1})
    assert content == []
    status = await fast_world.get(f"/v1/missions/{mission}/status")
    assert status["status"] == "failed"
    assert status["failure"]["code"] == "budget_exhausted"
    assert "budget_cents" in status["failure"]["remedy"]
    assert status["pipeline"]["stages"]["strategy"]["status"] == "budget_exhausted"
    good(await fast_world.test.put(f"/v1/missions/{mission}", json={"constraints": {"budget_cents": 10_000}}))
    await fast_world.post(f"/v1/missions/{mission}/resume")
    await fast_world.work()
    assert (await fast_world.get("/v1/content", mission_id=mission))["total"] == 3


async def test_excluded_topics_are_kept_out_and_the_check_can_be_explained(fast_world: World) -> None:
    _, content = await written(fast_world, constraints={"excluded_topics": ["pricing", "competitors"]})
    assert all(item["status"] == "pending_review" for item in content), [item["error"] for item in content]
    for item in content:
        verdict = next(each for each in item["quality"] if each["gate"] == "topics")
        assert verdict["outcome"] == "pass", verdict
        assert "pricing" not in item["text"].lower()


async def test_the_status_is_a_live_stream_that_tells_every_change(fast_world: World, server: str) -> None:
    mission = await fast_world.post("/v1/missions", SMALL)
    path = f"/v1/missions/{mission['id']}"
    headers = {"Authorization": f"Bearer {fast_world.tenant.test_key}"}
    async with httpx2.AsyncClient(base_url=server, headers=headers, trust_env=False) as client:
        assert (await client.get(f"{path}x/events")).status_code == 404
        async with client.stream("GET", f"{path}/events") as stream:
            told = (json.loads(line[6:]) async for line in stream.aiter_lines() if line.startswith("data: "))
            assert (await anext(told))["status"] == "active"
            await fast_world.post(f"{path}/pause")
            assert (await anext(told))["status"] == "paused"
