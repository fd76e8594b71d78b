"""What a TikTok post looks like on the wire, the settings that shape it, and what they may not say.

Source: TikTok's documents of the Content Posting API (direct post).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from amp.domain.platforms.port import Draft, Problem, Settings
from amp.domain.platforms.text_length import utf16_units, with_link
from amp.domain.publishing.port import Account, Delivery, Done, MediaFile, Progress
from amp.kit.errors import ProviderFailed, Rejected
from amp.providers.social._headline import headline
from amp.providers.social._tiktok_wire import Creator, Video

PUBLIC, PRIVATE = "PUBLIC_TO_EVERYONE", "SELF_ONLY"
PRIVATE_ONLY = "Only their creator can see posts, until TikTok approves the app (TIKTOK_PRIVATE_ONLY)."
PHOTO_TITLE = 90
"""UTF-16 units; a photo post has a description beside it."""

_MEGABYTE = 1_000_000
_CHUNK = 10 * _MEGABYTE
_WHOLE = 5 * _MEGABYTE
"""TikTok takes parts of 5 to 64 MB, up to 1,000 of them; what is smaller than one goes in one piece."""

_VIDEO_ONLY = ("disable_duet", "disable_stitch", "is_aigc", "video_cover_timestamp_ms")


class TikTokSettings(Settings):
    privacy_level: Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"] | None = (
        None
    )
    """Who may see it, of what the account offers; absent: everyone, or only the creator where the account or the app
    may not post in public."""
    disable_comment: bool = False
    """Where the creator has switched comments off for the account, they are off in any case."""
    disable_duet: bool = False
    """Videos only."""
    disable_stitch: bool = False
    """Videos only."""
    brand_content_toggle: bool = False
    """A paid partnership: promotes somebody else's business. Not with `SELF_ONLY`."""
    brand_organic_toggle: bool = False
    """Promotes the creator's own business."""
    is_aigc: bool = False
    """Made by artificial intelligence; videos only."""
    video_cover_timestamp_ms: int | None = Field(default=None, ge=0, lt=2**31)
    """The moment of the video whose picture is its cover, in milliseconds."""


def own_rules(draft: Draft, settings: Settings) -> Iterator[Problem]:
    assert isinstance(settings, TikTokSettings)  # noqa: S101 (what `capabilities.settings` makes)
    if settings.brand_content_toggle and settings.privacy_level == PRIVATE:
        message = "TikTok shows branded content to nobody when it is SELF_ONLY: choose another privacyLevel"
        yield Problem("tiktok", "settings.privacyLevel", "VALIDATION_FAILED", message)
    if any(medium.kind == "image" for medium in draft.media):
        names = settings.model_dump(include=set(_VIDEO_ONLY), exclude_defaults=True, by_alias=True)
        for name in names:
            message = f"{name} is for videos only, and this post has photos"
            yield Problem("tiktok", f"settings.{name}", "VALIDATION_FAILED", message)


@dataclass(frozen=True)
class Privacy:
    level: str
    note: str = ""
    """Why it is not what was asked for."""


def privacy_of(settings: TikTokSettings, creator: Creator, *, private_only: bool) -> Privacy:
    """Who may see the post. Errors: ProviderFailed when the creator's account does not offer what was asked for."""
    options, wanted = creator.privacy_level_options, settings.privacy_level
    if private_only and wanted != PRIVATE:
        return Privacy(PRIVATE, PRIVATE_ONLY)
    if wanted is None and PUBLIC not in options:
        return Privacy(PRIVATE, "Only the creator can see it: the account does not offer public posts.")
    if wanted is None:
        return Privacy(PUBLIC)
    if wanted not in options:
        offered = ", ".join(options) or "nothing"
        message = f"TikTok: this account cannot post as {wanted}; it offers {offered}"
        raise ProviderFailed(message, remedy=Rejected("VALIDATION_FAILED", field="settings.privacyLevel"))
    return Privacy(wanted)


@dataclass(frozen=True)
class Chunks:
    """How a video is cut: all parts of one size, and the last one takes what remains."""

    total: int
    size: int
    count: int

    def length_at(self, start: int) -> int:
        """Of the part that begins there."""
        is_last = start // self.size >= self.count - 1
        return self.total - start if is_last else self.size

    def boundary(self, held: int) -> int:
        """Where the next part begins when TikTok holds so many bytes."""
        return min(held // self.size, self.count - 1) * self.size


def chunks_of(file: MediaFile) -> Chunks:
    size = file.size_bytes if file.size_bytes < _WHOLE else min(_CHUNK, file.size_bytes)
    return Chunks(file.size_bytes, size, max(1, file.size_bytes // max(1, size)))


def text_of(delivery: Delivery) -> str:
    return with_link(delivery.parts[0].text, delivery.link_url)


def title_of(delivery: Delivery) -> str:
    """What TikTok calls the title: the whole caption of a video, the headline of a photo post."""
    text = text_of(delivery)
    return headline(text, PHOTO_TITLE, utf16_units) if is_photos(delivery) else text


def is_photos(delivery: Delivery) -> bool:
    return delivery.parts[0].media[0].mime_type.startswith("image/")


def body_of(delivery: Delivery, settings: TikTokSettings, creator: Creator, privacy: str) -> dict[str, Any]:
    """Of the init call: `content/init/` for photos, `video/init/` for a video."""
    make = _photo_body if is_photos(delivery) else _video_body
    return make(delivery, settings, creator, privacy)


def refuse_too_long(delivery: Delivery, creator: Creator) -> None:
    """Errors: ProviderFailed when the creator may not post so long a video."""
    seconds, longest = delivery.parts[0].media[0].seconds, creator.max_video_post_duration_sec
    if seconds and longest and seconds > longest:
        message = f"TikTok: this account may post videos of at most {longest} seconds; this one has {seconds:.0f}"
        raise ProviderFailed(message, remedy=Rejected("UNSUPPORTED_MEDIA_CONFIG", field="media"))


def sounds_like(video: Video, delivery: Delivery) -> bool:
    """Whether a post has the words of this delivery, whichever of the two that photos have TikTok calls the title."""
    ours = {" ".join(text.split()) for text in (title_of(delivery), text_of(delivery))}
    return " ".join(video.title.split()) in ours


def _video_body(delivery: Delivery, settings: TikTokSettings, creator: Creator, privacy: str) -> dict[str, Any]:
    chunks = chunks_of(delivery.parts[0].media[0])
    cover = settings.video_cover_timestamp_ms
    return {
        "post_info": {
            **_post_info(settings, creator, privacy),
            "title": text_of(delivery),
            "disable_duet": settings.disable_duet or creator.duet_disabled,
            "disable_stitch": settings.disable_stitch or creator.stitch_disabled,
            "is_aigc": settings.is_aigc,
            **({} if cover is None else {"video_cover_timestamp_ms": cover}),
        },
        "source_info": {
            "source": "FILE_UPLOAD",
            "video_size": chunks.total,
            "chunk_size": chunks.size,
            "total_chunk_count": chunks.count,
        },
    }


def _photo_body(delivery: Delivery, settings: TikTokSettings, creator: Creator, privacy: str) -> dict[str, Any]:
    title, text = title_of(delivery), text_of(delivery)
    return {
        "media_type": "PHOTO",
        "post_mode": "DIRECT_POST",
        "post_info": {
            **_post_info(settings, creator, privacy),
            "title": title,
            "description": "" if title == text else text,
        },
        "source_info": {
            "source": "PULL_FROM_URL",
            "photo_images": [file.url for file in delivery.parts[0].media],
            "photo_cover_index": 0,
        },
    }


def _post_info(settings: TikTokSettings, creator: Creator, privacy: str) -> dict[str, Any]:
    return {
        "privacy_level": privacy,
        "disable_comment": settings.disable_comment or creator.comment_disabled,
        "brand_content_toggle": settings.brand_content_toggle,
        "brand_organic_toggle": settings.brand_organic_toggle,
    }


def profile_url(account: Account) -> str:
    return f"https://www.tiktok.com/@{account.handle}"


def done(delivery: Delivery, progress: Progress) -> Done:
    """Of a post that is saved. What TikTok shows no id of has no address but its creator's."""
    post, kind = progress.state["post"], "photo" if is_photos(delivery) else "video"
    profile = profile_url(delivery.account)
    url = f"{profile}/{kind}/{post}" if post.isdigit() else profile
    return Done(post, url, tuple(progress.state.get("notes", ())))
