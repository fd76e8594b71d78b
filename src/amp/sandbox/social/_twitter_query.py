"""X: query parameters, which are as closed as bodies: an unknown name or value is an invalid request."""

import re
from collections.abc import Collection
from datetime import UTC, datetime

from amp.sandbox.social._twitter_problems import at, invalid
from amp.sandbox.social._twitter_shapes import POST_FIELDS, Asked, in_new_spelling
from amp.sandbox.vendor import Call

_ID = re.compile(r"[0-9]{1,19}")
_MOST_IDS = 100


def check_names(call: Call, allowed: Collection[str]) -> None:
    unknown = sorted(set(call.request.query_params) - set(allowed))
    if unknown:
        known = ", ".join(sorted(allowed))
        errors = (at(name, [], f"The query parameter [{name}] is not one of [{known}]") for name in unknown)
        raise invalid(*errors)


def fields(call: Call, name: str, known: Collection[str]) -> frozenset[str]:
    """A comma-separated list, every entry of it known."""
    given = [entry for entry in call.request.query_params.get(name, "").split(",") if entry]
    wrong = [entry for entry in given if in_new_spelling(entry) not in known]
    if wrong:
        message = f"The `{name}` query parameter value [{','.join(wrong)}] is not one of [{','.join(sorted(known))}]"
        raise invalid(at(name, wrong, message))
    return frozenset(in_new_spelling(entry) for entry in given)


def asked(call: Call) -> Asked:
    old = "tweet.fields" in call.request.query_params
    return Asked(fields(call, "tweet.fields" if old else "post.fields", POST_FIELDS), old)


def ids(call: Call) -> list[str]:
    given = [entry for entry in call.request.query_params.get("ids", "").split(",") if entry]
    if not 1 <= len(given) <= _MOST_IDS:
        message = f"The number of values in the `ids` query parameter list [{len(given)}] is not between 1 and 100"
        raise invalid(at("ids", given[:3], message))
    wrong = [entry for entry in given if not _ID.fullmatch(entry)]
    if wrong:
        raise invalid(at("ids", wrong, "The `ids` query parameter value is not valid"))
    return given


def one_id(call: Call, name: str) -> str | None:
    given = call.request.query_params.get(name)
    if given is not None and not _ID.fullmatch(given):
        raise invalid(at(name, [given], f"The `{name}` query parameter value [{given}] is not valid"))
    return given


def number(call: Call, name: str, low: int, high: int, default: int) -> int:
    given = call.request.query_params.get(name)
    if given is None:
        return default
    if not given.isdecimal() or not low <= int(given) <= high:
        message = f"The `{name}` query parameter value [{given}] is not between {low} and {high}"
        raise invalid(at(name, [given], message))
    return int(given)


def time(call: Call, name: str, *, required: bool = False) -> datetime | None:
    """RFC 3339 with a zone."""
    given = call.request.query_params.get(name)
    if given is None and not required:
        return None
    try:
        moment = datetime.fromisoformat(given or "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"Invalid '{name}':'{given}'. '{name}' must be a valid RFC3339 date-time"
        raise invalid(at(name, [str(given)], message))
    return moment.astimezone(UTC)


def choice(call: Call, name: str, known: Collection[str], default: str) -> str:
    given = call.request.query_params.get(name, default)
    if given not in known:
        raise invalid(at(name, [given], f"The `{name}` query parameter value [{given}] is not one of {sorted(known)}"))
    return given
