"""When there is room in a vendor's window again: found as a look at every moment would find it, in few steps."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from amp.domain.platforms.port import Quota
from amp.domain.publishing.quotas import first_fit

NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def fits(moments: Sequence[datetime], quota: Quota, at: datetime, parts: int) -> bool:
    """By the words of the rule: no stretch of a window's length holds more than the quota, ours included."""
    window, ours = timedelta(hours=quota.hours), [*moments, *[at] * parts]
    stretches = [end for end in ours if at <= end < at + window]
    return all(sum(end - window < moment <= end for moment in ours) <= quota.posts for end in stretches)


@given(
    minutes=st.lists(st.integers(-12, 45), max_size=30),
    posts=st.integers(1, 6),
    window=st.integers(1, 10),
    parts=st.integers(1, 6),
)
def test_the_first_fit_is_the_first_minute_at_which_the_rule_holds(
    minutes: list[int], posts: int, window: int, parts: int
) -> None:
    quota, parts = Quota(posts, window / 60), min(parts, posts)
    moments = [NOON + minute * MINUTE for minute in sorted(minutes)]
    expected = next(at for at in (NOON + n * MINUTE for n in range(100)) if fits(moments, quota, at, parts))
    assert first_fit(moments, quota, NOON, parts=parts) == expected


def test_what_never_fits_is_not_looked_for() -> None:
    assert first_fit([NOON], Quota(2, 1), NOON, parts=3) == NOON


class Counted(list[Any]):
    """A list that counts how often somebody looked at one of its members."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        for one in super().__iter__():
            self.looks += 1
            yield one


def test_the_first_fit_in_a_full_month_takes_few_looks_for_each_post() -> None:
    quota = Quota(100, 0.25)
    booked = Counted(NOON + number * timedelta(seconds=9) for number in range(2_000))
    assert first_fit(booked, quota, NOON) == booked[-100] + timedelta(minutes=15)
    assert len(booked) < booked.looks < 20 * len(booked)
