"""The composition root of every process: settings become a runtime.

    Settings ── open_runtime ──> Runtime ──┬── build_app ──> what a web process serves (`app.py`)
                                           └── worker    ──> what a worker process runs
A worker loads neither the surfaces nor the sandbox's applications.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from amp.config import Settings
from amp.domain.connections import operations as connections
from amp.domain.connections.port import Aggregators, NewAccount, SandboxAccounts
from amp.domain.content.models import Content
from amp.domain.media.examining import Examiner
from amp.domain.media.links import MediaLinks
from amp.domain.media.port import References, Storage
from amp.domain.media.receiving import Intake
from amp.domain.missions.port import MissionRules, PretendedWorld
from amp.domain.pipeline.port import Writer
from amp.domain.publishing.delivering import Courier
from amp.domain.publishing.dispatching import Dispatcher
from amp.domain.publishing.drafting import PostingRules
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.queries import workspace_of
from amp.engine.jobs import Ports
from amp.engine.recovery import Heartbeats
from amp.engine.unit_of_work import UnitsOfWork
from amp.engine.worker import Worker, open_queue
from amp.kit.clock import Clock, RealClock, shared_clock
from amp.kit.database import SYSTEM, Database, Scope, open_database
from amp.kit.fetching import Fetcher
from amp.kit.postgres import start_embedded
from amp.kit.secrets import SecretKeys
from amp.providers.aggregating.metricool import LIVE_URL as METRICOOL_URL
from amp.providers.aggregating.metricool import Metricools
from amp.providers.discovery import Credentials, Social, social_vendors
from amp.providers.storage.choosing import open_storage
from amp.providers.writing.writer import ModelWriter
from amp.sandbox import retention
from amp.sandbox.accounts import feed_link, read_token, sandbox_client, sandbox_token

HANDLERS = (
    "amp.engine.recovery",
    "amp.domain.tenants.sweeping",
    "amp.domain.spend.operations",
    "amp.domain.media.collecting",
    "amp.domain.connections.attempts",
    "amp.domain.publishing.disconnecting",
    "amp.domain.publishing.refreshing",
    "amp.domain.content.following",
    "amp.domain.missions.clearing",
    "amp.domain.analytics.collecting",
    "amp.domain.pipeline.runner",
    "amp.domain.pipeline.writing",
    "amp.domain.pipeline.stages.publish",
    "amp.domain.pipeline.mission_clock",
)
"""Every module that handles messages or recurs: importing it registers what is in it."""

_LEASE_HEARTBEATS = 15
"""A delivery's lease, in heartbeats: 75 s as configured. It is renewed when half is over, so half of it must cover
the longest call to a vendor (30 s)."""

_DOWNTIME = timedelta(minutes=15)
"""Real time that a server may be down without its posts being called missed, however fast the clock."""


@dataclass(frozen=True)
class Runtime:
    """Everything a process works with, web or worker."""

    settings: Settings
    database: Database
    clock: Clock
    units: UnitsOfWork
    ports: Ports
    secrets: SecretKeys
    social: Social
    writer: ModelWriter

    @property
    def heartbeats(self) -> Heartbeats:
        every = self.settings.heartbeat_seconds
        return Heartbeats(every=every, dead_after=4 * every, look_every=2 * every)

    def worker(self) -> Worker:
        """Runs jobs and recurring work, and dispatches deliveries."""
        courier = Courier(
            units=self.units,
            ports=self.ports,
            missed_after=max(timedelta(hours=self.settings.missed_after), _DOWNTIME * self.clock.speed),
            lease=timedelta(seconds=_LEASE_HEARTBEATS * self.settings.heartbeat_seconds),
        )
        return Worker(
            self.units,
            self.ports,
            loops={"dispatcher": Dispatcher(courier).run},
            poll_seconds=1.0 if self.clock.speed == 1 else 0.2,
            heartbeats=self.heartbeats,
        )

    async def close(self) -> None:
        await self.social.aclose()
        await self.ports.get(Aggregators).aclose()
        await self.writer.aclose()
        await self.database.close()


async def open_runtime(settings: Settings) -> Runtime:
    """Connect to a migrated database. Errors: Unavailable (only a fast clock has to ask the database)."""
    for module in HANDLERS:
        import_module(module)
    url = settings.database_url or start_embedded(settings.home_directory)
    database = open_database(url, pool_size=settings.pool_size)
    clock = await _clock(database, settings.clock_speed)
    secrets = SecretKeys(settings.master_key, settings.previous_master_keys)
    social = Social(
        clock=clock,
        credentials=Credentials(settings.credentials()),
        live_urls=settings.live_urls(),
        sandbox_url=settings.sandbox_base,
        sandbox_credentials=_sandbox_credentials(secrets),
    )
    writer = _writer(settings, secrets)
    metricool = Metricools(
        live_url=settings.live_urls().get("metricool", METRICOOL_URL), sandbox_url=settings.sandbox_base
    )
    storage = open_storage(
        settings.media_url, directory=settings.home_directory / "media", credentials=settings.credentials()
    )
    ports = Ports(
        {
            SecretKeys: secrets,
            SocialPlatforms: social,
            Aggregators: metricool,
            SandboxAccounts: SignedAccounts(sandbox_key(secrets), social),
            MissionRules: MissionRules(
                cycle_days=settings.cycle_days,
                keep_prompts=settings.keep_prompts,
                test_data_lasts=timedelta(days=settings.test_data_days),
            ),
            PostingRules: PostingRules(schedule_everywhere=settings.ampost_scheduling == "all"),
            PretendedWorld: ClearedSandbox(database),
            Storage: storage,
            References: PostsAndContent(),
            MediaLinks: MediaLinks(secrets, settings.base_url),
            Intake: Intake(storage, Examiner(), _fetcher(settings), settings.home_directory / "incoming"),
            Writer: writer,
        }
    )
    units = UnitsOfWork(database, clock, open_queue(url))
    return Runtime(settings, database, clock, units, ports, secrets, social, writer)


def _fetcher(settings: Settings) -> Fetcher:
    """Fetches media by URL. What lies on our own server may be private."""
    return Fetcher(allow=(settings.base_url,), private=settings.allow_private_urls)


def _writer(settings: Settings, secrets: SecretKeys) -> ModelWriter:
    """Who writes. In test mode the sandbox's vendors know us by a token we signed."""
    credentials, live_urls = settings.credentials(), settings.live_urls()
    base_urls = {name: live_urls[name] for name in ("anthropic", "openai") if name in live_urls}
    if settings.writer_url:
        base_urls |= dict.fromkeys(("ollama", "openai-compatible"), settings.writer_url)
    return ModelWriter(
        settings.writer,
        stage_models=settings.writer_stages,
        api_keys={
            name.removesuffix("_API_KEY").lower().replace("_", "-"): value
            for name, value in credentials.items()
            if name.endswith("_API_KEY")
        },
        base_urls=base_urls,
        sandbox_url=settings.sandbox_base,
        sandbox_key=partial(_writers_token, sandbox_key(secrets)),
        price_overrides=settings.writer_prices,
    )


async def _clock(database: Database, speed: float) -> Clock:
    if speed == 1:
        return RealClock()
    async with database.transaction(SYSTEM) as session:
        return await shared_clock(session, speed)


def _writers_token(signing_key: bytes, vendor: str) -> str:
    """What the sandbox's language models know us by."""
    return sandbox_token(
        signing_key, vendor=vendor, account="writer", handle="writer", name="Writer", owner="", scopes=()
    )


def resigned(secrets: SecretKeys, token: str) -> str:
    """A token that the sandbox signed under an earlier master key, signed anew; any other as it is."""
    for earlier in secrets.earlier():
        claims = read_token(sandbox_key(earlier), token)
        if claims:
            return sandbox_token(sandbox_key(secrets), **asdict(claims))
    return token


def sandbox_key(secrets: SecretKeys) -> bytes:
    return secrets.derive("sandbox")


def _sandbox_credentials(secrets: SecretKeys) -> Credentials:
    """What the sandbox's vendors know us by, under the names of our settings."""
    known: dict[str, str] = {}
    for vendor in social_vendors():
        client = sandbox_client(sandbox_key(secrets), vendor=vendor)
        known |= {f"{vendor.upper()}_CLIENT_ID": client.client_id, f"{vendor.upper()}_CLIENT_SECRET": client.secret}
    return Credentials(known)


@dataclass(frozen=True)
class ClearedSandbox:
    """The sandbox forgetting what is old."""

    database: Database

    async def clear_before(self, moment: datetime) -> None:
        await retention.clear_before(self.database, moment)


@dataclass(frozen=True)
class PostsAndContent:
    """Who refers to media."""

    def columns(self) -> Sequence[Any]:
        return (Post.media, PlatformPost.media, Content.media)


@dataclass(frozen=True, repr=False)
class SignedAccounts:
    """Accounts that the sandbox believes in because we signed them: none has to be made beforehand."""

    signing_key: bytes
    social: Social

    def issue(self, platform: str, workspace_id: UUID) -> NewAccount:
        oauth = self.social.capabilities(platform).oauth
        scopes = (*oauth.scopes, *oauth.scopes_by_approval) if oauth else ()
        short = workspace_id.hex[-8:]
        token = partial(
            sandbox_token,
            self.signing_key,
            vendor=platform,
            account=str(int(short, 16)),
            handle=f"test_{short}",
            name=f"Test {short}",
            owner=str(workspace_id),
            scopes=scopes,
        )
        return NewAccount(
            platform=platform,
            remote_id=str(int(short, 16)),
            handle=f"test_{short}",
            display_name=f"Test {short}",
            scopes=scopes,
            access_token=SecretStr(token()),
            refresh_token=SecretStr(token(refresh=True)),
        )

    def feeds(self, workspace_id: UUID) -> str:
        return f"/sandbox?{feed_link(self.signing_key, str(workspace_id))}"


async def open_test_workspace(runtime: Runtime, tenant_id: UUID) -> None:
    """Give a new tenant's test workspace one sandbox account on every platform, so that it can publish at once."""
    async with runtime.units.begin(SYSTEM) as uow:
        workspace = await workspace_of(uow.session, tenant_id, "test")
    async with runtime.units.begin(Scope(tenant_id=tenant_id, workspace_id=workspace.id)) as uow:
        accounts = runtime.ports.get(SandboxAccounts)
        await connections.open_test_accounts(uow, runtime.secrets, accounts, runtime.social.names())
