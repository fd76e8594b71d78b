"""YouTube's calls, each a method: answers as data, errors turned into remedies, limits given an end.

Source: Google's discovery documents youtube.v3 and youtubeAnalytics.v2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from amp.domain.publishing.port import Account, MediaFile
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited
from amp.providers.social._calling import content_of, failed, read, remedy_of, send
from amp.providers.social._youtube_wire import (
    ERRORS,
    PACIFIC,
    Channel,
    Channels,
    Report,
    Uploads,
    Video,
    VideoList,
    end_of_limit,
    refusal,
)

_ANALYTICS = "https://youtubeanalytics.googleapis.com"
_BEGINNING = "2005-04-23"
"""The day of YouTube's first video: reports since then are totals."""

_VIDEOS_AT_ONCE = 50


class YouTubeApi:
    def __init__(self, client: httpx2.AsyncClient, *, clock: Clock, version: str, is_live: bool) -> None:
        """Live, numbers are on another host than videos; elsewhere all are under the client's base."""
        self.client = client
        self.version = version
        self._clock = clock
        self._analytics = _ANALYTICS if is_live else str(client.base_url).rstrip("/")

    async def call(
        self, account: Account, method: str, url: str, *, commits: bool = False, **request: Any
    ) -> httpx2.Response:
        """Errors: ProviderFailed for everything that is not a yes."""
        response = await send(self.client, method, url, token=account.access_token, commits=commits, **request)
        if not response.is_success:
            raise self.failed(response, commits=commits)
        return response

    async def videos(self, account: Account, parts: str, ids: Sequence[str]) -> Mapping[str, Video]:
        """By id; those that are gone are left out."""
        found: dict[str, Video] = {}
        for start in range(0, len(ids), _VIDEOS_AT_ONCE):
            url = self._url("videos", part=parts, id=",".join(ids[start : start + _VIDEOS_AT_ONCE]))
            found |= {video.id: video for video in read(VideoList, await self.call(account, "GET", url)).items}
        return found

    async def channel(self, account: Account) -> Channel | None:
        """None: a Google account without a channel."""
        url = self._url("channels", part="snippet,contentDetails", mine="true")
        items = read(Channels, await self.call(account, "GET", url)).items
        return items[0] if items else None

    async def uploads(self, account: Account, playlist: str) -> Uploads:
        """The newest fifty of a channel."""
        part = "snippet,contentDetails,status"
        url = self._url("playlistItems", part=part, playlistId=playlist, maxResults="50")
        return read(Uploads, await self.call(account, "GET", url))

    async def set_thumbnail(self, account: Account, video_id: str, picture: MediaFile) -> None:
        url = f"/upload/youtube/{self.version}/thumbnails/set?videoId={video_id}"
        headers, content = {"Content-Type": picture.mime_type}, await content_of(picture)
        await self.call(account, "POST", url, headers=headers, content=content)

    async def comment(self, account: Account, video_id: str, text: str) -> None:
        body = {"snippet": {"videoId": video_id, "topLevelComment": {"snippet": {"textOriginal": text}}}}
        await self.call(account, "POST", self._url("commentThreads", part="snippet"), commits=True, json=body)

    async def delete(self, account: Account, video_id: str) -> None:
        await self.call(account, "DELETE", self._url("videos", id=video_id))

    async def report(self, account: Account, ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """What only Analytics counts, by video: some days behind, and nothing before that."""
        query = {
            "ids": "channel==MINE",
            "startDate": _BEGINNING,
            "endDate": self._clock.now().astimezone(PACIFIC).date().isoformat(),
            "metrics": "views,shares,subscribersGained",
            "dimensions": "video",
            "filters": f"video=={','.join(ids)}",
            "sort": "-views",
            "maxResults": "200",
        }
        url = f"{self._analytics}/v2/reports?{urlencode(query, safe='=,')}"
        return read(Report, await self.call(account, "GET", url)).counters()

    def is_its_own(self, url: str) -> bool:
        """Whether an address that was handed out is at Google, or where this client calls: there the token may go."""
        host = urlsplit(url).hostname or ""
        return host == self.client.base_url.host or (url.startswith("https://") and host.endswith(".googleapis.com"))

    def failed(self, response: httpx2.Response, *, commits: bool = False) -> ProviderFailed:
        refused = refusal(response)
        remedy = remedy_of(refused, ERRORS, commits=commits)
        if isinstance(remedy, RateLimited):
            remedy = replace(remedy, until=end_of_limit(refused, self._clock.now()))
        return failed("YouTube", refused, remedy)

    def _url(self, resource: str, **query: str) -> str:
        return f"/youtube/{self.version}/{resource}?{urlencode(query, safe=',')}"
