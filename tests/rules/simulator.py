"""Accounts with a known truth, to measure how well a policy learns it.

A world draws the effect of every pillar, type, weekday and daypart once, and pays each post the product of its
effects and a lot of luck. It shares no code with what it judges: only `play` speaks the policy's words, and the
sizes of the effects are assumptions (content as on one real page, timing close to nothing there).

    real    content matters, timing hardly          timing   timing matters as much as content
    null    nothing matters                         shift    as real, but best and worst pillar swap in week 7
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np

PILLARS = ("Craft", "Customers", "Product", "Opinion")
TYPES = ("post", "thread", "image")
HOURS = tuple(range(8, 22))
START = date(2024, 1, 1)  # a Monday
CYCLES = 13
POSTS = 14
LUCK = 0.78  # sd in log rate between posts of one arm
BASE_RATE = 0.03
SHIFT_CYCLE = 7
BLOCK = 4

# Sds in log rate of (pillar, type, weekday, four-hour block).
EFFECTS = {
    "real": (0.45, 0.25, 0.05, 0.08),
    "timing": (0.30, 0.20, 0.15, 0.30),
    "null": (0.0, 0.0, 0.0, 0.0),
    "shift": (0.45, 0.25, 0.05, 0.08),
}


@dataclass(frozen=True)
class Published:
    """One post of a simulated mission with its final counts."""

    platform: str
    pillar: str
    type: str
    at: datetime
    impressions: int
    engagements: int

    def counts_at(self, now: datetime) -> tuple[float, int, int]:
        """Age in hours, impressions and engagements as a platform would report them at `now`."""
        age = (now - self.at).total_seconds() / 3600
        part = 1 - math.exp(-((max(age, 0) / 5) ** 0.6))
        return age, int(part * self.impressions), int(part * self.engagements)


@dataclass
class World:
    kind: str
    seed: int
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, sorted(EFFECTS).index(self.kind)])
        pillar, kind, weekday, block = EFFECTS[self.kind]
        self.pillar = dict(zip(PILLARS, self.rng.normal(0, pillar, len(PILLARS)).tolist(), strict=True))
        self.type = dict(zip(TYPES, self.rng.normal(0, kind, len(TYPES)).tolist(), strict=True))
        self.weekday = self.rng.normal(0, weekday, 7)
        self.block = self.rng.normal(0, block, math.ceil(24 / BLOCK))

    def pillars(self, cycle: int) -> dict[str, float]:
        """The pillars' effects in that week."""
        if self.kind != "shift" or cycle < SHIFT_CYCLE:
            return self.pillar
        best, worst = max(self.pillar, key=self.pillar.__getitem__), min(self.pillar, key=self.pillar.__getitem__)
        return self.pillar | {best: self.pillar[worst], worst: self.pillar[best]}

    def worth(self, cycle: int, pillar: str, kind: str, weekday: int, hour: int) -> float:
        """Expected rate of a post there, in units of an account without effects."""
        when = self.weekday[weekday] + self.block[hour // BLOCK]
        return math.exp(self.pillars(cycle)[pillar] + self.type[kind] + when)

    def worth_of_uniform(self, cycle: int, days: Sequence[date], hours: Sequence[int]) -> float:
        """Expected worth of a post whose pillar, type, day and hour are drawn evenly."""
        arms = [(p, t, d.weekday(), h) for p in PILLARS for t in TYPES for d in days for h in hours]
        return float(np.mean([self.worth(cycle, *arm) for arm in arms]))

    def worth_of_oracle(self, cycle: int, days: Sequence[date], hours: Sequence[int]) -> float:
        """Worth of the best there is on those days."""
        arms = [(p, t, d.weekday(), h) for p in PILLARS for t in TYPES for d in days for h in hours]
        return max(self.worth(cycle, *arm) for arm in arms)

    def publish(self, cycle: int, platform: str, pillar: str, kind: str, at: datetime) -> Published:
        rate = BASE_RATE * self.worth(cycle, pillar, kind, at.weekday(), at.hour)
        rate *= math.exp(self.rng.normal(0, LUCK))
        impressions = int(self.rng.lognormal(math.log(1500), 0.6))
        engagements = int(self.rng.binomial(impressions, min(rate, 0.9)))
        return Published(platform, pillar, kind, at, impressions, engagements)
