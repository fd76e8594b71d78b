"""Which days a question is about, and where its buckets begin."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.analytics.periods import Granularity, Period, bucket_of, buckets, period_of
from amp.kit.errors import Invalid

IN_UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 1, 15, 23, 30, tzinfo=UTC)  # the 16th in Berlin


def asked(name: str, start: str | None = None, end: str | None = None, zone: ZoneInfo = IN_UTC) -> str:
    return str(period_of(name, start, end, now=NOW, zone=zone, first=datetime(2023, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("7d", "2024-01-08/2024-01-15"),
        ("30d", "2023-12-16/2024-01-15"),
        ("90d", "2023-10-17/2024-01-15"),
        ("ytd", "2024-01-01/2024-01-15"),
        ("all", "2023-03-01/2024-01-15"),
        ("2023-12-16/2024-01-15", "2023-12-16/2024-01-15"),
    ],
)
def test_the_periods_of_the_reference(name: str, period: str) -> None:
    assert asked(name) == period


def test_days_are_those_of_the_workspace() -> None:
    assert asked("7d", zone=BERLIN) == "2024-01-09/2024-01-16"


def test_dates_go_before_the_name_and_end_today_unless_said() -> None:
    assert asked("7d", "2024-01-02", "2024-01-03") == "2024-01-02/2024-01-03"
    assert asked("7d", "2024-01-02") == "2024-01-02/2024-01-15"


@pytest.mark.parametrize("name", ["", "31d", "7D", "2024-01-15/2024-01-01", "2024-02-30/2024-03-01", "yesterday"])
def test_anything_else_is_an_invalid_period(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(name)
    assert refused.value.code == "invalid_period"
    assert refused.value.message == "Invalid period format. Use 7d, 30d, 90d, ytd, or YYYY-MM-DD/YYYY-MM-DD"


def test_a_day_of_the_change_of_clocks_has_its_own_hours() -> None:
    spring = Period(date(2024, 3, 31), date(2024, 3, 31), BERLIN)
    assert "2024-03-31T02:00" not in buckets(spring, "hour")
    assert len(buckets(spring, "hour")) == 23


def test_too_many_points_are_refused() -> None:
    with pytest.raises(Invalid, match="coarser"):
        buckets(Period(date(1990, 1, 1), date(2024, 1, 1), BERLIN), "day")


@given(
    start=st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    days=st.integers(0, 60),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]),
    granularity=st.sampled_from(["hour", "day", "week", "month"]),
    at=st.integers(0, 999_999),
)
def test_every_moment_of_a_period_has_its_bucket(
    start: date, days: int, zone: str, granularity: Granularity, at: int
) -> None:
    period = Period(start, start + timedelta(days=days), ZoneInfo(zone))
    since, until = period.since.astimezone(UTC), period.until.astimezone(UTC)
    moment = (since + (until - since) * at / 1_000_000).astimezone(period.zone)
    found = buckets(period, granularity)
    assert bucket_of(moment, granularity) in found
    assert found == sorted(found)


@given(start=st.dates(date(2020, 1, 1), date(2026, 1, 1)), days=st.integers(0, 400))
def test_the_period_before_is_as_long_and_ends_where_this_one_starts(start: date, days: int) -> None:
    period = Period(start, start + timedelta(days=days), BERLIN)
    before = period.before()
    assert before.until == period.since
    assert before.end - before.start == period.end - period.start
