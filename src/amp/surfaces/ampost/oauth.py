"""Connecting accounts (`/api/platforms/{platform}/...`, dashboard only): to the vendor and back, renewing, choosing a
page, disconnecting."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from amp.domain.connections import operations as connections
from amp.domain.connections.attempts import Choice, Ticket
from amp.domain.connections.models import Connection
from amp.domain.connections.sets import default_set
from amp.domain.publishing import connected, connecting
from amp.domain.publishing.connecting import Workplace
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.roles import Actor as Person
from amp.kit.errors import AmpError, Forbidden, Invalid, ProviderFailed, Rejected, Unauthenticated
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.ampost.accounts import OneAccount, account_view
from amp.surfaces.ampost.envelope import AmpostContract, code_of
from amp.surfaces.ampost.pages import ACCOUNTS, failure_page, page
from amp.surfaces.ampost.wire import Success, Wire, WireBody
from amp.surfaces.browser import Told, tell, wants_page
from amp.surfaces.connecting import journey_of, place_of, require_known, traveller_of
from amp.surfaces.door import Door
from amp.surfaces.guards import admit
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("connecting accounts")

_CONTRACT = AmpostContract()
_DENIED = frozenset({"access_denied", "user_cancelled_login", "user_cancelled_authorize"})
_LONGEST_REASON = 300

SetId = Annotated[str | None, Query(alias="platformSetId")]


@router.get("/platforms/{platform}/auth-url", needs="publish", by="cookie", rate="connectPlatform")
async def auth_url(
    uow: Uow,
    door: AtDoor,
    actor: Actor,
    request: Request,
    platform: str,
    platform_set_id: SetId = None,
    return_to: Annotated[str | None, Query(alias="returnTo", max_length=500)] = None,
    redirect: bool = False,
) -> Response:
    """The vendor's consent page: as `{url}`, or as a redirect for a browser (`redirect=true`, `Accept: text/html`).

    The account joins `platformSetId`, or the default set. `returnTo` is the path of ours where the person ends up.
    """
    require_known(door, platform)
    set_id = await _set_id(uow, platform_set_id)
    journey = journey_of(door, actor, platform, set_id, _own_path(return_to))
    url = await connecting.consent_url(uow, place_of(door, actor), traveller_of(actor), journey)
    return RedirectResponse(url, 302) if redirect or wants_page(request) else JSONResponse({"url": url})


@router.get("/platforms/{platform}/callback", needs=None, any_query=True)
async def callback(
    door: AtDoor, request: Request, platform: str, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Where the vendor sends the person back. A browser gets a page, or goes on to `returnTo`."""
    ticket = None
    try:
        actor = await admit(request, door, _CONTRACT, "publish", "apiRead", "cookie")
        require_known(door, platform)
        place = place_of(door, actor)
        ticket = await connecting.come_back(place, traveller_of(actor), platform, state)
        _refuse_denial(request, error, code)
        outcome = await connecting.finish(place, ticket, code)
        return await _arrived(request, place, door, actor, ticket, outcome)
    except AmpError as problem:
        return _turned_away(door, request, platform, ticket, problem)


class Page(Wire):
    id: str
    name: str
    handle: str
    avatar_url: str | None


class Pages(Wire):
    pages: list[Page]


@router.get("/platforms/{platform}/pages", needs="publish", by="cookie")
async def list_pages(uow: Uow, door: AtDoor, actor: Actor, platform: str) -> Pages:
    """Facebook: the Pages that the last login opened, until one is chosen (for an hour)."""
    require_known(door, platform)
    found = await connecting.to_choose(uow, place_of(door, actor), traveller_of(actor), platform)
    return Pages(
        pages=[
            Page(id=one.remote_id, name=one.display_name, handle=one.handle, avatar_url=one.avatar_url) for one in found
        ]
    )


class Chosen(WireBody):
    page_id: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/platforms/{platform}/pages", needs="publish", by="cookie")
async def choose_page(uow: Uow, door: AtDoor, actor: Actor, platform: str, body: Chosen) -> OneAccount:
    """Connect the chosen Page; the tokens of the others are forgotten."""
    require_known(door, platform)
    place = place_of(door, actor)
    chosen = await connecting.choose(uow, place, traveller_of(actor), platform, body.page_id)
    return await _shown(uow, door, actor, chosen)


@router.post("/platforms/{platform}/refresh", needs="publish", by="cookie", rate="connectPlatform", unit="none")
async def refresh_account(door: AtDoor, actor: Actor, platform: str, platform_set_id: SetId = None) -> OneAccount:
    """Renew the tokens of the set's account on this platform now."""
    require_known(door, platform)
    place = place_of(door, actor)
    async with door.units.begin(actor.scope) as uow:
        set_id = await _set_id(uow, platform_set_id)
    connection = await connecting.renew(place, platform, set_id)
    async with door.units.begin(actor.scope) as uow:
        return await _shown(uow, door, actor, connection)


@router.delete("/platforms/{platform}/disconnect", needs="publish", by="cookie")
async def disconnect_account(uow: Uow, door: AtDoor, platform: str, platform_set_id: SetId = None) -> Success:
    """End the use of the set's account on this platform; the vendor is told. What is scheduled for it waits, and fails
    when due unless the account is connected again by then."""
    require_known(door, platform)
    connection = await connections.in_set(uow, await _set_id(uow, platform_set_id), platform)
    await connections.disconnect(uow, connection)
    return Success()


async def _set_id(uow: Uow, text: str | None) -> Any:
    if text is None:
        return (await default_set(uow)).id
    return (await connections.get_set(uow, decode(Kind.PLATFORM_SET, text, what="Platform set"))).id


def _own_path(text: str | None) -> str | None:
    """A path of ours, so that nobody is led elsewhere. Errors: Invalid."""
    if text is not None and (not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable()):
        raise Invalid("returnTo is a path of this server, such as /accounts", param="returnTo")
    return text


def _refuse_denial(request: Request, error: str, code: str) -> None:
    """What the vendor sends instead of a code. Errors: Forbidden (`access_denied`), ProviderFailed."""
    if error in _DENIED:
        raise Forbidden("You did not allow it, so nothing was connected", code="access_denied")
    if error or not code:
        reason = request.query_params.get("error_description") or error or "no code came back"
        message = f"The platform refused: {reason[:_LONGEST_REASON]}"
        raise ProviderFailed(message, remedy=Rejected("TOKEN_EXCHANGE_FAILED"))


async def _shown(uow: Uow, door: Door, actor: Person, connection: Connection) -> OneAccount:
    seen = await connected.get_account(uow, door.ports.get(SocialPlatforms), connection.id)
    return OneAccount(account=account_view(door, actor.environment, seen))


async def _arrived(
    request: Request, place: Workplace, door: Door, actor: Person, ticket: Ticket, outcome: Connection | Choice
) -> Response:
    platform, return_to = ticket.journey.platform, ticket.journey.return_to
    if isinstance(outcome, Choice):
        pages = [{"id": one.remote_id, "name": one.display_name} for one in outcome.accounts]
        if return_to or wants_page(request):
            return _go_on(return_to or ACCOUNTS, {"choose": platform})
        return JSONResponse({"choose": platform, "pages": pages})
    sentence = f"{outcome.handle} on {door.ports.get(SocialPlatforms).capabilities(platform).name} is connected."
    if return_to:
        answer = _go_on(return_to, {"connected": encode(Kind.ACCOUNT, outcome.id)})
        tell(door, request, answer, Told(sentence, "good"))
        return answer
    if wants_page(request):
        return page("Connected", f"{sentence} You can close this page.")
    async with place.units.begin(place.scope) as uow:
        shown = await _shown(uow, door, actor, outcome)
    return JSONResponse(shown.model_dump(mode="json", by_alias=True))


def _turned_away(door: Door, request: Request, platform: str, ticket: Ticket | None, problem: AmpError) -> Response:
    """As the contract's error; for a browser on its way, as a page or as `?error=` where it wanted to go."""
    refused = _CONTRACT.answer(problem)
    if not wants_page(request):
        return refused
    code = code_of(problem)
    if ticket and ticket.journey.return_to:
        answer = _go_on(ticket.journey.return_to, {"error": code, "platform": platform})
        tell(door, request, answer, Told(f"Not connected. {problem.message.rstrip('.')}.", "bad"))
        return answer
    if isinstance(problem, Unauthenticated):
        return failure_page(code, "Log in first, and then connect the account again.", refused.status_code)
    return failure_page(code, problem.message, refused.status_code)


def _go_on(path: str, told: dict[str, str]) -> Response:
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{urlencode(told)}", 303)
