"""The missions of the AMP contract: every request, field, default, rule and error of its reference."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from amp.kit.ids import Kind, encode, new_id
from amp.seed_mission import SEED_MISSION
from world import World, good

pytestmark = pytest.mark.anyio

DRAFT = {"name": "Quiet", "objectives": ["Be heard"], "platforms": ["twitter"], "duration_days": 7}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example mission with one field changed; `path` is dotted."""
    body = copy.deepcopy(SEED_MISSION)
    *parents, last = path.split(".")
    target: Any = body
    for name in parents:
        target = target[int(name) if name.isdigit() else name]
    target[int(last) if last.isdigit() else last] = value
    return body


def instant(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


async def test_the_example_of_the_reference_starts_at_once_with_forty_two_posts(world: World) -> None:
    answer = await world.test.post("/v1/missions", json=SEED_MISSION)
    assert answer.status_code == 201
    mission = answer.json()
    assert mission["id"].startswith("msn_")
    assert mission["pipeline_job_id"].startswith("job_")
    assert mission["status"] == "active"
    assert mission["platforms"] == ["twitter", "linkedin"]
    assert mission["estimated_posts"] == 42
    assert mission["starts_at"] == mission["created_at"]
    assert instant(mission["ends_at"]) - instant(mission["starts_at"]) == timedelta(days=14)


async def test_the_mission_object_has_every_field_of_the_reference(world: World) -> None:
    created = await world.post("/v1/missions", SEED_MISSION)
    mission = await world.get(f"/v1/missions/{created['id']}")
    expected = {
        *("id", "name", "description", "status", "objectives", "platforms", "constraints", "kpis", "duration_days"),
        *("starts_at", "ends_at", "pipeline_job_id", "created_at", "updated_at"),
    }
    assert expected <= mission.keys()
    assert mission["constraints"] == {
        "tone": "excited but professional",
        "cadence": "daily",
        "posts_per_day": 3,
        "posting_times": [],
        "timezone": "UTC",
        "require_approval": True,
        "budget_cents": None,
        "excluded_topics": [],
    }
    assert mission["kpis"][0] == {"metric": "engagement_rate", "target": 5.0, "platform": "all"}


async def test_what_is_not_given_has_the_defaults_of_the_reference(world: World) -> None:
    created = await world.post("/v1/missions", DRAFT)
    assert created["status"] == "draft"
    assert created["pipeline_job_id"] is None
    assert created["starts_at"] is None
    mission = await world.get(f"/v1/missions/{created['id']}")
    assert mission["constraints"]["posts_per_day"] == 1
    assert mission["constraints"]["cadence"] == "daily"
    assert mission["constraints"]["require_approval"] is False
    assert mission["kpis"] == []


WRONG = [
    ("name", "", "name"),
    ("name", 7, "name"),
    ("name", "x" * 201, "name"),
    ("description", ["no"], "description"),
    ("objectives", [], "objectives"),
    ("objectives", [""], "objectives.0"),
    ("objectives", ["x"] * 21, "objectives"),
    ("objectives", "Sell", "objectives"),
    ("platforms", [], "platforms"),
    ("platforms", ["myspace"], "platforms.0"),
    ("platforms", ["twitter", "twitter"], "platforms"),
    ("platforms", "twitter", "platforms"),
    ("constraints", [], "constraints"),
    ("constraints.tone", 5, "constraints.tone"),
    ("constraints.cadence", "hourly", "constraints.cadence"),
    ("constraints.posts_per_day", 0, "constraints.posts_per_day"),
    ("constraints.posts_per_day", 51, "constraints.posts_per_day"),
    ("constraints.posts_per_day", "3", "constraints.posts_per_day"),
    ("constraints.posts_per_day", True, "constraints.posts_per_day"),
    ("constraints.posting_times", ["9:00"], "constraints.posting_times.0"),
    ("constraints.posting_times", ["24:00"], "constraints.posting_times.0"),
    ("constraints.posting_times", ["09:00", "09:00"], "constraints.posting_times"),
    ("constraints.timezone", "Mars/Base", "constraints.timezone"),
    ("constraints.require_approval", "yes", "constraints.require_approval"),
    ("constraints.budget_cents", -1, "constraints.budget_cents"),
    ("constraints.budget_cents", 1.5, "constraints.budget_cents"),
    ("constraints.excluded_topics", [""], "constraints.excluded_topics.0"),
    ("constraints.colour", "red", "constraints.colour"),
    ("kpis.0.metric", "fame", "kpis.0.metric"),
    ("kpis.0.target", 0, "kpis.0.target"),
    ("kpis.1.target", -3, "kpis.1.target"),
    ("kpis.0.target", "5", "kpis.0.target"),
    ("kpis.0.target", 1e308, "kpis.0.target"),
    ("kpis.1.metric", "engagement_rate", "kpis.1.metric"),
    ("kpis.0.platform", "tiktok", "kpis.0.platform"),
    ("kpis.0.weight", 2, "kpis.0.weight"),
    ("duration_days", 0, "duration_days"),
    ("duration_days", 731, "duration_days"),
    ("duration_days", None, "duration_days"),
    ("start_immediately", "true", "start_immediately"),
    ("starts_at", "2030-01-15T10:30:00", "starts_at"),
    ("starts_at", "2020-01-15T10:30:00Z", "starts_at"),
    ("starts_at", "tomorrow", "starts_at"),
    ("budget", 5, "budget"),
]


@pytest.mark.parametrize(("path", "value", "param"), WRONG)
async def test_a_wrong_field_is_named_and_nothing_is_stored(world: World, path: str, value: Any, param: str) -> None:
    body = changed(path, value) | ({"start_immediately": False} if path == "starts_at" else {})
    answer = await world.test.post("/v1/missions", json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["param"] == param
    assert len(error["message"]) > 10
    assert (await world.get("/v1/missions"))["total"] == 0


@pytest.mark.parametrize("name", ["name", "objectives", "platforms", "duration_days"])
async def test_a_missing_field_is_named_in_the_words_of_the_reference(world: World, name: str) -> None:
    body = {key: value for key, value in DRAFT.items() if key != name}
    answer = await world.test.post("/v1/missions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"The '{name}' field is required"
    assert answer.json()["error"]["param"] == name


async def test_no_platform_is_refused_in_the_words_of_the_reference(world: World) -> None:
    error = (await world.test.post("/v1/missions", json=changed("platforms", []))).json()["error"]
    assert error["code"] == "invalid_request"
    assert error["message"] == "At least one platform is required"
    assert error["param"] == "platforms"


async def test_a_mission_of_nobody_is_not_found_in_the_words_of_the_reference(world: World) -> None:
    answer = await world.test.get(f"/v1/missions/{encode(Kind.MISSION, new_id())}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["error"]["message"] == "Mission not found"


async def test_an_active_mission_cannot_be_deleted_in_the_words_of_the_reference(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    answer = await world.test.delete(f"/v1/missions/{mission['id']}")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    assert answer.json()["error"]["message"] == "Cannot delete active mission. Pause or complete it first."


async def test_a_paused_mission_is_deleted_with_all_that_belongs_to_it(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    await world.post(f"/v1/missions/{mission['id']}/pause")
    answer = good(await world.test.delete(f"/v1/missions/{mission['id']}"))
    assert answer == {"id": mission["id"], "deleted": True}
    assert (await world.test.get(f"/v1/missions/{mission['id']}")).status_code == 404


async def test_lists_are_filtered_paged_and_newest_first(world: World) -> None:
    ids = [(await world.post("/v1/missions", DRAFT | {"name": f"Mission {n}"}))["id"] for n in range(5)]
    await world.post("/v1/missions", SEED_MISSION)
    first = await world.get("/v1/missions", limit=2, status="draft")
    assert [mission["id"] for mission in first["data"]] == ids[:2:-1]
    assert first["has_more"] is True
    assert first["total"] == 5
    second = await world.get("/v1/missions", limit=2, status="draft", starting_after=first["data"][-1]["id"])
    assert [mission["id"] for mission in second["data"]] == ids[2:0:-1]
    back = await world.get("/v1/missions", limit=2, status="draft", ending_before=second["data"][0]["id"])
    assert back["data"] == first["data"]
    assert (await world.get("/v1/missions", platform="linkedin"))["total"] == 1
    assert set(first["data"][0]) == {"id", "name", "status", "platforms", "starts_at", "ends_at", "created_at"}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"status": "sleeping"}, "status"),
        ({"platform": "myspace"}, "platform"),
        ({"starting_after": "msn_nonsense"}, "starting_after"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_query_parameter_is_named(world: World, query: dict[str, Any], param: str) -> None:
    answer = await world.test.get("/v1/missions", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_pausing_and_resuming_answer_as_the_reference_and_twice_is_once(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    path = f"/v1/missions/{mission['id']}"
    paused = await world.post(f"{path}/pause")
    assert set(paused) == {"id", "status", "paused_at"}
    assert paused["status"] == "paused"
    assert await world.post(f"{path}/pause") == paused
    resumed = await world.post(f"{path}/resume")
    assert set(resumed) == {"id", "status", "resumed_at", "adjusted_ends_at"}
    assert resumed["status"] == "active"
    away = instant(resumed["resumed_at"]) - instant(paused["paused_at"])
    assert instant(resumed["adjusted_ends_at"]) == instant(mission["ends_at"]) + away
    assert (await world.post(f"{path}/resume"))["adjusted_ends_at"] == resumed["adjusted_ends_at"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_draft_can_neither_be_paused_nor_resumed(world: World, verb: str) -> None:
    mission = await world.post("/v1/missions", DRAFT)
    answer = await world.test.post(f"/v1/missions/{mission['id']}/{verb}")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"


async def test_a_draft_starts_when_it_is_told_to(world: World) -> None:
    mission = await world.post("/v1/missions", DRAFT)
    started = await world.post(f"/v1/missions/{mission['id']}/start")
    assert started["status"] == "active"
    assert started["pipeline_job_id"]
    assert (await world.test.post(f"/v1/missions/{mission['id']}/start")).status_code == 409


async def test_a_mission_with_a_start_in_the_future_is_a_draft_until_then(world: World) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    mission = await world.post("/v1/missions", DRAFT | {"starts_at": soon})
    assert mission["status"] == "draft"
    assert instant(mission["ends_at"]) - instant(mission["starts_at"]) == timedelta(days=7)


async def test_constraints_merge_field_by_field_and_wait_for_the_next_cycle(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    path = f"/v1/missions/{mission['id']}"
    body = {"constraints": {"posts_per_day": 2, "require_approval": False}}
    updated = good(await world.test.put(path, json=body))
    assert updated["constraints"]["posts_per_day"] == 2
    assert updated["constraints"]["tone"] == "excited but professional"
    assert updated["pending_changes"] is True
    assert updated["changes_apply"]["constraints"] == "next cycle"


async def test_name_and_duration_hold_at_once(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    body = {"name": "Renamed", "duration_days": 20}
    updated = good(await world.test.put(f"/v1/missions/{mission['id']}", json=body))
    assert updated["name"] == "Renamed"
    assert updated["pending_changes"] is False
    assert instant(updated["ends_at"]) - instant(updated["starts_at"]) == timedelta(days=20)


async def test_a_platform_without_an_account_is_refused_at_start_with_what_to_do(world: World) -> None:
    answer = await world.live.post("/v1/missions", json=SEED_MISSION)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == "platforms"
    assert "Connect" in error["message"]
    assert good(await world.live.get("/v1/missions"))["total"] == 0


async def test_the_status_has_every_field_of_the_reference(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    status = await world.get(f"/v1/missions/{mission['id']}/status")
    assert status["mission_id"] == mission["id"]
    assert status["status"] == "active"
    pipeline = status["pipeline"]
    assert pipeline["job_id"] == mission["pipeline_job_id"]
    assert pipeline["status"] == "running"
    assert pipeline["current_stage"] == "intake"
    assert pipeline["progress_percent"] == 0
    assert list(pipeline["stages"]) == ["intake", "strategy", "content", "publish", "analytics", "optimize"]
    assert pipeline["stages"]["publish"] == {"status": "pending"}
    assert {"generated", "pending_review", "approved", "published", "scheduled"} <= status["content"].keys()
    assert {"metric", "target", "current", "trend"} <= status["kpi_progress"][0].keys()
    assert status["next_publish_at"] is None


async def test_the_status_of_a_draft_has_the_same_fields(world: World) -> None:
    running = await world.get(f"/v1/missions/{(await world.post('/v1/missions', SEED_MISSION))['id']}/status")
    draft = await world.get(f"/v1/missions/{(await world.post('/v1/missions', DRAFT))['id']}/status")
    assert draft.keys() == running.keys()
    pipeline = draft["pipeline"]
    assert pipeline.keys() == running["pipeline"].keys()
    assert (pipeline["job_id"], pipeline["cycle"], pipeline["status"]) == (None, 0, "pending")
    assert (pipeline["current_stage"], pipeline["progress_percent"]) == ("intake", 0)
    assert list(pipeline["stages"].values()) == [{"status": "pending"}] * 6


async def test_a_metric_may_have_a_target_for_each_platform_and_one_for_all(world: World) -> None:
    kpis = [{"metric": "likes", "target": 5, "platform": name} for name in ("all", "twitter", "linkedin")]
    assert (await world.post("/v1/missions", changed("kpis", kpis)))["id"]
    twice = await world.test.post("/v1/missions", json=changed("kpis", [*kpis, kpis[1]]))
    assert twice.json()["error"]["message"] == "There are two targets for likes on twitter"


async def test_a_target_that_is_too_high_is_told_so(world: World) -> None:
    refused = await world.test.post("/v1/missions", json=changed("kpis.0.target", 1e308))
    assert refused.json()["error"]["message"].endswith("at most 1,000,000,000,000,000")


async def test_expand_adds_what_is_named_and_refuses_the_unknown(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    path = f"/v1/missions/{mission['id']}"
    assert {"content", "analytics"} <= (await world.get(path, expand="content,analytics")).keys()
    refused = await world.test.get(path, params={"expand": "content,friends"})
    assert refused.status_code == 400
    assert "friends" in refused.json()["error"]["message"]


async def test_mission_analytics_have_every_field_of_the_reference_from_the_first_moment(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    analytics = await world.get(f"/v1/analytics/missions/{mission['id']}")
    assert analytics["mission_name"] == "Product Launch Campaign"
    assert set(analytics["period"]) == {"start", "end"}
    assert analytics["progress_percent"] == 0
    assert {
        *("posts_published", "posts_scheduled", "total_impressions", "total_engagements", "engagement_rate"),
        *("link_clicks", "best_performing_day", "best_performing_time"),
    } <= analytics["summary"].keys()
    kpi = analytics["kpi_progress"][0]
    assert {"metric", "target", "current", "progress_percent", "status", "projected_final"} <= kpi.keys()
    assert analytics["content_performance"] == {"by_pillar": [], "by_type": []}
    assert analytics["optimization_insights"] == []


async def test_a_key_that_may_only_draft_cannot_start_a_mission(world: World) -> None:
    key = await world.new_key(scopes=("draft",))
    client = world.client(key)
    assert (await client.post("/v1/missions", json=SEED_MISSION)).status_code == 403
    assert (await client.post("/v1/missions", json=DRAFT)).status_code == 201


async def test_another_tenant_finds_nothing_and_changes_nothing(world: World) -> None:
    mission = await world.post("/v1/missions", SEED_MISSION)
    stranger = world.client((await world.new_tenant()).test_key)
    path = f"/v1/missions/{mission['id']}"
    for call in (
        stranger.get(path),
        stranger.get(f"{path}/status"),
        stranger.put(path, json={"name": "Mine"}),
        stranger.post(f"{path}/pause"),
        stranger.delete(path),
        stranger.get(f"/v1/analytics/missions/{mission['id']}"),
    ):
        assert (await call).status_code == 404
    assert (await stranger.get("/v1/missions")).json()["total"] == 0
    assert (await world.get(path))["status"] == "active"
