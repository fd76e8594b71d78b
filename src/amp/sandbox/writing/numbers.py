"""Numbers for an answer: inside their bounds, generous where a score is asked for, summing up where shares are."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SCORE = re.compile(r"score|rating|quality|confidence|clarity|relevance|fit|grade|readability|strength")
_SHARE = re.compile(r"(?:^|_)(?:share|weight|allocation|portion|percent|percentage|ratio|proportion)(?:_|$)")
_RANGE = re.compile(r"(?:between|from)?\s*(-?\d+(?:\.\d+)?)\s*(?:and|to|-|–)\s*(-?\d+(?:\.\d+)?)")
_SMALL = 1e-6


def choose_number(schema: Mapping[str, Any], name: str, dice: random.Random) -> int | float:
    low, high = _bounds(schema, name)
    if _SCORE.search(name.lower()):
        value = low + (high - low) * dice.uniform(0.78, 0.95)
    elif high - low > 1000:
        value = low + dice.uniform(1, 100)
    else:
        value = dice.uniform(low, high)
    return _exact(value, low, high, schema)


def shared_out(made: Sequence[Any], item: Mapping[str, Any], dice: random.Random) -> None:
    """Make the shares in a list of objects sum to one, or to a hundred, where their bounds leave room for that."""
    for name, schema in item.get("properties", {}).items():
        if not _SHARE.search(name.lower()) or schema.get("type") not in ("number", "integer") or not made:
            continue
        low, high = _bounds(schema, name)
        whole = schema["type"] == "integer"
        shares = _shares(len(made), 100 if whole or high == 100 else 1, dice)
        if all(low <= share <= high for share in shares):
            for entry, share in zip(made, shares, strict=True):
                entry[name] = int(share) if whole else share


def _shares(count: int, total: int, dice: random.Random) -> list[float]:
    digits = 0 if total == 100 else 2
    weights = [dice.uniform(1, 2) for _ in range(count)]
    shares = [round(total * weight / sum(weights), digits) for weight in weights]
    shares[0] = round(shares[0] + total - sum(shares), digits)
    return shares


def _bounds(schema: Mapping[str, Any], name: str) -> tuple[float, float]:
    """From the schema, else from words such as *between 0 and 1*, else what the name suggests."""
    whole = schema.get("type") == "integer"
    step = 1 if whole else _SMALL
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if high is None and "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    stated = _RANGE.search(str(schema.get("description", "")))
    if stated and (low is None or high is None):
        low = float(stated[1]) if low is None else low
        high = float(stated[2]) if high is None else high
    if low is None:
        low = 0 if high is None or high > 0 else high - 10
    if high is None:
        percent = "percent" in name.lower()
        high = max(low + (10 if whole else 1), 100 if percent else low)
    return float(low), max(float(high), float(low))


def _exact(value: float, low: float, high: float, schema: Mapping[str, Any]) -> int | float:
    multiple = schema.get("multipleOf")
    if multiple:
        value = round(value / multiple) * multiple
    if schema.get("type") == "integer":
        return int(min(max(round(value), -(-low // 1)), high // 1))
    return min(max(round(value, 2), low), high)
