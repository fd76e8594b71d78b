"""Which slot gets what: the calendar's moments, the strategy's pillars and what earlier posts earned, brought
together by the allocation. Where the user fixed posting times, times are not touched."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import numpy as np

from amp.domain.analytics.allocation import Choice, Pillar, Slot, allocate
from amp.domain.analytics.effects import Observation, fit
from amp.domain.analytics.metrics import rewards_per_impression
from amp.domain.analytics.watched import observation, targets, watched_posts
from amp.domain.missions.calendar import FIRST_HOUR, LAST_HOUR, Rhythm, to_utc
from amp.domain.pipeline.stages.stage import Cycle
from amp.domain.platforms.port import Capabilities
from amp.engine.unit_of_work import UnitOfWork

_FLOOR = 0.05  # no pillar of the strategy disappears altogether


@dataclass(frozen=True)
class Planned:
    at: datetime
    platform: str
    pillar: str
    type: str
    propensity: float
    expected_rate: float | None


def choose(
    cycle: Cycle,
    rhythm: Rhythm,
    moments: Sequence[datetime],
    plan: Mapping[str, Any],
    capabilities: Mapping[str, Capabilities],
    observed: Sequence[Observation],
    now: datetime,
    seed: int,
) -> list[Planned]:
    """A plan for each moment, in order of time. The same seed gives the same plan."""
    local = [moment.astimezone(rhythm.zone) for moment in moments]
    free = rhythm.times_are_free
    slots = [Slot(str(i), (wall.date(),), None if free else wall.hour) for i, wall in enumerate(local)]
    choices = allocate(
        fit(observed, now=now, per_impression=rewards_per_impression(targets(cycle.mission))),
        slots,
        pillars=[Pillar(p["name"], p["share"], _FLOOR) for p in plan["pillars"]],
        types={name: types_of(each) for name, each in capabilities.items()},
        platforms=dict.fromkeys(cycle.platforms, 1.0),
        hours=list(range(FIRST_HOUR, LAST_HOUR)) if free else None,
        rng=np.random.default_rng(seed),
    )
    planned = [
        _planned(choice, moment, rhythm, cycle, index)
        for index, (choice, moment) in enumerate(zip(choices, moments, strict=True))
    ]
    return sorted(planned, key=lambda each: each.at)


def _planned(choice: Choice, moment: datetime, rhythm: Rhythm, cycle: Cycle, index: int) -> Planned:
    at = moment
    if rhythm.times_are_free:  # a minute of its own, so that posts of one hour do not fall together
        minute = (index * 23 + 7) % 60
        at = to_utc(datetime.combine(choice.day, time(choice.hour, minute)), rhythm.zone)
        if not cycle.window_start <= at < cycle.window_end:
            at = moment
    return Planned(at, choice.platform, choice.pillar, choice.type, choice.propensity, choice.expected_rate)


def types_of(capabilities: Capabilities) -> list[str]:
    """The content types that can be written for a platform."""
    return ["post", "thread"] if capabilities.max_thread_parts > 1 else ["post"]


async def observations(uow: UnitOfWork, cycle: Cycle) -> list[Observation]:
    """What the mission's posts have earned so far, as the allocation learns from it."""
    return [observation(row, cycle.mission) for row in await watched_posts(uow, cycle.mission)]


def shares(planned: Sequence[Planned]) -> dict[str, dict[str, float]]:
    """How a plan divides over platforms, pillars and types."""
    return {
        name: {value: round(n / len(planned), 3) for value, n in Counter(getattr(p, name) for p in planned).items()}
        for name in ("platform", "pillar", "type")
    }


def expected_rate(planned: Sequence[Planned]) -> float | None:
    """The mean of what is expected of the planned posts; None before there are data."""
    known = [each.expected_rate for each in planned if each.expected_rate is not None]
    return round(sum(known) / len(known), 2) if known else None
