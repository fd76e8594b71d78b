"""Errors of the Ampost contract: the codes and statuses of its reference, whatever they are called inside."""

import json
from typing import Any

import pytest

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

INVALID = (
    *("VALIDATION_FAILED", "NO_PLATFORMS_SELECTED", "PLATFORM_NOT_CONNECTED", "CONTENT_TOO_LONG"),
    *("UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_CONFIG", "INVALID_PLACEMENT", "MIXED_MEDIA_NOT_SUPPORTED"),
)
PAGE = "PAGE_IDENTITY_CONFIRMATION_REQUIRED"


def answered(error: AmpError) -> tuple[int, dict[str, Any], Any]:
    answer = AmpostContract().answer(error)
    return answer.status_code, json.loads(bytes(answer.body))["error"], answer.headers


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
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
    ],
)
def test_every_error_has_the_code_and_status_of_the_reference(error: AmpError, status: int, code: str) -> None:
    answer_status, told, headers = answered(error)
    assert (answer_status, told) == (status, {"code": code, "message": "no"})
    assert code in CODES or code in BROKER_CODES
    assert ("Retry-After" in headers) == (status in (429, 503))


def test_the_field_and_what_else_is_known_are_details() -> None:
    error = Invalid("no", param="content.text", details={"problems": [{"platform": None}]})
    assert answered(error)[1]["details"] == {"field": "content.text", "problems": [{"platform": None}]}
