"""Every error that the vendors are known to answer, in their own words, and the remedy it is given.

A row of an adapter's table that no case here reaches fails the suite: it would be a guess that nobody checks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from amp.kit.errors import RateLimited, Reconnect, RefreshToken, Rejected, Remedy, Retry, Unknown
from amp.providers.social import _linkedin_errors as linkedin
from amp.providers.social import _tiktok_errors as tiktok
from amp.providers.social import _twitter_errors as twitter
from amp.providers.social import _youtube_wire as youtube
from amp.providers.social._calling import Refusal, Row, remedy_of
from amp.providers.social._linkedin_wire import refusal as linkedin_refusal
from amp.providers.social._tiktok_wire import refusal as tiktok_refusal
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
    (403, forbidden("This user is not allowed to post a video longer than 20 minutes."), MEDIA),
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
    (401, {"status": 401, "serviceErrorCode": 65602}, RefreshToken()),
    (401, {"status": 401, "code": "REVOKED_ACCESS_TOKEN", "serviceErrorCode": 65601}, Reconnect("AUTH_REVOKED")),
    (401, {"status": 401, "serviceErrorCode": 65601}, Reconnect("AUTH_REVOKED")),
    (401, {"status": 401, "code": "EMPTY_ACCESS_TOKEN"}, Reconnect("AUTH_REVOKED")),
    (401, {"status": 401, "code": "INVALID_ACCESS_TOKEN"}, Reconnect("AUTH_REVOKED")),
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


def at_tiktok(code: str, message: str = "") -> dict[str, Any]:
    return {"data": {}, "error": {"code": code, "message": message, "log_id": "2026112101"}}


PRIVACY = "settings.privacyLevel"
ON_TIKTOK: list[tuple[int, Any, Remedy]] = [
    (401, at_tiktok("access_token_invalid", "The access token is invalid or not found"), RefreshToken()),
    (401, b"", RefreshToken()),
    (401, at_tiktok("scope_not_authorized"), Rejected("PERMISSION_DENIED")),
    (400, at_tiktok("scope_permission_missed"), Rejected("PERMISSION_DENIED")),
    (403, at_tiktok("token_not_authorized_for_specified_publish_id"), Rejected("PERMISSION_DENIED")),
    (403, at_tiktok("invalid_publish_id"), Rejected("POST_NOT_FOUND")),
    (400, at_tiktok("invalid_publish_id"), Rejected("POST_NOT_FOUND")),
    (
        403,
        at_tiktok("unaudited_client_can_only_post_to_private_accounts"),
        Rejected("PRIVATE_POSTS_ONLY", field=PRIVACY),
    ),
    (403, at_tiktok("privacy_level_option_mismatch"), Rejected("VALIDATION_FAILED", field=PRIVACY)),
    (403, at_tiktok("url_ownership_unverified"), Rejected("INVALID_CONFIG")),
    (400, at_tiktok("app_version_check_failed"), Rejected("ACCOUNT_ACTION_REQUIRED")),
    (403, at_tiktok("spam_risk_user_banned_from_posting"), Rejected("ACCOUNT_ACTION_REQUIRED")),
    (200, at_tiktok("spam_risk_user_banned_from_posting"), Rejected("ACCOUNT_ACTION_REQUIRED")),
    (403, at_tiktok("spam_risk_too_many_posts"), RateLimited(None)),
    (403, at_tiktok("spam_risk_too_many_pending_share"), RateLimited(None)),
    (403, at_tiktok("reached_active_user_cap"), RateLimited(None, scope="app")),
    (429, at_tiktok("rate_limit_exceeded"), RateLimited(None)),
    (429, b"<html>slow down</html>", RateLimited(None)),
    (400, at_tiktok("invalid_param", "The post_info is empty"), Rejected("VALIDATION_FAILED")),
    (400, at_tiktok("invalid_params"), Rejected("VALIDATION_FAILED")),
    (400, at_tiktok("something_new"), Rejected("PLATFORM_ERROR")),
]
FAILED_ON_TIKTOK: list[tuple[str, Remedy]] = [
    ("file_format_check_failed", MEDIA),
    ("duration_check_failed", MEDIA),
    ("frame_rate_check_failed", MEDIA),
    ("picture_size_check_failed", MEDIA),
    ("video_pull_failed", Retry()),
    ("photo_pull_failed", Retry()),
    ("internal", Retry()),
    ("publish_cancelled", Rejected("PUBLISH_CANCELLED")),
    ("auth_removed", Reconnect("AUTH_REVOKED")),
    ("spam_risk_too_many_posts", RateLimited(None)),
    ("spam_risk_too_many_pending_share", RateLimited(None)),
    ("spam_risk_text", Rejected("ACCOUNT_ACTION_REQUIRED")),
    ("something_new", Rejected("PLATFORM_ERROR")),
]


def at_google(reason: str, status: str = "", message: str = "No") -> dict[str, Any]:
    entry = {"domain": "youtube.common", "reason": reason, "message": message}
    return {"error": {"code": 400, "message": message, "errors": [entry], "status": status}}


def wrong(setting: str) -> Rejected:
    return Rejected("VALIDATION_FAILED", field=f"settings.{setting}")


UPLOAD = Rejected("MEDIA_UPLOAD_FAILED", field="media")
ON_YOUTUBE: list[tuple[int, Any, Remedy]] = [
    (401, at_google("authError", message="Invalid Credentials"), RefreshToken()),
    (401, {"error": {"code": 401, "message": "No", "status": "UNAUTHENTICATED"}}, RefreshToken()),
    (401, b"", RefreshToken()),
    (401, at_google("youtubeSignupRequired"), Rejected("ACCOUNT_ACTION_REQUIRED")),
    (403, at_google("quotaExceeded"), RateLimited(None, scope="app")),
    (403, at_google("rateLimitExceeded"), RateLimited(None)),
    (429, at_google("rateLimitExceeded"), RateLimited(None)),
    (403, at_google("userRateLimitExceeded"), RateLimited(None)),
    (400, at_google("uploadLimitExceeded"), RateLimited(None)),
    (429, b"", RateLimited(None)),
    (403, at_google("forbidden"), Rejected("PERMISSION_DENIED")),
    (403, at_google("insufficientPermissions"), Rejected("PERMISSION_DENIED")),
    (403, at_google("forbiddenPrivacySetting"), Rejected("PERMISSION_DENIED", field="settings.privacyStatus")),
    (403, at_google("forbiddenLicenseSetting"), Rejected("PERMISSION_DENIED")),
    (403, at_google("somethingNew"), Rejected("PERMISSION_DENIED")),
    (400, at_google("invalidTitle"), wrong("title")),
    (400, at_google("invalidDescription"), wrong("description")),
    (400, at_google("invalidTags"), wrong("tags")),
    (400, at_google("invalidCategoryId"), wrong("categoryId")),
    (400, at_google("invalidPublishAt"), wrong("publishAt")),
    (400, at_google("invalidVideoMetadata"), Rejected("VALIDATION_FAILED")),
    (400, at_google("invalidRecordingDetails"), Rejected("VALIDATION_FAILED")),
    (400, at_google("somethingNew"), Rejected("VALIDATION_FAILED")),
    (400, at_google("invalidFilename"), UPLOAD),
    (400, at_google("mediaBodyRequired"), UPLOAD),
    (404, at_google("videoNotFound"), Rejected("POST_NOT_FOUND")),
    (404, b"", Rejected("POST_NOT_FOUND")),
    (418, at_google("somethingNew"), Rejected("PLATFORM_ERROR")),
]


@dataclass(frozen=True)
class Table:
    rows: Sequence[Row]
    read: Callable[[httpx2.Response], Refusal | None]
    cases: Sequence[tuple[int, Any, Remedy]]

    def refusals(self) -> list[Refusal]:
        return [refused for status, body, _ in self.cases if (refused := self.read(response(status, body)))]


TABLES = {
    "x": Table(twitter.ERRORS, twitter_refusal, ON_X),
    "linkedin": Table(linkedin.ERRORS, linkedin_refusal, ON_LINKEDIN),
    "tiktok": Table(tiktok.ERRORS, tiktok_refusal, ON_TIKTOK),
    "youtube": Table(youtube.ERRORS, youtube.refusal, ON_YOUTUBE),
}
CASES = [(name, *case) for name, table in TABLES.items() for case in table.cases]


def response(status: int, body: Any) -> httpx2.Response:
    return httpx2.Response(status, content=body) if isinstance(body, bytes) else httpx2.Response(status, json=body)


@pytest.mark.parametrize(("name", "status", "body", "remedy"), CASES)
@pytest.mark.parametrize("commits", [False, True])
def test_what_a_vendor_answers_has_its_remedy(name: str, status: int, body: Any, remedy: Remedy, commits: bool):
    refused = TABLES[name].read(response(status, body))
    assert refused
    assert remedy_of(refused, TABLES[name].rows, commits=commits) == remedy


@pytest.mark.parametrize(("reason", "remedy"), FAILED_ON_TIKTOK)
def test_why_tiktok_published_nothing_has_its_remedy(reason: str, remedy: Remedy):
    assert remedy_of(Refusal(200, frozenset({reason}), reason), tiktok.FAILURES, commits=False) == remedy


def rows_reached(refusals: Sequence[Refusal], table: Sequence[Row]) -> set[int]:
    return {next((index for index, row in enumerate(table) if row.fits(refusal)), -1) for refusal in refusals} - {-1}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_every_table_is_reached(name: str):
    table = TABLES[name]
    assert rows_reached(table.refusals(), table.rows) == set(range(len(table.rows)))


def test_every_reason_of_tiktok_is_reached():
    reasons = [Refusal(200, frozenset({reason}), reason) for reason, _ in FAILED_ON_TIKTOK]
    assert rows_reached(reasons, tiktok.FAILURES) == set(range(len(tiktok.FAILURES)))


def test_tiktok_decides_by_its_code_and_not_by_the_status():
    assert tiktok_refusal(response(200, at_tiktok("ok"))) is None
    broken = tiktok_refusal(response(200, at_tiktok("internal_error")))
    assert broken
    assert remedy_of(broken, tiktok.ERRORS, commits=True) == Unknown()
    assert remedy_of(broken, tiktok.ERRORS, commits=False) == Retry()


def test_a_failure_of_google_s_own_is_tried_again_or_looked_up():
    broken = youtube.refusal(response(503, at_google("backendError")))
    assert remedy_of(broken, youtube.ERRORS, commits=False) == Retry()
    assert remedy_of(broken, youtube.ERRORS, commits=True) == Unknown()


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        *(
            (reason, UPLOAD)
            for reason in ("conversion", "invalidFile", "emptyFile", "tooSmall", "codec", "uploadAborted")
        ),
        *((reason, UPLOAD) for reason in ("copyright", "inappropriate", "termsOfUse", "length", "claim", "trademark")),
        *((reason, UPLOAD) for reason in ("legal", "uploadFailed", "transcodeFailed", "streamingFailed", "other")),
        ("duplicate", Rejected("DUPLICATE", field="media")),
        ("uploaderAccountSuspended", Rejected("ACCOUNT_ACTION_REQUIRED")),
        ("uploaderAccountClosed", Rejected("ACCOUNT_ACTION_REQUIRED")),
    ],
)
def test_why_youtube_made_nothing_of_a_video_has_its_remedy(reason: str, remedy: Remedy):
    assert youtube.not_processed(reason) == remedy


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("quotaExceeded", datetime(2026, 11, 21, 8, tzinfo=UTC)),  # midnight in California
        ("uploadLimitExceeded", datetime(2026, 11, 20, 18, tzinfo=UTC)),
        ("rateLimitExceeded", datetime(2026, 11, 20, 12, 1, tzinfo=UTC)),
    ],
)
def test_each_limit_of_youtube_has_its_end(reason: str, end: datetime):
    assert youtube.end_of_limit(Refusal(403, frozenset({reason}), ""), NOON) == end


@pytest.mark.parametrize(
    ("code", "wait"),
    [
        ("rate_limit_exceeded", timedelta(seconds=60)),
        ("spam_risk_too_many_posts", timedelta(hours=1)),
        ("reached_active_user_cap", timedelta(hours=1)),
    ],
)
def test_each_limit_of_tiktok_has_its_wait(code: str, wait: timedelta):
    assert tiktok.wait_of({code}) == wait


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("words", [DUPLICATE, "resource is forbidden", ""])
def test_a_server_that_failed_may_have_published_whatever_it_says(status: int, words: str):
    for table in TABLES.values():
        refusal = Refusal(status, frozenset(), words)
        assert remedy_of(refusal, table.rows, commits=True) == Unknown()
        assert remedy_of(refusal, table.rows, commits=False) == Retry()


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
