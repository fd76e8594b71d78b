"""Connecting an account: to the vendor's consent page, and back with a code that opens accounts.

    consent_url ──> the person, at the vendor ──> finish ─┬─> one account: Connected
                                                          └─> several: Choice ── choose ──> Connected
Going, coming back and connecting are transactions of their own; the vendor is called between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from amp.domain.connections import attempts
from amp.domain.connections import operations as connections
from amp.domain.connections.attempts import Choice, Journey, Ticket, Traveller
from amp.domain.connections.health import refreshable
from amp.domain.connections.models import Connection
from amp.domain.connections.port import NewAccount
from amp.domain.publishing.accounts import authority, refreshed
from amp.domain.publishing.port import Environment, Login, SocialPlatforms
from amp.engine.jobs import Ports
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.kit.database import Scope
from amp.kit.errors import Conflict, Invalid, NotFound, ProviderFailed, Rejected
from amp.kit.secrets import SecretKeys


@dataclass(frozen=True)
class Workplace:
    """Where somebody connects accounts, and what it takes."""

    units: UnitsOfWork
    ports: Ports
    scope: Scope
    environment: Environment

    @property
    def secrets(self) -> SecretKeys:
        return self.ports.get(SecretKeys)


async def consent_url(uow: UnitOfWork, place: Workplace, traveller: Traveller, journey: Journey) -> str:
    """Where the person goes to allow it. Errors: NotFound (the set); Invalid (`INVALID_CONFIG`)."""
    await connections.get_set(uow, journey.platform_set_id)
    social = place.ports.get(SocialPlatforms)
    if missing := social.missing_settings(journey.platform, place.environment):
        name = social.capabilities(journey.platform).name
        message = f"{name} is not set up here: the operator sets {' and '.join(missing)}"
        raise Invalid(message, code="INVALID_CONFIG")
    ticket = await attempts.begin(uow, place.secrets, traveller, journey)
    platform = social.of(journey.platform, place.environment)
    return platform.login_url(_login(ticket))


async def come_back(place: Workplace, traveller: Traveller, platform: str, state: str) -> Ticket:
    """Errors: Invalid (`invalid_state`)."""
    async with place.units.begin(place.scope) as uow:
        ticket = await attempts.come_back(uow, place.secrets, traveller, platform, state)
    if ticket is None:
        raise attempts.lost()
    return ticket


async def finish(place: Workplace, ticket: Ticket, code: str) -> Connection | Choice:
    """Redeem the code. Errors: ProviderFailed (`TOKEN_EXCHANGE_FAILED`, `PROFILE_FETCH_FAILED`); NotFound (the set is
    gone); Conflict (`platform_occupied`)."""
    journey = ticket.journey
    social = place.ports.get(SocialPlatforms)
    found = await social.of(journey.platform, place.environment).accounts(code, _login(ticket))
    if not found:
        message = "This login opens no account that can be published to"
        raise ProviderFailed(message, remedy=Rejected("PROFILE_FETCH_FAILED"))
    oauth = social.capabilities(journey.platform).oauth
    asked = oauth.scopes if oauth else ()
    accounts = [replace(account, scopes=account.scopes or asked) for account in found]  # RFC 6749, section 5.1
    async with place.units.begin(place.scope) as uow:
        if len(accounts) == 1:
            return await connections.connect(uow, place.secrets, journey.platform_set_id, accounts[0])
        await attempts.keep_found(uow, place.secrets, ticket, accounts)
        return Choice(ticket.id, journey.platform_set_id, accounts)


async def to_choose(uow: UnitOfWork, place: Workplace, traveller: Traveller, platform: str) -> Sequence[NewAccount]:
    """The accounts that wait to be chosen from."""
    choice = await attempts.choice(uow, place.secrets, traveller, platform)
    return choice.accounts if choice else ()


async def choose(uow: UnitOfWork, place: Workplace, traveller: Traveller, platform: str, remote_id: str) -> Connection:
    """Connect one of several. Errors: NotFound; Conflict (`platform_occupied`)."""
    choice = await attempts.choice(uow, place.secrets, traveller, platform, lock=True)
    if choice is None:
        raise NotFound("There is nothing to choose from (any more). Connect the account again.")
    chosen = choice.of(remote_id)
    connection = await connections.connect(uow, place.secrets, choice.platform_set_id, chosen)
    await attempts.forget(uow, choice.attempt_id)
    return connection


async def renew(place: Workplace, platform: str, set_id: UUID) -> Connection:
    """Renew an account's tokens now. Errors: NotFound; Conflict (`refresh_token_expired`) when only its owner can;
    ProviderFailed."""
    social = place.ports.get(SocialPlatforms)
    async with place.units.begin(place.scope) as uow:
        connection = await connections.in_set(uow, set_id, platform)
        if connection.status != "active" or not refreshable(connection, social.capabilities(platform)):
            name = social.capabilities(platform).name
            raise Conflict(f"{name} gave nothing to renew it with: connect it again", code="refresh_token_expired")
        allowed = await authority(uow, place.secrets, connection.id)
    adapter = social.of(platform, place.environment)
    await refreshed(place.units, place.secrets, place.scope, connection.id, allowed, adapter)
    async with place.units.begin(place.scope) as uow:
        return await connections.get_connection(uow, connection.id)


def _login(ticket: Ticket) -> Login:
    return Login(ticket.journey.redirect_uri, ticket.state, ticket.verifier)
