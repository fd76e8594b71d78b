"""Analytics of the AMP contract: the numbers of the reference, from what was published and read."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from amp.domain.analytics.models import TrackedPost
from amp.domain.analytics.store import count_post, keep_samples
from amp.domain.content.models import Content
from amp.domain.spend import operations as spend
from amp.domain.spend.port import Usage
from amp.domain.tenants.models import Workspace
from amp.kit.ids import Kind, decode, new_id
from amp.seed_mission import SEED_MISSION
from world import World

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class At:
    """A clock that stands."""

    moment: datetime
    speed: float = 1.0

    def now(self) -> datetime:
        return self.moment

    def real_moment(self, virtual: datetime) -> datetime:
        return virtual


@dataclass
class Newsroom:
    """A mission whose posts are published and read as the test says."""

    world: World
    mission_id: UUID

    async def publish(self, at: datetime, counters: dict[str, int], **about: str) -> None:
        """One post, published at `at`, whose counters are read an hour later."""
        described = {"platform": "twitter", "type": "post", "pillar": "Product", "topic": "Release", **about}
        units, scope = self.world.runtime.units, await self.world.test_scope()
        async with replace(units, clock=At(at)).begin(scope) as uow:
            content = Content(
                workspace_id=uow.workspace_id,
                id=new_id(),
                mission_id=self.mission_id,
                slot_id=new_id(),
                cycle=1,
                parts=[about.get("text", "Release day. " * 10)],
                status="published",
                created_at=at,
                updated_at=at,
                **described,
            )
            tracked = TrackedPost(
                workspace_id=uow.workspace_id,
                platform_post_id=new_id(),
                mission_id=self.mission_id,
                content_id=content.id,
                connection_id=new_id(),
                remote_id=str(content.id),
                published_at=at,
                **described,
            )
            uow.session.add_all([content, tracked])
            await uow.session.flush()
            await count_post(uow, tracked)
        async with replace(units, clock=At(at + timedelta(hours=1))).begin(scope) as uow:
            await keep_samples(uow, tracked.connection_id, {tracked.remote_id: counters})

    async def pay(self, dollars: float, stage: str = "content") -> None:
        """One call to the writer, settled."""
        micros = int(dollars * 1_000_000)
        async with self.world.runtime.units.begin(await self.world.test_scope()) as uow:
            entry = await spend.reserve(uow, self.mission_id, stage=stage, subject=str(new_id()), micros=micros)
            usage = Usage(
                provider="anthropic",
                model="claude",
                micros=micros,
                requests=2,
                input_tokens=100,
                cached_tokens=0,
                output_tokens=50,
                latency_ms=1,
            )
            await spend.settle(uow, entry, usage)


@pytest.fixture
async def newsroom(world: World) -> Newsroom:
    mission = await world.post("/v1/missions", SEED_MISSION)
    return Newsroom(world, decode(Kind.MISSION, mission["id"], what="Mission"))


def recently(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def test_the_overview_has_every_field_of_the_reference(world: World, newsroom: Newsroom) -> None:
    await newsroom.publish(recently(2), {"impressions": 1000, "likes": 30, "clicks": 10, "followers_gained": 3})
    await newsroom.publish(recently(40), {"impressions": 500, "likes": 10})
    found = await world.get("/v1/analytics")
    assert found["summary"] == {
        "missions_active": 1,
        "content_published": 1,
        "total_impressions": 1000,
        "total_engagements": 40,
        "overall_engagement_rate": 4.0,
        "total_link_clicks": 10,
        "followers_gained": 3,
    }
    trends = found["trends"]
    assert trends["impressions"] == {"current": 1000, "previous": 500, "change_percent": 100.0, "direction": "up"}
    assert trends["engagement_rate"] == {"current": 4.0, "previous": 2.0, "change_percent": 100.0, "direction": "up"}
    sums = {"posts_published": 1, "impressions": 1000, "engagements": 40, "engagement_rate": 4.0}
    assert found["by_platform"] == {"twitter": sums}
    assert set(found["time_series"][0]) == {"date", "impressions", "engagements", "posts"}
    assert len(found["time_series"]) == 31
    [top] = found["top_content"]
    assert top["content_id"].startswith("cnt_")
    assert (top["platform"], top["impressions"], top["engagement_rate"]) == ("twitter", 1000, 4.0)
    assert len(top["preview"]) <= 80


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
async def test_every_summary_is_the_sum_of_its_series_and_of_its_platforms(
    world: World, newsroom: Newsroom, granularity: str
) -> None:
    chance = random.Random(7)
    for _ in range(12):
        counters = {name: chance.randrange(1000) for name in ("impressions", "likes", "comments", "clicks")}
        await newsroom.publish(recently(chance.uniform(0.1, 45)), counters, platform=chance.choice(["twitter", "x"]))
    found = await world.get("/v1/analytics", granularity=granularity)
    series, platforms, summary = found["time_series"], found["by_platform"].values(), found["summary"]
    for name, total in (("impressions", "total_impressions"), ("engagements", "total_engagements")):
        assert sum(point[name] for point in series) == summary[total] == sum(each[name] for each in platforms)
    published = sum(point["posts"] for point in series)
    assert published == summary["content_published"] == sum(each["posts_published"] for each in platforms)


async def test_platforms_and_dates_narrow_the_overview(world: World, newsroom: Newsroom) -> None:
    await newsroom.publish(recently(2), {"impressions": 10}, platform="twitter")
    await newsroom.publish(recently(2), {"impressions": 20}, platform="linkedin")
    await newsroom.publish(recently(5), {"impressions": 40}, platform="linkedin")
    only = await world.get("/v1/analytics", platforms="linkedin")
    assert (only["summary"]["total_impressions"], list(only["by_platform"])) == (60, ["linkedin"])
    day = recently(4).date().isoformat()
    late = await world.get("/v1/analytics", start_date=day, platforms="twitter,linkedin")
    assert late["summary"]["total_impressions"] == 30
    assert late["period"]["start"] == day


async def test_days_are_cut_in_the_time_zone_of_the_workspace(world: World, newsroom: Newsroom) -> None:
    await newsroom.publish(datetime(2026, 3, 1, 3, 30, tzinfo=UTC), {"impressions": 10})
    span = {"start_date": "2026-02-28", "end_date": "2026-03-01"}
    in_utc = (await world.get("/v1/analytics", **span))["time_series"]
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        workspace = await uow.session.get_one(Workspace, uow.workspace_id)
        workspace.time_zone = "America/New_York"
    there = (await world.get("/v1/analytics", **span))["time_series"]
    assert [point["posts"] for point in in_utc] == [0, 1]
    assert [point["posts"] for point in there] == [1, 0]


async def test_performance_has_every_breakdown_of_the_reference(world: World, newsroom: Newsroom) -> None:
    tuesday, friday = datetime(2026, 9, 8, 14, tzinfo=UTC), datetime(2026, 9, 11, 9, tzinfo=UTC)
    await newsroom.publish(tuesday, {"impressions": 100, "likes": 8, "clicks": 2}, type="thread")
    await newsroom.publish(friday, {"impressions": 300, "likes": 6, "clicks": 3}, type="post")
    found = await world.get("/v1/analytics/performance", period="2026-09-01/2026-09-30")
    assert found["period"] == "2026-09-01/2026-09-30"
    breakdowns = found["breakdowns"]
    assert breakdowns["by_platform"] == [
        {
            "platform": "twitter",
            "posts": 2,
            "impressions": 400,
            "engagement_rate": 4.75,
            "clicks": 5,
            "best_time": "14:00",
            "best_day": "Tuesday",
        }
    ]
    assert breakdowns["by_type"] == [
        {"type": "thread", "posts": 1, "avg_engagement_rate": 10.0, "avg_impressions": 100},
        {"type": "post", "posts": 1, "avg_engagement_rate": 3.0, "avg_impressions": 300},
    ]
    assert [each["pillar"] for each in breakdowns["by_pillar"]] == ["Product"]
    assert [each["topic"] for each in breakdowns["by_topic"]] == ["Release"]
    assert breakdowns["by_time_of_day"] == [
        {"hour": 9, "avg_engagement_rate": 3.0, "posts": 1},
        {"hour": 14, "avg_engagement_rate": 10.0, "posts": 1},
    ]
    assert [day["day"] for day in breakdowns["by_day_of_week"]] == ["Tuesday", "Friday"]
    assert found["recommendations"] == []


async def test_performance_shows_what_is_asked_for_sorted_as_asked(world: World, newsroom: Newsroom) -> None:
    await newsroom.publish(recently(2), {"impressions": 100, "likes": 8}, type="thread")
    await newsroom.publish(recently(2), {"impressions": 300, "likes": 6}, type="post")
    asked = {"breakdown": "type", "sort_by": "impressions"}
    found = (await world.get("/v1/analytics/performance", **asked))["breakdowns"]
    assert list(found) == ["by_type"]
    assert [row["type"] for row in found["by_type"]] == ["post", "thread"]


async def test_costs_have_every_field_of_the_reference(world: World, newsroom: Newsroom) -> None:
    await newsroom.publish(recently(0.2), {"impressions": 2000})
    await newsroom.pay(0.90)
    await newsroom.pay(0.10, stage="strategy")
    found = await world.get("/v1/analytics/costs")
    limit = SEED_MISSION["constraints"].get("budget_cents")
    assert found["summary"] == {
        "total_cost_cents": 100,
        "budget_limit_cents": limit,
        "budget_used_percent": round(100 * 100 / limit, 1) if limit else None,
        "cost_per_post_cents": 100,
        "cost_per_1k_impressions_cents": 50,
    }
    assert found["by_provider"] == [
        {"provider": "anthropic", "type": "llm", "cost_cents": 100, "requests": 4, "tokens_used": 300}
    ]
    [mission] = found["by_mission"]
    assert (mission["mission_name"], mission["cost_cents"]) == (SEED_MISSION["name"], 100)
    assert mission["posts_generated"] == 1
    assert found["by_stage"] == {
        "content": {"cost_cents": 90, "percent": 90.0},
        "strategy": {"cost_cents": 10, "percent": 10.0},
    }
    assert sum(day["cost_cents"] for day in found["time_series"]) == 100
    assert set(found["projections"]) == {"monthly_projected_cents", "budget_exhaustion_date", "days_until_limit"}
    assert found["projections"]["monthly_projected_cents"] > 0


async def test_a_workspace_where_nothing_happened_has_zeros_and_nulls(world: World) -> None:
    overview = await world.get("/v1/analytics", period="all")
    assert overview["summary"]["overall_engagement_rate"] is None
    assert overview["trends"]["impressions"]["change_percent"] is None
    costs = await world.get("/v1/analytics/costs")
    assert costs["summary"]["cost_per_post_cents"] is None
    assert costs["projections"]["budget_exhaustion_date"] is None


@pytest.mark.parametrize(
    ("path", "query", "code", "param"),
    [
        ("/v1/analytics", {"period": "fortnight"}, "invalid_period", "period"),
        ("/v1/analytics/costs", {"start_date": "soon"}, "invalid_period", "period"),
        ("/v1/analytics", {"granularity": "minute"}, "invalid_request", "granularity"),
        ("/v1/analytics", {"platforms": "twitter,myspace"}, "invalid_request", "platforms"),
        ("/v1/analytics/performance", {"breakdown": "colour"}, "invalid_request", "breakdown"),
        ("/v1/analytics/performance", {"sort_by": "luck"}, "invalid_request", "sort_by"),
        ("/v1/analytics/performance", {"mission_id": "msn_xxx"}, "not_found", None),
    ],
)
async def test_a_wrong_question_is_answered_with_the_field(
    world: World, path: str, query: dict[str, Any], code: str, param: str | None
) -> None:
    answer = await world.test.get(path, params=query)
    assert answer.status_code == (404 if code == "not_found" else 400)
    error = answer.json()["error"]
    assert (error["code"], error.get("param")) == (code, param)
