"""After an account was disconnected: its tokens go back to the vendor, as far as the vendor takes them; and what was
scheduled for a deleted set fails at once, where its people see it.

What is scheduled for an account alone waits: the owner may connect it again before it is due. If not, it fails then.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update

from amp.domain.connections import operations as connections
from amp.domain.connections.messages import AccountDisconnected, SetDeleted
from amp.domain.connections.models import Connection
from amp.domain.publishing.accounts import account_of
from amp.domain.publishing.messages import PlatformPostFailed
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.publishing.operations import get_post, settle
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.publishing.timeline import record
from amp.domain.tenants.workspaces import own_environment
from amp.engine.jobs import Job, RetryPolicy, handles
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.secrets import SecretKeys
from amp.kit.telemetry import log

_POSTS_AT_ONCE = 100
_GONE = "The platform set was deleted, and its accounts with it"


async def _gave_up(message: AccountDisconnected, _job: Job, error: Exception) -> None:
    log.warning("a vendor was not told of a disconnected account", platform=message.platform, error=str(error))


@handles(AccountDisconnected, gave_up=_gave_up, retry=RetryPolicy(attempts=6, first=timedelta(seconds=5)))
async def give_back(message: AccountDisconnected, job: Job) -> None:
    """Vendors end all of an app's tokens for an account at once, so not while it is connected anywhere."""
    async with job.unit() as uow:
        environment = await own_environment(uow)
        connection = await connections.get_connection(uow, message.connection_id)
    async with job.system_unit() as uow:
        if await _in_use(uow, connection):
            return
    tokens = connections.opened(job.ports.get(SecretKeys), connection.id, message.access_token, message.refresh_token)
    vendor = job.ports.get(SocialPlatforms).of(message.platform, environment)
    await vendor.disconnect(account_of(connection, tokens))


async def _in_use(uow: UnitOfWork, connection: Connection) -> bool:
    """Is the account connected in any set of anybody?"""
    same = (
        (Connection.platform == connection.platform)
        & (Connection.remote_id == connection.remote_id)
        & (Connection.status != "revoked")
    )
    return bool(await uow.session.scalar(select(exists().where(same))))


@handles(SetDeleted)
async def fail_scheduled(message: SetDeleted, job: Job) -> None:
    while True:
        async with job.unit() as uow:
            waiting = (
                select(Post.id)
                .where(Post.platform_set_id == message.platform_set_id)
                .where(exists().where(PlatformPost.post_id == Post.id, _scheduled()))
                .order_by(Post.id)
                .limit(_POSTS_AT_ONCE)
            )
            found = (await uow.session.scalars(waiting)).all()
            for post_id in found:
                await _fail(uow, post_id)
        if len(found) < _POSTS_AT_ONCE:
            return


async def _fail(uow: UnitOfWork, post_id: UUID) -> None:
    post = await get_post(uow, post_id, lock=True)
    failed = (
        update(PlatformPost)
        .where(PlatformPost.post_id == post_id, _scheduled())
        .values(
            status="failed",
            error_code="PLATFORM_NOT_CONNECTED",
            error_message=_GONE,
            next_attempt_at=None,
            lease_until=None,
            fence=PlatformPost.fence + 1,
            updated_at=uow.clock.now(),
        )
        .returning(PlatformPost.id)
    )
    for delivery_id in (await uow.session.scalars(failed)).all():
        record(uow, post_id, "failed", platform_post_id=delivery_id, reason=_GONE)
        ids = {"platform_post_id": delivery_id, "post_id": post_id}
        await uow.announce(PlatformPostFailed(workspace_id=uow.workspace_id, **ids))
    await settle(uow, post)


def _scheduled() -> ColumnElement[bool]:
    """Waiting for its moment, and nothing of it can be public."""
    return (
        (PlatformPost.status == "pending")
        & PlatformPost.next_attempt_at.is_not(None)
        & PlatformPost.intent_at.is_(None)
        & ~PlatformPost.state.has_key("unproven")
    )
