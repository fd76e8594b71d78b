"""What is wrong with a request, in a sentence that a person understands, with the field it is about."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from amp.kit.errors import Invalid

_SENTENCES: Mapping[str, str] = {
    "missing": "The '{name}' field is required",
    "extra_forbidden": "Unknown field '{name}'",
    "string_type": "'{name}' must be a text",
    "string_too_short": "'{name}' must have at least {min_length} character(s)",
    "string_too_long": "'{name}' must have at most {max_length} character(s)",
    "string_pattern_mismatch": "'{name}' does not have the expected form",
    "int_type": "'{name}' must be a whole number",
    "int_parsing": "'{name}' must be a whole number",
    "int_parsing_size": "'{name}' is too large",
    "int_from_float": "'{name}' must be a whole number",
    "float_type": "'{name}' must be a number",
    "float_parsing": "'{name}' must be a number",
    "finite_number": "'{name}' must be a finite number",
    "bool_type": "'{name}' must be true or false",
    "bool_parsing": "'{name}' must be true or false",
    "list_type": "'{name}' must be a list",
    "dict_type": "'{name}' must be an object",
    "model_type": "'{name}' must be an object",
    "model_attributes_type": "'{name}' must be an object",
    "too_short": "'{name}' must have at least {min_length} item(s)",
    "too_long": "'{name}' must have at most {max_length} item(s)",
    "greater_than": "'{name}' must be greater than {gt}",
    "greater_than_equal": "'{name}' must be at least {ge}",
    "less_than": "'{name}' must be less than {lt}",
    "less_than_equal": "'{name}' must be at most {le}",
    "literal_error": "'{name}' must be {expected}",
    "enum": "'{name}' must be {expected}",
    "none_required": "'{name}' must be null",
    "datetime_type": "'{name}' must be a time such as 2026-01-15T10:30:00Z",
    "datetime_parsing": "'{name}' must be a time such as 2026-01-15T10:30:00Z",
    "datetime_from_date_parsing": "'{name}' must be a time such as 2026-01-15T10:30:00Z",
    "timezone_aware": "'{name}' must say its time zone, as in 2026-01-15T10:30:00Z",
    "value_error": "'{name}': {error}",
}
_WHERE = ("body", "query", "path", "header")
_SUSPICIOUS = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


def refusal(errors: Iterable[Mapping[str, Any]]) -> Invalid:
    """The first of pydantic's errors, as ours. Unknown fields come last: the misspelt name of a required one
    is more helpful as 'required'."""
    error = min(errors, key=lambda one: one["type"] == "extra_forbidden")
    name = field_path(error["loc"])
    if not name:
        return Invalid("The request body must be a JSON object")
    template = _SENTENCES.get(error["type"])
    context = {**error.get("ctx", {}), "name": name}
    message = template.format_map(context) if template else f"'{name}': {error['msg']}"
    return Invalid(message, param=name)


def field_path(location: Sequence[str | int]) -> str:
    """`("body", "kpis", 0, "target")` as `kpis.0.target`."""
    parts = location[1:] if location and location[0] in _WHERE else location
    return ".".join(str(part) for part in parts)


def parse_json(raw: bytes) -> Any:
    """The document in a request's body. Errors: Invalid, also for what no database text can hold."""
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else "unreadable"
        raise Invalid(f"The request body is not valid JSON: {reason}") from error
    if _SUSPICIOUS.search(raw):
        _refuse_unstorable(document, ())
    return document


def refuse_fields(document: Any) -> None:
    """For a route that takes no body: only an empty object is like none. Errors: Invalid."""
    if isinstance(document, dict):
        for name in cast("dict[str, Any]", document):
            raise Invalid(f"Unknown field '{name}'", param=name)
    else:
        raise Invalid("The request body must be a JSON object")


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _refuse_unstorable(value: Any, path: tuple[str | int, ...]) -> None:
    if isinstance(value, str):
        refuse_unstorable_text(value, ".".join(str(part) for part in path))
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            refuse_unstorable_text(name, "")
            _refuse_unstorable(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            _refuse_unstorable(item, (*path, index))


def refuse_unstorable_text(text: str, name: str) -> None:
    """Errors: Invalid for a NUL character or half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Invalid("Texts cannot contain NUL characters or lone surrogates", param=name or None)
