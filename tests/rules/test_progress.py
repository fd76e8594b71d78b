"""KPI progress: where a mission stands, where it will end, and which way it is heading."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.analytics.progress import Kpi, Progress, PublishedPost, measure_progress
from rules.simulator import World, observed

NOW = datetime(2024, 3, 1, tzinfo=UTC)
MATURE = 800.0


def post(day: float = 0, *, platform: str = "twitter", age: float = MATURE, **counters: float) -> PublishedPost:
    return PublishedPost(platform, NOW + timedelta(days=day), age, counters)


def seed_mission() -> list[PublishedPost]:
    """Thirty posts, uneven ones, that add up to 145,000 impressions and 5,800 engagements."""
    sizes = [(2500, 85, 15), (4000, 135, 25), (8000, 271, 49)] * 10
    return [
        post(i / 2, impressions=impressions, likes=likes, clicks=clicks)
        for i, (impressions, likes, clicks) in enumerate(sizes)
    ]


def progress(metric: str, target: float, posts: list[PublishedPost], **remaining: int) -> Progress:
    return measure_progress(Kpi(metric, target), posts, remaining=remaining)


def test_an_engagement_rate_at_its_target_is_100_percent_and_on_track():
    shown = progress("engagement_rate", 4.0, seed_mission(), twitter=30)
    assert (shown.current, shown.progress_percent, shown.status) == (4.0, 100, "on_track")


def test_a_count_beyond_its_target_at_half_time_is_exceeded_and_projected_to_twice_itself():
    shown = progress("impressions", 100_000, seed_mission(), twitter=30)
    assert (shown.current, shown.progress_percent, shown.status) == (145_000, 145, "exceeded")
    assert shown.projected_final == 290_000
    assert shown.projected_low < 290_000 < shown.projected_high


def test_a_rate_far_beyond_its_target_is_still_on_track_because_it_can_fall():
    assert progress("engagement_rate", 2.0, seed_mission(), twitter=30).status == "on_track"


def test_clicks_and_link_clicks_progress_alike():
    clicks, links = (progress(metric, 1000, seed_mission(), twitter=30) for metric in ("clicks", "link_clicks"))
    assert clicks.current == links.current == pytest.approx(890)
    assert clicks.projected_final == links.projected_final == 1780


@pytest.mark.parametrize("metric", ["likes", "comments", "shares", "followers_gained", "reach"])
def test_every_other_kpi_sums_its_own_counter(metric: str):
    posts = [post(i, impressions=100, **{metric: 7}) for i in range(10)]
    assert progress(metric, 140, posts, twitter=10).projected_final == 140


@pytest.mark.parametrize(("target", "status"), [(250_000, "on_track"), (310_000, "at_risk"), (900_000, "behind")])
def test_a_count_short_of_its_target_is_judged_by_its_projection(target: float, status: str):
    assert progress("impressions", target, seed_mission(), twitter=30).status == status


def test_one_hundred_percent_is_only_shown_once_the_target_is_reached():
    assert progress("likes", 1000, [post(likes=999.6)], twitter=1).progress_percent == 99


def test_a_paused_week_projects_nothing():
    early = [post(i, impressions=100) for i in range(10)]
    late = [post(i if i < 5 else i + 7, impressions=100) for i in range(10)]
    assert progress("impressions", 1e6, early, twitter=4) == progress("impressions", 1e6, late, twitter=4)


def test_a_finished_mission_ends_where_it_stands():
    shown = progress("impressions", 1e6, seed_mission(), twitter=0)
    assert shown.projected_low == shown.projected_final == shown.projected_high == 145_000
    assert shown.status == "behind"


def test_a_young_post_still_has_most_to_come():
    grown = [post(i, impressions=1000) for i in range(20)]
    young = [*grown, post(21, age=0.25, impressions=400)]
    shown = progress("impressions", 1e6, young, twitter=0)
    assert shown.current == 20_400
    assert 20_700 < shown.projected_final < 21_300
    assert shown.projected_low >= shown.current


def test_a_kpi_of_one_platform_sees_and_plans_only_that_platform():
    posts = [*(post(i, likes=10) for i in range(5)), *(post(i, platform="linkedin", likes=100) for i in range(5))]
    kpi = Kpi("likes", 1000, "linkedin")
    shown = measure_progress(kpi, posts, remaining={"twitter": 50, "linkedin": 2})
    assert (shown.current, shown.projected_final) == (500, 700)


def test_planned_posts_earn_what_their_own_platform_earns():
    posts = [*(post(i, likes=10) for i in range(5)), *(post(i, platform="linkedin", likes=100) for i in range(5))]
    assert progress("likes", 1000, posts, twitter=10, linkedin=0).projected_final == 650
    assert progress("likes", 1000, posts, threads=2).projected_final == 550 + 2 * 55


@pytest.mark.parametrize("metric", ["engagement_rate", "impressions"])
def test_before_the_first_post_nothing_is_projected(metric: str):
    shown = progress(metric, 10, [], twitter=14)
    assert (shown.projected_final, shown.progress_percent, shown.status, shown.trend) == (None, 0, "on_track", "stable")
    assert progress(metric, 10, []).status == "behind"


def test_posts_without_impressions_have_no_rate():
    shown = progress("engagement_rate", 4, [post(i, likes=0) for i in range(9)], twitter=3)
    assert (shown.current, shown.projected_final) == (None, None)


@pytest.mark.parametrize(
    ("likes", "trend"),
    [
        (lambda i: 20 + 4 * i, "improving"),
        (lambda i: 140 - 4 * i, "declining"),
        (lambda i: 60 + 30 * (i % 2), "stable"),
    ],
)
@pytest.mark.parametrize("metric", ["engagement_rate", "likes"])
def test_the_trend_is_the_direction_that_stands_out_of_the_noise(
    metric: str, likes: Callable[[int], float], trend: str
):
    posts = [post(i, impressions=1000, likes=likes(i)) for i in range(30)]
    assert progress(metric, 1e6, posts, twitter=1).trend == trend


def test_a_better_platform_that_joins_late_is_no_trend():
    posts = [post(i, impressions=1000, likes=50 + i % 2) for i in range(20)]
    posts += [post(20 + i, platform="linkedin", impressions=1000, likes=500 + i % 2) for i in range(20)]
    assert progress("engagement_rate", 4, posts, twitter=1).trend == "stable"


def test_a_few_days_make_no_trend():
    assert progress("likes", 1e6, [post(i / 3, likes=10 * i) for i in range(15)], twitter=1).trend == "stable"


@given(st.lists(st.tuples(st.integers(0, 10**5), st.floats(0, 900)), min_size=1, max_size=20), st.integers(0, 40))
def test_a_projected_count_is_never_below_the_count_and_lies_in_its_interval(
    rows: list[tuple[int, float]], remaining: int
):
    posts = [post(i, age=age, impressions=count) for i, (count, age) in enumerate(rows)]
    shown = progress("impressions", 1e9, posts, twitter=remaining)
    # The mean of a long-tailed distribution may lie above its 90th percentile, hence no upper bound on the final.
    assert shown.current <= shown.projected_low <= shown.projected_high
    assert shown.projected_final >= shown.current


@pytest.mark.parametrize(("metric", "days"), [("impressions", 21), ("likes", 21), ("engagement_rate", 21)])
def test_four_in_five_missions_end_inside_the_projected_interval(metric: str, days: int):
    inside = [_ends_inside(metric, seed, days) for seed in range(120)]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.1)


def _ends_inside(metric: str, seed: int, days: int) -> bool:
    published = World("real", seed).publish_at_random(100)
    now = published[0].at.replace(hour=0) + timedelta(days=days)
    seen = [
        PublishedPost(
            "twitter", each.published_at, each.age_hours, {"impressions": each.impressions, "likes": each.engagements}
        )
        for each in observed(published, now)
    ]
    final = {
        "impressions": sum(each.impressions for each in published),
        "likes": sum(each.engagements for each in published),
    }
    truth = 100 * final["likes"] / final["impressions"] if metric == "engagement_rate" else final[metric]
    shown = progress(metric, 1e9, seen, twitter=len(published) - len(seen))
    return shown.projected_low <= truth <= shown.projected_high
