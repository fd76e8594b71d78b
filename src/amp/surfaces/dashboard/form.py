"""What a form of ours sends: a few short fields, in the way of forms without files."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from amp.kit.errors import Invalid, TooLarge
from amp.surfaces.refusals import refuse_unstorable_text

_MOST_BYTES = 10_000
_MOST_FIELDS = 20


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields by name; of one that is sent twice, the last. Errors: Invalid, TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Invalid("Send a form, as the page has it", code="unsupported_media_type")
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > _MOST_BYTES:
            raise TooLarge(f"A form has at most {_MOST_BYTES} bytes")
    try:
        fields = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise Invalid("The form is malformed") from error
    for name, value in fields.items():
        refuse_unstorable_text(value, name)
    return fields
