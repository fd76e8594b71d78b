"""Counts grow along a curve: the shipped one at first, the account's own later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.analytics.growth import FINAL_AGE, SHIPPED, Series, learn

PLATFORMS = ("twitter", "linkedin", "facebook", "instagram", "threads", "tiktok", "youtube", "somewhere-new")
AGES = (1.0, 6.0, 24.0, 72.0, 168.0, 720.0)

platforms = st.sampled_from(PLATFORMS)
ages = st.floats(0, 2000)
counts = st.floats(0, 1e7)


def slow_account(posts: int, seed: int = 1, platform: str = "twitter") -> list[Series]:
    """An account whose posts have seen a sixth of their final count after a day."""
    rng = np.random.default_rng(seed)
    finals = rng.lognormal(4, 1, posts)
    series: list[Series] = []
    for final in finals:
        pace = rng.lognormal(0, 0.4)
        points = [(age, float(rng.poisson(final * (1 - np.exp(-age * pace / 130))))) for age in AGES]
        rising = np.maximum.accumulate([count for _, count in points]).tolist()
        series.append(Series(platform, list(zip(AGES, rising, strict=True))))
    return series


@pytest.mark.parametrize(("platform", "hours"), [("twitter", 0.4), ("facebook", 1.7)])
def test_half_of_the_first_day_is_seen_after_24_minutes_on_x_and_1_h_42_on_facebook(platform: str, hours: float):
    curve = SHIPPED.curve(platform)
    assert curve.fraction(hours) / curve.fraction(24) == pytest.approx(0.5, abs=0.03)


@given(platforms, ages, ages)
def test_an_older_post_has_shown_at_least_as_much_of_its_final(platform: str, one: float, other: float):
    curve = SHIPPED.curve(platform)
    younger, older = sorted((one, other))
    assert 0 < curve.fraction(younger) <= curve.fraction(older) <= 1
    assert curve.spread(younger) >= curve.spread(older) >= 0


@given(platforms, ages, counts)
def test_a_projection_is_never_below_the_count_and_lies_in_its_interval(platform: str, age: float, count: float):
    projection = SHIPPED.curve(platform).project(age, count)
    assert count <= projection.low <= projection.final <= projection.high


@given(platforms, counts)
def test_a_final_count_is_projected_to_itself(platform: str, count: float):
    projection = SHIPPED.curve(platform).project(FINAL_AGE, count)
    assert projection.low == projection.final == projection.high == count


def test_an_account_keeps_the_shipped_curve_until_50_of_its_posts_are_mature():
    young = [Series(each.platform, each.points[:3]) for each in slow_account(200)]
    assert learn([*slow_account(49), *young]) == SHIPPED
    assert learn([*slow_account(50), *young]) != SHIPPED


def test_an_account_with_enough_posts_gets_its_own_curve():
    learned = learn(slow_account(200)).curve("twitter")
    assert learned.fraction(24) == pytest.approx(1 - np.exp(-24 / 130), abs=0.05)
    assert SHIPPED.curve("twitter").fraction(24) > 0.9


def test_curves_are_learned_for_each_platform_and_counter_apart():
    learned = learn(slow_account(60, platform="linkedin"))
    assert set(learned.learned) == {("linkedin", "engagements")}
    assert learned.curve("linkedin", "impressions") == SHIPPED.curve("linkedin")


def test_a_learned_curve_rises_to_one():
    fractions = learn(slow_account(80)).curve("twitter").fractions
    assert (np.diff(fractions) >= 0).all()
    assert fractions[-1] == pytest.approx(1)


def test_an_account_whose_posts_earned_nothing_can_be_learned_from():
    silent = [Series("twitter", [(1.0, 0.0), (200.0, 0.0)])] * 60
    curve = learn(silent).curve("twitter")
    assert 0 < curve.fraction(1) <= 1
    assert curve.project(1, 0).final == pytest.approx(0, abs=0.5)


def test_four_in_five_finals_fall_into_the_interval_learned_from_other_posts():
    curve = learn(slow_account(400, seed=2)).curve("twitter")
    unseen = slow_account(400, seed=3)
    for index, age in enumerate(AGES[:4]):
        projections = [curve.project(age, each.points[index][1]) for each in unseen]
        inside = [p.low <= each.points[-1][1] <= p.high for p, each in zip(projections, unseen, strict=True)]
        assert np.mean(inside) == pytest.approx(0.8, abs=0.07)


def test_a_learned_projection_beats_the_straight_line():
    curve = learn(slow_account(400, seed=2)).curve("twitter")
    unseen = [each for each in slow_account(300, seed=3) if each.points[-1][1] >= 10]
    ours = [abs(curve.project(24, each.points[2][1]).final / each.points[-1][1] - 1) for each in unseen]
    line = [abs(each.points[2][1] * FINAL_AGE / 24 / each.points[-1][1] - 1) for each in unseen]
    assert np.median(ours) < 0.5 * np.median(line)
