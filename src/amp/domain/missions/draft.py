"""What a mission may look like: the fields of the contract, their defaults, and what is wrong with them, in
words for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from amp.domain.missions.calendar import CADENCES, Rhythm
from amp.kit.errors import Invalid
from amp.kit.money import cents_to_micros

METRICS = (
    "engagement_rate",
    "impressions",
    "clicks",
    "link_clicks",
    "likes",
    "comments",
    "shares",
    "followers_gained",
    "reach",
)
_LARGEST_TARGET = 10**15
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Constraints:
    tone: str | None = None
    cadence: str = "daily"
    posts_per_day: int = 1
    posting_times: tuple[str, ...] = ()
    timezone: str = "UTC"
    require_approval: bool = False
    budget_cents: int | None = None
    excluded_topics: tuple[str, ...] = ()

    @property
    def budget_micros(self) -> int | None:
        return None if self.budget_cents is None else cents_to_micros(self.budget_cents)

    def rhythm(self, starts_at: datetime) -> Rhythm:
        return Rhythm(
            starts_at=starts_at,
            cadence=self.cadence,
            posts_per_day=self.posts_per_day,
            posting_times=tuple(time.fromisoformat(moment) for moment in self.posting_times),
            zone=ZoneInfo(self.timezone),
        )


@dataclass(frozen=True)
class Kpi:
    metric: str
    target: float
    platform: str = "all"


@dataclass(frozen=True)
class MissionDraft:
    name: str
    objectives: Sequence[str]
    platforms: Sequence[str]
    duration_days: int
    description: str | None = None
    constraints: Constraints = field(default_factory=Constraints)
    kpis: Sequence[Kpi] = ()
    starts_at: datetime | None = None
    start_immediately: bool = False


def check_draft(draft: MissionDraft, known_platforms: Sequence[str]) -> None:
    """Errors: Invalid naming the first wrong field."""
    check_name(draft.name)
    check_objectives(draft.objectives)
    _check_platforms(draft.platforms, known_platforms)
    check_constraints(draft.constraints)
    check_kpis(draft.kpis, draft.platforms)
    check_duration(draft.duration_days)


def check_name(name: str) -> None:
    if not name.strip():
        raise Invalid("A name is required", param="name")
    if len(name) > 200:
        raise Invalid("The name may have at most 200 characters", param="name")


def check_objectives(objectives: Sequence[str]) -> None:
    if not objectives:
        raise Invalid("At least one objective is required", param="objectives")
    if len(objectives) > 20:
        raise Invalid("At most 20 objectives are allowed", param="objectives")
    for index, objective in enumerate(objectives):
        if not objective.strip():
            raise Invalid("An objective may not be empty", param=f"objectives.{index}")
        if len(objective) > 1000:
            raise Invalid("An objective may have at most 1000 characters", param=f"objectives.{index}")


def _check_platforms(platforms: Sequence[str], known: Sequence[str]) -> None:
    if not platforms:
        raise Invalid("At least one platform is required", param="platforms")
    for index, platform in enumerate(platforms):
        if platform not in known:
            names = ", ".join(sorted(known))
            raise Invalid(f"Unknown platform '{platform}'. Known platforms: {names}", param=f"platforms.{index}")
    if len(set(platforms)) < len(platforms):
        raise Invalid("A platform is named twice", param="platforms")


def check_constraints(constraints: Constraints) -> None:
    if constraints.cadence not in CADENCES:
        raise Invalid(f"Cadence must be one of {', '.join(CADENCES)}", param="constraints.cadence")
    if not 1 <= constraints.posts_per_day <= 50:
        raise Invalid("Posts per day must be between 1 and 50", param="constraints.posts_per_day")
    _check_times(constraints.posting_times)
    if constraints.timezone not in _time_zones():
        raise Invalid(
            f"Unknown time zone '{constraints.timezone}'. Use an IANA name such as Europe/Berlin",
            param="constraints.timezone",
        )
    if constraints.budget_cents is not None and constraints.budget_cents < 0:
        raise Invalid("The budget may not be negative", param="constraints.budget_cents")
    _check_topics(constraints.excluded_topics)


@cache
def _time_zones() -> frozenset[str]:
    """All there are; to list them takes a walk through the file system."""
    return frozenset(available_timezones())


def _check_times(times: Sequence[str]) -> None:
    for index, moment in enumerate(times):
        if not _TIME.fullmatch(moment):
            raise Invalid("Posting times are written HH:MM, such as 09:30", param=f"constraints.posting_times.{index}")
    if len(set(times)) < len(times):
        raise Invalid("A posting time is named twice", param="constraints.posting_times")


def _check_topics(topics: Sequence[str]) -> None:
    if len(topics) > 50:
        raise Invalid("At most 50 excluded topics are allowed", param="constraints.excluded_topics")
    for index, topic in enumerate(topics):
        if not topic.strip():
            raise Invalid("An excluded topic may not be empty", param=f"constraints.excluded_topics.{index}")


def check_kpis(kpis: Sequence[Kpi], platforms: Sequence[str]) -> None:
    if len(kpis) > 20:
        raise Invalid("At most 20 KPIs are allowed", param="kpis")
    for index, kpi in enumerate(kpis):
        if kpi.metric not in METRICS:
            raise Invalid(
                f"Unknown metric '{kpi.metric}'. Known metrics: {', '.join(METRICS)}", param=f"kpis.{index}.metric"
            )
        if not 0 < kpi.target <= _LARGEST_TARGET:
            message = f"A KPI's target must be greater than 0 and at most {_LARGEST_TARGET:,}"
            raise Invalid(message, param=f"kpis.{index}.target")
        if kpi.platform != "all" and kpi.platform not in platforms:
            raise Invalid("A KPI's platform must be 'all' or one of the mission's", param=f"kpis.{index}.platform")
        if (kpi.metric, kpi.platform) in {(one.metric, one.platform) for one in kpis[:index]}:
            raise Invalid(f"There are two targets for {kpi.metric} on {kpi.platform}", param=f"kpis.{index}.metric")


def check_duration(days: int) -> None:
    if not 1 <= days <= 730:
        raise Invalid("Duration must be between 1 and 730 days", param="duration_days")
