"""What to post next: Thompson sampling over what is known of the effects (`effects.py`), within the shares of the
strategy and what the user fixed. Content first, timing second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import gcd
from typing import Final

import numpy as np

from amp.domain.analytics.effects import Arm, Floats, Posterior

_DRAWS: Final = 512
# Thompson's draws are narrowed: a mission ends before full exploration has paid for itself, and `exploration` keeps
# it from getting stuck. In `bench/optimizer.py` that takes the share of the oracle's gain from 0.47 to 0.57.
_WIDTH: Final = 0.4
_SPACING: Final = 2  # hours kept free between two posts of a day and platform while there is room


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
