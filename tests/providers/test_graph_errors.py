"""Every code and subcode that Meta's documents name, and the remedy it is given on each of its three platforms.

A row of a table that no case here reaches fails: it would be a guess that nobody checks.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from amp.kit.clock import FastClock
from amp.kit.errors import RateLimited, Reconnect, RefreshToken, Rejected, Remedy, Retry, Unknown
from amp.kit.web import vendor_client
from amp.providers.social import _facebook_wire, _graph, _instagram_wire, _threads_wire
from amp.providers.social._calling import Refusal, Row
from amp.providers.social._containers import EXPIRED
from amp.providers.social._facebook_wire import RESTART, upload_failure, where_to_go_on
from amp.providers.social._graph import (
    MEDIA_REFUSED,
    NOT_FETCHED,
    NOT_READY,
    TAKEN_DOWN,
    graph_remedy,
    refusal,
    regained,
)

TABLES: Mapping[str, Sequence[Row]] = {
    "instagram": _instagram_wire.ERRORS,
    "facebook": _facebook_wire.ERRORS,
    "threads": _threads_wire.ERRORS,
}
TRANSIENT = Retry()
REVOKED = Reconnect("AUTH_REVOKED")
CONTENT = Rejected("VALIDATION_FAILED")
LINK = Rejected("VALIDATION_FAILED", field="linkUrl")
TOO_LONG = Rejected("CONTENT_TOO_LONG", field="text")
DUPLICATE = Rejected("DUPLICATE", field="text")
FORBIDDEN = Rejected("PERMISSION_DENIED")
IDENTITY = Rejected("PAGE_IDENTITY_CONFIRMATION_REQUIRED")
GONE = Rejected("POST_NOT_FOUND")

Case = tuple[int, int | None, Remedy]

EVERYWHERE: list[Case] = [
    (190, None, RefreshToken()),
    (190, 463, RefreshToken()),
    (190, 467, RefreshToken()),
    (190, 458, REVOKED),
    (190, 460, REVOKED),
    (190, 492, REVOKED),
    (190, 459, TAKEN_DOWN),
    (190, 464, TAKEN_DOWN),
    (102, None, RefreshToken()),
    (3, None, FORBIDDEN),
    (10, None, FORBIDDEN),
    (200, None, FORBIDDEN),
    (299, None, FORBIDDEN),
    (1, None, TRANSIENT),
    (2, None, TRANSIENT),
    (4, None, RateLimited(None, scope="app")),
    (341, None, RateLimited(None, scope="app")),
    (17, None, RateLimited(None)),
    (32, None, RateLimited(None)),
    (613, None, RateLimited(None)),
    (80001, None, RateLimited(None)),
    (80002, None, RateLimited(None)),
    (368, None, TAKEN_DOWN),
    (368, 1390008, TAKEN_DOWN),
    (368, 4854002, IDENTITY),
    (506, None, DUPLICATE),
    (100, 1404082, DUPLICATE),
    (200, 1404078, IDENTITY),
    (1609005, None, LINK),
    (100, 1609005, LINK),
    (100, None, CONTENT),
    (100, 33, GONE),
    (803, None, GONE),
    (300, None, Rejected("PLATFORM_ERROR")),
]

ON: Mapping[str, list[Case]] = {
    "instagram": [
        (-2, 2207003, TRANSIENT),
        (-2, 2207020, EXPIRED),
        (-2, None, TRANSIENT),
        (-1, 2207001, TRANSIENT),
        (-1, 2207032, TRANSIENT),
        (-1, 2207053, TRANSIENT),
        (-1, None, TRANSIENT),
        (1, 2207057, CONTENT),
        (4, 2207051, TAKEN_DOWN),
        (9, 2207042, RateLimited(None)),
        (9, None, RateLimited(None)),
        (24, 2207006, NOT_READY),
        (24, 2207008, NOT_READY),
        (24, None, NOT_READY),
        (25, 2207050, TAKEN_DOWN),
        (25, None, TAKEN_DOWN),
        *((100, subcode, CONTENT) for subcode in (2207023, 2207028, 2207035, 2207036, 2207037, 2207040, 2207081)),
        (352, 2207026, MEDIA_REFUSED),
        (352, None, MEDIA_REFUSED),
        (9004, 2207052, NOT_FETCHED),
        (9004, None, NOT_FETCHED),
        (9007, 2207027, NOT_READY),
        (9007, None, NOT_READY),
        (36000, 2207004, MEDIA_REFUSED),
        (36000, None, MEDIA_REFUSED),
        (36001, 2207005, MEDIA_REFUSED),
        (36001, None, MEDIA_REFUSED),
        (36003, 2207009, MEDIA_REFUSED),
        (36003, None, MEDIA_REFUSED),
        (36004, 2207010, TOO_LONG),
        (36004, None, TOO_LONG),
        *((100, subcode, TRANSIENT) for subcode in (2207076, 2207077, 2207082)),
    ],
    "facebook": [
        (1363019, None, TRANSIENT),
        (6000, None, TRANSIENT),
        (6000, 1363020, RESTART),
        (1363020, None, RESTART),
        *((code, None, NOT_READY) for code in (1363030, 1363031, 1363032, 1363033, 1363037)),
        *((code, None, MEDIA_REFUSED) for code in range(1363021, 1363027)),
        *((code, None, MEDIA_REFUSED) for code in (1363041, 1363042, 1363045, 1363047, 1366046)),
        (100, 1363026, MEDIA_REFUSED),
        (1609008, None, LINK),
        (1609010, None, LINK),
    ],
    "threads": [
        (24, 4279009, NOT_READY),
        (24, None, NOT_READY),
        (9, 2207042, RateLimited(None)),
        (9, None, RateLimited(None)),
        (1, 4279013, TAKEN_DOWN),
        (1, 2207051, TAKEN_DOWN),
    ],
}
CASES = [(name, *case) for name in TABLES for case in (*EVERYWHERE, *ON[name])]

IN_WORDS: list[tuple[str, str, Remedy]] = [
    ("threads", "Param text must be at most 500 characters long.", TOO_LONG),
    ("threads", "THREADS_API__LINK_LIMIT_EXCEEDED", Rejected("VALIDATION_FAILED", field="text")),
    ("threads", "The media could not be fetched from this URI: https://x", NOT_FETCHED),
]


def envelope(code: int, subcode: int | None = None, *, message: str = "No", **more: Any) -> dict[str, Any]:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2", **more}
    return {"error": error if subcode is None else error | {"error_subcode": subcode}}


def refused(body: Any, status: int = 400) -> Refusal:
    return refusal(httpx2.Response(status, json=body))


@pytest.mark.parametrize(("name", "code", "subcode", "remedy"), CASES)
@pytest.mark.parametrize("status", [400, 500])
def test_the_codes_decide_whatever_the_status_says(
    name: str, code: int, subcode: int | None, remedy: Remedy, status: int
):
    found = graph_remedy(refused(envelope(code, subcode), status), TABLES[name], commits=False)
    beyond = remedy == Rejected("PLATFORM_ERROR") and status == 500
    assert found == (Retry() if beyond else remedy)


@pytest.mark.parametrize(("name", "code", "subcode", "remedy"), CASES)
def test_what_failed_for_a_moment_may_have_been_published(name: str, code: int, subcode: int | None, remedy: Remedy):
    found = graph_remedy(refused(envelope(code, subcode)), TABLES[name], commits=True)
    assert found == (Unknown() if remedy == TRANSIENT else remedy)


@pytest.mark.parametrize(("name", "message", "remedy"), IN_WORDS)
def test_what_meta_only_says_in_words_has_its_remedy(name: str, message: str, remedy: Remedy):
    assert graph_remedy(refused(envelope(100, message=message)), TABLES[name], commits=True) == remedy


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_reached(name: str):
    asked = [
        *(refused(envelope(code, subcode)) for code, subcode, _ in (*EVERYWHERE, *ON[name])),
        *(refused(envelope(100, message=message)) for table, message, _ in IN_WORDS if table == name),
        refused(envelope(7, is_transient=True)),
    ]
    table = TABLES[name]
    reached = {next((index for index, row in enumerate(table) if row.fits(one)), -1) for one in asked}
    assert reached - {-1} == set(range(len(table)))


def test_an_unknown_code_that_calls_itself_transient_is():
    told = refused(envelope(7, is_transient=True))
    assert graph_remedy(told, _graph.ERRORS, commits=False) == Retry()
    assert graph_remedy(told, _graph.ERRORS, commits=True) == Unknown()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 400])
def test_a_body_that_is_none_of_metas_may_hide_a_published_post(status: int):
    told = refusal(httpx2.Response(status, content=b"<html>Sorry</html>"))
    assert graph_remedy(told, _graph.ERRORS, commits=True) == Unknown()


def test_what_meta_tells_people_is_what_people_are_told():
    told = refused(envelope(36003, 2207009, message="Error", error_user_msg="The image is too wide"))
    assert told.message == "The image is too wide"


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
STANDING = FastClock(0, real_anchor=NOON, virtual_anchor=NOON)


@pytest.mark.parametrize(
    ("usage", "minutes"),
    [
        ('{"17841": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 19}]}', 19),
        ('{"1": [{"estimated_time_to_regain_access": 5}, {"estimated_time_to_regain_access": 70}], "2": []}', 70),
        ('{"1": [{"call_count": 3}]}', None),
        ('{"1": [{"estimated_time_to_regain_access": 0}]}', None),
        ("soon", None),
        (None, None),
    ],
)
def test_the_usage_header_says_when_calls_are_allowed_again(usage: str | None, minutes: int | None):
    headers = httpx2.Headers({"X-Business-Use-Case-Usage": usage} if usage else {})
    assert regained(headers, NOON) == (NOON + timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize(
    ("code", "subcode", "usage", "pause"),
    [
        (9, 2207042, None, timedelta(hours=3)),
        (32, None, None, timedelta(minutes=10)),
        (80002, None, '{"1": [{"estimated_time_to_regain_access": 25}]}', timedelta(minutes=25)),
    ],
)
@pytest.mark.anyio
async def test_a_limit_always_ends(code: int, subcode: int | None, usage: str | None, pause: timedelta):
    """Where Meta does not say when: a day's posts and an hour's calls come free little by little."""
    headers = {"X-Business-Use-Case-Usage": usage} if usage else {}
    async with vendor_client("http://127.0.0.1:9") as client:
        graph = _graph.Graph("Instagram", client, _instagram_wire.ERRORS, STANDING)
        told = graph.failed(httpx2.Response(400, json=envelope(code, subcode), headers=headers))
    assert told.remedy == RateLimited(NOON + pause)


@pytest.mark.parametrize(
    ("told", "start"),
    [
        ({"start_offset": "4096", "end_offset": "8192"}, 4096),
        ('{"start_offset": 4096, "end_offset": 8192}', 4096),
        ("gone", None),
        (None, None),
    ],
)
def test_an_upload_goes_on_where_facebook_says(told: object, start: int | None):
    body = envelope(6000, 1363037, error_data=told)
    window = where_to_go_on(httpx2.Response(400, json=body))
    assert (window and window.start_offset) == start


@pytest.mark.parametrize(("retriable", "remedy"), [(True, Retry()), (False, MEDIA_REFUSED)])
def test_the_upload_host_has_words_of_its_own(retriable: bool, remedy: Remedy):
    told = {"debug_info": {"retriable": retriable, "type": "ProcessingFailedError", "message": "Broken"}}
    failure = upload_failure(httpx2.Response(400, json=told))
    assert failure is not None
    assert (failure.remedy, failure.message) == (remedy, "Facebook: Broken")
    assert upload_failure(httpx2.Response(400, json=envelope(1))) is None
