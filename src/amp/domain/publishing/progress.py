"""What is known of a delivery under way, committed as it becomes known; and the open question, if there is one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.port import Done
from amp.domain.publishing.recording import Log
from amp.kit.clock import Clock, real_now


class SavedProgress:
    """The `Progress` that adapters get. Every write names the fence: a late writer changes nothing."""

    def __init__(self, log: Log, claimed: Claimed, clock: Clock, *, lease: timedelta) -> None:
        self._log = log
        self._clock = clock
        self._lease = lease
        self._lease_until = claimed.lease_until
        self._state = dict(claimed.state)
        self._intends = claimed.intent_at is not None and claimed.open_intent is None
        self._first_intent = claimed.first_intent_at
        self.unknown_since: datetime | None = claimed.open_intent
        """Since when it is open whether something became public; None: everything is known."""
        self.searches = claimed.searches
        self.resending = claimed.resending

    @property
    def state(self) -> Mapping[str, Any]:
        return self._state

    @property
    def intends(self) -> bool:
        """The intent is committed, and what it was for may have been sent."""
        return self._intends

    @property
    def doubtful(self) -> bool:
        """An earlier attempt may have become public, and nothing since has shown whether it did."""
        return bool(self._state.get("unproven"))

    @property
    def begun(self) -> bool:
        """A part is public, or all of it. Adapters keep the ids of that under these names."""
        return bool(self._state.get("parts") or self._state.get("post"))

    @property
    def resent(self) -> int:
        """How often the identical post was sent again to find out."""
        return int(self._state.get("resent", 0))

    async def save(self, **known: Any) -> None:
        self._state = {**self._state, **known, "unproven": False} if self.doubtful else self._state | known
        self._intends = False
        self._log.note("saved", steps=sorted(known))
        await self._write(state=self._state, intent_at=None)

    async def intend(self, step: str) -> None:
        if self._intends and self._lease_lasts():
            return
        now = self._clock.now()
        self._first_intent = self._first_intent or now
        known = {"intent_at": now, "first_intent_at": self._first_intent, "status": "publishing"}
        self._log.note("intent", step=step)
        await self._write(**known)
        self._intends = True

    async def keep(self) -> None:
        """Renew the lease when half of it is over: for long uploads, piece by piece."""
        if not self._lease_lasts():
            await self._write()

    async def media(self, descriptions: list[dict[str, Any]]) -> None:
        """What became of the post's media: brought in, or found out about."""
        self._log.note("media", files=len(descriptions))
        await self._write(media=descriptions)

    async def found(self, done: Done) -> None:
        """The open question is answered: it had become public."""
        self._close()
        self._log.note("found", remote_id=done.remote_id)
        await self._write(state=self._state, intent_at=None)

    async def absent(self) -> None:
        """The open question is answered: it had not, as far as anybody can see. What is sent now is sent again."""
        self._close()
        self.resending = True
        self._log.note("absent")
        await self._write(intent_at=None, resending=True)

    async def resend(self) -> None:
        """The question can only be answered by sending the identical post again."""
        self._close()
        self.resending = True
        self._state |= {"unproven": True, "resent": self.resent + 1}
        self._log.note("resending")
        await self._write(state=self._state, resending=True, intent_at=None)

    def _close(self) -> None:
        self.unknown_since, self.searches, self._intends = None, 0, False

    def _lease_lasts(self) -> bool:
        """Is there time for a whole request before anybody else may take over?"""
        return self._lease_until - real_now() > self._lease / 2

    async def _write(self, **changes: Any) -> None:
        until = real_now() + self._lease
        await self._log.write(until=until, searches=self.searches, **changes)
        self._lease_until = until
