"""Errors of the Ampost contract: the codes and statuses of its reference, whatever they are called inside."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from posts import FITTING, IMAGE, VIDEO, body, create, error, put_into

from amp.app import open_door
from amp.domain.publishing.lifecycle import WrongStatus
from amp.kit.errors import (
    AmpError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OverLimit,
    ProviderFailed,
    Reconnect,
    Rejected,
    Retry,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from amp.surfaces.ampost.envelope import BROKER_CODES, CODES, AmpostContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.edge import RequestIds
from amp.surfaces.surface import Surface, Uow
from dashboard import browser
from world import World, client_of, open_world

pytestmark = pytest.mark.anyio

INVALID = (
    *("VALIDATION_FAILED", "NO_PLATFORMS_SELECTED", "PLATFORM_NOT_CONNECTED", "CONTENT_TOO_LONG"),
    *("UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_CONFIG", "INVALID_PLACEMENT", "MIXED_MEDIA_NOT_SUPPORTED"),
)
PAGE = "PAGE_IDENTITY_CONFIRMATION_REQUIRED"


RAISED: tuple[tuple[AmpError, int, str], ...] = (
    (Invalid("no"), 400, "VALIDATION_FAILED"),
    *((Invalid("no", code=code), 400, code) for code in INVALID),
    *((Invalid("no", code=code.lower()), 400, code) for code in INVALID if code != "UNSUPPORTED_MEDIA_TYPE"),
    (ProviderFailed("no", remedy=Rejected(PAGE)), 403, PAGE),
    (NotFound("no", code="post_not_found"), 404, "POST_NOT_FOUND"),
    (WrongStatus("no"), 409, "INVALID_STATUS_TRANSITION"),
    (OverLimit("no", retry_after=1.2), 429, "RATE_LIMITED"),
    (ProviderFailed("no", remedy=Rejected("MEDIA_UPLOAD_FAILED")), 502, "MEDIA_UPLOAD_FAILED"),
    (ProviderFailed("no", remedy=Retry()), 502, "BROKER_ERROR"),
    (ProviderFailed("no", remedy=Reconnect()), 502, "AUTH_EXPIRED"),
    *((ProviderFailed("no", remedy=Rejected(code)), 502, code) for code in BROKER_CODES),
    (Unauthenticated("no"), 401, "UNAUTHORIZED"),
    (Forbidden("no"), 403, "FORBIDDEN"),
    (NotFound("no"), 404, "NOT_FOUND"),
    (Conflict("no"), 409, "CONFLICT"),
    (TooLarge("no"), 413, "PAYLOAD_TOO_LARGE"),
    (Invalid("no", code="unsupported_media_type"), 415, "UNSUPPORTED_CONTENT_TYPE"),
    (Invalid("no", code="idempotency_mismatch"), 422, "IDEMPOTENCY_MISMATCH"),
    (AmpError("no", code="internal_error"), 500, "INTERNAL_ERROR"),
    (Unavailable("no", retry_after=2), 503, "UNAVAILABLE"),
    (Invalid("no", param="content.text", details={"problems": [{"platform": None}]}), 400, "VALIDATION_FAILED"),
)

router = Surface("errors")


@router.post("/fail/{number}", needs="read")
async def fail(_uow: Uow, number: int) -> dict[str, Any]:
    """A route with this misfortune."""
    raise RAISED[number][0]


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture(scope="module")
async def unlucky(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    contract = ContractApp(open_door(world.runtime), AmpostContract(), About("Errors", "1"), [router])
    async with client_of(RequestIds(contract), world.tenant.test_key) as client:
        yield client


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(number, status, code) for number, (_, status, code) in enumerate(RAISED)],
    ids=[f"{code} {status}" for _, status, code in RAISED],
)
async def test_every_error_has_the_code_and_status_of_the_reference(
    unlucky: httpx2.AsyncClient, number: int, status: int, code: str
) -> None:
    answer = await unlucky.post(f"/fail/{number}")
    told = error(answer, status)
    assert (told["code"], told["message"]) == (code, "no")
    assert code in CODES or code in BROKER_CODES
    assert ("Retry-After" in answer.headers) == (status in (429, 503))


async def test_the_field_and_what_else_is_known_are_details(unlucky: httpx2.AsyncClient) -> None:
    told = error(await unlucky.post(f"/fail/{len(RAISED) - 1}"))
    assert told["details"] == {"field": "text", "problems": [{"platform": None}]}


Ask = Callable[[World], Awaitable[httpx2.Response]]


def creating(*platforms: str, **changes: Any) -> Ask:
    async def ask(world: World) -> httpx2.Response:
        return await world.test.post("/api/v1/posts", json=await body(world, *platforms, **changes))

    return ask


async def without_an_account(world: World) -> httpx2.Response:
    empty = (await world.post("/api/v1/platform-sets", {"name": "Empty"}))["set"]["id"]
    return await creating("twitter", set_id=empty)(world)


async def cancelling_what_is_published(world: World) -> httpx2.Response:
    post = await create(world, "twitter")
    await put_into(world, post, "published")
    return await world.test.post(f"/api/v1/posts/{post['id']}/cancel")


async def renewing_tokens_while_the_vendor_is_away(world: World) -> httpx2.Response:
    async with browser(world) as person:
        return await person.post("/api/platforms/twitter/refresh")


async def of_somebody_else(world: World) -> httpx2.Response:
    stranger = world.client((await world.new_tenant()).test_key)
    return await stranger.get(f"/api/v1/posts/{(await create(world, 'twitter'))['id']}")


REEL = {"instagram": {"settings": {"placement": "reel"}}}
TIFF = IMAGE | {"mimeType": "image/tiff"}
COMMON: dict[str, tuple[int, Ask]] = {
    "VALIDATION_FAILED": (400, creating("twitter", text="")),
    "NO_PLATFORMS_SELECTED": (400, creating()),
    "PLATFORM_NOT_CONNECTED": (400, without_an_account),
    "CONTENT_TOO_LONG": (400, creating("twitter", text="x" * 281)),
    "UNSUPPORTED_MEDIA_TYPE": (400, creating("facebook", media=[TIFF])),
    "UNSUPPORTED_MEDIA_CONFIG": (400, creating("tiktok", media=[])),
    "INVALID_PLACEMENT": (400, creating("instagram", media=FITTING["instagram"], platformOverrides=REEL)),
    "MIXED_MEDIA_NOT_SUPPORTED": (400, creating("facebook", media=[IMAGE, VIDEO])),
    "POST_NOT_FOUND": (404, of_somebody_else),
    "INVALID_STATUS_TRANSITION": (409, cancelling_what_is_published),
    "BROKER_ERROR": (502, renewing_tokens_while_the_vendor_is_away),
}
"""What a request may be answered with; RATE_LIMITED: `test_rates`. PAGE_IDENTITY_CONFIRMATION_REQUIRED and
MEDIA_UPLOAD_FAILED are what vendors say later: `test_deliveries`."""


@pytest.mark.parametrize(("code", "status", "ask"), [(code, *row) for code, row in COMMON.items()], ids=COMMON)
async def test_common_post_engine_errors_answer_real_requests(world: World, code: str, status: int, ask: Ask) -> None:
    assert error(await ask(world), status)["code"] == code
