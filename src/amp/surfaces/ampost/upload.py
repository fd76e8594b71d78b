"""Posts with their files (`POST /api/posts` of the Ampost contract): a form of `data` and `files`."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field, ValidationError
from starlette.responses import Response

from amp.domain.media.models import Media
from amp.domain.publishing import operations
from amp.domain.publishing.describing import WantedMedium
from amp.domain.publishing.drafting import drafted
from amp.kit.errors import Invalid
from amp.kit.ids import Kind, encode
from amp.surfaces.ampost import documents
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.ampost.posting import FlatPost, wanted_of
from amp.surfaces.ampost.posts import require_publish_if, shown
from amp.surfaces.ampost.shapes import PostAnswer
from amp.surfaces.refusals import refusal
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow, Uploaded

router = Surface("posts")


_AltText = Annotated[str, Field(max_length=5000)] | None


class PostWithFiles(FlatPost):
    """The `data` of the form. The files follow whatever `media` it names."""

    alt_texts: list[_AltText] = Field(default_factory=list[_AltText])
    """Of the files, in their order."""


@router.post("/posts", needs="draft", rate="mediaUpload", by="either", body="multipart", status=201, answers=PostAnswer)
async def create_post_with_files(uow: Uow, door: AtDoor, actor: Actor, upload: Uploaded) -> Response:
    """As `POST /api/v1/posts`, with the files themselves: at most 200 MB each, JPEG, PNG, WebP, MP4 or QuickTime."""
    body = _read(upload.data)
    require_publish_if(actor, body.scheduled_for is not None)
    if len(body.alt_texts) > len(upload.files):
        raise Invalid("There are more altTexts than files", param="altTexts")
    files = _media(await upload.keep(uow), body)
    wanted = wanted_of(body.nested(), actor.owner_id)
    found = await drafted(uow, door.ports, replace(wanted, media=[*wanted.media, *files]))
    created = await operations.create_post(uow, found.sound(), told=documents.WRITTEN)
    return shown(door, created.told, 201)


def _read(document: object) -> PostWithFiles:
    """Errors: Invalid."""
    try:
        return PostWithFiles.model_validate(document)
    except ValidationError as error:
        errors = [{**one} for one in error.errors()]
        raise refusal(errors, written=AmpostContract().field, within="data") from error


def _media(rows: list[Media], body: PostWithFiles) -> list[WantedMedium]:
    spoken = [*body.alt_texts, *[None] * len(rows)]
    return [
        WantedMedium(url="", id=encode(Kind.MEDIA, row.id), alt_text=alt_text)
        for row, alt_text in zip(rows, spoken, strict=False)
    ]
