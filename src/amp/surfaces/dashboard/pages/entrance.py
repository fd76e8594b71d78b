"""Signing in and out, and the switch between live and test.

A form of another site could sign somebody in as somebody else, who would then connect accounts for a stranger. So this
form has a token, too: of a cookie that only this server's page gave the browser.
"""

import math
from datetime import timedelta
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from amp.domain.tenants import signing_in
from amp.domain.tenants.cookies import csrf_matches, csrf_token, session_in
from amp.domain.tenants.models import Environment
from amp.kit.database import SYSTEM
from amp.kit.errors import AmpError, Forbidden, Invalid, OverLimit, Unauthenticated
from amp.kit.secrets import random_token
from amp.surfaces.actor import session_cookie
from amp.surfaces.browser import drop_cookie, give_session, keep_cookie, own_name, take_session
from amp.surfaces.contract import Contract
from amp.surfaces.dashboard.form import read_form
from amp.surfaces.dashboard.showing import show
from amp.surfaces.dashboard.visiting import ENTRANCE, HOME, Pages, Visit
from amp.surfaces.door import Door
from amp.surfaces.guards import admit
from amp.surfaces.sessions import first_environment, open_session, session_of, switch

pages = Pages()

_ENTRY = "amp_entry"
_ENTRY_LIFE = timedelta(days=1)


def open_routes(door: Door, contract: Contract) -> list[Route]:
    """For people who are not signed in (yet)."""

    async def start(request: Request) -> Response:
        known = session_in(session_cookie(door, request.headers), door.secrets)
        return RedirectResponse(HOME if known else ENTRANCE, 303)

    async def show_entrance(request: Request) -> Response:
        if await _is_signed_in(request, door, contract):
            return RedirectResponse(HOME, 303)
        return _entrance(request, door)

    async def sign_in(request: Request) -> Response:
        form = await read_form(request)
        email, environment = form.get("email", ""), _environment(form.get("environment", ""))
        try:
            _require_entry(request, door, form.get("csrf", ""))
            signed_in = await open_session(door, request, email, form.get("password", ""), environment=environment)
        except (Unauthenticated, Forbidden, OverLimit) as problem:
            status = contract.answer(problem).status_code
            return _entrance(request, door, status=status, problem=problem, email=email, environment=environment)
        answer = RedirectResponse(HOME, 303)
        give_session(door, answer, signed_in.session_id)
        drop_cookie(door, answer, own_name(door, _ENTRY))
        return answer

    return [
        Route("/", start, methods=["GET"]),
        Route(ENTRANCE, show_entrance, methods=["GET"]),
        Route(ENTRANCE, sign_in, methods=["POST"]),
    ]


@pages.post("/signout", needs="read")
async def sign_out(visit: Visit) -> Response:
    async with visit.door.units.begin(SYSTEM) as uow:
        await signing_in.log_out(uow, session_of(visit.actor))
    answer = RedirectResponse(ENTRANCE, 303)
    take_session(visit.door, answer)
    return answer


@pages.post("/environment", needs="read")
async def switch_environment(visit: Visit) -> Response:
    environment = _environment(visit.form.get("environment", ""))
    if environment is None:
        raise Invalid("There is live, and there is test", param="environment")
    async with visit.door.units.begin(SYSTEM) as uow:
        await switch(uow, visit.door, visit.actor, environment)
    return visit.back()


async def _is_signed_in(request: Request, door: Door, contract: Contract) -> bool:
    try:
        await admit(request, door, contract, "read", "api", "cookie")
    except (Unauthenticated, Forbidden):
        return False
    return True


def _require_entry(request: Request, door: Door, token: str) -> None:
    """Errors: Forbidden unless the form is of a page that this browser had from us."""
    entry = request.cookies.get(own_name(door, _ENTRY), "")
    if not entry or not csrf_matches(token, entry, door.secrets):
        stale = "This form was too old, or your browser keeps no cookies. Please try once more"
        raise Forbidden(stale, code="csrf_failed")


def _environment(text: str) -> Environment | None:
    return next((known for known in get_args(Environment) if known == text), None)


def _entrance(
    request: Request,
    door: Door,
    *,
    status: int = 200,
    problem: AmpError | None = None,
    email: str = "",
    environment: Environment | None = None,
) -> Response:
    entry = request.cookies.get(own_name(door, _ENTRY)) or random_token()
    values = {
        "csrf": csrf_token(entry, door.secrets),
        "problem": _sentence(problem) if problem else "",
        "email": email,
        "environment": environment or first_environment(door),
        "live_enabled": door.live_enabled,
    }
    page = show("signin.html", values, status=status)
    keep_cookie(door, page, own_name(door, _ENTRY), entry, lasts=_ENTRY_LIFE)
    if isinstance(problem, OverLimit):
        page.headers["retry-after"] = str(math.ceil(problem.retry_after))
    return page


def _sentence(problem: AmpError) -> str:
    if isinstance(problem, OverLimit):
        minutes = math.ceil(problem.retry_after / 60)
        return f"{problem.message}. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}."
    return f"{problem.message}."
