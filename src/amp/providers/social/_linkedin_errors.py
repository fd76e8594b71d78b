"""What LinkedIn's errors mean for us.

Source: LinkedIn's API documentation on learn.microsoft.com and public clients.
"""

import re
from datetime import UTC, datetime, time, timedelta

import httpx2

from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, RefreshToken, Rejected, Retry
from amp.providers.social._calling import Row, failed, remedy_of
from amp.providers.social._linkedin_wire import refusal

_JUST_UPLOADED = Retry(after=timedelta(seconds=10))

ERRORS = (
    Row(_JUST_UPLOADED, says="unable to obtain activity"),
    Row(_JUST_UPLOADED, says="resource is forbidden"),
    Row(Reconnect("AUTH_REVOKED"), 401, code="REVOKED_ACCESS_TOKEN"),
    Row(Reconnect("AUTH_REVOKED"), 401, code="65601"),
    Row(Reconnect("AUTH_REVOKED"), 401, code="EMPTY_ACCESS_TOKEN"),
    Row(Reconnect("AUTH_REVOKED"), 401, code="INVALID_ACCESS_TOKEN"),
    Row(RefreshToken(), 401, code="EXPIRED_ACCESS_TOKEN"),
    Row(RefreshToken(), 401, code="65602"),
    Row(RefreshToken(), 401),
    Row(Rejected("PERMISSION_DENIED"), 403),
    Row(Rejected("POST_NOT_FOUND"), 404),
    Row(Retry(), 409),
    Row(Rejected("INVALID_CONFIG"), 400, code="VERSION_MISSING"),
    Row(Rejected("CONTENT_TOO_LONG", field="text"), 400, code="FIELD_LENGTH_TOO_LONG"),
    Row(Rejected("VALIDATION_FAILED"), 400),
    Row(Rejected("DUPLICATE", field="text"), 422, says="duplicate of"),
    Row(Rejected("VALIDATION_FAILED"), 422),
    Row(Rejected("INVALID_CONFIG"), 426),
    Row(RateLimited(None), 429),
)


def failure(response: httpx2.Response, clock: Clock, *, commits: bool = False) -> ProviderFailed:
    refused = refusal(response)
    remedy = remedy_of(refused, ERRORS, commits=commits)
    if isinstance(remedy, RateLimited):  # the limits are per day and end at midnight UTC, without a header
        tomorrow = clock.now().astimezone(UTC).date() + timedelta(days=1)
        remedy = RateLimited(datetime.combine(tomorrow, time(), UTC))
    earlier = re.search(r"urn:li:\w+:\d+", refused.message)
    if isinstance(remedy, Rejected) and remedy.code == "DUPLICATE" and earlier:
        remedy = Rejected(remedy.code, remedy.field, adopted=earlier[0])
    return failed("LinkedIn", refused, remedy)
