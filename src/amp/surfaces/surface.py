"""Routes of a contract: every request is one unit of work.

    admit (who, how often, may they) ── read the body ──> begin
        ──> claim the Idempotency-Key ──> handler ──> remember the answer ──> commit ──> answer

A file of routes looks like this:

    router = Surface("missions")

    @router.post("/missions", needs="draft", status=201)
    async def create_mission(uow: Uow, actor: Actor, body: NewMission) -> Mission:
        ...

    @router.get("/missions", needs="read")
    async def list_missions(uow: Uow, paging: Paging, status: Status | None = None) -> Listing[Mission]:
        ...

`needs` is the permission of `domain/tenants/roles.py`; None makes a route public: no actor, no unit of work. A
handler asks for what it wants by annotation: `Uow`, `Actor`, `AtDoor` (the Door), and its parameters; bodies
inherit `Body`, times are `Moment` (both in `fields.py`). It raises the errors of `kit/errors.py` and returns a
model or a dict. Nothing is sent before the commit; an error rolls everything back.

`by` says who may come: `bearer` (an API key or an access token), `cookie` (a browser with a session, a write with its
CSRF token too) or `either`.

`body="multipart"` makes a route take a form of `data` (JSON) and `files` in place of a JSON body: it asks for
`Uploaded`, whose files are stored before the unit of work begins, and keeps them in it.

`unit="system"` runs the unit of work in system scope; `unit="none"` gives none, for handlers that call the
outside world between transactions of their own. Their answer is stored after their effect, so what they do must do no
harm when it is done twice: after a crash in between, or by two requests with one Idempotency-Key at the same time.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, TypeVar, Unpack

from fastapi import Depends, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from amp.domain.tenants import idempotency, roles
from amp.domain.tenants.idempotency import Answer, Claim
from amp.domain.tenants.roles import Permission
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import SYSTEM
from amp.kit.errors import Invalid
from amp.surfaces.actor import By
from amp.surfaces.calling import Handling
from amp.surfaces.contract import Contract
from amp.surfaces.door import Door
from amp.surfaces.edge import answer_headers
from amp.surfaces.guards import admit
from amp.surfaces.refusals import parse_json, refuse_fields, refuse_unstorable_text
from amp.surfaces.uploading import FORM, Upload, received

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))


async def _uow(request: Request) -> UnitOfWork:
    return request.state.uow


async def _actor(request: Request) -> roles.Actor:
    return request.state.actor


async def _door(request: Request) -> Door:
    return request.app.state.door


async def _upload(request: Request) -> Upload:
    return request.state.upload


Uow = Annotated[UnitOfWork, Depends(_uow)]
Actor = Annotated[roles.Actor, Depends(_actor)]
AtDoor = Annotated[Door, Depends(_door)]
Uploaded = Annotated[Upload, Depends(_upload)]


class Options(TypedDict, total=False):
    status: int
    """Of a good answer; 200 unless given."""
    rate: str
    """The operation whose rate the request counts against; `api` unless given."""
    by: By
    """Who may come; whoever bears a key or an access token unless given."""
    unit: Literal["workspace", "system", "none"]
    body: Literal["json", "multipart"]
    """What the request brings; JSON, or nothing, unless given."""
    shown_once: tuple[str, ...]
    """Fields of the answer that are never stored: a replay comes without them."""
    answers: type[BaseModel]
    """What a handler that writes its own Response answers, for the OpenAPI document."""
    any_query: bool
    """Whether others write the query, such as a vendor who sends somebody back: unknown parameters are ignored."""


@dataclass(frozen=True)
class Rules:
    needs: Permission | None
    rate: str
    by: By
    unit: Literal["workspace", "system", "none"]
    body: Literal["json", "multipart"]
    shown_once: tuple[str, ...]
    any_query: bool


class Surface:
    """The routes of one file, for one contract. `tag` groups them in its OpenAPI document."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._makers: list[Callable[[Contract], SurfaceRoute]] = []

    def routes(self, contract: Contract) -> list["SurfaceRoute"]:
        return [make(contract) for make in self._makers]

    def get(self, path: str, *, needs: Permission | None, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._route("GET", path, needs, options)

    def post(self, path: str, *, needs: Permission | None, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._route("POST", path, needs, options)

    def put(self, path: str, *, needs: Permission | None, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._route("PUT", path, needs, options)

    def patch(self, path: str, *, needs: Permission | None, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        return self._route("PATCH", path, needs, options)

    def delete(
        self, path: str, *, needs: Permission | None, **options: Unpack[Options]
    ) -> Callable[[Handler], Handler]:
        return self._route("DELETE", path, needs, options)

    def _route(
        self, method: str, path: str, needs: Permission | None, options: Options
    ) -> Callable[[Handler], Handler]:
        rules = Rules(
            needs=needs,
            rate=options.get("rate", "api"),
            by=options.get("by", "bearer"),
            unit=options.get("unit", "workspace"),
            body=options.get("body", "json"),
            shown_once=options.get("shown_once", ()),
            any_query=options.get("any_query", False),
        )

        def register(handler: Handler) -> Handler:
            def make(contract: Contract) -> SurfaceRoute:
                return SurfaceRoute(
                    contract,
                    rules,
                    path,
                    handler,
                    methods=[method],
                    status_code=options.get("status", 200),
                    answers=options.get("answers"),
                    tags=[self._tag],
                )

            self._makers.append(make)
            return handler

        return register


class SurfaceRoute(APIRoute):
    def __init__(
        self,
        contract: Contract,
        rules: Rules,
        path: str,
        handler: Callable[..., Any],
        answers: type[BaseModel] | None = None,
        **route: Any,
    ) -> None:
        self._contract = contract
        self._rules = rules
        errors = {"model": contract.error_model, "description": "An error in the contract's envelope"}
        super().__init__(
            path,
            handler,
            operation_id=getattr(handler, "__name__", None),
            responses={**({route["status_code"]: {"model": answers}} if answers else {}), "4XX": errors, "5XX": errors},
            openapi_extra=_extra(rules),
            **route,
        )
        self.app = self._answer
        self._handle = Handling(self.dependant, self.response_field, route["status_code"])
        self._first_words = path.partition("{")[0]
        self._query_names = frozenset(
            field.alias for field in get_flat_params(self.dependant) if isinstance(field.field_info, params.Query)
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Most routes are not meant, and to tell by their first words takes a tenth of trying their patterns."""
        return super().matches(scope) if self._first_words in scope["path"] else (Match.NONE, {})

    def head(self) -> Route:
        """HEAD of the same: all that GET does, but for the body (RFC 9110, 9.3.2). It is no operation of its own."""

        async def answer(request: Request) -> Response:
            response = await self._run(_Asked(request.scope, request.receive))
            bare = Response(status_code=response.status_code)
            bare.raw_headers = response.raw_headers
            return bare

        return Route(self.path, answer, methods=["HEAD"], include_in_schema=False)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._run(_Asked(scope, receive))
        await response(scope, receive, send)

    async def _run(self, request: "_Asked") -> Response:
        door: Door = request.app.state.door
        rules = self._rules
        if rules.needs is None:
            await self._read(request)
            return await self._handle(request)
        actor = await admit(request, door, self._contract, rules.needs, rules.rate, rules.by)
        request.state.actor = actor
        if rules.body == "multipart":
            self._check_query(request)
            async with received(request, door, actor.scope) as request.state.upload:
                return await self._in_unit(request, door, actor)
        await self._read(request)
        return await self._in_unit(request, door, actor)

    async def _in_unit(self, request: Request, door: Door, actor: roles.Actor) -> Response:
        if self._rules.unit == "none":
            return await self._between_units(request, door, actor)
        scope = SYSTEM if self._rules.unit == "system" else actor.scope
        async with door.units.begin(scope) as uow:
            request.state.uow = uow
            return await self._once(request, uow, actor)

    async def _once(self, request: Request, uow: UnitOfWork, actor: roles.Actor) -> Response:
        """Run the handler, but for a repeated Idempotency-Key, whose answer is given again."""
        claim = await self._claim(request, actor)
        if claim is None:
            return await self._handle(request)
        earlier = await idempotency.claim(uow, claim)
        if earlier:
            return _replayed(request, earlier)
        response = await self._handle(request)
        await self._remember(uow, claim, response)
        return response

    async def _between_units(self, request: Request, door: Door, actor: roles.Actor) -> Response:
        claim = await self._claim(request, actor)
        if claim is None:
            return await self._handle(request)
        async with door.units.begin(actor.scope) as uow:
            earlier = await idempotency.claim(uow, claim)
        if earlier:
            return _replayed(request, earlier)
        response = await self._handle(request)
        async with door.units.begin(actor.scope) as uow:
            if await idempotency.claim(uow, claim) is None:
                await self._remember(uow, claim, response)
        return response

    async def _claim(self, request: Request, actor: roles.Actor) -> Claim | None:
        key = request.headers.get("idempotency-key") if request.method in _WRITES else None
        if key is None:
            return None
        return Claim(actor.workspace_id, idempotency.parse_key(key), await self._fingerprint(request))

    async def _remember(self, uow: UnitOfWork, claim: Claim, response: Response) -> None:
        if 200 <= response.status_code < 300:
            body = self._storable(bytes(response.body))
            await idempotency.remember(uow, claim, Answer(response.status_code, body))

    async def _fingerprint(self, request: Request) -> bytes:
        if self._rules.body == "multipart":
            body = request.state.upload.fingerprint
        else:
            body = json.dumps(await request.json(), sort_keys=True) if await request.body() else ""
        query = sorted(request.query_params.multi_items())
        path = request.path_params
        same = json.dumps([request.method, self.path, path, query, body], sort_keys=True)
        return hashlib.sha256(same.encode()).digest()

    def _storable(self, body: bytes) -> str:
        if not self._rules.shown_once:
            return body.decode()
        document = json.loads(body)
        return json.dumps({name: item for name, item in document.items() if name not in self._rules.shown_once})

    def _check_query(self, request: Request) -> None:
        for name, value in request.query_params.multi_items():
            if name not in self._query_names and not self._rules.any_query:
                raise Invalid(f"Unknown query parameter '{name}'", param=name)
            refuse_unstorable_text(value, name)

    async def _read(self, request: "_Asked") -> None:
        """Receive and parse the body. Errors: Invalid for a request that says more than the route knows."""
        self._check_query(request)
        if request.method not in _WRITES or not await request.body():
            return
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise Invalid("Send JSON, with 'Content-Type: application/json'", code="unsupported_media_type")
        document = await request.json()
        if self.body_field is None:
            refuse_fields(document)


def _replayed(request: Request, earlier: Answer) -> Response:
    answer_headers(request.scope)["Idempotent-Replayed"] = "true"
    return Response(earlier.body, earlier.status, media_type="application/json")


def _extra(rules: Rules) -> dict[str, Any]:
    """What a route says in the OpenAPI document besides what its annotations say."""
    extra: dict[str, Any] = {"requestBody": FORM} if rules.body == "multipart" else {}
    known: dict[str, Any] = {"security": [{"bearer": []}], "x-needs": rules.needs, "x-rate": rules.rate}
    return {**extra, **known} if rules.needs else extra


class _Asked(Request):
    """A request whose body is parsed by our rules, once."""

    async def json(self) -> Any:
        if not hasattr(self, "_document"):
            self._document = parse_json(await self.body())
        return self._document
