"""What callers send about posts (JSON of REST; MCP and forms make the same), and what it means to the domain."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel

from amp.domain.publishing.describing import MediaType, WantedMedium
from amp.domain.publishing.drafting import Override, Wanted
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import Kind, decode
from amp.surfaces.ampost.wire import WireBody
from amp.surfaces.fields import Moment

Url = Annotated[str, Field(min_length=1, max_length=2000)]
Text = Annotated[str, Field(max_length=100_000)]
Platforms = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Side = Annotated[int, Field(gt=0, le=2**31)]
_MAX_MEDIA = 50


class MediaBody(WireBody):
    """`PostMedia`. With an `id` of ours the file speaks for itself, and `url` does not count."""

    id: Annotated[str, Field(max_length=100)] | None = None
    type: MediaType
    url: Url
    filename: Annotated[str, Field(max_length=255)] | None = None
    mime_type: Annotated[str, Field(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=100)] | None = None
    size_bytes: _Count | None = None
    width: _Side | None = None
    height: _Side | None = None
    duration_seconds: Annotated[float, Field(ge=0, le=1e6)] | None = None
    alt_text: Annotated[str, Field(max_length=5000)] | None = None
    thumbnail_url: Url | None = None

    def wanted(self) -> WantedMedium:
        named = self.model_dump(exclude={"duration_seconds"})
        return WantedMedium(**named, seconds=self.duration_seconds)


class OverrideBody(WireBody):
    """`text` null: as the post's own. `settings` are the platform's, see its table."""

    text: Text | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class Content(WireBody):
    """`PostContent`."""

    text: Text = ""
    media: Annotated[list[MediaBody], Field(max_length=_MAX_MEDIA)] = Field(default_factory=list[MediaBody])
    media_urls: Annotated[list[Url], Field(max_length=_MAX_MEDIA)] | None = None
    """Bare addresses, as they were given before there was `media`; not for TikTok, YouTube and LinkedIn videos."""
    link_url: Url | None = None
    platform_overrides: dict[str, OverrideBody] = Field(default_factory=dict)


class NewPost(WireBody):
    content: Content
    platforms: Platforms = Field(default_factory=list)
    scheduled_for: Moment | None = None
    """Null: a draft. Else a time in the future."""
    platform_set_id: Annotated[str, Field(max_length=100)]


class FlatPost(WireBody):
    """A post without the nesting of `content`, as forms and tools send it."""

    text: Text = ""
    platforms: Platforms = Field(default_factory=list)
    platform_set_id: Annotated[str, Field(max_length=100)]
    scheduled_for: Moment | None = None
    media: Annotated[list[MediaBody], Field(max_length=_MAX_MEDIA)] = Field(default_factory=list[MediaBody])
    media_urls: Annotated[list[Url], Field(max_length=_MAX_MEDIA)] | None = None
    link_url: Url | None = None
    platform_overrides: dict[str, OverrideBody] = Field(default_factory=dict)

    def nested(self) -> NewPost:
        content = Content.model_construct(
            text=self.text,
            media=self.media,
            media_urls=self.media_urls,
            link_url=self.link_url,
            platform_overrides=self.platform_overrides,
        )
        return NewPost.model_construct(
            content=content,
            platforms=self.platforms,
            scheduled_for=self.scheduled_for,
            platform_set_id=self.platform_set_id,
        )


class PostChanges(WireBody):
    """Any subset; of `content`, too."""

    content: Content | None = None
    platforms: Platforms | None = None
    scheduled_for: Moment | None = None
    platform_set_id: Annotated[str, Field(max_length=100)] | None = None


def wanted_of(body: NewPost, user_id: UUID | None) -> Wanted:
    """Errors: Invalid; NotFound for a platform set that cannot be."""
    return Wanted(
        **content_fields(body.content, changed_only=False),
        platforms=body.platforms,
        platform_set_id=set_id(body.platform_set_id),
        scheduled_for=body.scheduled_for,
        user_id=user_id,
    )


def changes_of(body: PostChanges) -> dict[str, Any]:
    """Fields of Wanted and what they become. Errors: Invalid when nothing, or null where it cannot be, is given."""
    given = body.model_fields_set
    if not given:
        raise Invalid("Give content, platforms, scheduledFor or platformSetId: whatever is to change")
    for name in given - {"scheduled_for"}:
        if getattr(body, name) is None:
            raise Invalid(f"'{to_camel(name)}' cannot be null; leave it out to keep it", param=to_camel(name))
    changes = content_fields(body.content, changed_only=True) if body.content else {}
    if body.platforms is not None:
        changes["platforms"] = body.platforms
    if body.platform_set_id is not None:
        changes["platform_set_id"] = set_id(body.platform_set_id)
    if "scheduled_for" in given:
        changes["scheduled_for"] = body.scheduled_for
    return changes


def content_fields(content: Content, *, changed_only: bool) -> dict[str, Any]:
    """Fields of Wanted that the content determines."""
    if content.media and content.media_urls:
        raise Invalid("Use media or mediaUrls, not both", param="content.mediaUrls")
    fields: dict[str, Any] = {
        "text": content.text,
        "media": media_of(content.media, content.media_urls),
        "link_url": content.link_url,
        "overrides": overrides_of(content.platform_overrides),
    }
    if not changed_only:
        return fields
    given = content.model_fields_set
    names = {"link_url": {"link_url"}, "overrides": {"platform_overrides"}, "media": {"media", "media_urls"}}
    return {name: value for name, value in fields.items() if names.get(name, {name}) & given}


def media_of(described: Sequence[MediaBody], addresses: Sequence[str] | None) -> list[WantedMedium]:
    return [*(medium.wanted() for medium in described), *(WantedMedium(url) for url in addresses or ())]


def overrides_of(bodies: Mapping[str, OverrideBody]) -> dict[str, Override]:
    return {platform: Override(body.text, body.settings) for platform, body in bodies.items()}


def set_id(text: str) -> UUID:
    try:
        return decode(Kind.PLATFORM_SET, text, what="Platform set")
    except NotFound as error:
        raise NotFound(error.message, param="platformSetId") from error
