"""Every answer of the AMP contract, however wrong the request, is in its envelope and names the request."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Header
from pydantic import BaseModel, Field

from amp.app import open_door
from amp.kit.errors import Conflict, Unavailable
from amp.surfaces.amp.envelope import CODES, AmpContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.edge import RequestIds
from amp.surfaces.fields import Body, DayOrMoment, Moment
from amp.surfaces.surface import Surface
from world import World, client_of, good

pytestmark = pytest.mark.anyio

router = Surface("things")


class Kpi(Body):
    target: float


class Thing(Body):
    name: str
    at: Moment | None = None
    count: int = 1
    kpis: list[Kpi] = Field(default_factory=list)


class View(BaseModel):
    at: Moment | None


@router.post("/things", needs="draft", status=201)
async def make_thing(body: Thing) -> View:
    return View(at=body.at)


@router.get("/things", needs="read")
async def list_things(since: DayOrMoment | None = None, name: str = "") -> View:
    return View(at=since)


@router.put("/things", needs="draft")
async def replace_things() -> dict[str, Any]:
    return {}


@router.get("/broken", needs="read")
async def break_down() -> View:
    raise ZeroDivisionError("a secret detail")


@router.get("/taken", needs="read")
async def be_taken() -> View:
    raise Conflict("It is taken")


@router.get("/away", needs="read")
async def be_away() -> View:
    raise Unavailable("Come back", retry_after=1.2)


@pytest.fixture
async def things(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """A small contract application, asked with the test key."""
    contract = AmpContract("http://amp.test")
    app = ContractApp(open_door(world.runtime), contract, About("Things", "1", body_limit=2000), [router])
    async with client_of(RequestIds(app), world.tenant.test_key) as client:
        yield client


async def test_a_handler_that_asks_for_what_no_call_gives_is_refused_at_the_start() -> None:
    strange = Surface("strange")

    @strange.get("/strange", needs="read")
    async def ask_for_a_header(accept: Annotated[str, Header()]) -> View:
        raise AssertionError(accept)

    with pytest.raises(TypeError, match="ask_for_a_header"):
        strange.routes(AmpContract("http://amp.test"))


async def test_an_unknown_path_is_404_in_the_envelope_everywhere(world: World) -> None:
    for path in ("/v1/nothing", "/api/amp/v1/nothing", "/nothing", "/v1", "/v1/auth/whoami/"):
        error = refused(await world.test.get(path), 404)
        assert error["code"] == "not_found"
        assert error["doc_url"] == f"{world.runtime.settings.base_url}/docs/errors#not_found"


async def test_a_wrong_method_is_405_and_names_all_the_right_ones(things: httpx2.AsyncClient) -> None:
    answer = await things.patch("/things")
    assert refused(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT"


async def test_head_answers_as_get_does_but_without_a_body(things: httpx2.AsyncClient, world: World) -> None:
    got, head = await things.get("/things?since=2026-01-15"), await things.head("/things?since=2026-01-15")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "X-RateLimit-Limit"):
        assert head.headers[name] == got.headers[name]
    assert (await things.head("/things?sinse=x")).status_code == 400
    assert (await things.head("/things", headers={"Authorization": "Bearer nonsense"})).status_code == 401
    assert (await world.test.head("/v1/missions")).status_code == 200
    assert (await world.test.head("/api/v1/posts")).status_code == 200
    assert (await world.client().head("/healthz")).status_code == 200
    assert (await world.test.head("/v1/publish")).status_code == 405


async def test_the_head_of_a_stream_does_not_stream(world: World) -> None:
    body = {"name": "Quiet", "objectives": ["Be heard"], "platforms": ["twitter"], "duration_days": 7}
    mission = good(await world.test.post("/v1/missions", json=body))
    head = await world.test.head(f"/v1/missions/{mission['id']}/events")
    assert (head.status_code, head.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")


async def test_head_is_no_operation_of_the_openapi_document(world: World) -> None:
    document = good(await world.client().get("/v1/openapi.json"))
    assert "head" not in {method for path in document["paths"].values() for method in path}


async def test_a_sender_that_falls_silent_in_the_middle_of_a_body_has_gone(world: World) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await asyncio.Event().wait()

    contract, about = AmpContract("http://amp.test"), About("Things", "1", body_patience=0.05)
    app = ContractApp(open_door(world.runtime), contract, about, [router])
    async with client_of(RequestIds(app), world.tenant.test_key) as client:
        answer = await asyncio.wait_for(client.post("/things", content=silent()), timeout=10)
    assert answer.status_code == 400


async def test_an_unexpected_error_is_500_without_details(things: httpx2.AsyncClient) -> None:
    answer = await things.get("/broken")
    assert refused(answer, 500)["code"] == "internal_error"
    assert "secret" not in answer.text
    assert answer.headers["X-Request-ID"].startswith("req_")


async def test_an_expected_error_has_its_status_and_message(things: httpx2.AsyncClient) -> None:
    assert refused(await things.get("/taken"), 409)["message"] == "It is taken"
    answer = await things.get("/away")
    assert refused(answer, 503)["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({}, "name", "The 'name' field is required"),
        ({"name": "a", "nome": "b"}, "nome", "Unknown field 'nome'"),
        ({"nome": "b"}, "name", "The 'name' field is required"),
        ({"name": 5}, "name", "'name' must be a text"),
        ({"name": "a", "count": "3"}, "count", "'count' must be a whole number"),
        ({"name": "a", "count": 3.5}, "count", "'count' must be a whole number"),
        ({"name": "a", "count": True}, "count", "'count' must be a whole number"),
        ({"name": "a", "kpis": [{"target": "x"}]}, "kpis.0.target", "'kpis.0.target' must be a number"),
        ({"name": "a", "kpis": [{"target": 1, "x": 1}]}, "kpis.0.x", "Unknown field 'kpis.0.x'"),
        ({"name": "a", "kpis": {}}, "kpis", "'kpis' must be a list"),
        ({"name": "a", "at": "2026-01-15T10:30:00"}, "at", "'at' must say its time zone, as in 2026-01-15T10:30:00Z"),
        ({"name": "a", "at": "tomorrow"}, "at", "'at' must be a time such as 2026-01-15T10:30:00Z"),
        ({"name": "a", "at": 1700000000}, "at", "'at' must be a time such as 2026-01-15T10:30:00Z"),
        ({"name": "a", "at": "1700000000"}, "at", "'at' must be a time such as 2026-01-15T10:30:00Z"),
        ({"name": "a", "at": "9999-12-31T23:59:59-23:00"}, "at", "'at': this time is out of range"),
        ({"name": "nul \0"}, "name", "Texts cannot contain NUL characters or lone surrogates"),
        ({"name": "half \ud800"}, "name", "Texts cannot contain NUL characters or lone surrogates"),
        ([], None, "The request body must be a JSON object"),
        ("text", None, "The request body must be a JSON object"),
    ],
)
async def test_a_wrong_body_is_400_naming_the_field(
    things: httpx2.AsyncClient, body: Any, param: str | None, message: str
) -> None:
    headers = {"Content-Type": "application/json"}
    error = refused(await things.post("/things", content=json.dumps(body), headers=headers), 400)
    assert (error["code"], error.get("param"), error["message"]) == ("invalid_request", param, message)


@pytest.mark.parametrize("raw", [b"{", b"", b"nope", b'{"name": NaN}', b"\xff\xfe", b"[" * 1900, b'{"name": "\xe9"}'])
async def test_broken_json_is_400(things: httpx2.AsyncClient, raw: bytes) -> None:
    answer = await things.post("/things", content=raw, headers={"Content-Type": "application/json"})
    assert refused(answer, 400)["code"] == "invalid_request"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
async def test_another_content_type_is_415(things: httpx2.AsyncClient, content_type: str) -> None:
    answer = await things.post("/things", content=b'{"name": "a"}', headers={"Content-Type": content_type})
    assert refused(answer, 415)["code"] == "unsupported_media_type"


async def test_a_charset_beside_the_content_type_is_fine(things: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await things.post("/things", content=b'{"name": "a"}', headers=headers)).status_code == 201


async def test_unknown_query_parameters_are_400(things: httpx2.AsyncClient) -> None:
    error = refused(await things.get("/things?sinse=2026-01-01"), 400)
    assert (error["param"], error["message"]) == ("sinse", "Unknown query parameter 'sinse'")
    assert refused(await things.get("/things?name=%00"), 400)["param"] == "name"


async def test_a_body_where_none_belongs_is_refused_unless_it_is_empty(things: httpx2.AsyncClient) -> None:
    assert (await things.put("/things", json={})).status_code == 200
    assert refused(await things.put("/things", json={"x": 1}), 400)["param"] == "x"


async def test_times_come_and_go_in_utc(things: httpx2.AsyncClient) -> None:
    made = good(await things.post("/things", json={"name": "a", "at": "2026-01-15T10:30:00+02:00"}))
    assert made == {"at": "2026-01-15T08:30:00Z"}
    assert good(await things.get("/things?since=2026-01-15")) == {"at": "2026-01-15T00:00:00Z"}
    assert good(await things.get("/things", params={"since": "2026-01-15T10:00:00Z"})) == {"at": "2026-01-15T10:00:00Z"}


async def test_a_large_body_is_413_whatever_its_declared_length(things: httpx2.AsyncClient) -> None:
    large = b'{"name": "' + b"x" * 5000 + b'"}'
    assert refused(await things.post("/things", content=large), 413)["code"] == "payload_too_large"

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield large[:100]

    headers = {"Content-Type": "application/json"}
    assert refused(await things.post("/things", content=chunks(), headers=headers), 413)["code"] == "payload_too_large"
    lying = {**headers, "Content-Length": "10"}
    assert refused(await things.post("/things", content=large, headers=lying), 413)["code"] == "payload_too_large"


async def test_who_is_asking_comes_before_what_is_asked(things: httpx2.AsyncClient) -> None:
    answer = await things.post("/things", content=b"{", headers={"Authorization": "Bearer nonsense"})
    assert refused(answer, 401)["code"] == "unauthorized"


@pytest.mark.parametrize("given", ["a", "abc.DEF_1-2", "x" * 128])
async def test_a_valid_request_id_is_kept(things: httpx2.AsyncClient, given: str) -> None:
    for path in ("/things", "/nothing", "/broken"):
        answer = await things.get(path, headers={"X-Request-ID": given})
        assert answer.headers.get_list("X-Request-ID") == [given]


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "ä", "a/b"])
async def test_any_other_request_id_is_replaced(things: httpx2.AsyncClient, given: str) -> None:
    answer = await things.get("/things", headers={"X-Request-ID": given.encode("latin-1")})
    assert answer.headers["X-Request-ID"].startswith("req_")


async def test_both_mounts_serve_the_same_contract(world: World) -> None:
    one, other = [good(await world.test.get(f"{mount}/auth/whoami")) for mount in ("/v1", "/api/amp/v1")]
    assert one["tenant"] == other["tenant"]


async def test_the_openapi_document_tells_errors_and_permissions(world: World) -> None:
    document = good(await world.client().get("/v1/openapi.json"))
    operation = document["paths"]["/auth/keys"]["post"]
    assert operation["x-needs"] == "admin"
    assert operation["security"] == [{"bearer": []}]
    assert set(operation["responses"]) == {"201", "4XX", "5XX"}
    assert document["servers"] == [{"url": "/v1"}]


async def test_the_page_of_errors_explains_every_code(world: World) -> None:
    page = (await world.client().get("/docs/errors")).text
    assert all(f'id="{code}"' in page for code in CODES)


def refused(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The error in an answer with this status, and only an error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    assert set(answer.json()) == {"error"}
    return answer.json()["error"]
