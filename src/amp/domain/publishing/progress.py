"""What is known of a delivery under way, committed as it becomes known; and the open question, if there is one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.models import PlatformPost
from amp.domain.publishing.port import Done, LeaseLost
from amp.domain.publishing.timeline import record
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import Scope


class SavedProgress:
    """The `Progress` that adapters get. Every write names the fence: a late writer changes nothing."""

    def __init__(self, units: UnitsOfWork, claimed: Claimed, *, lease: timedelta) -> None:
        self._units = units
        self._claimed = claimed
        self._lease = lease
        self._lease_until = claimed.lease_until
        self._state = dict(claimed.state)
        self._intends = claimed.intent_at is not None and claimed.open_intent is None
        self.unknown_since: datetime | None = claimed.open_intent
        """Since when it is open whether something became public; None: everything is known."""
        self.searches = claimed.searches
        self.resending = claimed.resending

    @property
    def state(self) -> Mapping[str, Any]:
        return self._state

    @property
    def doubtful(self) -> bool:
        """An earlier attempt may have become public, and nothing since has shown whether it did."""
        return bool(self._state.get("unproven"))

    async def save(self, **known: Any) -> None:
        self._state = {**self._state, **known, "unproven": False} if self.doubtful else self._state | known
        self._intends = False
        await self._write("saved", {"steps": sorted(known)}, state=self._state, intent_at=None)

    async def intend(self, step: str) -> None:
        if self._intends and self._lease_lasts():
            return
        now = self._units.clock.now()
        first = self._claimed.first_intent_at or now
        await self._write("intent", {"step": step}, intent_at=now, first_intent_at=first, status="publishing")
        self._intends = True

    async def found(self, done: Done) -> None:
        """The open question is answered: it had become public."""
        self._close()
        await self._write("found", {"remote_id": done.remote_id}, state=self._state, intent_at=None)

    async def absent(self) -> None:
        """The open question is answered: it had not, as far as anybody can see. What is sent now is sent again."""
        self._close()
        self.resending = True
        await self._write("absent", {}, intent_at=None, resending=True)

    async def resend(self) -> None:
        """The question can only be answered by sending the identical post again."""
        self._close()
        self.resending = True
        self._state["unproven"] = True
        await self._write("resending", {}, state=self._state, resending=True, intent_at=None)

    def _close(self) -> None:
        self.unknown_since, self.searches, self._intends = None, 0, False

    def _lease_lasts(self) -> bool:
        """Is there time for a whole request before anybody else may take over?"""
        return self._lease_until - real_now() > self._lease / 2

    async def _write(self, kind: str, detail: dict[str, Any], **values: Any) -> None:
        lease_until = real_now() + self._lease
        mine = (
            update(PlatformPost)
            .where(PlatformPost.id == self._claimed.id, PlatformPost.fence == self._claimed.fence)
            .values(lease_until=lease_until, searches=self.searches, **values)
        )
        async with self._units.begin(Scope(workspace_id=self._claimed.workspace_id)) as uow:
            if not await uow.change(mine):
                raise LeaseLost
            record(uow, self._claimed.post_id, kind, platform_post_id=self._claimed.id, **detail)
        self._lease_until = lease_until
