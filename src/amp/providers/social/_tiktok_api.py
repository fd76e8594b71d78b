"""TikTok's calls, each a method: the envelope opened, errors turned into remedies, limits given an end.

Source: TikTok's documents of the Content Posting API and the Display API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx2

from amp.domain.publishing.port import Account, MediaFile
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, RateLimited, Rejected, Remedy
from amp.providers.social._calling import Answer, Refusal, failed, read, remedy_of, send, slice_of
from amp.providers.social._tiktok_errors import ERRORS, FAILURES, wait_of
from amp.providers.social._tiktok_wire import Creator, Envelope, Status, User, UserInfo, Video, Videos, refusal

_VIDEOS_AT_ONCE = 20


class TikTokApi:
    def __init__(self, client: httpx2.AsyncClient, *, clock: Clock, version: str) -> None:
        self._client = client
        self._clock = clock
        self._version = version

    async def post(
        self, account: Account, path: str, body: Mapping[str, Any], answer: type[Answer], *, commits: bool = False
    ) -> Answer:
        url, headers = f"/{self._version}/{path}", {"Content-Type": "application/json; charset=UTF-8"}
        token = account.access_token
        response = await send(self._client, "POST", url, token=token, commits=commits, headers=headers, json=body)
        return self._read(answer, response, commits=commits)

    async def creator(self, account: Account) -> Creator:
        return await self.post(account, "post/publish/creator_info/query/", {}, Creator)

    async def status(self, account: Account, publish_id: str) -> Status:
        return await self.post(account, "post/publish/status/fetch/", {"publish_id": publish_id}, Status)

    async def user(self, account: Account) -> User:
        named = ",username" if "user.info.profile" in account.scopes else ""
        url = f"/{self._version}/user/info/?fields=open_id,display_name,avatar_url{named}"
        return self._read(UserInfo, await send(self._client, "GET", url, token=account.access_token)).user

    async def videos(self, account: Account, ids: Sequence[str]) -> Mapping[str, Video]:
        """By id; those that are gone, or not public, are left out."""
        found: dict[str, Video] = {}
        fields = "id,view_count,like_count,comment_count,share_count"
        for start in range(0, len(ids), _VIDEOS_AT_ONCE):
            body = {"filters": {"video_ids": ids[start : start + _VIDEOS_AT_ONCE]}}
            page = await self.post(account, f"video/query/?fields={fields}", body, Videos)
            found |= {video.id: video for video in page.videos}
        return found

    async def newest(self, account: Account, cursor: int | None) -> Videos:
        """A page of the account's public posts, newest first."""
        body = {"max_count": _VIDEOS_AT_ONCE, **({"cursor": cursor} if cursor else {})}
        return await self.post(account, "video/list/?fields=id,title,create_time", body, Videos)

    async def send_part(self, url: str, file: MediaFile, start: int, end: int) -> httpx2.Response:
        """Bytes of a video, in order. The address is enough: it wants no token. The last part makes it public."""
        headers = {
            "Content-Type": file.mime_type,
            "Content-Length": str(end - start),
            "Content-Range": f"bytes {start}-{end - 1}/{file.size_bytes}",
        }
        content, commits = slice_of(file, start, end - start), end == file.size_bytes
        return await send(self._client, "PUT", url, commits=commits, headers=headers, content=content)

    def upload_refused(self, status: int, *, commits: bool) -> ProviderFailed:
        """By the status alone. What is not the end of a limit or of a token is permanent."""
        refused = Refusal(status, frozenset(), "the upload was refused")
        remedy = self._timed(remedy_of(refused, ERRORS, commits=commits), refused)
        permanent = isinstance(remedy, Rejected)
        return failed("TikTok", refused, Rejected("MEDIA_UPLOAD_FAILED", field="media") if permanent else remedy)

    def not_published(self, reason: str) -> ProviderFailed:
        """What a `fail_reason` means."""
        refused = Refusal(200, frozenset({reason}), reason)
        return failed("TikTok", refused, self._timed(remedy_of(refused, FAILURES, commits=False), refused))

    def _read(self, answer: type[Answer], response: httpx2.Response, *, commits: bool = False) -> Answer:
        refused = refusal(response)
        if refused:
            raise failed("TikTok", refused, self._timed(remedy_of(refused, ERRORS, commits=commits), refused))
        return read(Envelope[answer], response, commits=commits).data

    def _timed(self, remedy: Remedy, refused: Refusal) -> Remedy:
        """TikTok names no end of a limit: its windows slide."""
        if not isinstance(remedy, RateLimited):
            return remedy
        return replace(remedy, until=self._clock.now() + wait_of(refused.codes))
