"""What the sandbox's own ledger says about what was scheduled: there once and in order, or said why not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from yardstick import quantile

Ledger = Sequence[str]
"""The texts that one owner's account made public on one platform, in order."""


@dataclass(frozen=True)
class Scheduled:
    """What was asked for: these parts, in this order, once."""

    post_id: UUID
    owner: UUID
    platform: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What AMP says became of it."""

    status: str
    code: str | None
    message: str | None
    due_at: datetime
    published_at: datetime | None
    in_question: bool
    """It says that it does not know yet, and goes on looking."""
    on_its_way: bool
    """Somebody works on it, or it says when it is tried again."""


@dataclass
class Audit:
    statuses: Counter[str] = field(default_factory=Counter[str])
    """How many ended how; failures by code, unconfirmed by reason."""
    duplicates: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    """Not public, though AMP says so or says nothing."""
    disordered: list[str] = field(default_factory=list[str])
    mistold: list[str] = field(default_factory=list[str])
    """Wholly public, though AMP says that it failed."""
    suspects: list[UUID] = field(default_factory=list[UUID])
    """The posts of which any of this is said."""
    public_unconfirmed: int = 0
    lateness: list[float] = field(default_factory=list[float])
    """Seconds from the due time of each published post to its receipt, sorted."""

    @property
    def wrongs(self) -> int:
        return len(self.duplicates) + len(self.lost) + len(self.disordered) + len(self.mistold)

    def late(self, share: float) -> float:
        return quantile(self.lateness, share) if self.lateness else float("nan")


def audit(
    scheduled: Sequence[Scheduled], told: Mapping[UUID, Told], ledgers: Mapping[tuple[UUID, str], Ledger]
) -> Audit:
    found = Audit()
    expected: dict[tuple[UUID, str], set[str]] = defaultdict(set)
    for one in scheduled:
        expected[one.owner, one.platform] |= set(one.parts)
        if not _is_right(found, one, told[one.post_id], ledgers.get((one.owner, one.platform), ())):
            found.suspects.append(one.post_id)
    for account, ledger in ledgers.items():
        found.duplicates += [f"nobody asked for {entry!r}" for entry in ledger if entry not in expected[account]]
    found.lateness = sorted(_lateness(told.values()))
    return found


def _is_right(found: Audit, one: Scheduled, told: Told, ledger: Ledger) -> bool:
    places = [[place for place, entry in enumerate(ledger) if entry == part] for part in one.parts]
    name = f"{one.platform} {one.parts[0]!r} ({one.post_id}, {told.status} {told.code or ''})"
    found.statuses[_ending(one, told)] += 1
    before_it = found.wrongs
    found.duplicates += [name for part in places for _ in part[1:]]
    public = [part[0] for part in places if part]
    if public != sorted(public) or any(part and not before for before, part in pairwise(places)):
        found.disordered.append(name)
    whole = len(public) == len(one.parts)
    if told.status == "published":
        if not whole:
            found.lost.append(name)
    elif told.in_question:
        found.public_unconfirmed += whole
    elif told.on_its_way:
        pass
    elif told.status not in ("failed", "unconfirmed") or not told.code:
        found.lost.append(name)
    elif whole and told.status == "failed":
        found.mistold.append(name)
    elif whole:
        found.public_unconfirmed += 1
    return found.wrongs == before_it


def _ending(one: Scheduled, told: Told) -> str:
    if told.in_question:
        return f"in question still: {one.platform}"
    if told.on_its_way:
        return f"on its way still: {one.platform}"
    if told.status == "failed":
        return f"failed {told.code}: {one.platform}, {told.message}"
    return f"unconfirmed: {one.platform}, {told.message}" if told.status == "unconfirmed" else told.status


def _lateness(told: Iterable[Told]) -> list[float]:
    return [(one.published_at - one.due_at).total_seconds() for one in told if one.published_at]
