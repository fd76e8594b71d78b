"""Settings of platforms (`platformOverrides.<platform>.settings`), read as they are written: no text becomes a number
or a truth, no number a time, and null is as good as leaving it out."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from amp.kit.moments import in_utc, written_time

Item = TypeVar("Item")

Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(written_time), AfterValidator(in_utc)]
"""A time with its zone."""
Several = Annotated[tuple[Item, ...], Field(strict=False)]
"""JSON has lists only, and settings do not change."""


class Settings(BaseModel):
    """Base of a platform's own settings: camelCase on the wire, unknown fields and other types refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        settings = cast("Mapping[str, Any]", given)
        known = {field.alias for field in cls.model_fields.values()} | cls.model_fields.keys()
        return {name: value for name, value in settings.items() if value is not None or name not in known}

    def makes_card(self, media: int) -> bool:
        """Whether a link becomes a card beside this many media; else it joins the text. Asked only where
        the platform has link cards."""
        return media == 0


class NoSettings(Settings):
    """For a platform that has none."""
