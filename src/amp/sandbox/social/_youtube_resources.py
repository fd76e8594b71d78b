"""YouTube: the video as uploaders write it and as the API shows it (`youtube.v3`, resource `video`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from amp.sandbox.audience import Reactions
from amp.sandbox.social._google_errors import error, invalid
from amp.sandbox.social._youtube_wire import Closed, etag, moment, parse
from amp.sandbox.uploads import Upload

PARTS = frozenset(
    {"contentDetails", "fileDetails", "id", "localizations", "player", "processingDetails", "recordingDetails"}
    | {"snippet", "statistics", "status", "suggestions", "topicDetails"}
)
TITLE, DESCRIPTION_BYTES, TAGS = 100, 5000, 500

_CATEGORIES = frozenset({"1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28", "29"})
_FRAMES = {"default": (120, 90), "medium": (320, 180), "high": (480, 360)}
_WORDS = {"failed": "failed", "processing": "uploaded", "ready": "processed", "open": "uploaded"}


class Snippet(Closed):
    title: str = "unknown"
    description: str = ""
    tags: list[str] = Field(default=[])
    category_id: str = "22"
    default_language: str | None = None
    default_audio_language: str | None = None


class Status(Closed):
    """A video is public unless its uploader says otherwise."""

    privacy_status: Literal["public", "unlisted", "private"] = "public"
    publish_at: str | None = None
    license: Literal["youtube", "creativeCommon"] = "youtube"
    embeddable: bool = True
    public_stats_viewable: bool = True
    self_declared_made_for_kids: bool = False
    contains_synthetic_media: bool = False


class _Recording(Closed):
    recording_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}")] | None = None


class Video(Closed):
    """The body of an upload; each member is a part."""

    id: str | None = None
    kind: str | None = None
    snippet: Snippet | None = None
    status: Status | None = None
    recording_details: _Recording | None = None


def read_video(content: bytes, named: list[str]) -> Video:
    """Members that are there must be named as parts, and their values must be ones that YouTube takes."""
    video = parse(content or b"{}", Video)
    sent = {"recordingDetails" if name == "recording_details" else name for name in video.model_fields_set}
    unnamed = sorted(sent - {"id", "kind"} - set(named))
    if unnamed:
        raise error(400, "youtube.part", "unexpectedPart", f"{unnamed[0]} is in the body but not among the parts.")
    _check_snippet(video.snippet or Snippet())
    _check_status(video.status or Status())
    return video


def publish_time(status: Status) -> datetime | None:
    return datetime.fromisoformat(status.publish_at) if status.publish_at else None


def shown(upload: Upload, wanted: list[str], channel: Mapping[str, str], earned: Reactions, now: datetime) -> Any:
    """The parts that were asked for; `channel` has id and title."""
    everything = {
        "snippet": _snippet(upload, channel),
        "status": status_at(upload, now),
        "contentDetails": _content(upload),
        "processingDetails": _processing(upload, now),
        "statistics": {
            "viewCount": str(earned.video_views),
            "likeCount": str(earned.likes),
            "dislikeCount": "0",
            "favoriteCount": "0",
            "commentCount": str(earned.replies + upload.extra.get("comments", 0)),
        },
        "fileDetails": {"fileSize": str(upload.declared_bytes), "fileType": "video"},
        "player": {"embedHtml": f'<iframe src="//www.youtube.com/embed/{upload.remote_id}"></iframe>'},
    }
    parts = {name: everything[name] for name in wanted if name in everything}
    return {"kind": "youtube#video", "etag": etag(upload.remote_id), "id": upload.remote_id, **parts}


def status_at(upload: Upload, now: datetime) -> dict[str, Any]:
    """A scheduled video turns public by itself."""
    status = {name: value for name, value in upload.extra["status"].items() if value is not None}
    due = datetime.fromisoformat(status["publishAt"]) if "publishAt" in status else None
    if due is not None and due <= now:
        status = {name: value for name, value in status.items() if name != "publishAt"} | {"privacyStatus": "public"}
    status |= {"madeForKids": status["selfDeclaredMadeForKids"], "uploadStatus": _WORDS[upload.state(now)]}
    if upload.state(now) == "failed":
        how, _, reason = (upload.failure or "").partition(":")
        status |= {"uploadStatus": how, "rejectionReason" if how == "rejected" else "failureReason": reason}
    return status


def thumbnails(video_id: str) -> dict[str, Any]:
    return {
        name: {"url": f"https://i.ytimg.com/vi/{video_id}/{name}.jpg", "width": width, "height": height}
        for name, (width, height) in _FRAMES.items()
    }


def _check_snippet(snippet: Snippet) -> None:
    if not snippet.title.strip() or len(snippet.title) > TITLE or _has_brackets(snippet.title):
        raise invalid("invalidTitle", "The request metadata specifies an invalid or empty video title.")
    if len(snippet.description.encode()) > DESCRIPTION_BYTES or _has_brackets(snippet.description):
        raise invalid("invalidDescription", "The request metadata specifies an invalid video description.")
    if sum(len(tag) + 2 * (" " in tag) for tag in snippet.tags) + max(0, len(snippet.tags) - 1) > TAGS:
        raise invalid("invalidTags", "The request metadata specifies invalid video keywords.")
    if any(not tag or _has_brackets(tag) for tag in snippet.tags):
        raise invalid("invalidTags", "The request metadata specifies invalid video keywords.")
    if snippet.category_id not in _CATEGORIES:
        raise invalid("invalidCategoryId", "The snippet.categoryId property specifies an invalid category ID.")


def _check_status(status: Status) -> None:
    """Only what is private can be scheduled."""
    try:
        moment = publish_time(status)
    except ValueError:
        moment = None
    is_wrong = moment is None or moment.tzinfo is None or status.privacy_status != "private"
    if status.publish_at is not None and is_wrong:
        raise invalid("invalidPublishAt", "The request metadata specifies an invalid scheduled publishing time.")


def _has_brackets(text: str) -> bool:
    return "<" in text or ">" in text


def _snippet(upload: Upload, channel: Mapping[str, str]) -> dict[str, Any]:
    snippet = {name: value for name, value in upload.extra["snippet"].items() if value is not None}
    return {
        "publishedAt": moment(datetime.fromisoformat(upload.extra["made_at"])),
        "channelId": channel["id"],
        "channelTitle": channel["title"],
        **snippet,
        "thumbnails": thumbnails(upload.remote_id),
        "liveBroadcastContent": "none",
        "localized": {"title": snippet["title"], "description": snippet["description"]},
    }


def _content(upload: Upload) -> dict[str, Any]:
    minutes, seconds = divmod(round(upload.seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    duration = "PT" + f"{hours}H" * bool(hours) + f"{minutes}M" * bool(hours or minutes) + f"{seconds}S"
    return {"duration": duration, "dimension": "2d", "definition": "hd", "caption": "false", "licensedContent": False}


def _processing(upload: Upload, now: datetime) -> dict[str, Any]:
    match upload.state(now):
        case "ready":
            return {"processingStatus": "succeeded"}
        case "failed" if (upload.failure or "").startswith("failed"):
            return {"processingStatus": "failed", "processingFailureReason": "transcodeFailed"}
        case "failed":
            return {"processingStatus": "terminated"}
        case _:
            left = upload.ready_at - now if upload.ready_at else None
            progress = {"partsTotal": "100", "partsProcessed": str(upload.progress(now))}
            left_ms = {"timeLeftMs": str(int(left.total_seconds() * 1000))} if left else {}
            return {"processingStatus": "processing", "processingProgress": progress | left_ms}
