"""The audience is a pure, seeded, believable function of post, account and age."""

import itertools
import statistics
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.sandbox.audience import (
    HALF_OF_FIRST_DAY,
    Reactions,
    Seen,
    followers,
    log_rate,
    reactions,
    share_seen,
    systematic,
)

BORN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
COUNTERS = [field.name for field in fields(Reactions)]

posts = st.builds(
    Seen,
    vendor=st.sampled_from([*HALF_OF_FIRST_DAY, "a new network"]),
    account=st.text(min_size=1, max_size=12),
    remote_id=st.text(min_size=1, max_size=20),
    text=st.text(max_size=400),
    created_at=st.just(BORN),
    media=st.sampled_from([(), ("image",), ("video",), ("image", "image")]),
    place=st.sampled_from(["single", "head", "reply"]),
    has_link=st.booleans(),
    has_poll=st.booleans(),
)
ages = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400))


def plain(remote_id: str, text: str = "A post about nothing much", account: str = "1") -> Seen:
    return Seen(vendor="twitter", account=account, remote_id=remote_id, text=text, created_at=BORN)


@given(posts, ages, ages)
def test_no_counter_ever_falls(post: Seen, one: timedelta, two: timedelta) -> None:
    earlier, later = reactions(post, BORN + min(one, two)), reactions(post, BORN + max(one, two))
    assert all(getattr(earlier, name) <= getattr(later, name) for name in COUNTERS)


@given(posts, ages)
def test_nobody_reacts_who_has_not_seen_it(post: Seen, age: timedelta) -> None:
    seen = reactions(post, BORN + age)
    assert all(getattr(seen, name) >= 0 for name in COUNTERS)
    assert seen.reach <= seen.impressions
    assert seen.engagements <= seen.impressions


@given(posts, ages)
def test_the_same_post_always_earns_the_same(post: Seen, age: timedelta) -> None:
    assert reactions(post, BORN + age) == reactions(replace(post), BORN + age)


@given(posts)
def test_nothing_happens_before_a_post_is_made(post: Seen) -> None:
    assert reactions(post, BORN - timedelta(seconds=1)) == Reactions()


@given(posts, st.lists(ages, min_size=2, max_size=6))
def test_gains_between_moments_add_up(post: Seen, some: list[timedelta]) -> None:
    moments = sorted(BORN + age for age in some)
    gains = [reactions(post, later) - reactions(post, earlier) for earlier, later in itertools.pairwise(moments)]
    whole = reactions(post, moments[-1]) - reactions(post, moments[0])
    assert all(sum(getattr(gain, name) for gain in gains) == getattr(whole, name) for name in COUNTERS)


@pytest.mark.parametrize("vendor", HALF_OF_FIRST_DAY)
def test_half_of_the_first_day_is_there_within_24_minutes_to_2_hours(vendor: str) -> None:
    half = HALF_OF_FIRST_DAY[vendor]
    assert timedelta(minutes=24) <= half <= timedelta(hours=2)
    assert share_seen(vendor, half) == pytest.approx(share_seen(vendor, timedelta(days=1)) / 2)
    assert share_seen(vendor, timedelta(days=30)) > 0.99


def test_posts_of_one_kind_still_differ_by_the_measured_noise() -> None:
    rates = [log_rate(plain(str(number))) for number in range(3000)]
    assert statistics.stdev(rates) == pytest.approx(0.78, abs=0.05)


def test_what_can_be_learned_is_the_same_for_every_post_like_it() -> None:
    assert systematic(plain("1")) == systematic(plain("2"))


def test_a_hashtag_pulls_each_audience_its_own_way() -> None:
    def pull(account: str) -> float:
        return systematic(plain("1", "Words #launch", account)) - systematic(plain("1", "Words #coffee", account))

    pulls = [pull(str(account)) for account in range(200)]
    assert statistics.mean(pulls) == pytest.approx(0, abs=0.15)
    assert statistics.stdev(pulls) > 0.3


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (replace(plain("1"), place="head"), plain("1")),
        (replace(plain("1"), media=("image",)), plain("1")),
        (plain("1"), replace(plain("1"), has_link=True)),
        (plain("1", "a" * 160), plain("1", "a" * 16)),
    ],
    ids=["threads", "pictures", "no link", "usual length"],
)
def test_kinds_differ_on_average(better: Seen, worse: Seen) -> None:
    accounts = [str(number) for number in range(300)]
    gains = [systematic(replace(better, account=a)) - systematic(replace(worse, account=a)) for a in accounts]
    assert statistics.mean(gains) > 0.1


def test_weekday_and_daypart_matter_next_to_nothing() -> None:
    hours = [systematic(replace(plain("1"), created_at=BORN + timedelta(hours=hour))) for hour in range(168)]
    assert 0 < statistics.stdev(hours) < 0.12


def test_links_are_clicked_only_where_there_is_one() -> None:
    late = BORN + timedelta(days=30)
    with_link = [reactions(plain(str(n), "See https://example.com"), late).link_clicks for n in range(50)]
    assert sum(with_link) > 0
    assert {reactions(plain(str(n)), late).link_clicks for n in range(50)} == {0}


def test_numbers_are_of_a_believable_size() -> None:
    late = BORN + timedelta(days=7)
    seen = [reactions(plain(str(number), account=str(number)), late) for number in range(500)]
    assert 300 < statistics.median(one.impressions for one in seen) < 5000
    rate = statistics.median(one.engagements / one.impressions for one in seen)
    assert 0.01 < rate < 0.08


@given(st.text(max_size=10), ages, ages)
def test_followers_only_grow(account: str, one: timedelta, two: timedelta) -> None:
    earlier = followers("twitter", account, BORN, BORN + min(one, two))
    assert 0 < earlier <= followers("twitter", account, BORN, BORN + max(one, two))
