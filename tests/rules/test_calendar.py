"""When a mission posts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.missions.calendar import Rhythm, slots_between, times_of_day, to_utc, upcoming
from amp.domain.missions.draft import Constraints

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def rhythm(starts_at: datetime = START, **constraints: object) -> Rhythm:
    return Constraints(**constraints).rhythm(starts_at)  # type: ignore[arg-type]


def test_fourteen_days_with_three_posts_a_day_are_forty_two_slots() -> None:
    assert len(slots_between(rhythm(posts_per_day=3), START, START + timedelta(days=14))) == 42


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    days=st.integers(1, 30),
    per_day=st.integers(1, 50),
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "Pacific/Kiritimati"]),
)
def test_a_daily_mission_has_its_posts_a_day_times_its_days_whatever_the_hour_of_its_start(
    hour: int, minute: int, days: int, per_day: int, zone: str
) -> None:
    start = datetime(2024, 3, 9, hour, minute, tzinfo=UTC)
    slots = slots_between(rhythm(start, posts_per_day=per_day, timezone=zone), start, start + timedelta(days=days))
    assert len(slots) == len(set(slots)) == days * per_day


@given(after=st.integers(0, 20 * 24 * 60), per_day=st.integers(1, 6))
def test_asking_later_gives_the_same_slots_that_are_still_to_come(after: int, per_day: int) -> None:
    end, middle = START + timedelta(days=21), START + timedelta(minutes=after)
    everything = slots_between(rhythm(posts_per_day=per_day), START, end)
    assert slots_between(rhythm(posts_per_day=per_day), middle, end) == [s for s in everything if s >= middle]


def test_free_times_lie_within_the_posting_hours_of_the_zone() -> None:
    slots = slots_between(rhythm(posts_per_day=7, timezone="Asia/Tokyo"), START, START + timedelta(days=3))
    assert all(8 <= slot.astimezone(ZoneInfo("Asia/Tokyo")).hour < 21 for slot in slots)


def test_given_posting_times_are_kept_in_the_zone_of_the_mission() -> None:
    given_times = rhythm(posts_per_day=2, posting_times=("09:00", "14:00"), timezone="America/New_York")
    slots = slots_between(given_times, START, START + timedelta(days=30))
    assert {slot.astimezone(NEW_YORK).strftime("%H:%M") for slot in slots} == {"09:00", "14:00"}


def test_more_times_than_posts_are_rotated() -> None:
    three = rhythm(posts_per_day=1, posting_times=("09:00", "12:00", "18:00"))
    assert [times_of_day(three, day)[0].hour for day in range(4)] == [9, 12, 18, 9]


def test_fewer_times_than_posts_are_joined_by_chosen_ones() -> None:
    chosen = times_of_day(rhythm(posts_per_day=4, posting_times=("09:00",)), 0)
    assert chosen[0].hour == 9
    assert len(set(chosen)) == 4


def test_weekdays_leave_saturday_and_sunday_out() -> None:
    slots = slots_between(rhythm(cadence="weekdays"), START, START + timedelta(days=14))
    assert len(slots) == 10
    assert all(slot.weekday() < 5 for slot in slots)


@pytest.mark.parametrize(("cadence", "expected"), [("weekly", 4), ("biweekly", 2), ("monthly", 1)])
def test_slower_cadences_post_on_their_days_only(cadence: str, expected: int) -> None:
    assert len(slots_between(rhythm(cadence=cadence), START, START + timedelta(days=28))) == expected


def test_a_monthly_mission_that_began_on_the_31st_posts_on_the_last_day_of_shorter_months() -> None:
    start = datetime(2024, 1, 31, 0, 0, tzinfo=UTC)
    slots = slots_between(rhythm(start, cadence="monthly"), start, start + timedelta(days=95))
    assert [(slot.month, slot.day) for slot in slots] == [(1, 31), (2, 29), (3, 31), (4, 30)]


def test_a_wall_time_that_the_clock_skips_moves_to_the_next_minute_that_exists() -> None:
    skipped = to_utc(datetime(2024, 3, 10, 2, 30), NEW_YORK)
    assert skipped.astimezone(NEW_YORK).strftime("%H:%M") == "03:00"


def test_a_doubled_wall_time_fires_once_at_its_first_occurrence() -> None:
    start = datetime(2024, 11, 2, 12, 0, tzinfo=UTC)
    doubled = rhythm(start, posting_times=("01:30",), timezone="America/New_York")
    assert slots_between(doubled, start, start + timedelta(days=1)) == [datetime(2024, 11, 3, 5, 30, tzinfo=UTC)]


def test_slots_go_on_without_end() -> None:
    moments = upcoming(rhythm(), START + timedelta(days=900))
    assert next(moments) < START + timedelta(days=902)
