"""Nothing is said that the data do not bear out, and what is said is worth its confidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from amp.domain.analytics.effects import Observation
from amp.domain.analytics.insights import (
    DAYS,
    MINIMUM_CONFIDENCE,
    MINIMUM_POSTS,
    RELEVANT_LIFT,
    Best,
    Insight,
    best_day,
    best_time,
    find_insights,
    recommend,
)
from rules.simulator import CYCLES, START, World, observed, play

NOW = datetime.combine(START, datetime.min.time(), UTC) + timedelta(weeks=CYCLES, days=2)


def account(posts: int = 182, seed: int = 1, **lifts: float) -> list[Observation]:
    """Random posts with log sd 0.4 of luck; `lifts` multiplies those of a type, a weekday or a daypart's first hour."""
    rng = np.random.default_rng(seed)
    made: list[Observation] = []
    for i in range(posts):
        at = NOW - timedelta(days=3 + i / 2)
        kind, hour = str(rng.choice(["post", "thread", "image"])), int(rng.choice([9, 13, 14, 18]))
        lift = lifts.get(kind, 1) * lifts.get(DAYS[at.weekday()], 1) * lifts.get(f"h{hour // 4}", 1)
        lift *= lifts.get(f"{DAYS[at.weekday()]}_h{hour // 4}", 1)
        earned = 60 * lift * np.exp(rng.normal(0, 0.4))
        made.append(Observation("twitter", "Craft", kind, at.weekday(), hour, at, 2000, int(earned), 800))
    return made


def said(observations: list[Observation]) -> dict[str, Insight]:
    return {each.text: each for each in find_insights(observations, now=NOW)}


# Honesty, against worlds whose truth is known


@pytest.mark.parametrize("posts", [30, 182])
def test_where_nothing_matters_almost_nothing_is_said(posts: int):
    wrong = 0
    for seed in range(30):
        published = World("null", seed).publish_at_random(posts)
        now = published[-1].at + timedelta(days=2)
        wrong += bool(find_insights(observed(published, now), now=now))
    assert wrong <= 2


def test_nor_after_the_optimiser_has_chased_the_noise():
    missions = [find_insights(observed(play(World("null", s), s).posts, NOW), now=NOW) for s in range(8)]
    assert sum(bool(each) for each in missions) <= 1


def test_where_content_matters_it_is_found_and_nine_in_ten_statements_are_true():
    true: list[bool] = []
    claimed: list[float] = []
    actual: list[float] = []
    for seed in range(24):
        world = World("real", seed)
        posts = world.publish_at_random(182)
        for each in find_insights(observed(posts, NOW), now=NOW):
            lift = world.lift(posts, each.dimension, each.level)
            true.append(lift > RELEVANT_LIFT if each.lift > 0 else lift < 1 / (1 + RELEVANT_LIFT) - 1)
            claimed.append(np.log1p(each.lift))
            actual.append(np.log1p(lift))
    assert len(true) > 30
    assert np.mean(true) > 0.9
    assert np.abs(claimed).mean() == pytest.approx(np.abs(actual).mean(), rel=0.15)


def test_what_is_said_has_the_confidence_and_the_posts_it_needs():
    for seed in range(8):
        for each in find_insights(observed(World("timing", seed).publish_at_random(182), NOW), now=NOW):
            assert MINIMUM_CONFIDENCE <= each.confidence <= 1
            assert min(each.posts, each.other_posts) >= MINIMUM_POSTS
            assert each.low <= each.lift <= each.high


# What is said


def test_a_better_type_is_named_with_its_lift():
    (each,) = said(account(thread=1.7)).values()
    assert (each.type, each.dimension, each.level) == ("content", "type", ("thread",))
    assert each.text == f"Threads outperform by {each.lift:.0%}"
    assert 0.4 < each.low < 0.7 < each.high < 1.1


def test_more_than_double_is_said_as_a_multiple():
    (text,) = said(account(image=2.6))
    assert text.startswith("Image posts get 2.")
    assert text.endswith("x the engagement of the rest")


def test_a_pillar_is_named_as_the_user_spells_it():
    posts = [
        replace(each, pillar="iOS tips" if each.type == "thread" else "News", type="post") for each in account(thread=2)
    ]
    (text,) = said(posts)
    assert text.startswith("iOS tips posts ")


def test_a_worse_weekday_is_named():
    (each,) = said(account(Friday=0.5)).values()
    assert (each.type, each.dimension, each.level) == ("timing", "weekday", ("4",))
    assert each.text == f"Friday posts underperform by {-each.lift:.0%}"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("lifts", "level"),
    [({"thread": 1.7}, "thread"), ({"Tuesday": 1.8}, "1"), ({"Friday": 0.5}, "4"), ({"h3": 1.6}, "afternoon")],
)
def test_one_effect_makes_one_statement_and_no_echoes(lifts: dict[str, float], level: str, seed: int):
    assert [each.level for each in find_insights(account(seed=seed, **lifts), now=NOW)] == [(level,)]


def test_a_part_of_one_day_is_named_when_day_and_part_do_not_explain_it():
    insights = said(account(posts=700, Tuesday_h3=2.4))
    assert any(text.startswith("Tuesday afternoon posts ") for text in insights)


def test_a_part_of_one_day_is_not_named_beside_the_part_that_explains_it():
    assert {each.dimension for each in said(account(posts=700, h3=1.6)).values()} == {"daypart"}


def test_of_two_levels_only_the_better_is_named():
    two = [replace(each, type="post" if each.type == "image" else each.type) for each in account(thread=2)]
    assert [each.level for each in said(two).values()] == [("thread",)]


def test_platforms_that_differ_are_no_insight_about_the_types_they_carry():
    """Threads exist only where everything earns double: that is the platform's doing."""
    posts = account()
    mixed = [
        replace(each, platform="linkedin", engagements=3 * each.engagements) if i % 2 else replace(each, type="post")
        for i, each in enumerate(posts)
    ]
    assert not [each for each in said(mixed).values() if each.dimension == "type" and each.lift > 0.3]


@pytest.mark.parametrize("posts", [0, 1, 2 * MINIMUM_POSTS - 1])
def test_too_few_posts_say_nothing(posts: int):
    assert find_insights(account(posts, thread=5), now=NOW) == ()


def test_a_level_with_too_few_posts_is_passed_over_however_good():
    posts = [replace(each, type="post") for each in account()]
    rare = [replace(each, type="thread", engagements=900) for each in posts[: MINIMUM_POSTS - 1]]
    assert not [each for each in find_insights([*posts[20:], *rare], now=NOW) if each.dimension == "type"]


def test_posts_without_impressions_say_nothing():
    assert find_insights([replace(each, impressions=0) for each in account(thread=5)], now=NOW) == ()


# What follows from it


def test_recommendations_come_from_insights_only():
    assert recommend(()) == ()
    insights = find_insights(account(thread=1.7, Friday=0.5), now=NOW)
    assert len(recommend(insights)) == len(insights)


def test_recommendations_say_what_to_do():
    advice = recommend(find_insights(account(posts=700, thread=1.7, Friday=0.5, h3=1.6), now=NOW))
    assert any(text.startswith("Increase the share of threads - they outperform the rest by ") for text in advice)
    assert "Consider pausing Friday posts due to lower engagement" in advice
    assert "Shift more posting to afternoons" in advice


def test_a_best_day_and_time_are_named_on_evidence():
    posts = account(posts=700, Tuesday=1.8, h3=1.6)
    insights = find_insights(posts, now=NOW)
    day, hour = best_day(posts, insights), best_time(posts, insights)
    assert (day.value, day.descriptive) == ("Tuesday", "Tuesday")
    assert hour.value in ("13:00", "14:00")
    assert min(day.confidence or 0, hour.confidence or 0) > MINIMUM_CONFIDENCE


def test_without_evidence_the_best_day_is_unknown_and_the_top_one_only_descriptive():
    posts = account()
    best = best_day(posts, find_insights(posts, now=NOW))
    assert (best.value, best.confidence) == (None, None)
    assert best.descriptive in DAYS
    assert best_time(posts, ()).value is None


def test_without_posts_there_is_not_even_a_descriptive_best():
    assert best_day([], ()) == best_time([], ()) == Best(None, None, None)
