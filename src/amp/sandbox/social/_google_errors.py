"""How Google's APIs say no. Callers decide by the reason of the first error, not by the status.

{"error": {"code": 403, "message": "...", "errors": [{"domain", "reason", "message"}], "status": "..."}}
"""

from starlette.responses import JSONResponse, Response

from amp.sandbox.vendor import Refusal, Refused

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}
_INVALID_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential."
)
_OVER_QUOTA = 'The request cannot be completed because you have exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'  # noqa: E501
_REFUSALS: dict[Refusal, tuple[int, str, str, str]] = {
    Refusal.NO_TOKEN: (401, "global", "required", "Request is missing required authentication credential."),
    Refusal.UNKNOWN_TOKEN: (401, "global", "authError", _INVALID_CREDENTIALS),
    Refusal.EXPIRED_TOKEN: (401, "global", "authError", _INVALID_CREDENTIALS),
    Refusal.REVOKED_TOKEN: (401, "global", "authError", _INVALID_CREDENTIALS),
    Refusal.APP_TOKEN: (401, "youtube.header", "youtubeSignupRequired", "Unauthorized"),
    Refusal.MISSING_SCOPE: (
        403,
        "global",
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
    ),
    Refusal.RATE_LIMITED: (429, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
    Refusal.RATE_LIMITED_BARE: (403, "usageLimits", "userRateLimitExceeded", "User Rate Limit Exceeded"),
    Refusal.OVER_QUOTA: (403, "youtube.quota", "quotaExceeded", _OVER_QUOTA),
    Refusal.TOO_LARGE: (413, "global", "uploadTooLarge", "The upload is too large."),
    Refusal.NO_SUCH_PATH: (404, "global", "notFound", "Not Found"),
    Refusal.BROKEN: (500, "global", "backendError", "Backend Error"),
}


def refuse(refusal: Refusal) -> Response:
    return error(*_REFUSALS[refusal]).response


def error(status: int, domain: str, reason: str, message: str) -> Refused:
    body: dict[str, object] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": domain, "reason": reason}],
    }
    if status in _STATUSES:
        body["status"] = _STATUSES[status]
    return Refused(JSONResponse({"error": body}, status))


def invalid(reason: str, message: str, domain: str = "youtube.video") -> Refused:
    return error(400, domain, reason, message)
