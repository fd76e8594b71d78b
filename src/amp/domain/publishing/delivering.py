"""Delivering one claimed post: exactly once, or an honest word why not.

    open intent? ── yes ─> find ─┬─ there ──────────────> go on after it, or published
        │                        ├─ absent, twice ──────> publish again
        │                        └─ cannot be known ────> resend where the vendor refuses duplicates,
        no                                                 else unconfirmed: a person decides
        └─> publish / check ─> Done | Pending | an error, by remedy

No call is made inside a transaction, and none is made without a lease.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import assert_never
from uuid import UUID

import structlog

from amp.domain.publishing.accounts import Authority, authorities, authority, refreshed
from amp.domain.publishing.carrying import brought, files_of, settings_of
from amp.domain.publishing.claiming import Claimed, Terms
from amp.domain.publishing.outcomes import POLICY, Outcomes
from amp.domain.publishing.port import (
    Absent,
    Delivery,
    Done,
    LeaseLost,
    Part,
    Ready,
    SocialPlatform,
    SocialPlatforms,
    Unknowable,
)
from amp.domain.publishing.progress import SavedProgress
from amp.domain.publishing.recording import Log, Recorder
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import (
    AmpError,
    NotFound,
    ProviderFailed,
    Reconnect,
    RefreshToken,
    Rejected,
    Remedy,
    Retry,
    Unknown,
)
from amp.kit.ids import Kind, encode, request_id
from amp.kit.secrets import SecretKeys
from amp.kit.telemetry import LATENESS, log

_LOOK_AGAIN = timedelta(seconds=30)
_MOST_RESENDS = 3
_KNOWN_ACCOUNTS = 2048
_MOST_ATTEMPTS = POLICY.attempts + 4
"""Also of those that nobody could bring to an end."""


@dataclass(frozen=True)
class Courier:
    """What it takes to deliver: one for each process."""

    units: UnitsOfWork
    ports: Ports
    missed_after: timedelta
    """Virtual time. What is overdue by more fails instead of surprising people."""
    lease: timedelta
    """Real time."""
    _known: dict[UUID, Authority] = field(default_factory=dict[UUID, Authority])
    """Accounts by connection, good as long as their tokens are the newest."""

    @cached_property
    def _recorder(self) -> Recorder:
        return Recorder(self.units)

    @cached_property
    def terms(self) -> Terms:
        platforms = self.ports.get(SocialPlatforms)
        quotas = [
            {"platform": name, "posts": quota.posts, "hours": quota.hours, "settings": dict(quota.settings)}
            for name in platforms.names()
            for quota in platforms.capabilities(name).quotas
        ]
        return Terms(self.missed_after, self.lease, quotas)

    async def prepare(self, claims: Sequence[Claimed]) -> None:
        """Read the accounts that these need and that are not known, in one go."""
        unknown = {claimed.connection_id for claimed in claims if self._knows(claimed) is None}
        if not unknown:
            return
        if len(self._known) > _KNOWN_ACCOUNTS:
            self._known.clear()
        async with self.units.begin(SYSTEM) as uow:
            self._known.update(await authorities(uow, self.ports.get(SecretKeys), unknown))

    def _knows(self, claimed: Claimed) -> Authority | None:
        known = self._known.get(claimed.connection_id)
        current = known is not None and known.version == claimed.token_version
        return known if current and claimed.connection_status == "active" else None

    async def deliver(self, claimed: Claimed) -> None:
        """Take one claimed delivery one step further. Never raises for what a vendor or the network does."""
        names = {"request_id": request_id(), "platform_post": encode(Kind.PLATFORM_POST, claimed.id)}
        with structlog.contextvars.bound_contextvars(**names):
            record = Log(self._recorder, claimed)
            outcomes = Outcomes(self.units, record, claimed)
            progress = SavedProgress(record, claimed, self.units.clock, lease=self.lease)
            try:
                await self._attempt(claimed, record, progress, outcomes)
            except LeaseLost:
                log.warning("another worker, or a cancel, took the delivery over")
            except ProviderFailed as error:
                await self._failed(error, progress, outcomes)
            except AmpError as error:  # ours: the storage is away, a file is gone
                await self._failed(ProviderFailed(error.message, remedy=_of_ours(error, progress)), progress, outcomes)

    async def _failed(self, error: ProviderFailed, progress: SavedProgress, outcomes: Outcomes) -> None:
        """An open question stays open, whatever failed since: only `find` may close it."""
        try:
            if progress.unknown_since is None:
                await outcomes.failed(error, doubtful=progress.doubtful)
                return
            refused = isinstance(error.remedy, Reconnect) and await outcomes.must_reconnect()
            if refused or self._too_long_open(progress):
                await outcomes.unconfirmed(error.message)
            else:
                await outcomes.look_later(self._patience(progress), reason=error.message, searches=progress.searches)
        except LeaseLost:
            log.warning("another worker, or a cancel, took the delivery over")

    async def _attempt(self, claimed: Claimed, record: Log, progress: SavedProgress, outcomes: Outcomes) -> None:
        if claimed.open_intent is None and claimed.was == "pending" and self._missed(claimed):
            await outcomes.missed(self.missed_after, doubtful=progress.doubtful, begun=progress.begun)
            return
        if claimed.open_intent is None and claimed.attempt > _MOST_ATTEMPTS:
            message = "It broke off again and again; the log says why"
            raise ProviderFailed(message, remedy=Rejected("PLATFORM_ERROR"))
        platform = self.ports.get(SocialPlatforms).of(claimed.platform, claimed.environment)
        allowed = self._knows(claimed) or await self._authority(claimed)
        outcomes.tokens = allowed.version
        if claimed.media and claimed.open_intent is None and claimed.was != "processing":
            media = await brought(self.units, self.ports, claimed, platform.capabilities, progress)
            claimed = replace(claimed, media=media)
        if claimed.was != "processing":
            record.note("attempt", attempt=claimed.attempt, looking=claimed.open_intent is not None or None)
        try:
            await self._step(platform, claimed, allowed, progress, outcomes)
        except ProviderFailed as error:
            if not isinstance(error.remedy, RefreshToken):
                raise
            record.note("token_refused", reason=error.message, status=error.status)
            allowed = await self._refresh(claimed, allowed, platform)
            outcomes.tokens = allowed.version
            await self._again(platform, claimed, allowed, progress, outcomes)

    async def _authority(self, claimed: Claimed) -> Authority:
        name = self.ports.get(SocialPlatforms).capabilities(claimed.platform).name
        async with self.units.begin(Scope(workspace_id=claimed.workspace_id)) as uow:
            return await authority(uow, self.ports.get(SecretKeys), claimed.connection_id, name=name)

    async def _again(
        self,
        platform: SocialPlatform,
        claimed: Claimed,
        allowed: Authority,
        progress: SavedProgress,
        outcomes: Outcomes,
    ) -> None:
        """Once more with fresh tokens. Refused again, they may have been ended meanwhile: only the refusal of a refresh
        token means that the owner must reconnect, so this is tried again later."""
        try:
            await self._step(platform, claimed, allowed, progress, outcomes)
        except ProviderFailed as error:
            if isinstance(error.remedy, RefreshToken):
                raise ProviderFailed(error.message, remedy=Retry(), status=error.status) from error
            raise

    async def _step(
        self,
        platform: SocialPlatform,
        claimed: Claimed,
        allowed: Authority,
        progress: SavedProgress,
        outcomes: Outcomes,
    ) -> None:
        delivery = self._delivery(claimed, allowed, platform, progress)
        if progress.unknown_since is not None:
            if not await self._look(platform, delivery, progress, outcomes):
                return
            delivery = self._delivery(claimed, allowed, platform, progress)
        if claimed.was == "processing":
            await self._conclude(platform, delivery, progress, outcomes)
            return
        if claimed.attempt == 1:
            late = self.units.clock.now() - claimed.due_at
            LATENESS.labels(claimed.platform).observe(max(0.0, late.total_seconds()))
        await outcomes.record(await platform.publish(delivery, progress))

    async def _conclude(
        self, platform: SocialPlatform, delivery: Delivery, progress: SavedProgress, outcomes: Outcomes
    ) -> None:
        """What the vendor was still working on when we last looked."""
        answer = await platform.check(delivery, progress)
        if isinstance(answer, Ready):
            answer = await platform.finalize(delivery, progress)
        await outcomes.record(answer)

    async def _look(
        self, platform: SocialPlatform, delivery: Delivery, progress: SavedProgress, outcomes: Outcomes
    ) -> bool:
        """Find out what became of the open intent. True: publishing may go on."""
        found = await platform.find(delivery, progress)
        match found:
            case Done():
                await progress.found(found)
                return True
            case Absent():
                return await self._absent(platform, progress, outcomes)
            case Unknowable():
                return await self._unknowable(platform, progress, outcomes)
            case _:
                assert_never(found)

    async def _absent(self, platform: SocialPlatform, progress: SavedProgress, outcomes: Outcomes) -> bool:
        """Absent once may be a listing that lags; absent twice, a visibility delay apart, is proof."""
        if progress.searches == 0:
            await outcomes.look_later(platform.visibility_delay, reason="not there yet", searches=1)
            return False
        await progress.absent()
        return True

    async def _unknowable(self, platform: SocialPlatform, progress: SavedProgress, outcomes: Outcomes) -> bool:
        if not platform.refuses_duplicates or progress.resent >= _MOST_RESENDS:
            await outcomes.unconfirmed()
            return False
        if progress.searches == 0:  # let a request that is still on its way arrive first
            await outcomes.look_later(platform.visibility_delay, reason="no way to look", searches=1)
            return False
        await progress.resend()
        return True

    async def _refresh(self, claimed: Claimed, used: Authority, platform: SocialPlatform) -> Authority:
        scope = Scope(workspace_id=claimed.workspace_id)
        return await refreshed(self.units, self.ports.get(SecretKeys), scope, claimed.connection_id, used, platform)

    def _missed(self, claimed: Claimed) -> bool:
        return claimed.due_at <= self.units.clock.now() - self.missed_after

    def _patience(self, progress: SavedProgress) -> timedelta:
        """The older the question, the rarer we ask."""
        since = progress.unknown_since or self.units.clock.now()
        return max(_LOOK_AGAIN, (self.units.clock.now() - since) / 4)

    def _too_long_open(self, progress: SavedProgress) -> bool:
        since = progress.unknown_since
        return since is not None and since <= self.units.clock.now() - self.missed_after

    def _delivery(
        self, claimed: Claimed, allowed: Authority, platform: SocialPlatform, progress: SavedProgress
    ) -> Delivery:
        files = files_of(self.ports, claimed.media, progress)
        parts = tuple(Part(text, files if index == 0 else ()) for index, text in enumerate(claimed.parts))
        return Delivery(
            platform_post_id=encode(Kind.PLATFORM_POST, claimed.id),
            account=allowed.account,
            parts=parts,
            link_url=claimed.link_url,
            settings=settings_of(claimed, platform.capabilities),
            first_intent_at=claimed.first_intent_at or self.units.clock.now(),
            resending=progress.resending,
        )


def _of_ours(error: AmpError, progress: SavedProgress) -> Remedy:
    """Trouble in our own house proves nothing about what a request under way has done."""
    if progress.intends:
        return Unknown()
    return Rejected("MEDIA_UPLOAD_FAILED", "media") if isinstance(error, NotFound) else Retry()
