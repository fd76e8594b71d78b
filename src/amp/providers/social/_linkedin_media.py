"""Handing media to LinkedIn: an image in one piece, a video in the parts that LinkedIn asks for.

    image  initializeUpload ─> PUT
    video  initializeUpload ─> PUT each part, keep its ETag ─> finalizeUpload ─> PROCESSING ... AVAILABLE
Source: LinkedIn's API documentation on learn.microsoft.com and public clients.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
from pydantic import SecretStr

from amp.domain.publishing.port import Account, Delivery, MediaFile, Pending, Progress
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, Reconnect, Rejected, Retry
from amp.providers.social._calling import read, send, slice_of
from amp.providers.social._linkedin_errors import failure
from amp.providers.social._linkedin_post import author_of
from amp.providers.social._linkedin_wire import UploadTarget, VideoState, VideoTarget

_POLL = Pending(after=timedelta(seconds=10))


class Uploads:
    """The media of one delivery on their way to LinkedIn."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock, delivery: Delivery, progress: Progress) -> None:
        self._client = client
        self._clock = clock
        self._account: Account = delivery.account
        self._files = delivery.parts[0].media
        self._progress = progress

    async def finished(self) -> list[str] | Pending:
        """The URNs of the media, in order, once they may be shown; those of an earlier attempt are used again."""
        done: list[str] = list(self._progress.state.get("images", ()))
        for file in self._files[len(done) :]:
            urn = await (self._video(file) if file.mime_type.startswith("video/") else self._image(file))
            if urn is None:
                return _POLL
            done = [*done, urn]
            await self._progress.save(images=done)
        return done

    async def _image(self, file: MediaFile) -> str:
        """LinkedIn hands out an address and takes the bytes there, with the token and as they are."""
        response = await self._ask("images?action=initializeUpload", {"owner": author_of(self._account)})
        target = read(UploadTarget, response).value
        await self._put(target.upload_url, file, 0, file.size_bytes, token=self._account.access_token)
        return target.image

    async def _video(self, file: MediaFile) -> str | None:
        """None: LinkedIn is still working on it."""
        upload = self._progress.state.get("video")
        if not upload or (not upload["finalized"] and self._clock.now() >= datetime.fromisoformat(upload["expires"])):
            upload = await self._begun(file)
        if not upload["finalized"]:
            try:
                await self._complete(file, upload)
            except ProviderFailed as error:
                await self._not_taken(error)
        return await self._available(upload["urn"])

    async def _begun(self, file: MediaFile) -> dict[str, Any]:
        request = {
            "owner": author_of(self._account),
            "fileSizeBytes": file.size_bytes,
            "uploadCaptions": False,
            "uploadThumbnail": False,
        }
        target = read(VideoTarget, await self._ask("videos?action=initializeUpload", request)).value
        upload: dict[str, Any] = {
            "urn": target.video,
            "token": target.upload_token,
            "parts": [[part.upload_url, part.first_byte, part.last_byte + 1] for part in target.instructions],
            "etags": [],
            "expires": datetime.fromtimestamp(target.expires_at / 1000, UTC).isoformat(),
            "finalized": False,
        }
        await self._progress.save(video=upload)
        return upload

    async def _complete(self, file: MediaFile, upload: dict[str, Any]) -> None:
        """All parts that LinkedIn does not have yet, and the word that these are all, in their order."""
        etags: list[str] = list(upload["etags"])
        for url, start, end in upload["parts"][len(etags) :]:
            response = await self._put(url, file, start, end)
            etags = [*etags, _etag_of(response)]
            await self._progress.save(video={**upload, "etags": etags})
        request = {"video": upload["urn"], "uploadToken": upload["token"], "uploadedPartIds": etags}
        try:
            await self._ask("videos?action=finalizeUpload", request, name="finalizeUploadRequest")
        except ProviderFailed:  # said before, perhaps, by an attempt that died: then LinkedIn is at work already
            if (await self._state(upload["urn"])).status == "WAITING_UPLOAD":
                raise
        await self._progress.save(video={**upload, "etags": etags, "finalized": True})

    async def _not_taken(self, error: ProviderFailed) -> None:
        """Always raises. A video whose parts or whose end LinkedIn refuses is sent anew, once: nothing is public before
        the post itself, and what an earlier attempt left there may not fit together."""
        if not isinstance(error.remedy, Rejected) or self._progress.state.get("sent_anew"):
            raise error
        await self._progress.save(video=None, sent_anew=True)
        raise ProviderFailed(error.message, remedy=Retry(), status=error.status) from error

    async def _state(self, urn: str) -> VideoState:
        url = f"/rest/videos/{quote(urn, safe='')}"
        response = await send(self._client, "GET", url, token=self._account.access_token)
        return read(VideoState, self._taken(response))

    async def _available(self, urn: str) -> str | None:
        state = await self._state(urn)
        if state.status == "PROCESSING_FAILED":
            await self._progress.save(video=None)
            message = f"LinkedIn could not process the video: {state.failure_reason or 'no reason given'}"
            raise ProviderFailed(message, remedy=Rejected("MEDIA_UPLOAD_FAILED", field="media"))
        return urn if state.status == "AVAILABLE" else None

    async def _ask(
        self, action: str, request: dict[str, Any], *, name: str = "initializeUploadRequest"
    ) -> httpx2.Response:
        token = self._account.access_token
        return self._taken(await send(self._client, "POST", f"/rest/{action}", token=token, json={name: request}))

    async def _put(
        self, url: str, file: MediaFile, start: int, end: int, *, token: SecretStr | None = None
    ) -> httpx2.Response:
        """Bytes to an address that LinkedIn gave. That of an image wants the token, those of a video's parts do not."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(end - start)}
        content = slice_of(file, start, end - start)
        try:
            return self._taken(await send(self._client, "PUT", url, token=token, headers=headers, content=content))
        except ProviderFailed as error:
            if token is None and isinstance(error.remedy, Reconnect):  # the address is refused, not the account
                remedy = Rejected("MEDIA_UPLOAD_FAILED", field="media")
                raise ProviderFailed(error.message, remedy=remedy, status=error.status) from error
            raise

    def _taken(self, response: httpx2.Response) -> httpx2.Response:
        if not response.is_success:
            raise failure(response, self._clock)
        return response


def _etag_of(response: httpx2.Response) -> str:
    """Which part LinkedIn took. Something between us and it may answer in its place: then the part is sent again."""
    etag = response.headers.get("etag")
    if not etag:
        raise ProviderFailed("LinkedIn: no ETag came back for a part", remedy=Retry(), status=response.status_code)
    return etag
