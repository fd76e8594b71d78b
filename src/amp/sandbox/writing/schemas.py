"""Filling a JSON schema: every property gets what its name, its description and its bounds ask for.

Bounds come from the schema, from the notes that SDKs leave in descriptions when a vendor's schema dialect has no
room for them (`{maxLength: 40}`), and from plain words (*at most 8 words*).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from amp.sandbox.writing import checks
from amp.sandbox.writing.brief import Brief, listed_topics
from amp.sandbox.writing.fields import Field, finished, write_field
from amp.sandbox.writing.limits import stated_count, stated_limit, stated_words
from amp.sandbox.writing.numbers import choose_number, shared_out
from amp.sandbox.writing.prose import Pen, cut

Schema = Mapping[str, Any]

_DEEPEST = 8
_DEEPEST_REQUIRED = 24
_MOST_VALUES = 5000
_MOST_ITEMS = 40
_NOTE = re.compile(
    r"\b(maxLength|minLength|maxItems|minItems|maximum|minimum|exclusiveMinimum|exclusiveMaximum): (-?[\d.]+)"
)
_LINKS = re.compile(r"\b(?:url|uri|link|href|website)\b")
_ABSENT = re.compile(r"(?:^|_)(?:error|quote|evidence|excerpt|url|link|href|image_url)(?:_|$)")


@dataclass(frozen=True)
class Spot:
    """Where in the answer a value goes. `about` is the topic that the surrounding object answers for."""

    name: str
    depth: int = 0
    about: str | None = None
    is_item: bool = False


class Filler:
    """One answer to one schema."""

    def __init__(self, schema: Schema, brief: Brief, seed: str) -> None:
        self._root = schema
        self._brief = brief
        self._pen = Pen(brief, seed)
        self._checked = checks.read_check(brief.prompt)
        self._values = 0

    def fill(self) -> Any:
        return self._value(self._root, Spot("answer"))

    def _value(self, schema: Schema, spot: Spot) -> Any:
        self._values += 1
        schema = self._resolved(schema, spot)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema, spot)
        match _type_of(schema):
            case "object":
                return self._object(schema, spot)
            case "array":
                return self._array(schema, spot)
            case "boolean":
                return checks.verdict(self._checked, spot.name, _description(schema), spot.about)
            case "integer" | "number":
                return choose_number(schema, spot.name, self._pen.dice)
            case "null":
                return None
            case _:
                return self._string(schema, spot)

    def _must_end(self, spot: Spot) -> bool:
        """Schemas may refer to themselves: from here on only what is required."""
        return spot.depth >= _DEEPEST or self._values > _MOST_VALUES

    def _resolved(self, schema: Schema, spot: Spot) -> Schema:
        """Follow references, merge `allOf`, and settle for one of several forms."""
        for _ in range(_DEEPEST):
            schema = _with_notes(schema)
            if "$ref" in schema:
                schema = {**_lookup(self._root, schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
            elif "allOf" in schema:
                schema = _merged([schema, *schema["allOf"]])
            elif "anyOf" in schema or "oneOf" in schema:
                chosen = self._alternative(schema.get("anyOf") or schema["oneOf"], spot)
                schema = {**{k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}, **chosen}
            else:
                break
        return schema

    def _alternative(self, forms: Sequence[Schema], spot: Spot) -> Schema:
        """Something rather than nothing, except for what must not be invented and when it gets too deep."""
        nothing = [form for form in forms if form.get("type") == "null"]
        something = [form for form in forms if form.get("type") != "null"]
        if nothing and (not something or self._must_end(spot) or _ABSENT.search(spot.name.lower())):
            return nothing[0]
        if self._must_end(spot):
            return min(something, key=lambda form: "$ref" in form or _type_of(form) in ("object", "array"))
        return self._pen.dice.choice(something)

    def _choice(self, schema: Schema, spot: Spot) -> Any:
        values: list[Any] = list(schema["enum"])
        words = {str(value).lower() for value in values}
        for yes, no in (
            ("yes", "no"),
            ("true", "false"),
            ("fail", "pass"),
            ("failed", "passed"),
            ("reject", "approve"),
        ):
            if {yes, no} <= words:
                guilty = checks.verdict(self._checked, spot.name, _description(schema), spot.about)
                return next(value for value in values if str(value).lower() == (yes if guilty else no))
        mentioned = [value for value in values if self._is_mentioned(value)]
        return self._pen.dice.choice(mentioned or values)

    def _is_mentioned(self, value: Any) -> bool:
        return bool(re.search(rf"\b{re.escape(str(value))}\b", self._brief.prompt, re.IGNORECASE))

    def _object(self, schema: Schema, spot: Spot) -> dict[str, Any]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        required = set(schema.get("required", ()))
        made: dict[str, Any] = {}
        for name, inner in properties.items():
            if not self._must_end(spot) or (name in required and spot.depth < _DEEPEST_REQUIRED):
                made[name] = self._value(inner, Spot(name, spot.depth + 1, spot.about))
        extra = schema.get("additionalProperties")
        if not properties and isinstance(extra, Mapping) and not self._must_end(spot):
            keys = listed_topics(self._brief.prompt) or [self._pen.term().replace(" ", "_").lower()]
            made = {key: self._value(cast(Schema, extra), Spot(spot.name, spot.depth + 1, key)) for key in keys}
        return made

    def _array(self, schema: Schema, spot: Spot) -> list[Any]:
        if "prefixItems" in schema:
            return [self._value(item, replace(spot, depth=spot.depth + 1)) for item in schema["prefixItems"]]
        item = self._resolved(schema.get("items", {}), replace(spot, depth=spot.depth + 1))
        inner = Spot(spot.name, spot.depth + 1, spot.about, is_item=True)
        least, most = _bounds(schema)
        asked = listed_topics(self._brief.prompt) if "topic" in item.get("properties", {}) else []
        if asked:
            return [self._value(item, replace(inner, about=topic)) for topic in asked[:most]]
        count = self._count(spot, least, most)
        if item.get("enum"):
            return self._several_of(item, inner, count)
        if _is_free_text(item):
            noted = item if _description(item) else {**item, "description": _description(schema)}
            return self._strings(noted, inner, count)
        made: list[Any] = []
        for place in range(count):
            if _type_of(item) == "object" and spot.depth < 2:
                self._pen.focus_on(place)
            made.append(self._value(item, inner))
        shared_out(made, item, self._pen.dice)
        return made

    def _several_of(self, item: Schema, spot: Spot, count: int) -> list[Any]:
        """Different ones as long as there are enough of them; those that the prompt names first."""
        first = self._choice(item, spot)
        others = [value for value in item["enum"] if value != first]
        self._pen.dice.shuffle(others)
        others.sort(key=lambda value: not self._is_mentioned(value))
        return [*[first, *others][:count], *[first] * max(0, count - len(others) - 1)]

    def _count(self, spot: Spot, least: int | None, most: int) -> int:
        if self._must_end(spot):
            return least or 0
        in_parts = spot.name in ("parts", "posts", "thread", "tweets")
        low, high = (in_parts and stated_count(self._brief.prompt)) or (None, None)
        start = max(least or 0, low or (2 if spot.name == "hashtags" else 3 if least is None else least), 0)
        start = min(start, most)
        return self._pen.dice.randint(start, max(start, min(most, high or start + 2)))

    def _strings(self, item: Schema, spot: Spot, count: int) -> list[Any]:
        """Different from each other; the parts of a thread follow each other."""
        field = self._field(item, spot)
        if spot.about and spot.name.endswith(("words", "terms", "synonyms", "keywords", "phrases")):
            return [cut(word, field.longest) for word in checks.related_words(spot.about, count)]
        if field.is_text and count > 1:
            parts = self._pen.thread(count, longest=field.longest)
            return [finished(field, part, self._pen) for part in parts]
        made: dict[str, None] = {}
        for _ in range(count * 6):
            if len(made) < count:
                made.setdefault(write_field(field, self._pen))
        return [*made, *[next(iter(made), "")] * (count - len(made))]

    def _string(self, schema: Schema, spot: Spot) -> str:
        if spot.about and spot.name.lower() in ("topic", "name", "subject"):
            return spot.about
        if _ABSENT.search(spot.name.lower()) and not schema.get("minLength"):
            return self._evidence(schema, spot)
        if self._checked and re.search(r"reason|explanation|rationale|why", spot.name.lower()):
            return self._reason(spot)
        if schema.get("format"):
            return _formatted(schema["format"], self._pen, self._brief)
        return write_field(self._field(schema, spot), self._pen)

    def _evidence(self, schema: Schema, spot: Spot) -> str:
        """A quotation is copied exactly or not given; a link is one from the prompt or not given."""
        if self._checked and re.search(r"quote|evidence|excerpt", spot.name.lower()):
            topics = [spot.about] if spot.about else self._checked.topics
            return next((words for topic in topics if (words := checks.touched(self._checked, topic))), "")
        return self._brief.urls[0] if self._brief.urls and _LINKS.search(spot.name.lower().replace("_", " ")) else ""

    def _reason(self, spot: Spot) -> str:
        if self._checked and self._checked.earlier is not None:
            same = checks.says_the_same(self._checked)
            return "Both texts say nearly the same." if same else "The two texts make different points."
        words = self._evidence({}, replace(spot, name="quote"))
        return f"The text says {words}." if words else "Nothing in the text touches on it."

    def _field(self, schema: Schema, spot: Spot) -> Field:
        description = _description(schema)
        limits = [schema.get("maxLength"), stated_limit(description)]
        return Field(
            name=spot.name,
            description=description,
            shortest=int(schema.get("minLength", 0)),
            limit=min((int(limit) for limit in limits if limit is not None), default=None),
            words=stated_words(description),
            pattern=schema.get("pattern"),
            is_item=spot.is_item,
            prompt_limit=self._brief.longest,
        )


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = cast(list[str], kind)
        return next((name for name in kinds if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _is_free_text(schema: Schema) -> bool:
    return _type_of(schema) == "string" and "const" not in schema and "format" not in schema


def _description(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _with_notes(schema: Schema) -> Schema:
    """Bounds that an SDK moved into the description, back in their places."""
    notes = {name: float(value) for name, value in _NOTE.findall(_description(schema))}
    if not notes:
        return schema
    exact: dict[str, Any] = {name: int(value) if value.is_integer() else value for name, value in notes.items()}
    return {**exact, **schema}


def _merged(schemas: Sequence[Schema]) -> Schema:
    merged: dict[str, Any] = {}
    for schema in schemas:
        properties = {**merged.get("properties", {}), **schema.get("properties", {})}
        required = [*merged.get("required", []), *schema.get("required", [])]
        merged = {**merged, **{name: value for name, value in schema.items() if name != "allOf"}}
        merged |= {"properties": properties, "required": required} if properties else {}
    return merged


def _lookup(root: Schema, reference: str) -> Schema:
    """A local reference such as `#/$defs/Pillar`; one that leads nowhere is an empty schema."""
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if step:
            found = cast(Mapping[str, Any], found).get(step, {}) if isinstance(found, Mapping) else {}
    return cast(Schema, found) if isinstance(found, Mapping) else {}


def _bounds(schema: Schema) -> tuple[int | None, int]:
    least = schema.get("minItems")
    return (None if least is None else int(least)), min(int(schema.get("maxItems", _MOST_ITEMS)), _MOST_ITEMS)


def _formatted(kind: str, pen: Pen, brief: Brief) -> str:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(days=pen.dice.randrange(300), hours=pen.dice.randrange(9))
    match kind:
        case "date-time":
            return at.isoformat().replace("+00:00", "Z")
        case "date":
            return at.date().isoformat()
        case "time":
            return at.time().isoformat() + "Z"
        case "email":
            return "hello@example.com"
        case "uuid":
            return str(UUID(int=pen.dice.getrandbits(128), version=4))
        case "uri" | "url":
            return brief.urls[0] if brief.urls else "https://example.com/"
        case _:
            return pen.term()
