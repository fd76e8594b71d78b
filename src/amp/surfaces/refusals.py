"""What is wrong with a request, in a sentence that a person understands, with the field it is about."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from amp.kit.errors import Invalid
from amp.kit.sentences import sentence

_WHERE = ("body", "query", "path", "header")
_SUSPICIOUS = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


def refusal(errors: Iterable[Mapping[str, Any]], *, written: Callable[[str], str] = str, within: str = "") -> Invalid:
    """The first of pydantic's errors, as ours. Unknown fields come last: the misspelt name of a required one
    is more helpful as 'required'. `written`: how the contract writes a path; `within`: the field of a form that the
    document stood in."""
    error = min(errors, key=lambda one: one["type"] == "extra_forbidden")
    name = written(field_path(error["loc"]))
    if not name:
        return Invalid(f"{_document(within)} must be a JSON object", param=within or None)
    return Invalid(_message(name, error), param=name)


def _message(name: str, error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return f"The '{name}' field is required"
    if error["type"] == "extra_forbidden":
        return f"Unknown field '{name}'"
    return sentence(f"'{name}'", error)


def field_path(location: Sequence[str | int]) -> str:
    """`("body", "kpis", 0, "target")` as `kpis.0.target`."""
    parts = location[1:] if location and location[0] in _WHERE else location
    return ".".join(str(part) for part in parts)


def _document(within: str) -> str:
    return f"The '{within}' field" if within else "The request body"


def parse_json(raw: bytes, *, within: str = "") -> Any:
    """The document in a request's body, or `within` a field of its form. Errors: Invalid, also for what no database
    text can hold."""
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else "unreadable"
        raise Invalid(f"{_document(within)} is not valid JSON: {reason}", param=within or None) from error
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
