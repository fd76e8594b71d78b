"""Connected accounts (`/api/v1/accounts`): who they are, how they are, and what they may do. Never a token."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from amp.domain.connections.health import State
from amp.domain.publishing import connected
from amp.domain.publishing.connected import Seen
from amp.domain.publishing.drafting import unknown_platform
from amp.domain.publishing.port import Environment, SocialPlatforms
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.ampost.wire import Wire
from amp.surfaces.door import Door
from amp.surfaces.fields import Moment
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("accounts")

_NO_SET = UUID(int=0)


class TokenHealth(Wire):
    state: State
    """As `status`."""
    expires_at: Moment | None
    """None: the vendor set no end."""
    refreshable: bool
    """Whether it is renewed without its owner."""
    last_refreshed_at: Moment | None
    last_failure: str | None
    """Why the last attempt to renew it failed, until one succeeds."""


class LaunchState(Wire):
    notes: list[str]
    """What this server's app may not do at the vendor yet."""
    caveats: list[str]
    """What holds for everybody on this platform."""


class AccountView(Wire):
    id: str
    platform: str
    platform_set_id: str
    handle: str
    display_name: str
    avatar_url: str | None
    status: State
    scopes: list[str]
    """Those that were granted."""
    missing_scopes: list[str]
    token_health: TokenHealth
    launch_state: LaunchState
    profile: dict[str, Any]
    """What else the vendor tells of the account: LinkedIn's OpenID fields, say."""
    quota_left: int | None
    """Posts that the platform takes of it now; null where no quota is known."""
    last_used_at: Moment | None
    created_at: Moment
    updated_at: Moment


class Accounts(Wire):
    accounts: list[AccountView]


class OneAccount(Wire):
    account: AccountView


@router.get("/accounts", needs="read", rate="apiRead")
async def list_accounts(
    uow: Uow,
    door: AtDoor,
    actor: Actor,
    platform: str | None = None,
    platform_set_id: Annotated[str | None, Query(alias="platformSetId")] = None,
) -> Accounts:
    """The connected accounts, of one platform or one set if asked so."""
    social = door.ports.get(SocialPlatforms)
    if platform is not None and platform not in social.names():
        raise Invalid(unknown_platform(platform, social), param="platform")
    set_id = _wanted_set(platform_set_id) if platform_set_id is not None else None
    found = await connected.list_accounts(uow, social, platform=platform, set_id=set_id)
    return Accounts(accounts=[account_view(door, actor.environment, one) for one in found])


@router.get("/accounts/{account_id}", needs="read", rate="apiRead")
async def get_account(uow: Uow, door: AtDoor, actor: Actor, account_id: str) -> OneAccount:
    """One account, also when it was disconnected."""
    wanted = decode(Kind.ACCOUNT, account_id, what="Account")
    found = await connected.get_account(uow, door.ports.get(SocialPlatforms), wanted)
    return OneAccount(account=account_view(door, actor.environment, found))


def account_view(door: Door, environment: Environment, seen: Seen) -> AccountView:
    one = seen.connection
    adapter = door.ports.get(SocialPlatforms).of(one.platform, environment)
    return AccountView(
        id=encode(Kind.ACCOUNT, one.id),
        platform=one.platform,
        platform_set_id=encode(Kind.PLATFORM_SET, one.platform_set_id),
        handle=one.handle,
        display_name=one.display_name,
        avatar_url=one.avatar_url,
        status=seen.state,
        scopes=one.scopes,
        missing_scopes=list(seen.missing_scopes),
        token_health=TokenHealth(
            state=seen.state,
            expires_at=one.token_expires_at,
            refreshable=seen.refreshable,
            last_refreshed_at=one.token_renewed_at,
            last_failure=one.refresh_failure,
        ),
        launch_state=LaunchState(notes=list(adapter.launch_notes), caveats=list(seen.capabilities.caveats)),
        profile=one.details,
        quota_left=seen.quota_left,
        last_used_at=seen.last_used_at,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _wanted_set(text: str) -> UUID:
    """A filter by a set that does not exist finds nothing, and tells nobody whether it exists elsewhere."""
    try:
        return decode(Kind.PLATFORM_SET, text, what="Platform set")
    except NotFound:
        return _NO_SET
