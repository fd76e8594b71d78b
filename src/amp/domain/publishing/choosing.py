"""The accounts of a platform set, as posts choose them: one for each platform at most, and what is to be done about one
that cannot be used."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid, NotFound

NOT_CONNECTED = "PLATFORM_NOT_CONNECTED"


@dataclass(frozen=True)
class SetAccount:
    id: UUID
    handle: str
    active: bool
    """False: its owner must connect it again."""


_ACCOUNTS = text(
    """
    SELECT c.platform, c.id, c.handle, c.status = 'active' AS active FROM platform_sets s
    LEFT JOIN connections c ON c.workspace_id = s.workspace_id AND c.platform_set_id = s.id
        AND c.status <> 'revoked' AND c.platform = ANY(:platforms)
    WHERE s.workspace_id = :workspace_id AND s.id = :set_id AND s.deleted_at IS NULL
    """
)


async def accounts_of(uow: UnitOfWork, set_id: UUID, platforms: Sequence[str]) -> Mapping[str, SetAccount]:
    """The set's account on each of the platforms that has one. Errors: NotFound for a set that is not there (any more),
    or somebody else's."""
    values = {"workspace_id": uow.workspace_id, "set_id": set_id, "platforms": list(platforms)}
    rows = await uow.transaction.rows(_ACCOUNTS, values)
    if not rows:
        raise NotFound("Platform set not found", param="platformSetId")
    return {row.platform: SetAccount(row.id, row.handle, row.active) for row in rows if row.platform}


def unusable(name: str, account: SetAccount | None) -> str | None:
    """Why nothing can go out to the platform of this name, and what to do, if it cannot."""
    if account is None:
        return f"The platform set has no active {name} account. Connect one, or leave {name} out"
    return None if account.active else must_reconnect(name, account.handle)


def must_reconnect(name: str, handle: str) -> str:
    return f"The {name} account {handle} must be connected again"


@contextmanager
def set_still_there() -> Generator[None]:
    """For what nobody gave a set for now: that its own is gone is no matter of an address that is wrong."""
    try:
        yield
    except NotFound as error:
        message = "The platform set of this post was deleted, and its accounts with it. Write the post for another set"
        raise Invalid(message, code=NOT_CONNECTED, param="platformSetId") from error
