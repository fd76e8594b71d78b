"""The accounts of a workspace, set by set: what is connected and how it is, and what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from amp.domain.connections import operations as connections
from amp.domain.connections import sets
from amp.domain.connections.models import Connection
from amp.domain.connections.port import SandboxAccounts
from amp.domain.connections.sets import CountedSet
from amp.domain.publishing import connected, connecting
from amp.domain.publishing.connected import Seen
from amp.kit.clock import real_now
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.connecting import journey_of, place_of, require_known, traveller_of
from amp.surfaces.dashboard.pages.sets import set_id_of
from amp.surfaces.dashboard.visiting import HOME, Pages, Visit

pages = Pages()


@dataclass(frozen=True)
class AccountCard:
    id: str
    handle: str
    display_name: str
    state: str
    health: str
    quota: str
    failure: str
    missing_scopes: Sequence[str]
    notes: Sequence[str]
    """What a person should know before relying on it: what our app may not do yet, what holds for everybody."""
    refreshable: bool


@dataclass(frozen=True)
class PlatformCard:
    """One platform of a set, with its account or without."""

    platform: str
    name: str
    account: AccountCard | None
    missing_settings: Sequence[str]
    """What the operator has yet to set before anybody can connect."""
    connectable: bool


@dataclass(frozen=True)
class SetCard:
    id: str
    name: str
    is_default: bool
    may_change: bool
    platforms: Sequence[PlatformCard]

    @property
    def connected(self) -> int:
        return sum(1 for one in self.platforms if one.account)


@pages.get(HOME, needs="read")
async def show_accounts(visit: Visit) -> Response:
    """`?choose=` is where a login leads that opened several accounts."""
    chosen_among = visit.request.query_params.get("choose")
    if chosen_among in visit.social.names():
        return RedirectResponse(f"{HOME}/choose/{chosen_among}", 303)
    async with visit.unit() as uow:
        await sets.default_set(uow)
        found = await sets.list_sets(uow)
        accounts = await connected.list_accounts(uow, visit.social)
    return await visit.show(
        "accounts.html",
        sets=[_set_card(visit, one, accounts) for one in found],
        may_publish=visit.actor.may("publish"),
        most_sets=sets.MOST_SETS,
        longest_name=sets.LONGEST_NAME,
        feeds=_feeds(visit),
    )


@pages.get("/sets/{set_id}/connect/{platform}", needs="publish", rate="connectPlatform")
async def connect(visit: Visit) -> Response:
    """To the vendor's consent page. A link, not a form: pages whose forms go nowhere but here (`form-action`) would not
    let it go on to the vendor."""
    platform = visit.part("platform")
    require_known(visit.door, platform)
    journey = journey_of(visit.door, visit.actor, platform, set_id_of(visit), HOME)
    place = place_of(visit.door, visit.actor)
    try:
        async with visit.unit() as uow:
            url = await connecting.consent_url(uow, place, traveller_of(visit.actor), journey)
    except Invalid as problem:
        return visit.back(problem.message, tone="bad")
    return RedirectResponse(url, 303)


@pages.post("/accounts/{account_id}/refresh", needs="publish", rate="connectPlatform")
async def refresh(visit: Visit) -> Response:
    async with visit.unit() as uow:
        account = await connections.get_connection(uow, _account_id(visit))
    await connecting.renew(place_of(visit.door, visit.actor), account.platform, account.platform_set_id)
    return visit.back(f"The tokens of {_called(visit, account)} are new")


@pages.post("/accounts/{account_id}/disconnect", needs="publish")
async def disconnect(visit: Visit) -> Response:
    async with visit.unit() as uow:
        meant = await connections.get_connection(uow, _account_id(visit))
        account = await connections.in_set(uow, meant.platform_set_id, meant.platform)
        if account.id != meant.id:
            raise NotFound("This account is disconnected already, and another one is in its place")
        await connections.disconnect(uow, account)
    return visit.back(f"{_called(visit, account)} is disconnected")


def _account_id(visit: Visit) -> UUID:
    return decode(Kind.ACCOUNT, visit.part("account_id"), what="Account")


def _called(visit: Visit, account: Connection) -> str:
    return f"{account.handle} on {visit.social.capabilities(account.platform).name}"


def _feeds(visit: Visit) -> str | None:
    """Where the sandbox shows what was published."""
    if visit.actor.environment == "live":
        return None
    return visit.door.ports.get(SandboxAccounts).feeds(visit.actor.workspace_id)


def _set_card(visit: Visit, one: CountedSet, accounts: Iterable[Seen]) -> SetCard:
    chosen = one.platform_set
    present = {seen.connection.platform: seen for seen in accounts if seen.connection.platform_set_id == chosen.id}
    return SetCard(
        id=encode(Kind.PLATFORM_SET, chosen.id),
        name=chosen.name,
        is_default=chosen.is_default,
        may_change=visit.actor.may("publish") and sets.may_change(visit.actor, chosen),
        platforms=[_platform_card(visit, platform, present) for platform in visit.social.names()],
    )


def _platform_card(visit: Visit, platform: str, present: Mapping[str, Seen]) -> PlatformCard:
    environment, capabilities = visit.actor.environment, visit.social.capabilities(platform)
    seen = present.get(platform)
    return PlatformCard(
        platform=platform,
        name=capabilities.name,
        account=_account_card(visit, seen, real_now()) if seen else None,
        missing_settings=visit.social.missing_settings(platform, environment),
        connectable=capabilities.oauth is not None,
    )


def _account_card(visit: Visit, seen: Seen, now: datetime) -> AccountCard:
    one = seen.connection
    launch_notes = visit.social.of(one.platform, visit.actor.environment).launch_notes
    return AccountCard(
        id=encode(Kind.ACCOUNT, one.id),
        handle=one.handle,
        display_name=one.display_name,
        state=seen.state,
        health=_health(seen, now),
        quota="" if seen.quota_left is None else f"{seen.quota_left} posts left in its quota.",
        failure=one.refresh_failure or "",
        missing_scopes=seen.missing_scopes,
        notes=[*launch_notes, *seen.capabilities.caveats],
        refreshable=seen.refreshable and one.status == "active",
    )


def _health(seen: Seen, now: datetime) -> str:
    """How long its tokens will do, in a sentence."""
    ends = seen.connection.token_expires_at
    if seen.state == "expired":
        return "The platform does not take its tokens any more: connect it again."
    if seen.refreshable:
        return f"Its tokens are renewed by themselves; these end {_when(ends, now)}." if ends else "Its tokens last."
    if ends is None:
        return "Its tokens last until somebody takes them back."
    return f"Its tokens end {_when(ends, now)} and cannot be renewed: connect it again before then."


def _when(moment: datetime, now: datetime) -> str:
    """`in 59 days`; `soon` for what is over, or nearly."""
    for length, unit in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        count = (moment - now) // length
        if count >= 1:
            return f"in {count} {unit if count == 1 else f'{unit}s'}"
    return "soon"
