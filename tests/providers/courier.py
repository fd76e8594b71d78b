"""What the publishing engine does with an adapter, small enough to be read in one go: attempts, crashes, looking for
what may have gone out. And the accounts and deliveries that it is done with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
from files import File
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
from amp.kit.errors import ProviderFailed, Retry, Unknown
from amp.providers.discovery import Credentials, Social, social_vendors
from amp.sandbox.accounts import sandbox_client, sandbox_token

Answer = Done | Absent | Unknowable

_MOST_ATTEMPTS = 20
_MOST_CHECKS = 5_000


COMMENT = "And another thing"
"""How every first comment begins."""


class Crashed(Exception):
    """The worker died here."""


class Unconfirmed(Exception):
    """Nobody can tell what became of it: a person decides, and nothing is sent again."""


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

    async def posts(self, vendor: str) -> list[dict[str, Any]]:
        """The same without first comments."""
        return [entry for entry in await self.ledger(vendor) if not entry["text"].startswith(COMMENT)]


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
    for _ in range(_MOST_ATTEMPTS):
        try:
            if unsure:
                delivery = await _settled(platform, delivery, notebook)
            return await attempt(platform, delivery, notebook)
        except Crashed:
            unsure = notebook.is_open
        except ProviderFailed as error:
            if not isinstance(error.remedy, Unknown):
                raise
            unsure = True
    raise AssertionError("never published")


async def _settled(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Delivery:
    answer = await look(platform, delivery, notebook)
    if isinstance(answer, Unknowable):
        if not platform.refuses_duplicates:
            raise Unconfirmed
        delivery = replace(delivery, resending=True)
    notebook.is_open = False
    return delivery


async def look(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Answer:
    """Look until it is found, or until the vendor has had its time to show it, or the adapter's patience is over."""
    start = notebook.clock.now()
    while True:
        try:
            answer = await platform.find(delivery, notebook)
        except ProviderFailed as error:
            if not isinstance(error.remedy, Retry):
                raise
            continue
        if not isinstance(answer, Absent) or notebook.clock.now() - start > platform.visibility_delay:
            return answer


async def attempt(platform: SocialPlatform, delivery: Delivery, notebook: Notebook) -> Done:
    """Publish, and wait as long as the vendor is working."""
    answer = await platform.publish(delivery, notebook)
    for _ in range(_MOST_CHECKS):
        if isinstance(answer, Done):
            return answer
        await asyncio.sleep(0)
        looked = await platform.check(delivery, notebook)
        answer = await platform.finalize(delivery, notebook) if isinstance(looked, Ready) else looked
    raise AssertionError("the vendor never finished")


def connected(owner: Owner, url: str) -> Social:
    """All adapters, with apps of this owner at the sandbox that is found at `url`."""
    clients = {name: sandbox_client(SIGNING_KEY, vendor=name, owner=owner.name) for name in social_vendors()}
    ids = {f"{name.upper()}_CLIENT_ID": client.client_id for name, client in clients.items()}
    secrets = {f"{name.upper()}_CLIENT_SECRET": client.secret for name, client in clients.items()}
    return Social(
        clock=owner.sandbox.clock,
        credentials=Credentials({}),
        live_urls={},
        sandbox_url=url,
        sandbox_credentials=Credentials({**ids, **secrets}),
    )


def account_at(owner: Owner, platform: SocialPlatform) -> Account:
    """An account that allowed everything there is to allow."""
    oauth = platform.capabilities.oauth
    scopes = (*oauth.scopes, *oauth.scopes_by_approval) if oauth else ()
    return owner.account(platform.capabilities.platform, scopes)


SETTINGS: Mapping[str, Mapping[str, Any]] = {"youtube": {"privacy_status": "public"}}
"""By platform: what it publishes nothing in public without."""

UNTAKEN = {"youtube": str.maketrans("", "", "<>")}
"""By platform: characters that it refuses."""


def kinds(capabilities: Capabilities) -> list[str]:
    """What there is to try on a platform, the simplest first: photos that a vendor fetches are not among those."""
    images, video = capabilities.images, capabilities.video
    settings = capabilities.settings.model_fields
    can: Mapping[str, bool] = {
        "text": capabilities.text_only,
        **({"video": True} if capabilities.fetches_media == frozenset({"image"}) else {}),
        "image": images is not None,
        "video": video is not None,
        "gif": capabilities.gif is not None,
        "link": capabilities.text_only and (capabilities.link_card or capabilities.link_in_text),
        "thread": capabilities.max_thread_parts > 1,
        "images": images is not None and images.max_count > 1,
        "mixed": capabilities.mixed_media and images is not None and video is not None,
        "commented": "first_comment" in settings,
        **dict.fromkeys(("reel", "story", "filmed_story"), "placement" in settings),
    }
    return [kind for kind, possible in can.items() if possible]


def sample(kind: str, platform: SocialPlatform, account: Account, now: datetime, root: str = "") -> Delivery:
    """A delivery of that kind with a text of its own, and with everything in it that vendors rewrite. `root` is where
    vendors that fetch media find them."""
    mark = uuid4().hex[:8]
    capabilities = platform.capabilities
    first = f"Tips & tricks <{mark}> (part one) #DevTools \N{ROCKET} see https://acme.com/a_b?x=1&y=2"
    first = first.translate(UNTAKEN.get(capabilities.platform, {}))
    media = _media(kind, capabilities, root)
    parts = (Part(first), Part(f"Second & last but one {mark}"), Part(f"The end {mark}")) if kind == "thread" else ()
    shown = "" if kind.endswith("story") else first  # stories show no text
    places = {"reel": "reel", "story": "story", "filmed_story": "story"}
    settings = {
        **SETTINGS.get(capabilities.platform, {}),
        **({"placement": places[kind]} if kind in places else {}),
        **({"first_comment": f"{COMMENT} {mark}"} if kind == "commented" else {}),
    }
    return Delivery(
        platform_post_id=f"pp_{mark}",
        account=account,
        parts=parts or (Part(shown, media),),
        link_url=f"https://acme.com/launch/{mark}" if kind == "link" else None,
        settings=capabilities.settings.model_validate(settings),
        first_intent_at=now,
    )


def _media(kind: str, capabilities: Capabilities, root: str) -> tuple[File, ...]:
    picture = File("med_1", "A \N{ROCKET} on blue", "square.jpg", root)
    other = File("med_2", None, "square.png" if _takes_png(capabilities) else "wide.jpg", root)
    film = File("med_3", None, "tall.mp4", root)
    simplest = () if capabilities.text_only else ((picture,) if capabilities.images else (film,))
    media: Mapping[str, tuple[File, ...]] = {
        "image": (picture,),
        "images": (picture, other),
        "mixed": (picture, film),
        "video": (film,),
        "gif": (File("med_4", None, "square.gif", root),),
        "commented": simplest,
        "reel": (film,),
        "story": (File("med_5", None, "tall.jpg", root),),
        "filmed_story": (film,),
    }
    return media.get(kind, ())


def _takes_png(capabilities: Capabilities) -> bool:
    return capabilities.images is not None and "image/png" in capabilities.images.mime_types
