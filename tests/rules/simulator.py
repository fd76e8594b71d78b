"""Accounts with a known truth, to measure how well the optimiser learns it.

A world draws the effect of every pillar, type, weekday and four hours once, and pays each post the product of its
effects and a lot of luck. It shares no code with what it judges; only `observed` and `play` speak its words. The
sizes of the effects are assumptions: content as on one real page, timing next to nothing there.

    real    content matters, timing hardly          timing   timing matters as much as content
    null    nothing matters                         shift    as real, but best and worst pillar swap in week 8
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from amp.domain.analytics.allocation import Choice, Pillar, Slot, allocate
from amp.domain.analytics.effects import Observation, fit

Floats = npt.NDArray[np.float64]

PILLARS = ("Craft", "Customers", "Product", "Opinion")
TYPES = ("post", "thread", "image")
HOURS = tuple(range(8, 22))
DAYPARTS = ("night", "early morning", "morning", "afternoon", "evening", "late evening")
START = date(2024, 1, 1)  # a Monday
CYCLES = 13
POSTS_PER_DAY = 2
LUCK = 0.78  # sd in log rate between posts of one arm, as measured on a real page
RATE = 0.03
SHIFT_CYCLE = 7

# Sds in log rate of (pillar, type, weekday, daypart).
EFFECTS = {
    "real": (0.45, 0.25, 0.05, 0.08),
    "timing": (0.30, 0.20, 0.15, 0.30),
    "null": (0.0, 0.0, 0.0, 0.0),
    "shift": (0.45, 0.25, 0.05, 0.08),
}


@dataclass(frozen=True)
class Published:
    """One post of a simulated mission with its final counts."""

    pillar: str
    type: str
    at: datetime
    impressions: int
    engagements: int

    def counts_at(self, now: datetime) -> tuple[float, int, int]:
        """Age in hours, and impressions and engagements as a platform would report them by then."""
        age = max((now - self.at).total_seconds() / 3600, 0)
        part = 1 - math.exp(-((age / 5) ** 0.6))
        return age, int(part * self.impressions), int(part * self.engagements)


class World:
    """The truth about one account: log effects, and the luck of its posts."""

    def __init__(self, kind: str, seed: int, pillars: Sequence[str] = PILLARS, types: Sequence[str] = TYPES) -> None:
        self.rng = np.random.default_rng([seed, sorted(EFFECTS).index(kind)])
        pillar_sd, type_sd, weekday_sd, daypart_sd = EFFECTS[kind]
        self.kind = kind
        self.pillar = {name: float(self.rng.normal(0, pillar_sd)) for name in pillars}
        self.type = {name: float(self.rng.normal(0, type_sd)) for name in types}
        self.weekday: Floats = self.rng.normal(0, weekday_sd, 7)
        self.daypart: Floats = self.rng.normal(0, daypart_sd, 6)

    def pillars(self, cycle: int) -> dict[str, float]:
        """The pillars' effects in that week, counted from 0."""
        if self.kind != "shift" or cycle < SHIFT_CYCLE:
            return self.pillar
        best, worst = max(self.pillar, key=self.pillar.__getitem__), min(self.pillar, key=self.pillar.__getitem__)
        return self.pillar | {best: self.pillar[worst], worst: self.pillar[best]}

    def worth(self, cycle: int, pillar: str, kind: str, day: date, hour: int) -> float:
        """Expected rate of a post there, in units of an account without effects."""
        timing = self.weekday[day.weekday()] + self.daypart[hour // 4]
        return math.exp(self.pillars(cycle)[pillar] + self.type[kind] + timing)

    def worth_of_uniform(self, cycle: int, day: date, hours: Sequence[int]) -> float:
        """Expected worth of a post of that day whose pillar, type and hour are drawn evenly."""
        return self._over_arms(np.mean, cycle, day, hours)

    def worth_of_oracle(self, cycle: int, day: date, hours: Sequence[int]) -> float:
        """Worth of the best post of that day."""
        return self._over_arms(np.max, cycle, day, hours)

    def _over_arms(self, fold: Callable[[Floats], Floats], cycle: int, day: date, hours: Sequence[int]) -> float:
        """The effects multiply, so their mean and maximum over all arms do too."""
        factors = (
            list(self.pillars(cycle).values()),
            list(self.type.values()),
            [self.weekday[day.weekday()]],
            [self.daypart[hour // 4] for hour in hours],
        )
        return float(np.prod([fold(np.exp(np.array(each))) for each in factors]))

    def publish(self, cycle: int, pillar: str, kind: str, day: date, hour: int) -> Published:
        rate = RATE * self.worth(cycle, pillar, kind, day, hour) * math.exp(self.rng.normal(0, LUCK))
        impressions = int(self.rng.lognormal(math.log(1500), 0.6))
        engagements = int(self.rng.binomial(impressions, min(rate, 0.9)))
        return Published(pillar, kind, datetime.combine(day, time(hour), UTC), impressions, engagements)

    def publish_at_random(self, posts: int) -> list[Published]:
        """A mission that chooses everything evenly: what insights are judged on."""
        pillars, types = list(self.pillar), list(self.type)
        drawn = [(self.rng.choice(pillars), self.rng.choice(types), self.rng.choice(HOURS)) for _ in range(posts)]
        return [
            self.publish(0, str(pillar), str(kind), START + timedelta(days=i // POSTS_PER_DAY), int(hour))
            for i, (pillar, kind, hour) in enumerate(drawn)
        ]

    def lift(self, posts: Sequence[Published], dimension: str, level: tuple[str, ...]) -> float:
        """True lift of a level over the rest of these posts, all else equal; a fraction."""
        seen = [self._along(post, dimension) for post in posts]
        here = next(effect for name, effect in seen if name == level)
        rest = [effect for name, effect in seen if name != level]
        return math.exp(here - float(np.mean(rest))) - 1

    def _along(self, post: Published, dimension: str) -> tuple[tuple[str, ...], float]:
        day, part = post.at.weekday(), post.at.hour // 4
        traits = {
            "pillar": (post.pillar, self.pillar[post.pillar]),
            "type": (post.type, self.type[post.type]),
            "weekday": (str(day), float(self.weekday[day])),
            "daypart": (DAYPARTS[part], float(self.daypart[part])),
        }
        chosen = [traits[name] for name in dimension.split(":")]
        return tuple(name for name, _ in chosen), sum(effect for _, effect in chosen)


def observed(posts: Sequence[Published], now: datetime, platform: str = "twitter") -> list[Observation]:
    """The posts as the optimiser sees them at `now`."""
    return [_observed(post, now, platform) for post in posts if post.at <= now]


def _observed(post: Published, now: datetime, platform: str) -> Observation:
    age, impressions, engagements = post.counts_at(now)
    return Observation(
        platform=platform,
        pillar=post.pillar,
        type=post.type,
        weekday=post.at.weekday(),
        hour=post.at.hour,
        published_at=post.at,
        impressions=impressions,
        engagements=engagements,
        age_hours=age,
    )


@dataclass(frozen=True)
class Played:
    """A simulated mission: mean worth of a post in each week, beside that of uniform choice and of the oracle."""

    policy: Floats
    uniform: Floats
    oracle: Floats
    posts: list[Published]

    @property
    def lift(self) -> float:
        return float(self.policy.mean() / self.uniform.mean()) - 1


def play(world: World, seed: int, *, exploration: float = 0.15) -> Played:
    """Thirteen weekly cycles of two posts a day: fit, allocate, publish, and again."""
    rng = np.random.default_rng([seed, 99])
    posts: list[Published] = []
    worths: list[tuple[float, float, float]] = []
    for cycle in range(CYCLES):
        monday = START + timedelta(weeks=cycle)
        days = [monday + timedelta(days=i) for i in range(7)]
        choices = _plan(world, posts, days, exploration, rng)
        policy = [world.worth(cycle, each.pillar, each.type, each.day, each.hour) for each in choices]
        uniform = [world.worth_of_uniform(cycle, day, HOURS) for day in days]
        oracle = [world.worth_of_oracle(cycle, day, HOURS) for day in days]
        worths.append((float(np.mean(policy)), float(np.mean(uniform)), float(np.mean(oracle))))
        posts += [world.publish(cycle, each.pillar, each.type, each.day, each.hour) for each in choices]
    policy_worth, uniform_worth, oracle_worth = np.array(worths).T
    return Played(policy_worth, uniform_worth, oracle_worth, posts)


def _plan(
    world: World, posts: Sequence[Published], days: Sequence[date], exploration: float, rng: np.random.Generator
) -> tuple[Choice, ...]:
    now = datetime.combine(days[0], time(0), UTC)
    return allocate(
        fit(observed(posts, now), now=now),
        [Slot(f"{day} {i}", (day,)) for day in days for i in range(POSTS_PER_DAY)],
        pillars=[Pillar(name) for name in world.pillar],
        types={"twitter": list(world.type)},
        platforms={"twitter": 1.0},
        hours=HOURS,
        exploration=exploration,
        rng=rng,
    )
