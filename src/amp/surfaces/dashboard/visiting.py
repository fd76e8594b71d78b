"""Pages of people who are signed in: every request is admitted as one of the API is, by the same guards.

    pages = Pages()

    @pages.get("/accounts", needs="read")
    async def show_accounts(visit: Visit) -> Response: ...

    @pages.post("/sets", needs="publish")
    async def create_set(visit: Visit) -> Response: ...

Whoever is not signed in is led to `/signin`. A form carries the session's CSRF token in its field `csrf`. A handler
that changes something begins its own unit of work and ends with `visit.back(sentence)`: the accounts, with what was
done. What a person can put right (Invalid, Conflict, ProviderFailed) is said there too; every other error is a page.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants import queries
from amp.domain.tenants.cookies import CSRF_HEADER, csrf_token
from amp.domain.tenants.roles import Actor, Permission
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import SYSTEM
from amp.kit.errors import Conflict, Forbidden, Invalid, ProviderFailed, Unauthenticated
from amp.surfaces.actor import session_cookie
from amp.surfaces.browser import Told, Tone, forget_told, tell, told_to
from amp.surfaces.contract import Contract
from amp.surfaces.dashboard.form import read_form
from amp.surfaces.dashboard.showing import show
from amp.surfaces.door import Door
from amp.surfaces.guards import admit

HOME = "/accounts"
ENTRANCE = "/signin"


@dataclass(frozen=True)
class Visit:
    """One request of a person who is signed in."""

    request: Request
    door: Door
    actor: Actor
    form: Mapping[str, str]

    @property
    def social(self) -> SocialPlatforms:
        return self.door.ports.get(SocialPlatforms)

    @property
    def csrf(self) -> str:
        return csrf_token(session_cookie(self.door, self.request.headers), self.door.secrets)

    def part(self, name: str) -> str:
        """Of the path."""
        return self.request.path_params[name]

    def unit(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.door.units.begin(self.actor.scope)

    async def show(self, template: str, **values: object) -> Response:
        """A page, with what the last request has to say."""
        async with self.door.units.begin(SYSTEM) as uow:
            person = await queries.user(uow.session, self.actor.user_id) if self.actor.user_id else None
        told = told_to(self.door, self.request)
        shared = {
            "actor": self.actor,
            "csrf": self.csrf,
            "live_enabled": self.door.live_enabled,
            "person": person.email if person else "",
            "told": told,
        }
        page = show(template, shared | values)
        if told:
            forget_told(self.door, page)
        return page

    def back(self, sentence: str = "", *, tone: Tone = "good") -> Response:
        """To the accounts."""
        answer = RedirectResponse(HOME, 303)
        if sentence:
            tell(self.door, self.request, answer, Told(f"{sentence.rstrip('.')}.", tone))
        return answer


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class _Rules:
    path: str
    method: str
    needs: Permission
    rate: str


class Pages:
    """The pages of one file."""

    def __init__(self) -> None:
        self._found: list[tuple[_Rules, Handler]] = []

    def get(self, path: str, *, needs: Permission, rate: str = "api") -> Callable[[Handler], Handler]:
        return self._page(_Rules(path, "GET", needs, rate))

    def post(self, path: str, *, needs: Permission, rate: str = "api") -> Callable[[Handler], Handler]:
        return self._page(_Rules(path, "POST", needs, rate))

    def routes(self, door: Door, contract: Contract) -> list[Route]:
        """`contract`: in whose rate windows people are counted."""
        return [_route(rules, handler, door, contract) for rules, handler in self._found]

    def _page(self, rules: _Rules) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self._found.append((rules, handler))
            return handler

        return register


def _route(rules: _Rules, handler: Handler, door: Door, contract: Contract) -> Route:
    async def serve(request: Request) -> Response:
        try:
            visit = await _admitted(request, rules, door, contract)
        except Unauthenticated:
            return RedirectResponse(ENTRANCE, 303)
        try:
            return await handler(visit)
        except (Invalid, Conflict, ProviderFailed) as problem:
            if rules.method == "GET":
                raise
            return visit.back(problem.message, tone="bad")

    return Route(rules.path, serve, methods=[rules.method])


async def _admitted(request: Request, rules: _Rules, door: Door, contract: Contract) -> Visit:
    """Errors: those of `admit`; Invalid and TooLarge for what is no form."""
    form = await read_form(request) if rules.method == "POST" else None
    if form is not None:
        request = _with_token(request, form.get("csrf", ""))
    try:
        actor = await admit(request, door, contract, rules.needs, rules.rate, "cookie")
    except Forbidden as error:
        if error.code != "csrf_failed":
            raise
        stale = "This form is no longer good: it is from before you signed in. Open the page again and repeat it"
        raise Forbidden(stale, code=error.code) from error
    return Visit(request, door, actor, form or {})


def _with_token(request: Request, token: str) -> Request:
    """The request with the form's token where programs send it, for the one check of both."""
    name = CSRF_HEADER.lower().encode()
    others = [header for header in request.scope["headers"] if header[0] != name]
    return Request({**request.scope, "headers": [*others, (name, token.encode("latin-1", "replace"))]})
