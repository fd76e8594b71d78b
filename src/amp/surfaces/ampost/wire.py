"""What the models of the Ampost contract share: names in camelCase, ids as texts."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from amp.kit.ids import Kind, encode
from amp.surfaces.fields import Body


class Wire(BaseModel):
    """Base of what is sent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True)


class WireBody(Body):
    """Base of what is received."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class Success(Wire):
    success: bool = True


def user_id(user: UUID | None) -> str:
    """The wire id of a person; empty where a tenant has no owner."""
    return encode(Kind.USER, user) if user else ""
