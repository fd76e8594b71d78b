"""Videos on a Page: in the feed, as a reel, as a story. Facebook gives a video its id before anything is public, so
its own state tells whether the last call arrived.

    start ─> id saved ─> bytes, in parts or in one go ─> finish ─> processing ─> published
              └─ a crash goes on here, from the byte that Facebook wants next

Source: developers.facebook.com, Video API and Reels publishing, v26.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from amp.domain.publishing.port import Account, Delivery, MediaFile, Pending, Progress
from amp.kit.errors import ProviderFailed, Rejected
from amp.providers.social._calling import read, send, slice_of
from amp.providers.social._facebook_post import FacebookSettings, message, own_settings
from amp.providers.social._facebook_wire import (
    RESTART,
    Begun,
    Finished,
    VideoState,
    Window,
    upload_failure,
    where_to_go_on,
)
from amp.providers.social._graph import MEDIA_FAILED, Graph

_LOOK_AGAIN = Pending(timedelta(seconds=20))
_EDGES: Mapping[str, str] = {"feed": "videos", "reel": "video_reels", "story": "video_stories"}
_AGAIN: Mapping[str, Any] = {"video": None, "session": None, "window": None, "upload_url": None, "uploaded": False}


@dataclass(frozen=True)
class Videos:
    """The videos of one Page. `video_root` is where videos of the feed are sent, live another host than the API's."""

    graph: Graph
    account: Account
    version: str
    video_root: str

    async def published(self, delivery: Delivery, progress: Progress) -> str | Pending:
        """The id of the post, once the video is processed and public."""
        if not progress.state.get("finished"):
            try:
                await self._uploaded(delivery, progress)
                await self._finish(delivery, progress)
            except ProviderFailed as error:
                if error.remedy == RESTART:
                    await progress.save(**_AGAIN)
                raise
        state = await self._state(progress.state["video"])
        if state.failure:
            await progress.save(finished=False, **_AGAIN)
            raise ProviderFailed(state.failure, remedy=MEDIA_FAILED)
        published = state.is_published(in_feed=_in_feed(delivery))
        return self._post_id(state, progress) if published else _LOOK_AGAIN

    async def accepted(self, delivery: Delivery, progress: Progress) -> str | None:
        """The id of the post or, until there is one, of the video: when the last call of the upload arrived."""
        if not progress.state.get("video"):
            return None
        state = await self._state(progress.state["video"])
        return self._post_id(state, progress) if state.is_accepted(in_feed=_in_feed(delivery)) else None

    async def _uploaded(self, delivery: Delivery, progress: Progress) -> None:
        """Begin or go on, until Facebook has all bytes."""
        file, placement = delivery.parts[0].media[0], own_settings(delivery.settings).placement
        begun_before = bool(progress.state.get("video"))
        if not begun_before:
            await self._begin(placement, file, progress)
        if progress.state.get("uploaded"):
            return
        if placement == "feed":
            await self._send_parts(file, progress)
        else:
            await self._send_whole(file, progress, resuming=begun_before)
        await progress.save(uploaded=True)

    async def _begin(self, placement: str, file: MediaFile, progress: Progress) -> None:
        size = {"file_size": str(file.size_bytes)} if placement == "feed" else {}
        form = {"upload_phase": "start", **size}
        begun = await self.graph.write(Begun, self._edge(placement), self.account.access_token, form)
        await progress.save(
            video=begun.video_id,
            session=begun.upload_session_id,
            window=[begun.start_offset, begun.end_offset],
            upload_url=begun.upload_url,
        )

    async def _send_parts(self, file: MediaFile, progress: Progress) -> None:
        """Facebook says which bytes it wants; the window is saved after every part."""
        start, end = progress.state["window"]
        while start < end:
            part = b"".join([piece async for piece in slice_of(file, start, end - start)])
            form = {
                "upload_phase": "transfer",
                "upload_session_id": str(progress.state["session"]),
                "start_offset": str(start),
            }
            response = await send(
                self.graph.client,
                "POST",
                self._edge("feed"),
                token=self.account.access_token,
                data=form,
                files={"video_file_chunk": (file.media_id, part, file.mime_type)},
            )
            wanted = read(Window, response) if response.is_success else where_to_go_on(response)
            if wanted is None or (not response.is_success and wanted.start_offset == start):
                raise self.graph.failed(response)
            start, end = wanted.start_offset, wanted.end_offset
            await progress.save(window=[start, end])

    async def _send_whole(self, file: MediaFile, progress: Progress, *, resuming: bool) -> None:
        """The upload host wants the token in its own way, and says where it stopped."""
        offset = 0
        if resuming:
            offset = (await self._state(progress.state["video"])).status.uploading_phase.bytes_transferred
        if offset >= file.size_bytes:
            return
        headers = {
            "Authorization": f"OAuth {self.account.access_token.get_secret_value()}",
            "offset": str(offset),
            "file_size": str(file.size_bytes),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.size_bytes - offset),
        }
        url = str(progress.state["upload_url"])
        response = await send(self.graph.client, "POST", url, headers=headers, content=file.chunks(offset))
        if not response.is_success:
            raise upload_failure(response) or self.graph.failed(response)

    async def _finish(self, delivery: Delivery, progress: Progress) -> None:
        settings = own_settings(delivery.settings)
        form = {
            "upload_phase": "finish",
            **self._named(settings.placement, progress),
            **(_words(delivery, settings) if settings.placement != "story" else {}),
        }
        path, token = self._edge(settings.placement), self.account.access_token
        await progress.intend("post")
        try:
            post = (await self.graph.write(Finished, path, token, form, commits=True)).post_id
        except ProviderFailed as error:
            # Said twice, because the first time seemed not to arrive: then the video is on its way.
            refused = isinstance(error.remedy, Rejected) or error.remedy == RESTART
            if not refused or not await self.accepted(delivery, progress):
                raise
            post = None
        await progress.save(finished=True, post_of_video=post)

    def _named(self, placement: Literal["feed", "reel", "story"], progress: Progress) -> dict[str, str]:
        if placement == "feed":
            return {"upload_session_id": str(progress.state["session"])}
        published = {"video_state": "PUBLISHED"} if placement == "reel" else {}
        return {"video_id": str(progress.state["video"]), **published}

    async def _state(self, video: str) -> VideoState:
        path, token = f"/{self.version}/{video}", self.account.access_token
        return await self.graph.read(VideoState, path, token, fields="status,permalink_url,post_id")

    def _post_id(self, state: VideoState, progress: Progress) -> str:
        """Posts are named by their Page, too; Facebook leaves that out here and there."""
        post = state.post_id or progress.state.get("post_of_video")
        if not post:
            return progress.state["video"]
        return post if "_" in post else f"{self.account.remote_id}_{post}"

    def _edge(self, placement: str) -> str:
        root = self.video_root if placement == "feed" else ""
        return f"{root}/{self.version}/{self.account.remote_id}/{_EDGES[placement]}"


def _in_feed(delivery: Delivery) -> bool:
    return own_settings(delivery.settings).placement == "feed"


def _words(delivery: Delivery, settings: FacebookSettings) -> dict[str, str]:
    words = {"description": message(delivery), "title": settings.title}
    return {name: value for name, value in words.items() if value}
