"""What X's errors mean for us.

Source: the OpenAPI document of the X API v2, 2.167, its guide pages, and bug reports.
"""

import httpx2

from amp.kit.errors import ProviderFailed, RateLimited, RefreshToken, Rejected
from amp.providers.social._calling import Row, failed, remedy_of
from amp.providers.social._twitter_wire import limit, refusal

_MEDIA = Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media")

ERRORS = (
    Row(RefreshToken(), 401),
    Row(Rejected("CREDITS_DEPLETED"), 402),
    Row(Rejected("DUPLICATE", field="text"), 403, says="duplicate content"),
    Row(Rejected("INVALID_CONFIG"), 403, code="client-forbidden"),
    Row(Rejected("INVALID_CONFIG"), 403, code="unsupported-authentication"),
    Row(_MEDIA, 403, says="post a video longer than"),
    Row(Rejected("PERMISSION_DENIED"), 403),
    Row(Rejected("POST_NOT_FOUND"), 404),
    Row(_MEDIA, 400, code="media.media_ids"),
    Row(_MEDIA, 400, says="media ids are invalid"),
    Row(_MEDIA, 400, says="longer than 2 minutes"),
    Row(Rejected("VALIDATION_FAILED", field="text"), 400, says="invalid url"),
    Row(Rejected("VALIDATION_FAILED"), 400),
    Row(_MEDIA, 413),
    Row(RateLimited(None, scope="app"), 429, code="usage-capped"),
    Row(RateLimited(None), 429),
)


def failure(response: httpx2.Response, *, commits: bool = False) -> ProviderFailed:
    refused = refusal(response)
    remedy = remedy_of(refused, ERRORS, commits=commits)
    if isinstance(remedy, RateLimited):
        remedy = limit(response.headers, remedy)
    return failed("X", refused, remedy)
