"""The optimiser learns what works and stays inside what the user fixed."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amp.domain.analytics.allocation import Choice, Pillar, Slot, allocate
from amp.domain.analytics.effects import DRIFT_DAYS, Observation, Posterior, fit
from amp.domain.analytics.growth import Growth, Series, learn
from rules.simulator import HOURS, PILLARS, POSTS_PER_DAY, START, TYPES, Played, World, observed, play

NOW = datetime(2024, 6, 3, tzinfo=UTC)  # a Monday
WEEK = [NOW.date() + timedelta(days=i) for i in range(7)]
NOTHING_KNOWN = fit([], now=NOW)


def seen(
    *,
    engagements: float = 30,
    impressions: float = 1000,
    days_ago: float = 10,
    pillar: str = "Craft",
    kind: str = "post",
    platform: str = "twitter",
    hour: int = 9,
    age_hours: float = 800,
) -> Observation:
    at = NOW - timedelta(days=days_ago)
    return Observation(platform, pillar, kind, at.weekday(), hour, at, impressions, engagements, age_hours)


def plan(posterior: Posterior, slots: list[Slot], seed: int = 0, **changes: object) -> tuple[Choice, ...]:
    asked: dict[str, object] = {
        "pillars": [Pillar(name) for name in PILLARS],
        "types": {"twitter": TYPES},
        "platforms": {"twitter": 1.0},
        "hours": HOURS,
        "rng": np.random.default_rng(seed),
    }
    return allocate(posterior, slots, **(asked | changes))  # type: ignore[arg-type]


def week(posts_per_day: int = POSTS_PER_DAY) -> list[Slot]:
    return [Slot(f"{day} {i}", (day,)) for day in WEEK for i in range(posts_per_day)]


def craft_wins() -> list[Observation]:
    """Forty posts of each of two pillars, one earning four times the other."""
    return [
        seen(pillar=pillar, kind=kind, days_ago=1 + i, engagements=rate + i % 7)
        for pillar, rate in (("Craft", 80), ("Product", 20))
        for kind in ("post", "thread")
        for i in range(20)
    ]


def played(kind: str, worlds: int) -> list[Played]:
    return [play(World(kind, seed), seed) for seed in range(worlds)]


def share_of_oracles_gain(missions: list[Played], cycles: slice) -> float:
    gains = sum((each.policy - each.uniform)[cycles].sum() for each in missions)
    return float(gains / sum((each.oracle - each.uniform)[cycles].sum() for each in missions))


# Learning, against worlds whose truth is known


def test_where_content_matters_the_optimiser_takes_half_of_what_an_oracle_would_gain():
    missions = played("real", 30)
    lifts = [each.lift for each in missions]
    assert share_of_oracles_gain(missions, slice(None)) > 0.5
    assert share_of_oracles_gain(missions, slice(-4, None)) > 0.6
    assert np.mean(lifts) > 0.4
    assert np.mean(np.array(lifts) > 0) > 0.95


def test_where_timing_matters_it_is_learned_too():
    missions = played("timing", 12)
    assert share_of_oracles_gain(missions, slice(None)) > 0.35
    assert np.mean([each.lift > 0 for each in missions]) >= 0.95


def test_when_tastes_change_the_optimiser_follows_within_four_cycles():
    missions = played("shift", 12)
    assert share_of_oracles_gain(missions, slice(5, 7)) > 0.4
    assert share_of_oracles_gain(missions, slice(7, 8)) < 0.1
    assert share_of_oracles_gain(missions, slice(10, 13)) > 0.3


def test_where_only_the_time_is_free_and_hardly_matters_optimising_does_no_harm():
    worlds = [World("real", seed, pillars=["Craft"], types=["post"]) for seed in range(6)]
    assert np.mean([play(world, seed).lift for seed, world in enumerate(worlds)]) > -0.01


def test_what_is_expected_is_what_comes():
    ratios: list[float] = []
    for seed in range(8):
        world = World("real", seed)
        posts = world.publish_at_random(182)
        posterior = fit(observed(posts, NOW), now=NOW)
        later = world.publish_at_random(1000)
        expected = [posterior.expected_rate(each) or 0 for each in observed(later, NOW)]
        actual = [100 * post.engagements / post.impressions for post in later]
        ratios.append(float(np.mean(expected) / np.mean(actual)))
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


# The first cycle, and exploration


def test_the_first_cycle_is_balanced_and_varied():
    choices = plan(NOTHING_KNOWN, week())
    assert sorted(Counter(each.pillar for each in choices).values()) == [3, 3, 4, 4]
    assert len({(each.pillar, each.type) for each in choices}) == 12
    assert all(one.pillar != other.pillar for one, other in pairwise(choices))
    assert len({each.hour for each in choices}) >= 8
    assert all(each.expected_rate is None for each in choices)


def test_the_first_cycle_follows_the_strategy():
    pillars = [Pillar("Craft", 0.6), Pillar("Product", 0.4), Pillar("Unplanned", 0.0)]
    mix = Counter(each.pillar for each in plan(NOTHING_KNOWN, week(posts_per_day=5), pillars=pillars))
    assert mix == {"Craft": 21, "Product": 14}


def test_times_are_drawn_apart_from_content():
    """Else the first cycle would confound them: every pillar would get its own part of the day."""
    mornings = [
        np.mean([each.hour < 15 for each in plan(NOTHING_KNOWN, week(), seed) if each.pillar == "Craft"])
        for seed in range(40)
    ]
    assert 0.15 < np.std(mornings) < 0.35


@pytest.mark.parametrize("exploration", [0.15, 0.4])
def test_a_bounded_share_is_spent_on_what_does_not_look_best(exploration: float):
    posterior = fit(craft_wins(), now=NOW)
    choices = [each for seed in range(20) for each in plan(posterior, week(), seed, exploration=exploration)]
    other = np.mean([each.pillar != "Craft" for each in choices])
    assert other == pytest.approx(exploration * 3 / 4, abs=0.06)


def test_propensities_are_the_frequencies_with_which_choices_are_made():
    posterior = fit(craft_wins(), now=NOW)
    slot, plans = [Slot("one", (WEEK[0],))], 800
    made: dict[tuple[str, str, int], list[float]] = {}
    for seed in range(plans):
        (each,) = plan(posterior, slot, seed)
        made.setdefault((each.pillar, each.type, each.hour), []).append(each.propensity)
    for propensities in made.values():
        stated = np.mean(propensities)
        assert len(propensities) / plans == pytest.approx(stated, abs=5 * np.sqrt(stated / plans) + 0.003)


def test_the_same_seed_gives_the_same_plan():
    posterior = fit(craft_wins(), now=NOW)
    assert plan(posterior, week(), 5) == plan(posterior, week(), 5)
    assert plan(posterior, week(), 5) != plan(posterior, week(), 6)


# Constraints


@given(st.lists(st.integers(0, 23), min_size=1, max_size=10), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_posting_times_the_user_fixed_are_never_touched(hours: list[int], seed: int):
    slots = [Slot(str(i), (WEEK[i % 7],), hour) for i, hour in enumerate(hours)]
    for free in (None, HOURS):
        choices = plan(fit(craft_wins(), now=NOW), slots, seed, hours=free)
        assert [(each.slot, (each.day,), each.hour) for each in choices] == [(s.key, s.days, s.hour) for s in slots]


def test_fixed_times_do_not_change_the_odds_of_the_content():
    slots = [Slot(slot.key, slot.days, 9 + i % 2) for i, slot in enumerate(week())]
    choices = plan(NOTHING_KNOWN, slots, hours=None)
    assert all(each.propensity == pytest.approx(1 / 12) for each in choices)


def test_without_hours_to_choose_from_a_slot_needs_its_own():
    with pytest.raises(ValueError, match="needs one day and an hour"):
        plan(NOTHING_KNOWN, week(), hours=None)


def test_free_times_keep_clear_of_fixed_ones_and_of_each_other():
    slots = [Slot("fixed", (WEEK[0],), 14), *(Slot(f"free {i}", (WEEK[0],)) for i in range(4))]
    for seed in range(20):
        hours = sorted(each.hour for each in plan(fit(craft_wins(), now=NOW), slots, seed))
        assert 14 in hours
        assert np.diff(hours).min() >= 2


def test_more_posts_than_hours_still_all_get_a_time():
    assert len(plan(NOTHING_KNOWN, week(posts_per_day=3), hours=[9, 14])) == 21


def test_the_day_is_chosen_where_several_are_allowed():
    good = [
        seen(days_ago=days, engagements=90 if (NOW - timedelta(days=days)).weekday() == 1 else 10)
        for days in range(1, 120)
    ]
    choices = [plan(fit(good, now=NOW), [Slot("one", tuple(WEEK))], seed)[0] for seed in range(30)]
    assert np.mean([each.day.weekday() == 1 for each in choices]) > 0.7


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 0.3)), min_size=2, max_size=6),
    st.integers(1, 40),
    st.integers(0, 50),
)
@settings(max_examples=30, deadline=None)
def test_no_pillar_falls_below_its_floor(rows: list[tuple[float, float]], slots: int, seed: int):
    pillars = [Pillar(str(i), share, floor) for i, (share, floor) in enumerate(rows)]
    allowed = max(1.0, sum(floor for _, floor in rows))
    posterior = fit([seen(pillar="0", days_ago=1 + i, engagements=200) for i in range(30)], now=NOW)
    choices = plan(posterior, [Slot(str(i), (WEEK[i % 7],), 9) for i in range(slots)], seed, pillars=pillars)
    mix = Counter(each.pillar for each in choices)
    assert all(mix[each.name] >= int(each.floor / allowed * slots - 1e-6) for each in pillars)


@given(st.integers(1, 60), st.floats(0.05, 0.95), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_platforms_get_their_shares_and_only_types_they_allow(slots: int, share: float, seed: int):
    types = {"twitter": ["post", "thread"], "linkedin": ["carousel"]}
    choices = plan(
        NOTHING_KNOWN,
        [Slot(str(i), (WEEK[i % 7],), 9) for i in range(slots)],
        seed,
        platforms={"twitter": share, "linkedin": 1 - share},
        types=types,
    )
    assert sum(each.platform == "twitter" for each in choices) == pytest.approx(share * slots, abs=1)
    assert all(each.type in types[each.platform] for each in choices)


def test_a_pillar_without_a_share_is_never_chosen_however_well_it_did():
    pillars = [Pillar("Craft", 0.0), Pillar("Product", 1.0)]
    assert {each.pillar for each in plan(fit(craft_wins(), now=NOW), week(), pillars=pillars)} == {"Product"}
    with pytest.raises(ValueError, match="a share"):
        plan(NOTHING_KNOWN, week(), pillars=[Pillar("Craft", 0.0)])


# Odd data


def test_a_post_without_impressions_teaches_nothing():
    posts = craft_wins()
    silent = [seen(impressions=0, engagements=0, pillar="Product", days_ago=days) for days in range(1, 20)]
    assert fit([*posts, *silent], now=NOW).mean.tolist() == fit(posts, now=NOW).mean.tolist()
    assert fit(silent, now=NOW).posts == 0


def test_posts_that_earned_nothing_or_less_can_be_learned_from():
    posterior = fit([seen(engagements=earned, days_ago=1 + i) for i, earned in enumerate((0, 0, -3, 0))], now=NOW)
    assert 0 < posterior.expected_rate(seen()) < 1


def test_one_arm_is_simply_chosen():
    posterior = fit([seen(days_ago=1 + i) for i in range(9)], now=NOW)
    one = {"pillars": [Pillar("Craft")], "types": {"twitter": ["post"]}}
    choices = plan(posterior, [Slot(str(i), (day,), 9) for i, day in enumerate(WEEK)], hours=None, **one)
    assert {(each.pillar, each.type, round(each.propensity, 6)) for each in choices} == {("Craft", "post", 1.0)}


def test_nothing_to_plan_is_no_plan():
    assert plan(fit(craft_wins(), now=NOW), []) == ()


def test_pillars_types_and_platforms_never_seen_get_their_chance():
    choices = plan(
        fit(craft_wins(), now=NOW),
        week(posts_per_day=10),
        pillars=[Pillar("Craft"), Pillar("New")],
        types={"twitter": ["post", "video_script"], "threads": ["post"]},
        platforms={"twitter": 0.5, "threads": 0.5},
    )
    assert {each.pillar for each in choices} == {"Craft", "New"}
    assert {(each.platform, each.type) for each in choices} > {("twitter", "video_script"), ("threads", "post")}


def test_a_pause_changes_no_mind():
    posts = craft_wins()
    before, after = fit(posts, now=NOW), fit(posts, now=NOW + timedelta(days=60))
    craft, product = seen(pillar="Craft"), seen(pillar="Product")
    ratios = [each.expected_rate(craft) / each.expected_rate(product) for each in (before, after)]
    assert ratios[1] == pytest.approx(ratios[0], rel=0.15)


def test_young_posts_count_as_what_they_will_become():
    slow = [Series("twitter", [(1.0, 5.0), (24.0, 50.0), (200.0, 100.0)])] * 60
    growth = Growth({**learn(slow).learned, ("twitter", "impressions"): Growth().curve("nowhere")})
    counts = [seen(engagements=50, days_ago=1 + i / 24, age_hours=24) for i in range(10)]
    young = fit(counts, now=NOW, growth=growth, per_impression=False).expected_rate(seen())
    final = fit([seen(engagements=100, days_ago=1 + i / 24) for i in range(10)], now=NOW, per_impression=False)
    assert young == pytest.approx(final.expected_rate(seen()), rel=0.05)


def test_a_platforms_own_taste_is_told_from_the_general_one():
    posts = [
        seen(platform=platform, kind=kind, days_ago=1 + i, engagements=rate)
        for platform, kind, rate in (
            ("twitter", "thread", 90), ("twitter", "post", 30), ("linkedin", "thread", 30), ("linkedin", "post", 90)
        )
        for i in range(40)
    ]  # fmt: skip
    posterior = fit(posts, now=NOW)
    for platform, better in (("twitter", "thread"), ("linkedin", "post")):
        rates = {kind: posterior.expected_rate(seen(platform=platform, kind=kind)) for kind in ("thread", "post")}
        assert max(rates, key=rates.__getitem__) == better


def test_counts_instead_of_rates_prefer_what_reaches_more():
    posts = [
        seen(kind=kind, days_ago=1 + i, impressions=shown, engagements=shown * rate)
        for kind, shown, rate in (("thread", 10_000, 0.02), ("post", 1000, 0.05))
        for i in range(30)
    ]
    thread, single = seen(kind="thread"), seen(kind="post")
    rates, counts = (fit(posts, now=NOW, per_impression=each) for each in (True, False))
    assert rates.expected_rate(single) > rates.expected_rate(thread)
    assert counts.expected_rate(thread) > counts.expected_rate(single)


def test_fresh_evidence_outweighs_old():
    old = [
        seen(pillar=p, days_ago=DRIFT_DAYS[-1] + 30 + i, engagements=e)
        for p, e in (("Craft", 90), ("Product", 30))
        for i in range(30)
    ]
    new = [
        seen(pillar=p, days_ago=1 + i / 3, engagements=e)
        for p, e in (("Craft", 30), ("Product", 90))
        for i in range(20)
    ]
    posterior = fit([*old, *new], now=NOW)
    assert posterior.expected_rate(seen(pillar="Product")) > 1.5 * posterior.expected_rate(seen(pillar="Craft"))


def test_learning_from_thousands_of_posts_takes_well_below_a_second():
    posts = World("real", 1).publish_at_random(5000)
    now = posts[-1].at + timedelta(days=1)
    observations = observed(posts, now)
    started = process_time()
    fit(observations, now=now)
    assert process_time() - started < 1.0


def test_days_of_the_simulator_begin_on_a_monday():
    assert START.weekday() == date(2024, 6, 3).weekday() == 0
