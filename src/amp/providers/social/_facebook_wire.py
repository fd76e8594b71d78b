"""Facebook's answers as data, and what its errors mean.

Source: developers.facebook.com, Pages API, Video API and Graph API v26.0.
"""

import json
from typing import Literal

import httpx2
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from amp.kit.errors import ProviderFailed, Rejected, Retry
from amp.providers.social._calling import Row
from amp.providers.social._graph import ERRORS as GRAPH_ERRORS
from amp.providers.social._graph import MEDIA_REFUSED, NOT_READY, TRANSIENT, Paging

RESTART = Retry(after=NOT_READY.after and NOT_READY.after * 2)
"""The upload is lost: it begins again."""

_TROUBLE = ("1363019", "6000")
_INTERRUPTED = ("1363030", "1363031", "1363032", "1363033", "1363037")
_MEDIA = (
    *("1363021", "1363022", "1363023", "1363024", "1363025", "1363026"),
    *("1363041", "1363042", "1363045", "1363047", "1366046"),
)

ERRORS = (
    Row(RESTART, code="/1363020"),
    *(Row(NOT_READY, code=f"/{code}") for code in _INTERRUPTED),
    *(Row(MEDIA_REFUSED, code=f"/{code}") for code in _MEDIA),
    *(Row(Rejected("VALIDATION_FAILED", field="linkUrl"), code=f"/{code}") for code in ("1609008", "1609010")),
    *(Row(TRANSIENT, code=f"/{code}") for code in _TROUBLE),
    *GRAPH_ERRORS,
)

METRICS = {
    "post_media_view": "impressions",
    "post_total_media_view_unique": "reach",
    "post_clicks": "clicks",
}
"""Meta's names for our counters; the others are fields of the post itself."""


class _Answer(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)


class Photo(_Answer):
    id: str = Field(min_length=1)
    post_id: str | None = None


class Begun(_Answer):
    """An upload that may start: in parts (a session and a window), or in one go (an address)."""

    video_id: str = Field(min_length=1)
    upload_session_id: str | None = None
    start_offset: int = 0
    end_offset: int = 0
    upload_url: str | None = None


class Window(_Answer):
    """Which bytes Facebook wants next; none when both are equal."""

    start_offset: int
    end_offset: int


class Finished(_Answer):
    success: Literal[True]
    post_id: str | None = None


class VideoState(_Answer):
    class _Status(BaseModel):
        class _Phase(BaseModel):
            class _Error(BaseModel):
                message: str = ""

            status: str = "not_started"
            bytes_transferred: int = Field(
                default=0, validation_alias=AliasChoices("bytes_transferred", "bytes_transfered")
            )
            errors: list[_Error] = []

        video_status: str = ""
        uploading_phase: _Phase = Field(default_factory=_Phase)
        processing_phase: _Phase = Field(default_factory=_Phase)
        publishing_phase: _Phase = Field(default_factory=_Phase)

    status: _Status
    post_id: str | None = None

    def is_accepted(self, *, in_feed: bool) -> bool:
        """Whether the last call of the upload arrived. Reels and stories are worked on before it, too."""
        begun = [self.status.publishing_phase, *([self.status.processing_phase] if in_feed else [])]
        return any(phase.status != "not_started" for phase in begun) or self.is_published(in_feed=in_feed)

    def is_published(self, *, in_feed: bool) -> bool:
        published = self.status.publishing_phase.status == "complete"
        return published or (in_feed and self.status.video_status == "ready")

    @property
    def failure(self) -> str | None:
        """Why it will never be published."""
        phases = (self.status.uploading_phase, self.status.processing_phase, self.status.publishing_phase)
        failed = [phase for phase in phases if phase.status == "error"]
        if not failed and self.status.video_status != "error":
            return None
        said = [error.message for phase in failed for error in phase.errors if error.message]
        return f"Facebook: {'; '.join(said) or 'the video could not be processed'}"


class Counts(BaseModel):
    """The numbers that are fields of a post."""

    class _Shares(BaseModel):
        count: int = 0

    class _Summed(BaseModel):
        class _Summary(BaseModel):
            total_count: int = 0

        summary: _Summary = Field(default_factory=_Summary)

    shares: _Shares = Field(default_factory=_Shares)
    comments: _Summed = Field(default_factory=_Summed)
    reactions: _Summed = Field(default_factory=_Summed)

    def counters(self) -> dict[str, int]:
        return {
            "shares": self.shares.count,
            "comments": self.comments.summary.total_count,
            "likes": self.reactions.summary.total_count,
        }


class Page(_Answer):
    class _Picture(BaseModel):
        class _Data(BaseModel):
            url: str | None = None

        data: _Data = Field(default_factory=_Data)

    id: str
    name: str = ""
    username: str = ""
    access_token: str = ""
    tasks: list[str] = []
    picture: _Picture = Field(default_factory=_Picture)

    @property
    def handle(self) -> str:
        """Not every Page has a user name; its id leads there, too."""
        return self.username or self.id

    @property
    def may_publish(self) -> bool:
        """People may only look at some of the Pages they are shown."""
        return not self.tasks or "CREATE_CONTENT" in self.tasks


class Pages(BaseModel):
    data: list[Page] = []
    paging: Paging = Field(default_factory=Paging)


class Permissions(BaseModel):
    class _Permission(BaseModel):
        permission: str
        status: str

    data: list[_Permission] = []

    @property
    def granted(self) -> tuple[str, ...]:
        return tuple(one.permission for one in self.data if one.status == "granted")


class _Resumption(BaseModel):
    class _Error(BaseModel):
        error_data: Window | str | None = None

    error: _Error


def where_to_go_on(response: httpx2.Response) -> Window | None:
    """The bytes that a refused part should have been: Facebook tells them as an object, or as JSON in a text."""
    try:
        told = _Resumption.model_validate_json(response.content).error.error_data
        return Window.model_validate(json.loads(told)) if isinstance(told, str) else told
    except ValueError:
        return None


class _UploadFailure(BaseModel):
    class _Debug(BaseModel):
        retriable: bool = False
        message: str = ""

    debug_info: _Debug


def upload_failure(response: httpx2.Response) -> ProviderFailed | None:
    """What the upload host says in words of its own."""
    try:
        debug = _UploadFailure.model_validate_json(response.content).debug_info
    except ValueError:
        return None
    remedy = Retry() if debug.retriable else MEDIA_REFUSED
    return ProviderFailed(f"Facebook: {debug.message}", remedy=remedy, status=response.status_code)
