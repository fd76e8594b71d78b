"""Containers: Instagram and Threads take a post into one, work on it, and publish it by a second call.

    create ──> IN_PROGRESS ──> FINISHED ── publish ──> PUBLISHED
                    ├─────────> ERROR        └── unpublished for 24 h ──> EXPIRED

A container is not public, so it may be made again; and its status proves whether it was published. The ids of an
album's children are saved one by one, and `container` is what the next publishing call names.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from amp.domain.publishing.port import Account, MediaFile, Pending, Progress
from amp.kit.errors import ProviderFailed, Remedy, Retry, Unknown
from amp.providers.social._graph import NOT_FETCHED, NOT_READY, Graph, Made, is_gone

Form = Mapping[str, str]

FORGOTTEN: Mapping[str, Any] = {"children": [], "container": None}
"""What to save so that new containers are made."""
EXPIRED = Retry(after=timedelta(seconds=1))
"""The vendor says that the container is too old to be published: a new one is made."""
_SOON = timedelta(seconds=5)
_MINUTE = timedelta(minutes=1)  # what Meta asks of those who wait for a video


@dataclass(frozen=True)
class Seen:
    """What the vendor says of a container; `remedy` and `reason` when it could not be made into a post."""

    status: str
    remedy: Remedy | None = None
    reason: str = ""


class Status(BaseModel, ABC):
    """The vendor's answer about a container; each has other names for what went wrong."""

    @property
    @abstractmethod
    def seen(self) -> Seen: ...


@dataclass(frozen=True)
class Containers:
    """The containers of one account. `making` and `publishing` are the edges of the account, `fields` what to ask
    about a container."""

    graph: Graph
    account: Account
    version: str
    making: str
    publishing: str
    status: type[Status]
    fields: str

    async def prepared(
        self,
        progress: Progress,
        files: Sequence[MediaFile],
        children: Sequence[Form],
        parent: Callable[[Sequence[str]], Form],
    ) -> str | Pending:
        """The id of a container that can be published now, or how long to wait for it.

        Errors: ProviderFailed with the remedy of what the vendor could not do; whatever is tried again is tried with
        new containers. A file that was not to be had is asked for once more.
        """
        try:
            return await self._prepared(progress, files, children, parent)
        except ProviderFailed as error:
            if error.remedy != NOT_FETCHED or progress.state.get("not_fetched"):
                raise
            await progress.save(not_fetched=True)
            raise ProviderFailed(error.message, remedy=NOT_READY, status=error.status) from error

    async def published(self, progress: Progress, container: str, step: str) -> str:
        """Make it public: the id of the post, which is for the caller to save at once."""
        path = f"/{self.version}/{self.account.remote_id}/{self.publishing}"
        await progress.intend(step)
        try:
            form = {"creation_id": container}
            return (await self.graph.write(Made, path, self.account.access_token, form, commits=True)).id
        except ProviderFailed as error:
            if error.remedy == EXPIRED:
                await progress.save(**FORGOTTEN)
            raise

    async def is_published(self, progress: Progress) -> bool:
        container: str | None = progress.state.get("container")
        return container is not None and (await self._seen(container)).status == "PUBLISHED"

    async def _prepared(
        self,
        progress: Progress,
        files: Sequence[MediaFile],
        children: Sequence[Form],
        parent: Callable[[Sequence[str]], Form],
    ) -> str | Pending:
        wait = Pending(_MINUTE if any(file.mime_type.startswith("video/") for file in files) else _SOON)
        if not progress.state.get("container"):
            made = await self._children(progress, children)
            if not await self._finished(progress, made):
                return wait
            await progress.save(container=await self._made(parent(made)))
        container: str = progress.state["container"]
        return container if await self._finished(progress, [container]) else wait

    async def _children(self, progress: Progress, forms: Sequence[Form]) -> list[str]:
        made: list[str] = list(progress.state.get("children", ()))
        for form in forms[len(made) :]:
            made = [*made, await self._made(form)]
            await progress.save(children=made)
        return made

    async def _made(self, form: Form) -> str:
        path = f"/{self.version}/{self.account.remote_id}/{self.making}"
        return (await self.graph.write(Made, path, self.account.access_token, form)).id

    async def _finished(self, progress: Progress, ids: Sequence[str]) -> bool:
        statuses = [await self._status(progress, one) for one in ids]
        return all(status == "FINISHED" for status in statuses)

    async def _status(self, progress: Progress, container: str) -> str:
        seen = await self._seen(container)
        if seen.status == "PUBLISHED":
            raise ProviderFailed("It is public already, under an id that is not known yet", remedy=Unknown())
        if seen.status not in ("IN_PROGRESS", "FINISHED"):
            await progress.save(**FORGOTTEN)
            raise ProviderFailed(seen.reason or f"The container is {seen.status}", remedy=seen.remedy or EXPIRED)
        return seen.status

    async def _seen(self, container: str) -> Seen:
        """A container that the vendor does not know is as good as expired."""
        path, token = f"/{self.version}/{container}", self.account.access_token
        try:
            return (await self.graph.read(self.status, path, token, fields=self.fields)).seen
        except ProviderFailed as error:
            if is_gone(error):
                return Seen("EXPIRED")
            raise
