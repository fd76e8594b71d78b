"""YouTube: Data API v3 (contract of November 2026) and Analytics API v2 behind Google's OAuth, pretended. What a call
costs is in `_units`: an app has 10,000 a day, and 100 uploads and 100 searches beside them."""

from datetime import timedelta

from amp.sandbox.faults import Step
from amp.sandbox.social import _google_oauth as google
from amp.sandbox.social import _youtube_channel as channel
from amp.sandbox.social import _youtube_uploading as uploading
from amp.sandbox.social import _youtube_videos as videos
from amp.sandbox.social._google_errors import refuse
from amp.sandbox.social._youtube_analytics import reports
from amp.sandbox.social._youtube_wire import youtube
from amp.sandbox.vendor import Operation, Page, Quota, SocialVendor
from amp.sandbox.wire import MEGABYTE

_READ = "youtube youtube.readonly youtube.force-ssl"
_WRITE = "youtube youtube.force-ssl"
_UPLOAD = "youtube youtube.upload youtube.force-ssl"
_COMMENT = "youtube.force-ssl"
_ANALYTICS = "youtube youtube.readonly yt-analytics.readonly yt-analytics-monetary.readonly"
_REPORT = "ids startDate endDate metrics dimensions filters sort maxResults startIndex currency"


def _own_bucket(name: str) -> Quota:
    return Quota(name, 100, timedelta(days=1), zone="America/Los_Angeles")


def _units(cost: int) -> Quota:
    return Quota("units", 10_000, timedelta(days=1), cost, zone="America/Los_Angeles")


VENDOR = SocialVendor(
    name=google.NAME,
    title="YouTube",
    refuse=refuse,
    scopes=frozenset(
        google.PREFIX + name for name in ("youtube", "youtube.force-ssl", "youtube.upload", "yt-analytics.readonly")
    ),
    access_lifetime=google.ACCESS_LIFETIME,
    gives_refresh_tokens=True,
    account_id=google.channel_id,
    routes=(
        Page("GET", "/o/oauth2/v2/auth", google.authorize),
        Page("POST", "/token", google.token),
        Page("POST", "/revoke", google.revoke_token),
        Operation(
            "GET",
            "/youtube/v3/channels",
            youtube(channel.list_channels, _READ, "part mine id maxResults pageToken hl"),
            quota=_units(1),
        ),
        Operation(
            "GET",
            "/youtube/v3/videos",
            youtube(videos.list_videos, _READ, "part id maxResults pageToken hl"),
            quota=_units(1),
        ),
        Operation(
            "GET", "/youtube/v3/videos:batchGetStats", youtube(videos.batch_stats, _READ, "part id"), quota=_units(1)
        ),
        Operation("PUT", "/youtube/v3/videos", youtube(videos.update, _WRITE, "part"), quota=_units(50)),
        Operation("DELETE", "/youtube/v3/videos", youtube(videos.delete, _WRITE, "id"), quota=_units(50)),
        Operation(
            "POST",
            "/upload/youtube/v3/videos",
            youtube(uploading.insert, _UPLOAD, "part notifySubscribers autoLevels stabilize"),
            step=uploading.step_of_start,
            quota=_own_bucket("videos.insert"),
            max_body=uploading.LARGEST_AT_ONCE,
            skims=uploading.is_bare,
        ),
        Operation(
            "PUT",
            "/upload/youtube/v3/videos",
            uploading.receive,
            step=uploading.step_of_bytes,
            max_body=uploading.LARGEST,
            identify=uploading.uploader,
            skims=lambda _: True,
        ),
        Operation(
            "POST",
            "/upload/youtube/v3/thumbnails/set",
            youtube(channel.set_thumbnail, _UPLOAD, "videoId"),
            quota=_units(50),
            max_body=2 * MEGABYTE,
        ),
        Operation(
            "GET",
            "/youtube/v3/playlistItems",
            youtube(channel.list_uploads, _READ, "part playlistId maxResults pageToken"),
            quota=_units(1),
        ),
        Operation(
            "GET",
            "/youtube/v3/search",
            youtube(channel.search, _READ, "part forMine type q order maxResults pageToken"),
            quota=_own_bucket("search.list"),
        ),
        Operation(
            "POST",
            "/youtube/v3/commentThreads",
            youtube(channel.create_thread, _COMMENT, "part"),
            step=Step.COMMIT,
            quota=_units(50),
        ),
        Operation(
            "GET",
            "/youtube/v3/commentThreads",
            youtube(channel.list_threads, _COMMENT, "part videoId order maxResults pageToken textFormat"),
            quota=_units(1),
        ),
        Operation("GET", "/v2/reports", youtube(reports, _ANALYTICS, _REPORT)),
    ),
)
