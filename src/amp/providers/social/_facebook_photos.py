"""Posts of a Page without a video: text, a link with its card, a photo, an album, a photo as a story.

Source: developers.facebook.com, Pages API v26.0.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from amp.domain.publishing.port import Account, Delivery, MediaFile, Progress
from amp.providers.social._calling import content_of
from amp.providers.social._facebook_post import message, own_settings
from amp.providers.social._facebook_wire import Finished, Photo
from amp.providers.social._graph import Graph, Made


@dataclass(frozen=True)
class Photos:
    """What one Page posts, and the photos it is made of: those of an album are sent before, seen by nobody."""

    graph: Graph
    account: Account
    version: str

    async def published(self, delivery: Delivery, progress: Progress) -> str:
        """The id of the post."""
        files, words = delivery.parts[0].media, message(delivery)
        said = {"message": words} if words else {}
        if own_settings(delivery.settings).placement == "story":
            return await self._story(delivery, progress)
        if len(files) == 1:
            return await self._photo(files[0], said, progress)
        photos = [{"media_fbid": photo} for photo in await self._hidden(delivery, progress)]
        attached = {"attached_media": json.dumps(photos)} if photos else {}
        card = {"link": delivery.link_url} if delivery.link_url and not files else {}
        await progress.intend("post")
        form = {**said, **card, **attached}
        return (await self.graph.write(Made, self._edge("feed"), self.account.access_token, form, commits=True)).id

    async def _story(self, delivery: Delivery, progress: Progress) -> str:
        (photo,) = await self._hidden(delivery, progress)
        form, token = {"photo_id": photo}, self.account.access_token
        await progress.intend("post")
        story = await self.graph.write(Finished, self._edge("photo_stories"), token, form, commits=True)
        return story.post_id or photo

    async def _photo(self, file: MediaFile, said: Mapping[str, str], progress: Progress) -> str:
        source = await _source(file)
        await progress.intend("post")
        photo = await self._upload(source, {"published": "true", **said, **_described(file)}, commits=True)
        return photo.post_id or photo.id

    async def _hidden(self, delivery: Delivery, progress: Progress) -> list[str]:
        """The ids of photos that nobody sees yet, in order; those of an earlier attempt are used again."""
        made: list[str] = list(progress.state.get("photos", ()))
        for file in delivery.parts[0].media[len(made) :]:
            form = {"published": "false", **_described(file)}
            made = [*made, (await self._upload(await _source(file), form)).id]
            await progress.save(photos=made)
        return made

    async def _upload(self, source: tuple[str, bytes, str], form: Mapping[str, str], *, commits: bool = False) -> Photo:
        path, files = self._edge("photos"), {"source": source}
        return await self.graph.write(Photo, path, self.account.access_token, form, commits=commits, files=files)

    def _edge(self, edge: str) -> str:
        return f"/{self.version}/{self.account.remote_id}/{edge}"


async def _source(file: MediaFile) -> tuple[str, bytes, str]:
    return (file.media_id, await content_of(file), file.mime_type)


def _described(file: MediaFile) -> dict[str, str]:
    return {"alt_text_custom": file.alt_text} if file.alt_text else {}
