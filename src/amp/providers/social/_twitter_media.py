"""Handing media to X: images in one piece, videos and GIFs in segments that X then works on.

    initialize ─> append, append, ... ─> finalize ─> pending, in_progress ─> succeeded | failed
Every segment is saved when X has it, so a later attempt goes on after the last one. The ids count for a day.

Source: the OpenAPI document of the X API v2, 2.167, and its guide pages.
"""

from datetime import timedelta
from typing import Any

import httpx2

from amp.domain.publishing.port import Account, Delivery, MediaFile, Pending, Progress
from amp.kit.errors import ProviderFailed, Rejected, Retry
from amp.providers.social._calling import content_of, read, send, slice_of
from amp.providers.social._twitter_errors import failure
from amp.providers.social._twitter_wire import Made, Processing

_SEGMENT = 4_000_000
"""Bytes. X takes up to 5 MB in one, and a thousand of them."""

LARGEST_FILM = 1000 * _SEGMENT
"""Bytes. X names 8 GB, and 16 for Premium accounts; AMP holds no file of that size."""

_CATEGORIES = {"video": "tweet_video", "gif": "tweet_gif"}


class Uploads:
    """The media of one delivery on their way to X."""

    def __init__(self, client: httpx2.AsyncClient, delivery: Delivery, progress: Progress) -> None:
        self._client = client
        self._account: Account = delivery.account
        self._files = delivery.parts[0].media
        self._progress = progress

    async def finished(self) -> list[str] | Pending:
        """The ids of the media, in order, once X is ready to show them; those of an earlier attempt are used again."""
        ids: list[str] = list(self._progress.state.get("media", ()))
        keys: list[str] = list(self._progress.state.get("media_keys", ()))
        for file in self._files[len(ids) :]:
            upload = await (self._in_segments(file) if _category(file) else self._at_once(file))
            if isinstance(upload, Pending):
                return upload
            await self._describe(upload.id, file)
            ids, keys = [*ids, upload.id], [*keys, *filter(None, [upload.media_key])]
            await self._progress.save(media=ids, media_keys=keys, upload=None)
        return ids

    async def _at_once(self, file: MediaFile) -> Made.Data:
        content = {"media": (file.media_id, await content_of(file), file.mime_type)}
        form = {"media_category": "tweet_image"}
        return read(Made, await self._call("POST", "/2/media/upload", files=content, data=form)).data

    async def _in_segments(self, file: MediaFile) -> Made.Data | Pending:
        upload = self._progress.state.get("upload") or await self._begun(file)
        made = await (self._status(upload) if upload["finalized"] else self._completed(file, upload))
        return await self._judged(made.processing_info) or Made.Data(id=upload["id"], media_key=upload["key"])

    async def _begun(self, file: MediaFile) -> dict[str, Any]:
        body = {"media_type": file.mime_type, "total_bytes": file.size_bytes, "media_category": _category(file)}
        made = read(Made, await self._call("POST", "/2/media/upload/initialize", json=body)).data
        upload = {"id": made.id, "key": made.media_key, "segments": 0, "finalized": False}
        await self._progress.save(upload=upload)
        return upload

    async def _completed(self, file: MediaFile, upload: dict[str, Any]) -> Made.Data:
        """All segments that X does not have yet, and the word that these are all."""
        url = f"/2/media/upload/{upload['id']}"
        for start in range(upload["segments"] * _SEGMENT, file.size_bytes, _SEGMENT):
            index = start // _SEGMENT
            segment = b"".join([piece async for piece in slice_of(file, start, _SEGMENT)])
            content, form = {"media": (file.media_id, segment, file.mime_type)}, {"segment_index": str(index)}
            await self._call("POST", f"{url}/append", files=content, data=form)
            await self._progress.save(upload={**upload, "segments": index + 1})
            upload = self._progress.state["upload"]
        response = await send(self._client, "POST", f"{url}/finalize", token=self._account.access_token)
        if response.status_code == 400:  # said before, perhaps, by an attempt that died: then X is at work already
            made = await self._status(upload)
        else:
            made = read(Made, await self._taken(response)).data
        await self._progress.save(upload={**upload, "finalized": True})
        return made

    async def _status(self, upload: dict[str, Any]) -> Made.Data:
        query = {"command": "STATUS", "media_id": upload["id"]}
        return read(Made, await self._call("GET", "/2/media/upload", params=query)).data

    async def _judged(self, processing: Processing | None) -> Pending | None:
        """None when it is ready: X says nothing where there is nothing to wait for."""
        if processing is None or processing.state == "succeeded":
            return None
        if processing.state != "failed":
            return Pending(after=timedelta(seconds=processing.check_after_secs or 5))
        await self._progress.save(upload=None)
        message = f"X could not process the file: {processing.why or 'no reason given'}"
        raise ProviderFailed(message, remedy=Rejected("MEDIA_UPLOAD_FAILED", field="media"))

    async def _describe(self, upload_id: str, file: MediaFile) -> None:
        """Images and GIFs may have an alternative text; videos have captions instead."""
        if file.alt_text and not file.mime_type.startswith("video/"):
            described = {"id": upload_id, "metadata": {"alt_text": {"text": file.alt_text}}}
            await self._call("POST", "/2/media/metadata", json=described)

    async def _call(self, method: str, url: str, **request: Any) -> httpx2.Response:
        token = self._account.access_token
        return await self._taken(await send(self._client, method, url, token=token, **request))

    async def _taken(self, response: httpx2.Response) -> httpx2.Response:
        """Nothing here makes anything public. An upload that X has forgotten is begun anew, once."""
        if response.is_success:
            return response
        if response.status_code == 404 and not self._progress.state.get("uploaded_again"):
            await self._progress.save(upload=None, uploaded_again=True)
            raise ProviderFailed("X has forgotten the upload", remedy=Retry(), status=404)
        raise failure(response)


def _category(file: MediaFile) -> str | None:
    """None: an image, which goes in one piece."""
    kind = "gif" if file.mime_type == "image/gif" else file.mime_type.partition("/")[0]
    return _CATEGORIES.get(kind)
