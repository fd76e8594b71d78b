"""What pydantic finds wrong, in sentences that people understand: its own words speak of inputs and types of Python."""

from collections.abc import Mapping
from typing import Any

_TIME = "must be a time such as 2026-01-15T10:30:00Z"
_LIST, _OBJECT, _TEXT = "must be a list", "must be an object", "must be a text"
_NUMBER, _WHOLE, _TRUTH = "must be a number", "must be a whole number", "must be true or false"

_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is unknown",
    "invalid_key": "must have names that are texts",
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} character(s)",
    "string_pattern_mismatch": "does not have the expected form",
    "string_not_ascii": "must have ASCII characters only",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "is too large",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "multiple_of": "must be a multiple of {multiple_of}",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "too_short": "must have at least {min_length} item(s)",
    "too_long": "must have at most {max_length} item(s)",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "none_required": "must be null",
    "date_type": "must be a day such as 2026-01-15",
    "date_parsing": "must be a day such as 2026-01-15",
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": "must say its time zone, as in 2026-01-15T10:30:00Z",
    "uuid_type": "must be an id",
    "uuid_parsing": "must be an id",
    "url_type": "must be an http(s) address",
    "url_parsing": "must be an http(s) address",
    "url_scheme": "must be an http(s) address",
}
_OUR_OWN = ("value_error", "assertion_error")
"""Raised by a validator of ours, in words of ours."""


def sentence(subject: str, error: Mapping[str, Any]) -> str:
    """`subject`, such as `'kpis.0.target'`, with one of pydantic's errors (`ValidationError.errors()`) about it."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in _OUR_OWN:
        return f"{subject}: {context['error']}"
    return f"{subject} {_SENTENCES.get(kind, 'is not what is expected here').format_map(context)}"
