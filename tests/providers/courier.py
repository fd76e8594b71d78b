"""What the publishing engine does with an adapter, small enough to be read in one go: attempts, crashes, looking for
what may have gone out. And the accounts and deliveries that it is done with."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
from pydantic import SecretStr
from sandbox_server import SIGNING_KEY

from amp.domain.platforms.port import Capabilities
from amp.domain.publishing.port import (
    Absent,
    Account,
    Delivery,
    Done,
    Part,
    Ready,
    SocialPlatform,
    Unknowable,
)
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, Unknown
from amp.sandbox.accounts import sandbox_token

Answer = Done | Absent | Unknowable


class Crashed(Exception):
    """The worker died here."""


@dataclass(frozen=True)
class Sandbox:
    url: str
    clock: Clock


@dataclass(frozen=True)
class Owner:
    """A world of one's own at the sandbox: accounts, fault orders, a ledger."""

    name: str
    sandbox: Sandbox
    http: httpx2.AsyncClient

    def account(self, platform: str, scopes: Sequence[str]) -> Account:
        def token(*, refresh: bool) -> SecretStr:
            return SecretStr(
                sandbox_token(
                    SIGNING_KEY,
                    vendor=platform,
                    account="4242",
                    handle="acme",
                    name="Acme Inc",
                    owner=self.name,
                    scopes=scopes,
                    refresh=refresh,
                )
            )

        return Account("con_1", "4242", "acme", token(refresh=False), token(refresh=True), frozenset(scopes))

    async def order(self, vendor: str, fault: str, **how: Any) -> None:
        """Order a fault for the next request, or as `how` says."""
        answer = await self.http.post("/_faults", json={"vendor": vendor, "fault": fault, **(how or {"count": 1})})
        assert answer.status_code == 201, answer.text

    async def ledger(self, vendor: str) -> list[dict[str, Any]]:
        """Everything this owner ever made public there, in order."""
        answer = await self.http.get("/_ledger", params={"vendor": vendor})
        return answer.json()["data"]


@dataclass
class Notebook:
    """A `Progress` that keeps what it is told, and dies where it is asked to: at the nth call, before or after it is
    committed."""

    clock: Clock
    state: dict[str, Any] = field(default_factory=dict[str, Any])
    crash_at: int | None = None
    crash_after_commit: bool = False
    before: Callable[[str], Awaitable[None]] | None = None
    """Called with the name of the step before it is intended."""
    calls: int = 0
    is_open: bool = True
    """Whether something may have become public that is not known yet; a claim begins so."""

    async def save(self, **known: Any) -> None:
        self._die(committed=False)
        self.state = {**self.state, **deepcopy(known)}  # as a database would: what is saved does not change
        self.is_open = False
        self._die(committed=True)

    async def intend(self, step: str) -> None:
        if self.before:
            await self.before(step)
        self._die(committed=False)
        self.is_open = True
        self._die(committed=True)

    def _die(self, *, committed: bool) -> None:
        if not committed:
            self.calls += 1
        if self.calls == self.crash_at and committed == self.crash_after_commit:
            self.crash_at = None
            raise Crashed


async def deliver(platform: SocialPlatform, delivery: Delivery, notebook: Notebook, *, unsure: bool = False) -> Done:
    """Publish to the end, as the engine does: whatever dies or stays unknown is looked for before it is repeated."""
    while True:
        try:
            if unsure:
                delivery = await _settled(platform, delivery, notebook)
            return await _published(platform, delivery, notebook)
        except Crashed:
            unsure = notebook.is_open
        except ProviderFailed as error:
            if not isinstance(error.remedy, Unknown):
                raise
            unsure = True


async def _settled(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Delivery:
    answer = await look(platform, delivery, notebook)
    if isinstance(answer, Unknowable):
        assert platform.refuses_duplicates, "nobody could ever tell"
        delivery = replace(delivery, resending=True)
    notebook.is_open = False
    return delivery


async def look(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Answer:
    """Look until it is found, or until the vendor has had its time to show it."""
    start = notebook.clock.now()
    while True:
        answer = await platform.find(delivery, notebook)
        if not isinstance(answer, Absent) or notebook.clock.now() - start > platform.visibility_delay:
            return answer


async def _published(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Done:
    answer = await platform.publish(delivery, notebook)
    while not isinstance(answer, Done):
        await asyncio.sleep(0)
        looked = await platform.check(delivery, notebook)
        answer = await platform.finalize(delivery, notebook) if isinstance(looked, Ready) else looked
    return answer


@dataclass(frozen=True)
class Picture:
    """An image of one pixel."""

    media_id: str
    alt_text: str | None = None
    mime_type: str = "image/png"
    width: int = 1
    height: int = 1
    seconds: float | None = None
    url: str = ""
    thumbnail_url: str | None = None
    thumbnail: None = None

    @property
    def size_bytes(self) -> int:
        return len(_PIXEL)

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        middle = len(_PIXEL) // 2
        yield _PIXEL[start:middle]
        yield _PIXEL[max(start, middle) :]


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _png_chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
    + _png_chunk(b"IEND", b"")
)


def kinds(capabilities: Capabilities) -> list[str]:
    """What there is to try on a platform."""
    can: Mapping[str, bool] = {
        "text": capabilities.text_only,
        "link": capabilities.text_only and (capabilities.link_card or capabilities.link_in_text),
        "thread": capabilities.max_thread_parts > 1,
        "image": capabilities.images is not None,
        "images": capabilities.images is not None and capabilities.images.max_count > 1,
    }
    return [kind for kind, possible in can.items() if possible]


def sample(kind: str, platform: SocialPlatform, account: Account, now: datetime) -> Delivery:
    """A delivery of that kind with a text of its own, and with everything in it that vendors rewrite."""
    mark = uuid4().hex[:8]
    first = f"Tips & tricks <{mark}> (part one) #DevTools \N{ROCKET} see https://acme.com/a_b?x=1&y=2"
    parts = {"thread": (Part(first), Part(f"Second & last but one {mark}"), Part(f"The end {mark}"))}
    pictures = {
        "image": (Picture("med_1", "A \N{ROCKET} in one pixel"),),
        "images": (Picture("med_1", "The first"), Picture("med_2")),
    }
    return Delivery(
        platform_post_id=f"pp_{mark}",
        account=account,
        parts=parts.get(kind, (Part(first, pictures.get(kind, ())),)),
        link_url=f"https://acme.com/launch/{mark}" if kind == "link" else None,
        settings=platform.capabilities.settings(),
        first_intent_at=now,
    )
