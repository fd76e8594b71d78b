"""Connected accounts as their owner sees them: who they are, how long they will do, what is left of their quotas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from amp.domain.connections import health
from amp.domain.connections.health import State
from amp.domain.connections.models import Connection
from amp.domain.platforms.port import Capabilities
from amp.domain.publishing import quotas
from amp.domain.publishing.models import PlatformPost
from amp.domain.publishing.port import SocialPlatforms
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import NotFound


@dataclass(frozen=True)
class Seen:
    connection: Connection
    capabilities: Capabilities
    state: State
    last_used_at: datetime | None
    """When it last published something."""
    quota_left: int | None
    """Posts that the tightest window still takes; None: no quota is known."""

    @property
    def refreshable(self) -> bool:
        return health.refreshable(self.connection, self.capabilities)

    @property
    def missing_scopes(self) -> Sequence[str]:
        return health.missing_scopes(self.connection, self.capabilities)


async def list_accounts(
    uow: UnitOfWork, social: SocialPlatforms, *, platform: str | None = None, set_id: UUID | None = None
) -> Sequence[Seen]:
    """Those that are connected, oldest first, in two statements."""
    query = _accounts().where(Connection.status != "revoked").order_by(Connection.id)
    if platform is not None:
        query = query.where(Connection.platform == platform)
    if set_id is not None:
        query = query.where(Connection.platform_set_id == set_id)
    return await _seen(uow, social, query)


async def get_account(uow: UnitOfWork, social: SocialPlatforms, connection_id: UUID) -> Seen:
    """Also one that was disconnected. Errors: NotFound."""
    for seen in await _seen(uow, social, _accounts().where(Connection.id == connection_id)):
        return seen
    raise NotFound("Account not found")


def _accounts() -> Select[Connection, datetime | None]:
    published = (
        select(func.max(PlatformPost.published_at))
        .where(PlatformPost.workspace_id == Connection.workspace_id, PlatformPost.connection_id == Connection.id)
        .scalar_subquery()
    )
    return select(Connection, func.greatest(Connection.last_used_at, published))


async def _seen(uow: UnitOfWork, social: SocialPlatforms, query: Select[Connection, datetime | None]) -> Sequence[Seen]:
    known = frozenset(social.names())
    rows = [row for row in await uow.session.execute(query) if row[0].platform in known]
    capabilities = {one.id: social.capabilities(one.platform) for one, _ in rows}
    left = await quotas.left_of(uow, capabilities, uow.clock.now())
    now = real_now()
    return [
        Seen(
            connection=one,
            capabilities=capabilities[one.id],
            state=health.state(one, capabilities[one.id], now),
            last_used_at=last_used_at,
            quota_left=left.get(one.id),
        )
        for one, last_used_at in rows
    ]
