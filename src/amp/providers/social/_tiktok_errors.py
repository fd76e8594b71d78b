"""What TikTok's errors mean for us: those of a request, and those of a post that TikTok was working on.

Source: TikTok's documents of the Content Posting API and the Display API.
"""

from collections.abc import Collection
from datetime import timedelta

from amp.kit.errors import RateLimited, Reconnect, RefreshToken, Rejected, Retry
from amp.providers.social._calling import Row

_MEDIA = Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media")
_PRIVACY = Rejected("VALIDATION_FAILED", field="settings.privacyLevel")
_TOO_MANY = RateLimited(None)

ERRORS = (
    Row(RefreshToken(), code="access_token_invalid"),
    Row(Rejected("PERMISSION_DENIED"), code="scope_not_authorized"),
    Row(Rejected("PERMISSION_DENIED"), code="scope_permission_missed"),
    Row(Rejected("PERMISSION_DENIED"), code="token_not_authorized_for_specified_publish_id"),
    Row(Rejected("POST_NOT_FOUND"), code="invalid_publish_id"),
    Row(
        Rejected("PRIVATE_POSTS_ONLY", field="settings.privacyLevel"),
        code="unaudited_client_can_only_post_to_private_accounts",
    ),
    Row(_PRIVACY, code="privacy_level_option_mismatch"),
    Row(Rejected("INVALID_CONFIG"), code="url_ownership_unverified"),
    Row(Rejected("ACCOUNT_ACTION_REQUIRED"), code="app_version_check_failed"),
    Row(Rejected("ACCOUNT_ACTION_REQUIRED"), code="spam_risk_user_banned_from_posting"),
    Row(_TOO_MANY, code="spam_risk_too_many_posts"),
    Row(_TOO_MANY, code="spam_risk_too_many_pending_share"),
    Row(RateLimited(None, scope="app"), code="reached_active_user_cap"),
    Row(_TOO_MANY, code="rate_limit_exceeded"),
    Row(Rejected("VALIDATION_FAILED"), code="invalid_param"),
    Row(Rejected("VALIDATION_FAILED"), code="invalid_params"),
    Row(RefreshToken(), 401),
    Row(_TOO_MANY, 429),
)

FAILURES = (
    Row(_MEDIA, code="file_format_check_failed"),
    Row(_MEDIA, code="duration_check_failed"),
    Row(_MEDIA, code="frame_rate_check_failed"),
    Row(_MEDIA, code="picture_size_check_failed"),
    Row(Retry(), code="video_pull_failed"),
    Row(Retry(), code="photo_pull_failed"),
    Row(Retry(), code="internal"),
    Row(Rejected("PUBLISH_CANCELLED"), code="publish_cancelled"),
    Row(Reconnect("AUTH_REVOKED"), code="auth_removed"),
    Row(_TOO_MANY, code="spam_risk_too_many_posts"),
    Row(_TOO_MANY, code="spam_risk_too_many_pending_share"),
    Row(Rejected("ACCOUNT_ACTION_REQUIRED"), says="spam_risk"),
)
"""By `fail_reason`, in the place of a code and of words."""


def wait_of(codes: Collection[str]) -> timedelta:
    """How long a limit holds us back. Calls are counted in a sliding minute; posts in a sliding day, in which room may
    be made at any time."""
    capped = any(code.startswith(("spam_risk", "reached_")) for code in codes)
    return timedelta(hours=1) if capped else timedelta(seconds=60)
