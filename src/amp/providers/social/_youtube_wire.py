"""YouTube's answers as data, and what its errors mean for us.

Source: Google's discovery documents youtube.v3 and youtubeAnalytics.v2, and the guides of the YouTube Data API.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx2
from pydantic import BaseModel, Field

from amp.kit.errors import RateLimited, RefreshToken, Rejected, Remedy
from amp.providers.social._calling import Refusal, Row

PACIFIC = ZoneInfo("America/Los_Angeles")
"""In whose days YouTube counts."""

_COUNTERS = {"viewCount": "video_views", "likeCount": "likes", "commentCount": "comments"}
_REPORTED = {"shares": "shares", "subscribersGained": "followers_gained"}
_TOO_MANY = RateLimited(None)

ERRORS = (
    Row(Rejected("ACCOUNT_ACTION_REQUIRED"), code="youtubeSignupRequired"),
    Row(RefreshToken(), 401, code="authError"),
    Row(RefreshToken(), 401, code="UNAUTHENTICATED"),
    Row(RefreshToken(), 401),
    Row(RateLimited(None, scope="app"), code="quotaExceeded"),
    Row(_TOO_MANY, code="rateLimitExceeded"),
    Row(_TOO_MANY, code="userRateLimitExceeded"),
    Row(_TOO_MANY, code="uploadLimitExceeded"),
    Row(Rejected("PERMISSION_DENIED"), code="forbidden"),
    Row(Rejected("PERMISSION_DENIED"), code="insufficientPermissions"),
    Row(Rejected("PERMISSION_DENIED", field="settings.privacyStatus"), code="forbiddenPrivacySetting"),
    Row(Rejected("PERMISSION_DENIED"), code="forbiddenLicenseSetting"),
    Row(Rejected("VALIDATION_FAILED", field="settings.title"), code="invalidTitle"),
    Row(Rejected("VALIDATION_FAILED", field="settings.description"), code="invalidDescription"),
    Row(Rejected("VALIDATION_FAILED", field="settings.tags"), code="invalidTags"),
    Row(Rejected("VALIDATION_FAILED", field="settings.categoryId"), code="invalidCategoryId"),
    Row(Rejected("VALIDATION_FAILED", field="settings.publishAt"), code="invalidPublishAt"),
    Row(Rejected("VALIDATION_FAILED"), code="invalidVideoMetadata"),
    Row(Rejected("VALIDATION_FAILED"), code="invalidRecordingDetails"),
    Row(Rejected("MEDIA_UPLOAD_FAILED", field="media"), code="invalidFilename"),
    Row(Rejected("MEDIA_UPLOAD_FAILED", field="media"), code="mediaBodyRequired"),
    Row(Rejected("POST_NOT_FOUND"), code="videoNotFound"),
    Row(Rejected("PERMISSION_DENIED"), 403),
    Row(Rejected("POST_NOT_FOUND"), 404),
    Row(_TOO_MANY, 429),
    Row(Rejected("VALIDATION_FAILED"), 400),
)


class VideoStatus(BaseModel):
    upload_status: str = Field(default="", alias="uploadStatus")
    privacy: str = Field(default="", alias="privacyStatus")
    failure_reason: str = Field(default="", alias="failureReason")
    rejection_reason: str = Field(default="", alias="rejectionReason")


class Video(BaseModel):
    class _Processing(BaseModel):
        status: str = Field(default="", alias="processingStatus")
        failure_reason: str = Field(default="", alias="processingFailureReason")

    id: str = Field(min_length=1)
    status: VideoStatus = Field(default_factory=VideoStatus)
    processing: _Processing = Field(default_factory=_Processing, alias="processingDetails")
    statistics: Mapping[str, str] = {}

    @property
    def is_processed(self) -> bool:
        return self.status.upload_status == "processed"

    @property
    def why_not(self) -> str:
        """Why nothing will come of this video; empty while something may."""
        if self.status.upload_status in ("failed", "rejected", "deleted"):
            return self.status.failure_reason or self.status.rejection_reason or self.status.upload_status
        if self.processing.status in ("failed", "terminated"):
            return self.processing.failure_reason or self.processing.status
        return ""

    def counters(self) -> dict[str, int]:
        """Our names for YouTube's numbers, which are strings; a hidden one is left out."""
        found = {ours: self.statistics.get(theirs, "") for theirs, ours in _COUNTERS.items()}
        return {name: int(number) for name, number in found.items() if number.isdigit()}


class VideoList(BaseModel):
    items: list[Video] = []


class Channel(BaseModel):
    class _Snippet(BaseModel):
        class _Picture(BaseModel):
            url: str

        title: str = ""
        custom_url: str = Field(default="", alias="customUrl")
        thumbnails: dict[str, _Picture] = {}

    class _Details(BaseModel):
        playlists: dict[str, str] = Field(default={}, alias="relatedPlaylists")

    id: str
    snippet: _Snippet = Field(default_factory=_Snippet)
    details: _Details = Field(default_factory=_Details, alias="contentDetails")


class Channels(BaseModel):
    items: list[Channel] = []


class Listed(BaseModel):
    """A video in a channel's list of uploads."""

    class _Snippet(BaseModel):
        title: str = ""
        description: str = ""
        listed_at: datetime = Field(alias="publishedAt")

    class _Details(BaseModel):
        video_id: str = Field(alias="videoId")

    class _Status(BaseModel):
        privacy: str = Field(default="", alias="privacyStatus")

    snippet: _Snippet
    details: _Details = Field(alias="contentDetails")
    status: _Status = Field(default_factory=_Status)


class Uploads(BaseModel):
    items: list[Listed] = []
    next_page: str = Field(default="", alias="nextPageToken")


class Report(BaseModel):
    """A table of YouTube Analytics; what has no row yet (it is days behind) is left out."""

    class _Column(BaseModel):
        name: str

    columns: Sequence[_Column] = Field(default=(), alias="columnHeaders")
    rows: Sequence[Sequence[str | float]] = ()

    def counters(self) -> dict[str, dict[str, int]]:
        names = [column.name for column in self.columns]
        found = [dict(zip(names, row, strict=True)) for row in self.rows]
        return {
            str(row["video"]): {ours: int(row[theirs]) for theirs, ours in _REPORTED.items() if theirs in row}
            for row in found
            if "video" in row
        }


class _Errors(BaseModel):
    class _Error(BaseModel):
        class _Entry(BaseModel):
            reason: str = ""

        message: str = ""
        status: str = ""
        errors: list[_Entry] = []

    error: _Error


def refusal(response: httpx2.Response) -> Refusal:
    try:
        error = _Errors.model_validate_json(response.content).error
    except ValueError:
        return Refusal(response.status_code, frozenset(), response.reason_phrase, readable=False)
    codes = frozenset({error.status, *(entry.reason for entry in error.errors)} - {""})
    return Refusal(response.status_code, codes, re.sub(r"<[^>]+>", "", error.message) or ", ".join(sorted(codes)))


def not_processed(reason: str) -> Remedy:
    """Of a video that YouTube took and then made nothing of."""
    if reason == "duplicate":
        return Rejected("DUPLICATE", field="media")
    if reason in ("uploaderAccountSuspended", "uploaderAccountClosed"):
        return Rejected("ACCOUNT_ACTION_REQUIRED")
    return Rejected("MEDIA_UPLOAD_FAILED", field="media")


def end_of_limit(refused: Refusal, now: datetime) -> datetime:
    """Quotas end at midnight in California; a channel's own limit within a day; bursts soon."""
    if "quotaExceeded" in refused.codes:
        tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), PACIFIC)
    return now + (timedelta(hours=6) if "uploadLimitExceeded" in refused.codes else timedelta(seconds=60))


def stored_bytes(response: httpx2.Response) -> int:
    """How much of an upload YouTube holds, by the header of a 308; none where it names no range."""
    held = re.fullmatch(r"(?:bytes[= ])?0-(\d+)", response.headers.get("range", ""))
    return int(held[1]) + 1 if held else 0
