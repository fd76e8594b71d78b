"""TikTok: the bodies with which posts are announced (Content Posting API): these members and no others."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from amp.sandbox.social._tiktok_wire import Closed
from amp.sandbox.wire import MEGABYTE

LARGEST_VIDEO = 4096 * MEGABYTE
LARGEST_PICTURE = 20 * MEGABYTE

_MOST_CHUNKS = 1000

Privacy = Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]
Mode = Literal["DIRECT_POST", "MEDIA_UPLOAD"]
"""Posted at once, or left in the user's inbox to be finished in the app."""

Address = Annotated[str, Field(pattern=r"^https?://[^/\s]+(/\S*)?$", max_length=4096)]


def _utf16(limit: int) -> AfterValidator:
    """A limit in UTF-16 code units: most emoji are two."""

    def check(text: str) -> str:
        if len(text.encode("utf-16-le")) // 2 > limit:
            raise ValueError(f"has more than {limit} UTF-16 code units")
        return text

    return AfterValidator(check)


class VideoPost(Closed):
    privacy_level: Privacy
    title: Annotated[str, _utf16(2200)] = ""
    disable_comment: bool = False
    disable_duet: bool = False
    disable_stitch: bool = False
    video_cover_timestamp_ms: int = Field(default=0, ge=0)
    brand_content_toggle: bool = False
    brand_organic_toggle: bool = False
    is_aigc: bool = False


class PhotoPost(Closed):
    """In the inbox there is no audience yet."""

    privacy_level: Privacy | None = None
    title: Annotated[str, _utf16(90)] = ""
    description: Annotated[str, _utf16(4000)] = ""
    disable_comment: bool = False
    auto_add_music: bool = False
    brand_content_toggle: bool = False
    brand_organic_toggle: bool = False


class FileUpload(Closed):
    source: Literal["FILE_UPLOAD"]
    video_size: int = Field(ge=1, le=LARGEST_VIDEO)
    chunk_size: int = Field(ge=1)
    total_chunk_count: int = Field(ge=1, le=_MOST_CHUNKS)


class PullFromUrl(Closed):
    source: Literal["PULL_FROM_URL"]
    video_url: Address


VideoSource = Annotated[FileUpload | PullFromUrl, Field(discriminator="source")]


class NewVideo(Closed):
    post_info: VideoPost
    source_info: VideoSource


class NewInboxVideo(Closed):
    source_info: VideoSource


class PhotoSource(Closed):
    source: Literal["PULL_FROM_URL"]
    photo_images: list[Address] = Field(min_length=1, max_length=35)
    photo_cover_index: int = Field(default=0, ge=0)


class NewPhotos(Closed):
    media_type: Literal["PHOTO"]
    post_mode: Mode
    post_info: PhotoPost = PhotoPost()
    source_info: PhotoSource
