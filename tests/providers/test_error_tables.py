"""Every error that the vendors are known to answer, in their own words, and the remedy it is given.

A row of an adapter's table that no case here reaches fails the suite: it would be a guess that nobody checks.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from amp.kit.errors import RateLimited, Reconnect, RefreshToken, Rejected, Remedy, Retry, Unknown
from amp.providers.social import _linkedin_errors as linkedin
from amp.providers.social import _twitter_errors as twitter
from amp.providers.social._calling import Refusal, Row, remedy_of
from amp.providers.social._linkedin_wire import refusal as linkedin_refusal
from amp.providers.social._twitter_wire import limit
from amp.providers.social._twitter_wire import refusal as twitter_refusal

X = "https://api.x.com/2/problems"
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


def forbidden(detail: str, **more: Any) -> dict[str, Any]:
    return {"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403, **more}


def invalid(message: str, **parameters: list[str]) -> dict[str, Any]:
    return {
        "errors": [{"parameters": parameters, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": f"{X}/invalid-request",
    }


MEDIA = Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media")
ON_X: list[tuple[int, Any, Remedy]] = [
    (401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, RefreshToken()),
    (402, {"title": "CreditsDepleted", "detail": "No credits left", "status": 402}, Rejected("CREDITS_DEPLETED")),
    (403, forbidden(DUPLICATE), Rejected("DUPLICATE", field="text")),
    (403, forbidden("You are not permitted to perform this action."), Rejected("PERMISSION_DENIED")),
    (403, forbidden("Not enrolled", type=f"{X}/client-forbidden"), Rejected("INVALID_CONFIG")),
    (
        403,
        {"errors": [{"title": "Unsupported Authentication", "type": f"{X}/unsupported-authentication"}]},
        Rejected("INVALID_CONFIG"),
    ),
    (404, {"errors": [{"value": "1", "type": f"{X}/resource-not-found"}]}, Rejected("POST_NOT_FOUND")),
    (400, invalid("Your media IDs are invalid.", **{"media.media_ids": ["1"]}), MEDIA),
    (400, {"detail": "Your media IDs are invalid."}, MEDIA),
    (400, {"detail": "This video is longer than 2 minutes."}, MEDIA),
    (400, {"detail": "The Tweet contains an invalid URL."}, Rejected("VALIDATION_FAILED", field="text")),
    (400, invalid("The `text` field is too odd", text=["x"]), Rejected("VALIDATION_FAILED")),
    (413, b"<html>too large</html>", MEDIA),
    (429, {"title": "UsageCapExceeded", "type": f"{X}/usage-capped"}, RateLimited(None, scope="app")),
    (429, {"title": "Too Many Requests", "type": "about:blank", "status": 429}, RateLimited(None)),
    (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, RateLimited(None)),
    (418, {"code": 7, "message": "something new"}, Rejected("PLATFORM_ERROR")),
]

URN = "urn:li:share:7012345678901234567"
ON_LINKEDIN: list[tuple[int, Any, Remedy]] = [
    (401, {"status": 401, "code": "EXPIRED_ACCESS_TOKEN", "serviceErrorCode": 65602}, RefreshToken()),
    (401, {"status": 401, "message": "The token used in the request has expired"}, RefreshToken()),
    (401, {"status": 401, "code": "REVOKED_ACCESS_TOKEN", "serviceErrorCode": 65601}, Reconnect()),
    (401, {"status": 401, "serviceErrorCode": 65601}, Reconnect()),
    (401, {"status": 401, "code": "EMPTY_ACCESS_TOKEN"}, Reconnect()),
    (401, {"status": 401, "code": "INVALID_ACCESS_TOKEN"}, Reconnect()),
    (403, {"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions"}, Rejected("PERMISSION_DENIED")),
    (403, {"status": 403, "message": "The resource is forbidden"}, Retry(after=timedelta(seconds=10))),
    (400, {"status": 400, "message": "Unable to obtain activity"}, Retry(after=timedelta(seconds=10))),
    (400, {"status": 400, "code": "VERSION_MISSING"}, Rejected("INVALID_CONFIG")),
    (426, {"status": 426, "code": "NONEXISTENT_VERSION"}, Rejected("INVALID_CONFIG")),
    (400, {"status": 400, "code": "FIELD_LENGTH_TOO_LONG"}, Rejected("CONTENT_TOO_LONG", field="text")),
    (400, {"status": 400, "code": "INVALID_VALUE_FOR_FIELD"}, Rejected("VALIDATION_FAILED")),
    (404, {"status": 404, "code": "RESOURCE_NOT_FOUND"}, Rejected("POST_NOT_FOUND")),
    (409, {"status": 409, "code": "CONFLICT"}, Retry()),
    (422, {"status": 422, "message": f"Content is a duplicate of {URN}"}, Rejected("DUPLICATE", field="text")),
    (422, {"status": 422, "message": "Unprocessable"}, Rejected("VALIDATION_FAILED")),
    (429, {"status": 429, "code": "TOO_MANY_REQUESTS"}, RateLimited(None)),
]


def response(status: int, body: Any) -> httpx2.Response:
    return httpx2.Response(status, content=body) if isinstance(body, bytes) else httpx2.Response(status, json=body)


@pytest.mark.parametrize(("status", "body", "remedy"), ON_X)
@pytest.mark.parametrize("commits", [False, True])
def test_what_x_answers_has_its_remedy(status: int, body: Any, remedy: Remedy, commits: bool):
    assert remedy_of(twitter_refusal(response(status, body)), twitter.ERRORS, commits=commits) == remedy


@pytest.mark.parametrize(("status", "body", "remedy"), ON_LINKEDIN)
@pytest.mark.parametrize("commits", [False, True])
def test_what_linkedin_answers_has_its_remedy(status: int, body: Any, remedy: Remedy, commits: bool):
    assert remedy_of(linkedin_refusal(response(status, body)), linkedin.ERRORS, commits=commits) == remedy


def rows_reached(refusals: Sequence[Refusal], table: Sequence[Row]) -> set[int]:
    return {next((index for index, row in enumerate(table) if row.fits(refusal)), -1) for refusal in refusals} - {-1}


def test_every_row_of_every_table_is_reached():
    on_x = [twitter_refusal(response(status, body)) for status, body, _ in ON_X]
    on_linkedin = [linkedin_refusal(response(status, body)) for status, body, _ in ON_LINKEDIN]
    assert rows_reached(on_x, twitter.ERRORS) == set(range(len(twitter.ERRORS)))
    assert rows_reached(on_linkedin, linkedin.ERRORS) == set(range(len(linkedin.ERRORS)))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("words", [DUPLICATE, "resource is forbidden", ""])
def test_a_server_that_failed_may_have_published_whatever_it_says(status: int, words: str):
    for table in (twitter.ERRORS, linkedin.ERRORS):
        refusal = Refusal(status, frozenset(), words)
        assert remedy_of(refusal, table, commits=True) == Unknown()
        assert remedy_of(refusal, table, commits=False) == Retry()


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-rate-limit-reset": f"{NOON.timestamp():.0f}"}, RateLimited(NOON)),
        ({}, RateLimited(None)),
        ({"x-rate-limit-reset": "soon"}, RateLimited(None)),
        (
            {"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": f"{NOON.timestamp():.0f}"},
            RateLimited(NOON, scope="app"),
        ),
        (
            {
                "x-app-limit-24hour-remaining": "7",
                "x-user-limit-24hour-remaining": "0",
                "x-user-limit-24hour-reset": f"{NOON.timestamp():.0f}",
            },
            RateLimited(NOON),
        ),
    ],
)
def test_x_says_which_limit_is_used_up_and_until_when(headers: dict[str, str], expected: RateLimited):
    assert limit(httpx2.Headers(headers), RateLimited(None)) == expected
