"""What the pipeline asks of itself."""

from dataclasses import dataclass
from uuid import UUID

from amp.engine.jobs import Message


@dataclass(frozen=True, kw_only=True)
class WriteContent(Message):
    """Write, check and if need be rewrite one item. Reads its row first; a step that is stored is not redone."""

    content_id: UUID
