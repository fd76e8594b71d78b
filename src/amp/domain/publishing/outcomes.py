"""Writing down what became of one attempt: one transaction, named by its fence, with the timeline and the post's
own status, and the announcement if it is the end."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from amp.domain.connections import operations as connections
from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.messages import PlatformPostFailed, PlatformPostPublished
from amp.domain.publishing.models import PlatformPost
from amp.domain.publishing.operations import get_post, settle
from amp.domain.publishing.port import Done, LeaseLost, Pending
from amp.domain.publishing.timeline import record
from amp.engine.jobs import Message, RetryPolicy
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import Scope
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, Rejected, Unknown
from amp.kit.telemetry import DELIVERIES

POLICY = RetryPolicy(attempts=10, first=timedelta(seconds=2), longest=timedelta(minutes=10))


class Outcomes:
    def __init__(self, units: UnitsOfWork, claimed: Claimed) -> None:
        self._units = units
        self._claimed = claimed

    async def record(self, answer: Done | Pending) -> None:
        if isinstance(answer, Pending):
            at = self._units.clock.now() + answer.after
            await self._write(
                "processing", {"check_at": at.isoformat()}, status="processing", next_attempt_at=at, intent_at=None
            )
            return
        published = {"remote_id": answer.remote_id, "url": answer.url, "published_at": self._units.clock.now()}
        await self._end("published", {"url": answer.url}, **published)

    async def failed(self, error: ProviderFailed, *, doubtful: bool = False) -> None:
        """Act on the remedy. Nothing became public, unless the remedy is Unknown. `doubtful`: an earlier attempt
        may have become public all the same, so giving up proves nothing."""
        told = {"reason": error.message, "status": error.status, "remedy": type(error.remedy).__name__}
        match error.remedy:
            case Unknown():
                await self.look_later(timedelta(seconds=5), reason=error.message, searches=0)
            case Rejected(code=code):
                await self._give_up(told, error, code, doubtful=doubtful)
            case Reconnect():
                async with self._units.begin(Scope(workspace_id=self._claimed.workspace_id)) as uow:
                    await connections.needs_reconnect(uow, self._claimed.connection_id)
                await self._give_up(told, error, "AUTH_EXPIRED", doubtful=doubtful)
            case remedy:
                await self._try_later(error, told, held=isinstance(remedy, RateLimited), doubtful=doubtful)

    async def missed(self) -> None:
        message = "The due time passed too long ago while nothing could publish it"
        await self._end("failed", {"reason": message}, error_code="MISSED", error_message=message)

    async def unconfirmed(self, reason: str = "the platform offers no way to tell") -> None:
        """It may or may not be public, and cannot be found out: a person decides. Never a second post."""
        message = f"It is not known whether this was published: {reason}. Look at the account, then decide."
        await self._end("unconfirmed", {"reason": reason}, error_code="UNCONFIRMED", error_message=message)

    async def look_later(self, after: timedelta, *, reason: str, searches: int) -> None:
        """Leave the question open and look (again) after a while. `after` is the vendor's time; `searches` have
        come back without an answer, none where the question is new."""
        at = self._units.clock.now() + after
        detail = {"reason": reason, "look_at": at.isoformat()}
        await self._write("outcome_unknown", detail, status="publishing", next_attempt_at=at, searches=searches)

    async def _give_up(self, told: dict[str, Any], error: ProviderFailed, code: str, *, doubtful: bool) -> None:
        if doubtful:
            await self.unconfirmed(error.message)
        else:
            await self._end("failed", told, error_code=code, error_message=error.message)

    async def _try_later(self, error: ProviderFailed, told: dict[str, Any], *, held: bool, doubtful: bool) -> None:
        """Wait as the vendor said, or back off; the wait is real time, the row keeps it in virtual time."""
        moment = POLICY.wait(error, self._claimed.attempt - 1, self._units.clock)
        if moment is None:
            code = "RATE_LIMITED" if held else "PLATFORM_ERROR"
            await self._give_up(told, error, code, doubtful=doubtful)
            return
        at = self._virtual(moment, error)
        if held:
            async with self._units.begin(Scope(workspace_id=self._claimed.workspace_id)) as uow:
                await connections.hold_back(uow, self._claimed.connection_id, at)
        detail = {**told, "again_at": at.isoformat()}
        await self._write("waiting", detail, status="pending", next_attempt_at=at, intent_at=None)

    def _virtual(self, moment: datetime, error: ProviderFailed) -> datetime:
        if isinstance(error.remedy, RateLimited) and error.remedy.until:
            return error.remedy.until
        clock = self._units.clock
        return clock.now() + (moment - real_now()) * clock.speed

    async def _end(self, status: str, detail: dict[str, Any], **values: Any) -> None:
        DELIVERIES.labels(self._claimed.platform, status).inc()
        ids = {"platform_post_id": self._claimed.id, "post_id": self._claimed.post_id}
        event = PlatformPostPublished if status == "published" else PlatformPostFailed
        message = event(workspace_id=self._claimed.workspace_id, **ids)
        open_ended = {} if status == "unconfirmed" else {"intent_at": None}
        await self._write(status, detail, status=status, next_attempt_at=None, announce=message, **open_ended, **values)

    async def _write(
        self, kind: str, detail: dict[str, Any], *, announce: Message | None = None, **values: Any
    ) -> None:
        claimed = self._claimed
        mine = (
            update(PlatformPost)
            .where(PlatformPost.id == claimed.id, PlatformPost.fence == claimed.fence)
            .values(lease_until=None, updated_at=self._units.clock.now(), **values)
        )
        async with self._units.begin(Scope(workspace_id=claimed.workspace_id)) as uow:
            post = await get_post(uow, claimed.post_id, lock=True)  # first, as whoever cancels does: no deadlock
            if not await uow.change(mine):
                raise LeaseLost
            record(uow, post.id, kind, platform_post_id=claimed.id, attempt=claimed.attempt, **detail)
            await settle(uow, post)
            if announce:
                await uow.announce(announce)
