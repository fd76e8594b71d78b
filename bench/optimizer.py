"""How well the optimiser learns: regret against uniform choice and an oracle, false insights, calibration of claims.

python bench/optimizer.py          200 seeded worlds of each kind, a good minute on one core
"""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from amp.domain.analytics.insights import RELEVANT_LIFT, find_insights
from rules.simulator import CYCLES, POSTS_PER_DAY, Played, World, observed, play

WORLDS = 200
POSTS = CYCLES * 7 * POSTS_PER_DAY
BUCKETS = ((0.8, 0.9), (0.9, 0.95), (0.95, 1.01))

Claim = tuple[float, bool, float, float]
"""Confidence, whether it is true, claimed lift, true lift."""


def main() -> None:
    started = perf_counter()
    print(f"{WORLDS} worlds of each kind, {CYCLES} weekly cycles, {POSTS} posts; intervals are 95 %\n")
    print("world    lift over uniform        10th pct  regret a post: policy  uniform  share of oracle's gain  lost")
    shifts: list[Played] = []
    for kind in ("real", "timing", "shift"):
        played = [play(World(kind, seed), seed) for seed in range(WORLDS)]
        _print_regret(kind, played)
        shifts = played
    weekly = np.mean([each.policy - each.uniform for each in shifts], axis=0)
    weekly /= np.mean([each.oracle - each.uniform for each in shifts], axis=0)
    print("shift    share of oracle's gain by week:", " ".join(f"{share:.2f}" for share in weekly))
    print()
    for kind in ("null", "real", "timing"):
        _print_claims(kind, [_claims(kind, seed) for seed in range(WORLDS)])
    print(f"\n{perf_counter() - started:.0f} s")


def _print_regret(kind: str, played: Sequence[Played]) -> None:
    lifts = np.array([each.lift for each in played])
    policy, uniform, oracle = (
        np.array([getattr(each, name).mean() for each in played]) for name in ("policy", "uniform", "oracle")
    )
    late = np.array([[each.policy[-4:].mean(), each.uniform[-4:].mean(), each.oracle[-4:].mean()] for each in played])
    share, margin = _ratio(policy - uniform, oracle - uniform)
    last, _ = _ratio(late[:, 0] - late[:, 1], late[:, 2] - late[:, 1])
    print(
        f"{kind:8} {lifts.mean():+6.1%} ± {_margin(lifts):.1%} {np.quantile(lifts, 0.1):+15.1%}"
        f"{(oracle - policy).mean():22.2f} {(oracle - uniform).mean():8.2f}"
        f"     {share:.2f} ± {margin:.2f} ({last:.2f} in the last 4)  {np.mean(lifts <= 0):.1%}"
    )


def _print_claims(kind: str, missions: Sequence[Sequence[Claim]]) -> None:
    claims = [claim for mission in missions for claim in mission]
    counts = np.array([len(mission) for mission in missions])
    false = np.array([sum(not true for _, true, _, _ in mission) for mission in missions])
    print(
        f"{kind:8} insights a mission {counts.mean():.2f}, of them false {false.mean():.3f} ± {_margin(false):.3f};"
        f" missions with a false one {np.mean(false > 0):.1%}"
    )
    for low, high in BUCKETS:
        inside = [claim for claim in claims if low <= claim[0] < high]
        if inside and kind != "null":
            confidence, true, claimed, actual = np.array(inside, dtype=np.float64).T
            print(
                f"{'':8} confidence {confidence.mean():.2f}: {true.mean():.2f} true of {len(inside)};"
                f" median size claimed {np.median(np.abs(claimed)):.0%}, actual {np.median(np.abs(actual)):.0%}"
            )


def _claims(kind: str, seed: int) -> list[Claim]:
    """What is said about a mission that chose everything at random, two days after its end."""
    world = World(kind, seed)
    posts = world.publish_at_random(POSTS)
    now = posts[-1].at + timedelta(days=2)
    claims: list[Claim] = []
    for insight in find_insights(observed(posts, now), now=now):
        actual = world.lift(posts, insight.dimension, insight.level)
        relevant = actual > RELEVANT_LIFT if insight.lift > 0 else actual < 1 / (1 + RELEVANT_LIFT) - 1
        claims.append((insight.confidence, relevant, insight.lift, actual))
    return claims


def _margin(values: np.ndarray) -> float:
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Ratio of means with its 95 % margin, by the delta method."""
    ratio = float(part.mean() / whole.mean())
    return ratio, _margin(part - ratio * whole) / float(whole.mean())


if __name__ == "__main__":
    main()
