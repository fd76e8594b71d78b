"""Writing down what became of one attempt: one transaction, named by its fence, with the timeline and the post's
own status, and the announcement if it is the end."""

from datetime import datetime, timedelta
from typing import Any

from amp.domain.connections import operations as connections
from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.holding import hold
from amp.domain.publishing.messages import PlatformPostFailed, PlatformPostPublished
from amp.domain.publishing.port import Done, Pending
from amp.domain.publishing.recording import Log
from amp.engine.jobs import RetryPolicy
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import Scope
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, Rejected, Retry, Unknown
from amp.kit.telemetry import DELIVERIES

POLICY = RetryPolicy(attempts=26, first=timedelta(seconds=2), longest=timedelta(minutes=3))
"""An hour in all, so that a vendor may be away for most of it; and what came back is noticed within three minutes."""
_SPREAD = 0.1
"""The share by which pauses differ, so that what failed together does not come back together."""
PROCESSING_AT_MOST = timedelta(hours=24)
"""Virtual time for which a vendor may work on a post by itself."""

_PLATFORM_ERROR = "PLATFORM_ERROR"
_NO_ERROR = {"error_code": None, "error_message": None}
"""While something waits, the row says what it waits for; what has gone on since does not wait for that."""


class Outcomes:
    def __init__(self, units: UnitsOfWork, log: Log, claimed: Claimed) -> None:
        self._units = units
        self._log = log
        self._claimed = claimed
        self.tokens = claimed.token_version
        """Which of the account's tokens the attempt works with."""

    async def record(self, answer: Done | Pending) -> None:
        if isinstance(answer, Pending):
            await self._processing(answer.after)
            return
        published = {"remote_id": answer.remote_id, "url": answer.url, "published_at": self._units.clock.now()}
        told = {"url": answer.url, "notes": list(answer.notes) or None}
        await self._end("published", told, notes=list(answer.notes), **_NO_ERROR, **published)

    async def failed(self, error: ProviderFailed, *, doubtful: bool = False) -> None:
        """Act on the remedy. Nothing became public, unless the remedy is Unknown. `doubtful`: an earlier attempt
        may have become public all the same, so giving up proves nothing."""
        told = {"reason": error.message, "status": error.status, "remedy": type(error.remedy).__name__}
        match error.remedy:
            case Unknown():
                await self.look_later(timedelta(seconds=5), reason=error.message, status=error.status, searches=0)
            case Rejected(code=code):
                refused = "PUBLISH_FAILED" if code == _PLATFORM_ERROR else code  # it did not fail, it said no
                await self._give_up(told, error, refused, doubtful=doubtful)
            case Reconnect(code=code) if await self.must_reconnect():
                await self._give_up(told, error, code, doubtful=doubtful)
            case Reconnect():
                since = f"{error.message.rstrip('.')}; the account has been connected again since"
                again = ProviderFailed(since, remedy=Retry(), status=error.status)
                await self.failed(again, doubtful=doubtful)
            case remedy:
                await self._try_later(error, told, remedy, doubtful=doubtful)

    async def must_reconnect(self) -> bool:
        """Mark the account: the vendor refused its tokens. False: those were not the newest, which may well do."""
        scope, claimed = Scope(workspace_id=self._claimed.workspace_id), self._claimed

        async def mark() -> bool:
            async with self._units.begin(scope) as uow:
                return await connections.needs_reconnect(uow, claimed.connection_id, self.tokens)

        return await self._log.insist(mark)

    async def missed(self, after: timedelta, *, doubtful: bool, begun: bool) -> None:
        """It is overdue by more than `after` (virtual). `doubtful`: as in `failed`; `begun`: a part is public."""
        late = f"within {after / timedelta(hours=1):g} hours of its due time"
        if begun:
            await self.unconfirmed(f"a part of it is public, and the rest could not be published {late}")
        elif doubtful:
            await self.unconfirmed(f"an attempt may have published it, which could not be found out {late}")
        else:
            waited = f": {self._claimed.waits_for}" if self._claimed.waits_for else ""
            message = f"It could not be published {late}{waited}"
            await self._end("failed", {"reason": message}, error_code="MISSED", error_message=message)

    async def unconfirmed(self, reason: str = "the platform offers no way to tell") -> None:
        """It may or may not be public, and cannot be found out: a person decides. Never a second post."""
        message = f"It is not known whether this was published: {reason.rstrip('.')}. Look at the account, then decide."
        await self._end("unconfirmed", {"reason": reason}, error_code="UNCONFIRMED", error_message=message)

    async def look_later(self, after: timedelta, *, reason: str, searches: int, status: int | None = None) -> None:
        """Leave the question open and look (again) after a while. `after` is the vendor's time; `searches` have
        come back without an answer, none where the question is new."""
        at = self._units.clock.now() + after
        self._log.note("outcome_unknown", reason=reason, status=status, look_at=at)
        await self._log.conclude(status="publishing", next_attempt_at=at, searches=searches, **_NO_ERROR)

    async def _processing(self, after: timedelta) -> None:
        now = self._units.clock.now()
        since = self._claimed.processing_since or now
        if await self._worked_on_too_long(since):
            return
        self._log.note("processing", check_at=now + after)
        await self._log.conclude(
            status="processing", next_attempt_at=now + after, intent_at=None, processing_since=since, **_NO_ERROR
        )

    async def _worked_on_too_long(self, since: datetime) -> bool:
        """Nothing waits for ever. What may have become public by the vendor's own doing is not called failed."""
        if self._units.clock.now() - since < PROCESSING_AT_MOST:
            return False
        message = f"the platform has been processing it since {since:%Y-%m-%d %H:%M} UTC"
        if self._claimed.first_intent_at:
            await self.unconfirmed(message)
        else:
            told = {"reason": message}
            await self._end("failed", told, error_code="MEDIA_UPLOAD_FAILED", error_message=f"Given up: {message}")
        return True

    async def _give_up(self, told: dict[str, Any], error: ProviderFailed, code: str, *, doubtful: bool) -> None:
        if doubtful:
            await self.unconfirmed(error.message)
        else:
            await self._end("failed", told, error_code=code, error_message=error.message)

    async def _try_later(self, error: ProviderFailed, told: dict[str, Any], remedy: object, *, doubtful: bool) -> None:
        """Wait as the vendor said, or back off; the wait is real time, the row keeps it in virtual time."""
        since = self._claimed.processing_since
        if self._claimed.was == "processing" and since and await self._worked_on_too_long(since):
            return
        named = "RATE_LIMITED" if isinstance(remedy, RateLimited) else _PLATFORM_ERROR
        code = remedy.code if isinstance(remedy, Retry) else named
        moment = POLICY.wait(error, self._claimed.attempt - 1, self._units.clock)
        if moment is None:
            await self._give_up(told, error, code, doubtful=doubtful)
            return
        at = self._virtual(moment, error)
        if isinstance(remedy, RateLimited):
            await hold(self._units, self._claimed, remedy, at, error.message)
            told["scope"] = remedy.scope
        counted: dict[str, Any] = {"status": "pending"}
        if self._claimed.was == "processing":  # looking is no attempt, but looking in vain is
            counted = {"status": "processing", "attempt": self._claimed.attempt + 1}
        self._log.note("waiting", **told, again_at=at)
        await self._log.conclude(
            next_attempt_at=at, intent_at=None, error_code=code, error_message=error.message, **counted
        )

    def _virtual(self, moment: datetime, error: ProviderFailed) -> datetime:
        if isinstance(error.remedy, RateLimited) and error.remedy.until:
            return error.remedy.until
        clock = self._units.clock
        stretched = 1 + _SPREAD * (self._claimed.id.int % 1000) / 1000
        return clock.now() + (moment - real_now()) * clock.speed * stretched

    async def _end(self, status: str, detail: dict[str, Any], **changes: Any) -> None:
        DELIVERIES.labels(self._claimed.platform, status).inc()
        event = PlatformPostPublished if status == "published" else PlatformPostFailed
        message = event(
            workspace_id=self._claimed.workspace_id,
            platform_post_id=self._claimed.id,
            post_id=self._claimed.post_id,
        )
        open_ended = {} if status == "unconfirmed" else {"intent_at": None}
        self._log.note(status, **detail)
        await self._log.conclude(tell=message, status=status, next_attempt_at=None, **open_ended, **changes)
