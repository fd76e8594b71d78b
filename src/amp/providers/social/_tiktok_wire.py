"""TikTok's answers as data. Source: TikTok's documents of the Content Posting API, the Display API and Login Kit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Generic, TypeVar

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from amp.providers.social._calling import Refusal

Data = TypeVar("Data", bound=BaseModel)


class Error(BaseModel):
    code: str = ""
    message: str = ""


class Envelope(BaseModel, Generic[Data]):
    data: Data


class Creator(BaseModel):
    """What the account may post now, and how; to be asked before every post."""

    creator_username: str = ""
    privacy_level_options: list[str]
    comment_disabled: bool = False
    duet_disabled: bool = False
    stitch_disabled: bool = False
    max_video_post_duration_sec: int | None = None


class Begun(BaseModel):
    publish_id: str = Field(min_length=1)
    upload_url: str | None = None


class Status(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    status: str
    fail_reason: str = ""
    post_ids: list[str] = Field(default=[], validation_alias="publicaly_available_post_id")
    """TikTok's spelling. Its numbers need 64 bits."""
    uploaded_bytes: int = 0

    @property
    def wants_bytes(self) -> bool:
        return self.status == "PROCESSING_UPLOAD"


class User(BaseModel):
    open_id: str
    display_name: str = ""
    username: str = ""
    avatar_url: str | None = None


class UserInfo(BaseModel):
    user: User


class Video(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    title: str = ""
    create_time: int = 0
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None

    @property
    def made_at(self) -> datetime:
        return datetime.fromtimestamp(self.create_time, UTC)

    def counters(self) -> Mapping[str, int]:
        """Our names for TikTok's numbers; what it did not say is left out."""
        found = {
            "video_views": self.view_count,
            "likes": self.like_count,
            "comments": self.comment_count,
            "shares": self.share_count,
        }
        return {name: number for name, number in found.items() if number is not None}


class Videos(BaseModel):
    videos: list[Video] = []
    cursor: int | None = None
    has_more: bool = False


class _Answer(BaseModel):
    error: Error | None = None


def refusal(response: httpx2.Response) -> Refusal | None:
    """What TikTok said against a request; None when it was done. Its code decides, for the status may be 200 beside
    an error; a server's failure counts as one, whatever the status."""
    try:
        error = _Answer.model_validate_json(response.content).error
    except ValueError:
        return None if response.is_success else Refusal(response.status_code, frozenset(), "", readable=False)
    if error is None:
        return None if response.is_success else Refusal(response.status_code, frozenset(), "", readable=False)
    if error.code == "ok" and response.is_success:
        return None
    status = 500 if error.code == "internal_error" else response.status_code
    return Refusal(status, frozenset({error.code} - {""}), error.message or error.code)
