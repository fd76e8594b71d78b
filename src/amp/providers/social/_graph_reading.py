"""Looking for posts in Meta's lists, and reading their numbers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from unicodedata import normalize

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

from amp.domain.publishing.port import Absent, Account, Progress, Unknowable
from amp.kit.errors import ProviderFailed, Rejected
from amp.providers.social._graph import Graph, Insights, Paging

_SKEW = timedelta(seconds=60)
_PAGES = 5


class Listed(BaseModel):
    """A post in a list, by whichever names the platform has for it."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    class _Attachments(BaseModel):
        class _Attachment(BaseModel):
            media_type: str = ""

        data: list[_Attachment] = []

    id: str = Field(validation_alias=AliasChoices("id", "post_id"))
    text: str = Field(default="", validation_alias=AliasChoices("caption", "text", "message", "description"))
    made_at: datetime | None = Field(
        default=None, validation_alias=AliasChoices("timestamp", "created_time", "creation_time")
    )
    media_id: str | None = None
    attachments: _Attachments = Field(default_factory=_Attachments)

    @property
    def has_pictures(self) -> bool:
        return any(one.media_type in ("photo", "album") for one in self.attachments.data)


class _Page(BaseModel):
    data: list[Listed] = []
    paging: Paging = Field(default_factory=Paging)


class _Permalink(BaseModel):
    permalink: str = Field(min_length=1)


async def find_listed(
    graph: Graph,
    path: str,
    token: SecretStr,
    *,
    since: datetime,
    is_it: Callable[[Listed], bool],
    **query: str,
) -> Listed | Absent | Unknowable:
    """The newest post in a list since then for which `is_it`; Unknowable when there are more than we look at."""
    start = since - _SKEW
    asked = {"since": str(int(start.timestamp())), "limit": "50", **query}
    after: str | None = None
    for _ in range(_PAGES):
        page = await graph.read(_Page, path, token, **asked, **({"after": after} if after else {}))
        for post in page.data:
            # Older posts come where the list does not know `since`; a second's fraction is not shown.
            if is_it(post) and (post.made_at is None or _aware(post.made_at) >= start):
                return post
        after = page.paging.after
        if after is None:
            return Absent()
    return Unknowable()


async def told_url(graph: Graph, path: str, account: Account, progress: Progress, *, otherwise: str) -> str:
    """The public address of a post that is saved as public: asked for once, and never a reason to fail."""
    if "url" not in progress.state:
        try:
            url = (await graph.read(_Permalink, path, account.access_token, fields="id,permalink")).permalink
        except ProviderFailed:
            url = otherwise
        await progress.save(url=url)
    return progress.state["url"]


def same_words(ours: str, theirs: str) -> bool:
    """Whether two texts say the same; Meta trims and may join spaces."""
    return _fingerprint(ours) == _fingerprint(theirs)


async def counters(graph: Graph, path: str, token: SecretStr, names: Mapping[str, str]) -> dict[str, int]:
    """Our counters of one post, by Meta's names for them. One name that Meta does not know fails the whole call, so
    then each is asked for by itself."""
    try:
        found = await graph.read(Insights, path, token, metric=",".join(names))
    except ProviderFailed as error:
        if not _is_refused(error) or len(names) == 1:
            raise
        found = Insights()
        for name in names:
            found.data += (await _one(graph, path, token, name)).data
    return found.counters(names)


async def _one(graph: Graph, path: str, token: SecretStr, name: str) -> Insights:
    try:
        return await graph.read(Insights, path, token, metric=name)
    except ProviderFailed as error:
        if not _is_refused(error):
            raise
        return Insights()


def _is_refused(error: ProviderFailed) -> bool:
    return error.remedy == Rejected("VALIDATION_FAILED")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fingerprint(text: str) -> str:
    return " ".join(normalize("NFC", text).split())
