"""Resumable uploads: a session whose address is saved at once, parts, and a probe that tells what YouTube holds.

    open ─> session ─> PUT part ─> 308, so much is held ─> PUT the last part ─> the video
                          └─ no answer ─> PUT nothing, `bytes */N` ─> 308 | the video | 404, 410: the session is gone

Source: Google's guide to resumable uploads, and `googleapiclient/http.py`.
"""

from typing import Any

import httpx2

from amp.domain.publishing.port import Account, Delivery, Progress
from amp.kit.errors import ProviderFailed, Retry
from amp.providers.social._calling import read, send, slice_of
from amp.providers.social._youtube_api import YouTubeApi
from amp.providers.social._youtube_wire import Video, stored_bytes

_PART = 8 * 2**20
"""A multiple of 256 KiB, as all parts but the last have to be."""

_GONE = (404, 410)
_UNFINISHED = 308


class Upload:
    """The one video of a delivery on its way to YouTube."""

    def __init__(self, api: YouTubeApi, delivery: Delivery, progress: Progress) -> None:
        self._api = api
        self._account: Account = delivery.account
        self._file = delivery.parts[0].media[0]
        self._progress = progress

    async def finished(self, body: dict[str, Any], *, notify: bool) -> Video:
        """Everything sent that YouTube does not hold yet, in a new session if there is none that counts."""
        held: Video | int | None = await self.probed()
        if isinstance(held, Video):
            return held
        if held is None:
            await self._progress.save(session=await self._opened(body, notify=notify))
        return await self._send_from(held or 0)

    async def probed(self) -> Video | int | None:
        """The video if the upload is complete, else how many bytes YouTube holds; None: there is no such session."""
        if not self._progress.state.get("session"):
            return None
        headers = {"Content-Length": "0", "Content-Range": f"bytes */{self._file.size_bytes}"}
        response = await self._put(headers, b"", commits=False)
        if response.status_code in _GONE:
            return None
        if response.status_code == _UNFINISHED:
            return stored_bytes(response)
        if not response.is_success:
            raise self._api.failed(response)
        return read(Video, response)

    async def _opened(self, body: dict[str, Any], *, notify: bool) -> str:
        """The session's address. Nothing can become public of it before the last byte."""
        url = (
            f"/upload/youtube/{self._api.version}/videos"
            f"?uploadType=resumable&part=snippet,status&notifySubscribers={str(notify).lower()}"
        )
        headers = {
            "X-Upload-Content-Type": self._file.mime_type,
            "X-Upload-Content-Length": str(self._file.size_bytes),
        }
        response = await self._api.call(self._account, "POST", url, headers=headers, json=body)
        session = response.headers.get("location")
        if not session:
            raise ProviderFailed("YouTube: no upload address came back", remedy=Retry(), status=response.status_code)
        return session

    async def _send_from(self, held: int) -> Video:
        size = self._file.size_bytes
        while True:
            end = min(held + _PART, size)
            if end == size:
                await self._progress.intend("the last part of the video")
            headers = {
                "Content-Type": self._file.mime_type,
                "Content-Length": str(end - held),
                "Content-Range": f"bytes {held}-{end - 1}/{size}",
            }
            response = await self._put(headers, slice_of(self._file, held, end - held), commits=end == size)
            if response.is_success:
                return read(Video, response, commits=True)
            held = await self._more_wanted(response, held, commits=end == size)

    async def _more_wanted(self, response: httpx2.Response, held: int, *, commits: bool) -> int:
        """How many bytes YouTube holds after a part; raises when it did not take it."""
        if response.status_code in _GONE:
            await self._progress.save(session=None)
            raise ProviderFailed("YouTube: the upload begins anew", remedy=Retry(), status=response.status_code)
        if response.status_code != _UNFINISHED:
            raise self._api.failed(response, commits=commits)
        now_held = stored_bytes(response)
        await self._progress.save(sent=now_held)
        if now_held <= held:
            raise ProviderFailed("YouTube took none of a part", remedy=Retry(), status=response.status_code)
        return now_held

    async def _put(self, headers: dict[str, str], content: Any, *, commits: bool) -> httpx2.Response:
        session = self._progress.state["session"]
        token = self._account.access_token if self._api.is_its_own(session) else None
        return await send(
            self._api.client, "PUT", session, token=token, commits=commits, headers=headers, content=content
        )
