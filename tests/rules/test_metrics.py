"""Derived metrics have one definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.analytics.metrics import (
    COUNTERS,
    ENGAGEMENTS,
    KPI_COUNTERS,
    change_percent,
    engagement_rate,
    engagements,
    reward,
    rewards_per_impression,
)

counters = st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 10**6))


def test_engagements_are_likes_comments_shares_saves_and_clicks():
    assert engagements(dict.fromkeys(COUNTERS, 1)) == 5
    assert engagements({"likes": 1, "comments": 2, "shares": 4, "saves": 8, "clicks": 16}) == 31
    assert engagements({}) == 0


def test_engagement_rate_is_a_percentage_to_two_places():
    assert engagement_rate(18_234, 523_400) == 3.48
    assert engagement_rate(5_800, 145_000) == 4.0


def test_engagement_rate_without_impressions_is_unknown_and_not_zero():
    assert engagement_rate(3, 0) is None


def test_change_is_relative_to_the_base_and_unknown_from_nothing():
    assert change_percent(523_400, 412_000) == 27.0
    assert change_percent(198, 245) == -19.2
    assert change_percent(5, 0) is None


def test_clicks_and_link_clicks_are_one_counter():
    assert KPI_COUNTERS["clicks"] == KPI_COUNTERS["link_clicks"] == "clicks"


def test_every_counter_that_is_used_is_a_counter():
    assert {*ENGAGEMENTS, *KPI_COUNTERS.values()} <= set(COUNTERS)


@given(counters)
def test_a_mission_without_kpis_is_rewarded_by_its_engagement_rate(counts: dict[str, int]):
    assert rewards_per_impression({})
    assert reward(counts, {}) == engagements(counts)


def test_a_count_named_beside_a_rate_counts_once_more():
    targets = {"engagement_rate": 5.0, "link_clicks": 1000.0, "impressions": 9.0}
    assert rewards_per_impression(targets)
    assert reward({"likes": 10, "clicks": 3, "impressions": 500}, targets) == 10 + 3 + 3


def test_counts_alone_are_weighed_by_how_scarce_their_targets_make_them():
    targets = {"impressions": 100_000.0, "clicks": 1000.0}
    assert not rewards_per_impression(targets)
    assert reward({"impressions": 5000, "clicks": 7, "likes": 99}, targets) == pytest.approx(50 + 7)
