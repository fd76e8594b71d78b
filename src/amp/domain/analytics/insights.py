"""What may be said about a mission's posts: statements with a posterior probability, or none at all.

    effects fitted -> one contrast per level: "this level against the rest, all else equal"
                   -> averaged over how much its kind of effect could matter at all, nothing included
                   -> said when P(lift > 5 %) >= 0.8 and both sides have 8 posts

Naive tests on pooled impressions make nine false statements per mission where nothing matters; this one makes
next to none, because most kinds of effect are given a fair chance to be nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from math import erf, exp, log, sqrt
from typing import Final, Literal

import numpy as np

from amp.domain.analytics.allocation import DAYPARTS, Column, Floats, Observation, Posterior, effects, fit
from amp.domain.analytics.growth import SHIPPED, Growth

MINIMUM_POSTS: Final = 8
MINIMUM_CONFIDENCE: Final = 0.8
RELEVANT_LIFT: Final = 0.05
"""The lift that confidence is about: smaller ones are not worth acting on."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_GROUPS: Final[Mapping[str, float]] = {
    "platform": 0.5,
    "pillar": 0.3,
    "type": 0.25,
    "weekday": 0.1,
    "daypart": 0.15,
    "weekday:daypart": 0.1,
}
_CONTENT: Final = ("pillar", "type")
_TIMING: Final = ("weekday", "daypart", "weekday:daypart")

# Sd that a kind of effect may have -> its prior probability. The first stands for "none at all".
_CONTENT_SDS: Final[Mapping[float, float]] = {0.01: 0.5, 0.15: 0.15, 0.3: 0.2, 0.6: 0.15}
_TIMING_SDS: Final[Mapping[float, float]] = {0.01: 0.75, 0.1: 0.1, 0.2: 0.1, 0.4: 0.05}
