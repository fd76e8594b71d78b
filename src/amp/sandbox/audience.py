"""The audience: how many people see a post and what they do, as a pure function of post, account and age.

Nothing ticks and nothing is stored. What a post will have earned in the end is drawn from hashes of its own
identity; how much of it is there yet follows a curve of its age, so every counter only ever grows.

    log(rate) = base + kind + length + words + weekday + daypart + noise     noise ~ Normal(0, 0.78)
    counter(age) = floor(final x age / (age + m))                            m: see HALF_OF_FIRST_DAY

Sizes of the effects follow public measurements: on one large page, weekday and daypart explain next to nothing
(sd 0.04 and 0.035 of the log rate), what is said explains a quarter to a third, and posts of one kind still
differ by 0.78. Half of the first day's reactions arrive within 24 minutes on X and within two hours on slower networks.
"""

import hashlib
import math
import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

NOISE = 0.78
"""Standard deviation between posts of the log engagement rate."""

HALF_OF_FIRST_DAY = {
    "twitter": timedelta(minutes=24),
    "threads": timedelta(minutes=30),
    "instagram": timedelta(minutes=60),
    "facebook": timedelta(minutes=102),
    "tiktok": timedelta(minutes=110),
    "youtube": timedelta(minutes=120),
    "linkedin": timedelta(minutes=120),
}
"""The age at which half of the first day's reactions are there."""

_DAY = timedelta(days=1)
_BASE_RATE = 0.025
_HIGHEST_RATE = 0.5
_REACH_SPREAD = 0.45
_REACH_OF_FOLLOWERS = {"twitter": 0.35, "linkedin": 0.45, "tiktok": 1.2, "youtube": 0.8}
_BEST_LENGTH = {"twitter": 160, "threads": 220, "linkedin": 900, "facebook": 300, "instagram": 300}
_SHARES = {
    "likes": 0.60,
    "replies": 0.07,
    "reposts": 0.10,
    "quotes": 0.02,
    "bookmarks": 0.08,
    "link_clicks": 0.16,
    "profile_clicks": 0.05,
    "followers": 0.012,
}
_KINDS = {"thread": 0.35, "image": 0.22, "video": 0.30, "poll": 0.15, "link": -0.25, "question": 0.10}
_KIND_TASTE = 0.15
_HASHTAG_TASTE = 0.40
_WORD_TASTE = 0.15
_WEEKDAY_TASTE = 0.04
_DAYPART_TASTE = 0.035

_HASHTAG = re.compile(r"#(\w+)")
_WORD = re.compile(r"[^\W\d_]{5,}")
_LINK = re.compile(r"https?://\S+")
_STANDARD = NormalDist()

Place = Literal["single", "head", "reply"]


@dataclass(frozen=True)
class Seen:
    """A post as the audience sees it. `place`: a thread's first post, a later one, or neither."""

    vendor: str
    account: str
    remote_id: str
    text: str
    created_at: datetime
    media: tuple[Literal["image", "video"], ...] = ()
    place: Place = "single"
    has_link: bool = False
    has_poll: bool = False


@dataclass(frozen=True)
class Reactions:
    """Cumulative counters."""

    impressions: int = 0
    reach: int = 0
    likes: int = 0
    replies: int = 0
    reposts: int = 0
    quotes: int = 0
    bookmarks: int = 0
    link_clicks: int = 0
    profile_clicks: int = 0
    followers: int = 0
    video_views: int = 0

    @property
    def engagements(self) -> int:
        return (
            self.likes
            + self.replies
            + self.reposts
            + self.quotes
            + self.bookmarks
            + self.link_clicks
            + self.profile_clicks
        )

    def __sub__(self, earlier: "Reactions") -> "Reactions":
        return Reactions(
            **{field.name: getattr(self, field.name) - getattr(earlier, field.name) for field in fields(self)}
        )


def reactions(post: Seen, at: datetime) -> Reactions:
    """What a post has earned by `at`; nothing before it was made."""
    part = share_seen(post.vendor, at - post.created_at)
    return Reactions(**{name: math.floor(final * part) for name, final in _finals(post).items()})


def share_seen(vendor: str, age: timedelta) -> float:
    """The part of all reactions ever that is there at this age, from 0 to 1."""
    if age <= timedelta():
        return 0.0
    half = HALF_OF_FIRST_DAY.get(vendor, timedelta(hours=1))
    scale = half * (_DAY / (_DAY - 2 * half))  # solves share(half) = share(one day) / 2
    return age / (age + scale)


def followers(vendor: str, account: str, since: datetime, at: datetime) -> int:
    """Followers of an account that appeared at `since`: a start of its own and slow, uneven growth."""
    start = _audience_size(vendor, account)
    days = max(0.0, (at - since) / _DAY)
    monthly = 0.03 * math.exp(0.5 * _normal(vendor, account, "growth"))
    return math.floor(start * (1 + monthly * days / 30))


def log_rate(post: Seen) -> float:
    """The log of engagements per impression in the end, before any cap."""
    return math.log(_BASE_RATE) + systematic(post) + NOISE * _normal(post.account, post.remote_id, "noise")


def systematic(post: Seen) -> float:
    """The part of the log rate that another post like it would share: what can be learned."""
    timing = _WEEKDAY_TASTE * _normal(post.account, "weekday", str(post.created_at.weekday()))
    timing += _DAYPART_TASTE * _normal(post.account, "daypart", str(post.created_at.hour // 4))
    return _kind_effect(post) + _length_effect(post) + _word_effect(post) + timing


@lru_cache(maxsize=4096)
def _finals(post: Seen) -> dict[str, float]:
    """What every counter will come to, given for ever."""
    impressions = _audience_size(post.vendor, post.account) * _REACH_OF_FOLLOWERS.get(post.vendor, 0.4)
    impressions *= math.exp(_REACH_SPREAD * _normal(post.account, post.remote_id, "reach"))
    if post.place == "reply":
        impressions *= 0.35
    engagements = impressions * min(math.exp(log_rate(post)), _HIGHEST_RATE)
    finals = {"impressions": impressions, "reach": impressions * 0.82}
    for name, share in _SHARES.items():
        finals[name] = engagements * share * math.exp(0.2 * _normal(post.account, post.remote_id, name))
    if not post.has_link and not _LINK.search(post.text):
        finals["link_clicks"] = 0.0
    finals["video_views"] = impressions * 0.55 if "video" in post.media else 0.0
    return finals


def _audience_size(vendor: str, account: str) -> float:
    return 4000 * math.exp(0.8 * _normal(vendor, account, "audience"))


def _kind_effect(post: Seen) -> float:
    """What kind of post it is: the general taste, and this account's own."""
    kinds = [
        ("thread", post.place == "head"),
        ("image", "image" in post.media),
        ("video", "video" in post.media),
        ("poll", post.has_poll),
        ("link", post.has_link or bool(_LINK.search(post.text))),
        ("question", "?" in post.text),
    ]
    return sum(_KINDS[name] + _KIND_TASTE * _normal(post.account, "kind", name) for name, present in kinds if present)


def _length_effect(post: Seen) -> float:
    """Best near each network's usual length, worse on a log scale both ways."""
    length = max(10, len(_LINK.sub("", post.text)))
    distance = math.log(length / _BEST_LENGTH.get(post.vendor, 250)) / math.log(3)
    return -min(0.5, 0.12 * distance**2)


def _word_effect(post: Seen) -> float:
    """What it is about: hashtags most, then the longest words. Each word has its own pull on each audience."""
    text = post.text.lower()
    hashtags = sorted(set(_HASHTAG.findall(text)))[:5]
    words = sorted(set(_WORD.findall(_LINK.sub("", text))) - set(hashtags), key=lambda word: (-len(word), word))[:6]
    return _HASHTAG_TASTE * _pull(post.account, hashtags) + _WORD_TASTE * _pull(post.account, words)


def _pull(account: str, words: list[str]) -> float:
    if not words:
        return 0.0
    return sum(_normal(account, "word", word) for word in words) / math.sqrt(len(words))


def _normal(*seed: str) -> float:
    """A draw from the standard normal distribution that is always the same for the same seed."""
    digest = hashlib.sha256("\x1f".join(seed).encode()).digest()
    uniform = (int.from_bytes(digest[:8]) + 0.5) / 2**64
    return _STANDARD.inv_cdf(min(max(uniform, 1e-12), 1 - 1e-12))
