"""What to post next: an additive hierarchical Bayes model of what posts earn, and Thompson sampling over it.

    log rate of a post = account + pillar + type + weekday + daypart      each effect ~ Normal(0, its group's sd)
                       + platform + platform x (pillar, type, daypart)    and the sds are learned from the posts
                       + recent changes of the pillars
                       + the post's own luck                              ~ Normal(0, noise)

Additive because a mission has some 180 posts and 500 arms, which must lend each other strength. Per post and not
per impression because a post's impressions are not independent: its luck swamps the binomial noise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from itertools import chain
from math import exp, gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from amp.domain.analytics.growth import SHIPPED, Growth

Floats = npt.NDArray[np.float64]
Column = tuple[str, tuple[str, ...]]
"""One effect: the group's name and the level, one word for each trait of the group."""

DAYPARTS: Final = ("night", "early morning", "morning", "afternoon", "evening", "late evening")
"""Parts of four hours, the first from 00:00 local time: what a post's hour is pooled into."""

GROUPS: Final[Mapping[str, float]] = {
    "platform": 0.5,
    "pillar": 0.3,
    "type": 0.25,
    "weekday": 0.1,
    "daypart": 0.15,
    "platform:pillar": 0.1,
    "platform:type": 0.1,
    "platform:daypart": 0.1,
    "drift:pillar": 0.15,
}
"""Group of effects -> first guess of its sd in log rate. On real pages content explains a third of the variance
and timing next to nothing of it, hence the order."""

DRIFT_DAYS: Final = (7, 14, 28)
"""A drift effect per level sets in this many days ago, so that tastes that changed are followed in two or three weeks
and not in as many half-lives. Where nothing changes it costs a hundredth of the oracle's gain."""

_GUESS_WEIGHT: Final = 2.0  # the first guess of a sd counts as this many effects, and of the noise as many posts
_NOISE: Final = 0.78  # first guess of the sd between posts of one arm, as measured on a real page
_ITERATIONS: Final = 30
_DRAWS: Final = 512
# Thompson's draws are narrowed: a mission ends before full exploration has paid for itself, and `exploration` keeps
# it from getting stuck. In `bench/optimizer.py` that takes the share of the oracle's gain from 0.47 to 0.57.
_WIDTH: Final = 0.4
_SPACING: Final = 2  # hours kept free between two posts of a day and platform while there is room


@dataclass(frozen=True, slots=True)
class Arm:
    """Everything about a post that can be chosen. Weekday (0 = Monday) and hour are in the mission's zone."""

    platform: str
    pillar: str
    type: str
    weekday: int
    hour: int


@dataclass(frozen=True, slots=True)
class Observation(Arm):
    """One published post and its latest counters, read `age_hours` after publishing.

    `engagements` is whatever the mission counts as success (see `metrics.reward`).
    """

    published_at: datetime
    impressions: float
    engagements: float
    age_hours: float


_TRAITS: Final[Mapping[str, Callable[[Arm], str]]] = {
    "platform": lambda arm: arm.platform,
    "pillar": lambda arm: arm.pillar,
    "type": lambda arm: arm.type,
    "weekday": lambda arm: str(arm.weekday),
    "daypart": lambda arm: DAYPARTS[arm.hour // 4],
}


def effects(arm: Arm, groups: Iterable[str], age_days: float = 0.0) -> list[Column]:
    """The effects that a post of this arm and age takes part in; a post yet to come has all of the drift."""
    found: list[Column] = []
    for group in groups:
        drifts, traits = _parse(group)
        level = tuple(trait(arm) for trait in traits)
        if drifts:
            found += [(group, (*level, str(days))) for days in DRIFT_DAYS if age_days <= days]
        else:
            found.append((group, level))
    return found


@cache
def _parse(group: str) -> tuple[bool, tuple[Callable[[Arm], str], ...]]:
    names = group.split(":")
    return names[0] == "drift", tuple(_TRAITS[name] for name in names if name != "drift")


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known about every effect: jointly normal, the account's own level in column 0.

    `gram` and `moment` are the evidence of the posts, from which mean and covariance follow given the sds.
    """

    columns: Mapping[Column, int]
    gram: Floats
    moment: Floats
    sds: Mapping[str, float]
    noise: float
    posts: int
    per_impression: bool
    mean: Floats = field(init=False)
    covariance: Floats = field(init=False)

    def __post_init__(self) -> None:
        covariance = np.linalg.inv(self.gram + np.diag(1 / self._priors()))
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(self, "mean", covariance @ self.moment)

    def _priors(self) -> Floats:
        """Prior variance of every effect; that of the account's own level is as good as none."""
        return np.array([100.0, *(self.sds[group] ** 2 for group, _ in list(self.columns)[1:])])

    @property
    def log_evidence(self) -> float:
        """Log probability of the posts given the sds, up to a constant that they share."""
        volume = np.linalg.slogdet(self.covariance)[1] - np.log(self._priors()).sum()
        return float(self.moment @ self.mean + volume) / 2

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator, size: int = 1, width: float = 1.0) -> Floats:
        """`size` draws of the arms' log rates; an effect never observed comes from its group's prior."""
        rows, fresh = self._rows(arms)
        values, axes = np.linalg.eigh(rows @ self.covariance @ rows.T + fresh @ fresh.T)
        # The symmetric root: equal arms make the covariance singular, and the signs of the axes differ by machine.
        root = axes * np.sqrt(np.maximum(values, 0)) @ axes.T
        return rows @ self.mean + width * rng.standard_normal((size, len(arms))) @ root

    def expected_rate(self, arm: Arm) -> float | None:
        """What posts there earn on average: percent of impressions (or count per post); None before any data."""
        if not self.posts:
            return None
        level = float((self._rows([arm])[0] @ self.mean)[0])
        return (100 if self.per_impression else 1) * exp(level + self.noise**2 / 2)

    def _rows(self, arms: Sequence[Arm]) -> tuple[Floats, Floats]:
        """The arms over the known columns, and over the unknown ones scaled by the sd of their prior."""
        rows = [effects(arm, self.sds) for arm in arms]
        unseen: dict[Column, int] = {}
        for each in chain.from_iterable(rows):
            if each not in self.columns:
                unseen.setdefault(each, len(unseen))
        known, fresh = np.zeros((len(arms), len(self.mean))), np.zeros((len(arms), len(unseen)))
        known[:, 0] = 1
        for i, row in enumerate(rows):
            for each in row:
                if each in unseen:
                    fresh[i, unseen[each]] = self.sds[each[0]]
                else:
                    known[i, self.columns[each]] = 1
        return known, fresh


def fit(
    observations: Sequence[Observation],
    *,
    now: datetime,
    growth: Growth = SHIPPED,
    per_impression: bool = True,
    half_life_days: float = 60.0,
    groups: Mapping[str, float] = GROUPS,
) -> Posterior:
    """Learn the effects from published posts; posts without any impression say nothing and are left out.

    `per_impression` False models counts per post instead of rates, for missions whose KPIs are all counts.
    Old posts fade with `half_life_days`, so that a change of the audience is followed.
    """
    posts = [each for each in observations if each.impressions > 0]
    several = len({each.platform for each in posts}) > 1
    sds = {name: sd for name, sd in groups.items() if several or not name.startswith("platform:")}
    days = [max((now - each.published_at).total_seconds(), 0) / 86400 for each in posts]
    columns, cells, rows = _design([effects(each, sds, age) for each, age in zip(posts, days, strict=True)])
    targets, variances = _targets(posts, growth, per_impression)
    weights = 0.5 ** (np.array(days) / half_life_days)
    return _estimate(_Evidence(columns, cells, rows, targets, variances, weights, per_impression), sds)


@dataclass(frozen=True, slots=True)
class _Evidence:
    columns: Mapping[Column, int]
    cells: Floats  # one row of 0 and 1 per distinct arm, over the columns
    rows: npt.NDArray[np.intp]  # the cell of each post
    targets: Floats  # log rate of each post
    variances: Floats  # of the target, from counting and from projecting
    weights: Floats
    per_impression: bool


def _design(posts: Iterable[Iterable[Column]]) -> tuple[dict[Column, int], Floats, npt.NDArray[np.intp]]:
    columns: dict[Column, int] = {("account", ()): 0}
    cells: dict[tuple[int, ...], int] = {}
    rows: list[int] = []
    for post in posts:
        cell = (0, *(columns.setdefault(effect, len(columns)) for effect in post))
        rows.append(cells.setdefault(cell, len(cells)))
    matrix = np.zeros((len(cells), len(columns)))
    for cell, row in cells.items():
        matrix[row, list(cell)] = 1
    return columns, matrix, np.array(rows, dtype=np.intp)


def _targets(posts: Sequence[Observation], growth: Growth, per_impression: bool) -> tuple[Floats, Floats]:
    """Log rate (or log count) of every post at its final age, and the variance of that number as a measurement."""
    earned = np.array([max(each.engagements, 0) for each in posts])
    shown = np.array([each.impressions for each in posts])
    curves = [growth.curve(each.platform) for each in posts]
    seen = np.array([curve.fraction(each.age_hours) for curve, each in zip(curves, posts, strict=True)])
    spread = np.array([curve.spread(each.age_hours) for curve, each in zip(curves, posts, strict=True)])
    if not per_impression:
        return np.log(earned + 0.5) - np.log(seen), 1 / (earned + 0.5) + spread**2
    shown_seen = np.array([growth.curve(p.platform, "impressions").fraction(p.age_hours) for p in posts])
    # Impressions grow with the same attention as engagements: half of the projection's error cancels in the rate.
    rates: Floats = np.log((earned + 0.5) / (shown + 1)) + np.log(shown_seen / seen)
    return rates, 1 / (earned + 0.5) + (spread / 2) ** 2


def _estimate(evidence: _Evidence, guesses: Mapping[str, float]) -> Posterior:
    """Expectation maximisation over the sds of the groups and the noise between posts."""
    names = list(guesses)
    member = np.array([names.index(group) for group, _ in list(evidence.columns)[1:]], dtype=np.intp)
    sizes = np.bincount(member, minlength=len(names)) + _GUESS_WEIGHT
    first = np.array(list(guesses.values())) ** 2
    posterior = _solve(evidence, guesses, _NOISE**2)
    for _ in range(_ITERATIONS if posterior.posts else 0):
        squares = posterior.mean**2 + np.diag(posterior.covariance)
        variances = (np.bincount(member, squares[1:], len(names)) + _GUESS_WEIGHT * first) / sizes
        sds = dict(zip(names, np.sqrt(variances).tolist(), strict=True))
        posterior = _solve(evidence, sds, _noise(evidence, posterior))
    return posterior


def _solve(evidence: _Evidence, sds: Mapping[str, float], noise: float) -> Posterior:
    """The posterior given the variances: `noise` that between posts, `sds` those of the groups."""
    weights = evidence.weights / (noise + evidence.variances)
    inner = np.bincount(evidence.rows, weights, len(evidence.cells))
    outer = np.bincount(evidence.rows, weights * evidence.targets, len(evidence.cells))
    return Posterior(
        columns=evidence.columns,
        gram=evidence.cells.T @ (inner[:, None] * evidence.cells),
        moment=evidence.cells.T @ outer,
        sds=sds,
        noise=noise**0.5,
        posts=len(evidence.targets),
        per_impression=evidence.per_impression,
    )


def _noise(evidence: _Evidence, posterior: Posterior) -> float:
    """The next variance between posts: the expected square of each post's luck, given the effects."""
    noise = posterior.noise**2
    share = noise / (noise + evidence.variances)
    error = evidence.targets - (evidence.cells @ posterior.mean)[evidence.rows]
    doubt = ((evidence.cells @ posterior.covariance) * evidence.cells).sum(axis=1)[evidence.rows]
    luck = share**2 * (error**2 + doubt) + (1 - share) * noise
    guess = _GUESS_WEIGHT * _NOISE**2
    return float(((evidence.weights * luck).sum() + guess) / (evidence.weights.sum() + _GUESS_WEIGHT))


@dataclass(frozen=True, slots=True)
class Pillar:
    """A theme of the mission: `share` is the strategy's plan, `floor` the share of posts it never falls below."""

    name: str
    share: float = 1.0
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A post to be planned. One day means the day is fixed, several that it may be chosen; `hour` None likewise."""

    key: str
    days: tuple[date, ...]
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What one slot gets, the probability with which it got it, and what is expected of it (percent)."""

    slot: str
    platform: str
    pillar: str
    type: str
    day: date
    hour: int
    propensity: float
    expected_rate: float | None


def allocate(
    posterior: Posterior,
    slots: Sequence[Slot],
    *,
    pillars: Sequence[Pillar],
    types: Mapping[str, Sequence[str]],
    platforms: Mapping[str, float],
    hours: Sequence[int] | None,
    exploration: float = 0.15,
    rng: np.random.Generator,
) -> tuple[Choice, ...]:
    """Fill the slots: platforms by their shares, content by Thompson sampling within the floors, then the time.

    `types` are those allowed on each platform, `hours` the local hours that may be chosen; None means that every
    slot brings its own and timing is not touched. A share `exploration` of every choice ignores what is known and
    follows the plan. The propensity is exact, given the platform and the times already taken.
    """
    if not hours and not all(_is_fixed(slot) for slot in slots):
        raise ValueError("without hours to choose from every slot needs one day and an hour")
    planned = [pillar for pillar in pillars if pillar.share > 0]
    if not planned:
        raise ValueError("no pillar has a share")
    names = list(platforms)
    points = _lattice(len(slots), rng)
    where = [names[i] for i in _pick(np.array([platforms[name] for name in names], dtype=np.float64), points)]
    content: dict[int, tuple[Arm, float]] = {}
    for name in dict.fromkeys(where):
        mine = [i for i, platform in enumerate(where) if platform == name]
        arms, odds = _content_odds(posterior, name, planned, types[name], exploration, rng)
        for i, arm in zip(mine, _pick(odds, _lattice(len(mine), rng)), strict=True):
            content[i] = arms[arm], float(odds[arm])
    times = _times(posterior, slots, where, hours or (), exploration, rng)
    return tuple(_choice(posterior, slot, *content[i], *times[i]) for i, slot in enumerate(slots))


def _choice(posterior: Posterior, slot: Slot, arm: Arm, odds: float, day: date, hour: int, timing: float) -> Choice:
    expected = posterior.expected_rate(replace(arm, weekday=day.weekday(), hour=hour))
    return Choice(slot.key, arm.platform, arm.pillar, arm.type, day, hour, odds * timing, expected)


def _lattice(size: int, rng: np.random.Generator) -> Floats:
    """`size` points in [0, 1), each uniform by itself, together evenly spaced and with neighbours far apart.

    Read through the odds of the arms they give every arm its share of the slots to within one, in varied order,
    while each slot's own odds stay exactly as stated.
    """
    strides = [k for k in range(1, size + 1) if gcd(k, size) == 1]
    stride = min(strides, key=lambda k: abs(k / size - 0.618), default=1)
    return (rng.random() + np.arange(size) * stride / max(size, 1)) % 1.0


def _pick(odds: Floats, points: Floats) -> list[int]:
    """The arm at each point of [0, 1), on which every arm holds a stretch as long as its odds."""
    steps = np.cumsum(odds)
    return np.searchsorted(steps / steps[-1], points, side="right").tolist()


def _content_odds(
    posterior: Posterior,
    platform: str,
    pillars: Sequence[Pillar],
    types: Sequence[str],
    exploration: float,
    rng: np.random.Generator,
) -> tuple[list[Arm], Floats]:
    """The (pillar, type) arms of a platform, pillar by pillar, and the probability of each."""
    arms = [Arm(platform, pillar.name, kind, 0, 12) for pillar in pillars for kind in types]
    shares = np.array([pillar.share for pillar in pillars], dtype=np.float64)
    plan = np.repeat(shares / shares.sum() / len(types), len(types))
    odds = _mixed(_best_odds(posterior, arms, rng), plan, exploration) if posterior.posts else plan
    within = odds.reshape(len(pillars), len(types)) + 1e-9  # so that a hopeless pillar can still share out its floor
    raised = _raise_to_floors(within.sum(axis=1), np.array([pillar.floor for pillar in pillars]))
    return arms, (within * (raised / within.sum(axis=1))[:, None]).ravel()


def _best_odds(posterior: Posterior, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
    """How often each arm is the best of them in draws from the posterior: what Thompson sampling plays."""
    best = posterior.draw(arms, rng, _DRAWS, _WIDTH).argmax(axis=1)
    return np.bincount(best, minlength=len(arms)) / _DRAWS


def _mixed(odds: Floats, plan: Floats, exploration: float) -> Floats:
    return (1 - exploration) * odds + exploration * plan


def _raise_to_floors(shares: Floats, floors: Floats) -> Floats:
    """The shares with every floor kept, what that takes coming from the others in proportion."""
    floors = floors / max(float(floors.sum()), 1.0)
    held = np.zeros(len(shares), dtype=np.bool_)
    while True:
        free = float(shares[~held].sum())
        scaled = shares * (1 - float(floors[held].sum())) / free if free > 0 else floors
        low = ~held & (scaled < floors)
        if not low.any():
            return np.where(held, floors, scaled)
        held |= low


def _is_fixed(slot: Slot) -> bool:
    return slot.hour is not None and len(slot.days) == 1


def _times(
    posterior: Posterior,
    slots: Sequence[Slot],
    where: Sequence[str],
    hours: Sequence[int],
    exploration: float,
    rng: np.random.Generator,
) -> list[tuple[date, int, float]]:
    """Day, hour and propensity of every slot; what the user fixed is kept and counts 1."""
    taken: dict[tuple[str, date], list[int]] = {}
    for slot, platform in zip(slots, where, strict=True):
        if slot.hour is not None and _is_fixed(slot):
            taken.setdefault((platform, slot.days[0]), []).append(slot.hour)
    # Shuffled, because in the order of the content's points every pillar would get its own part of the day.
    points = rng.permutation(_lattice(len(slots), rng))
    times: list[tuple[date, int, float]] = []
    for slot, platform, point in zip(slots, where, points, strict=True):
        if slot.hour is not None and _is_fixed(slot):
            times.append((slot.days[0], slot.hour, 1.0))
            continue
        options = [(day, hour) for day in slot.days for hour in (hours if slot.hour is None else [slot.hour])]
        options = _apart(options, platform, taken)
        odds = _time_odds(posterior, platform, options, exploration, rng)
        pick = _pick(odds, np.array([point]))[0]
        taken.setdefault((platform, options[pick][0]), []).append(options[pick][1])
        times.append((*options[pick], float(odds[pick])))
    return times


def _apart(
    options: list[tuple[date, int]], platform: str, taken: Mapping[tuple[str, date], list[int]]
) -> list[tuple[date, int]]:
    """The options well apart from that day's other posts of the platform; failing that, merely different ones."""
    for gap in (_SPACING, 1):
        clear = [
            (day, hour)
            for day, hour in options
            if all(abs(hour - other) >= gap for other in taken.get((platform, day), ()))
        ]
        if clear:
            return clear
    return options


def _time_odds(
    posterior: Posterior,
    platform: str,
    options: Sequence[tuple[date, int]],
    exploration: float,
    rng: np.random.Generator,
) -> Floats:
    """Probability of each option; hours of one weekday and daypart are alike to the model and share evenly."""
    plan = np.full(len(options), 1 / len(options))
    if not posterior.posts:
        return plan
    likes = [(day.weekday(), hour // 4) for day, hour in options]
    kinds = list(dict.fromkeys(likes))
    arms = [Arm(platform, "", "", weekday, part * 4) for weekday, part in kinds]
    best = dict(zip(kinds, _best_odds(posterior, arms, rng), strict=True))
    return _mixed(np.array([best[like] / likes.count(like) for like in likes]), plan, exploration)
