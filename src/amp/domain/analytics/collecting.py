"""Collecting metrics: each published item is sampled at +1 h, +6 h, +24 h, +72 h, +7 d and then daily to 30 d.

    due (recurring) ─> SamplePosts, one for each account ─> the vendor ─> sample, latest counters and hourly
                                                                          delta, in one transaction
A paused mission is not measured; what was due is caught up when it resumes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from amp.domain.analytics import store
from amp.domain.analytics.models import TrackedPost
from amp.domain.content.messages import ContentPublished
from amp.domain.content.models import Content
from amp.domain.missions.models import Mission
from amp.domain.publishing.accounts import call_with_account
from amp.domain.publishing.models import PlatformPost
from amp.domain.publishing.port import Account, SocialPlatforms
from amp.domain.tenants.workspaces import own_environment
from amp.engine.jobs import Job, Message, handles
from amp.engine.timetable import recurring
from amp.kit.errors import ProviderFailed
from amp.kit.secrets import SecretKeys
from amp.kit.telemetry import log

_FIRST_DAYS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 168))
_LAST = timedelta(days=30)
_BATCH = 100  # ids in one call, as far as any vendor allows


def next_sample(published_at: datetime, after: datetime) -> datetime | None:
    """The next moment of an item's timetable that is later than `after`; None when it is over."""
    ages = [*_FIRST_DAYS, *(timedelta(days=day) for day in range(8, _LAST.days + 1))]
    return next((published_at + age for age in ages if published_at + age > after), None)


@dataclass(frozen=True, kw_only=True)
class SamplePosts(Message):
    """Read the counters of these items of one account."""

    connection_id: UUID
    platform: str
    platform_post_ids: list[UUID]


@handles(ContentPublished)
async def track(message: ContentPublished, job: Job) -> None:
    """Begin to watch an item that went out."""
    async with job.unit() as uow:
        content = await uow.session.get(Content, (uow.workspace_id, message.content_id))
        delivery = await uow.session.get(PlatformPost, (uow.workspace_id, message.platform_post_id))
        known = await uow.session.get(TrackedPost, (uow.workspace_id, message.platform_post_id))
        if content is None or delivery is None or known or not delivery.remote_id or not delivery.published_at:
            return
        tracked = TrackedPost(
            workspace_id=uow.workspace_id,
            platform_post_id=delivery.id,
            mission_id=content.mission_id,
            content_id=content.id,
            connection_id=delivery.connection_id,
            platform=content.platform,
            remote_id=delivery.remote_id,
            type=content.type,
            pillar=content.pillar,
            topic=content.topic,
            published_at=delivery.published_at,
            next_sample_at=next_sample(delivery.published_at, delivery.published_at),
        )
        uow.session.add(tracked)
        await uow.session.flush()
        await store.count_post(uow, tracked)


@recurring(timedelta(minutes=5))
async def collect_due(job: Job) -> None:
    """Ask for samples of everything that is due, and move its timetable on."""
    async with job.system_unit() as uow:
        now = uow.clock.now()
        due = (
            select(TrackedPost)
            .join(
                Mission,
                (Mission.id == TrackedPost.mission_id) & (Mission.workspace_id == TrackedPost.workspace_id),
            )
            .where(TrackedPost.next_sample_at <= now, Mission.status.in_(("active", "completed")))
            .order_by(TrackedPost.next_sample_at)
            .limit(2000)
            .with_for_update(of=TrackedPost, skip_locked=True)
        )
        posts = list((await uow.session.execute(due)).scalars())
        for post in posts:
            post.next_sample_at = next_sample(post.published_at, now)
        for message in _by_account(posts):
            await uow.defer(message)


def _by_account(posts: Sequence[TrackedPost]) -> list[SamplePosts]:
    accounts: dict[tuple[UUID, UUID, str], list[UUID]] = defaultdict(list)
    for post in posts:
        accounts[post.workspace_id, post.connection_id, post.platform].append(post.platform_post_id)
    return [
        SamplePosts(
            workspace_id=workspace,
            connection_id=connection,
            platform=platform,
            platform_post_ids=ids[start : start + _BATCH],
        )
        for (workspace, connection, platform), ids in accounts.items()
        for start in range(0, len(ids), _BATCH)
    ]


@handles(SamplePosts)
async def sample_posts(message: SamplePosts, job: Job) -> None:
    async with job.unit() as uow:
        environment = await own_environment(uow)
        wanted = select(TrackedPost.remote_id).where(TrackedPost.platform_post_id.in_(message.platform_post_ids))
        remote_ids = list((await uow.session.execute(wanted)).scalars())
    platform = job.ports.get(SocialPlatforms).of(message.platform, environment)

    async def read(account: Account) -> Mapping[str, Mapping[str, int]]:
        return await platform.metrics(account, remote_ids)

    secrets = job.ports.get(SecretKeys)
    counted = await call_with_account(job.units, secrets, job.scope, message.connection_id, platform, read)
    async with job.unit() as uow:
        await store.keep_samples(uow, message.connection_id, counted)


async def sample_mission(job: Job, mission_id: UUID) -> None:
    """Read all of a mission's items now. A vendor that is down does not stop the mission: it is logged."""
    async with job.unit() as uow:
        mine = select(TrackedPost).where(TrackedPost.mission_id == mission_id)
        posts = list((await uow.session.execute(mine)).scalars())
    for message in _by_account(posts):
        try:
            await sample_posts(message, job)
        except ProviderFailed as error:
            log.warning("could not read metrics", platform=message.platform, error=error.message)
