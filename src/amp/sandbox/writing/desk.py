"""Where both writing vendors have their work done: a prompt and perhaps a schema or tools in, an answer out.

The same request gives the same answer; the least difference in the prompt gives another one.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from amp.sandbox.writing.brief import Brief, read_brief
from amp.sandbox.writing.prose import Pen
from amp.sandbox.writing.schemas import Filler

_USUAL_LENGTH = 700
_LONGEST = 6000
_READ = 20_000
_CHARACTERS_PER_TOKEN = 4
_FINAL = re.compile(r"final|result|output|answer|respond|submit", re.IGNORECASE)


@dataclass(frozen=True)
class Prompt:
    """What was said: standing instructions, and all that the user wrote. `everything` also holds earlier answers
    and tool results; it is what the answer is seeded with."""

    instructions: str
    task: str
    everything: str


@dataclass(frozen=True)
class Tool:
    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ToolUse:
    name: str
    arguments: Any


@dataclass(frozen=True)
class Wish:
    """What form the answer should have. `tools` are those that may be used; `must_use` says that one has to be."""

    tools: Sequence[Tool] = ()
    must_use: bool = False
    used_before: frozenset[str] = frozenset()
    schema: Mapping[str, Any] | None = None
    as_json: bool = False
    variant: int = 0


def answer(prompt: Prompt, wish: Wish) -> str | ToolUse:
    tool = _chosen_tool(wish)
    if tool is not None:
        return ToolUse(tool.name, _filled(prompt, tool.schema, wish.variant))
    if wish.schema is not None:
        return json.dumps(_filled(prompt, wish.schema, wish.variant), ensure_ascii=False)
    found = _schema_in(prompt)
    if found is not None:
        schema, rest = found
        return json.dumps(_filled(rest, schema, wish.variant), ensure_ascii=False)
    text = _prose(prompt, wish.variant)
    return json.dumps({"text": text}, ensure_ascii=False) if wish.as_json else text


def tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def shortened(text: str, most_tokens: int) -> tuple[str, bool]:
    """The text within its allowance of tokens, and whether it had to be cut."""
    longest = most_tokens * _CHARACTERS_PER_TOKEN
    return text[:longest], len(text) > longest


def identifier(prefix: str, seed: str, length: int = 24) -> str:
    """An id that is the same for the same request."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    digest = hashlib.shake_256(seed.encode()).digest(length)
    return prefix + "".join(alphabet[byte % len(alphabet)] for byte in digest)


def _brief(prompt: Prompt) -> Brief:
    """What the prompt says, as far as its beginning and its end show: nobody states a limit in between."""
    return read_brief(*(_ends(text) for text in (prompt.task, prompt.instructions)))


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _READ else f"{text[:_READ]}\n{text[-_READ:]}"


def _filled(prompt: Prompt, schema: Mapping[str, Any], variant: int) -> Any:
    seed = _seed(prompt, json.dumps(schema, sort_keys=True), variant)
    return Filler(schema, _brief(prompt), seed).fill()


def _prose(prompt: Prompt, variant: int) -> str:
    brief = _brief(prompt)
    return Pen(brief, _seed(prompt, "", variant)).post(longest=min(brief.longest or _USUAL_LENGTH, _LONGEST))


def _seed(prompt: Prompt, form: str, variant: int) -> str:
    return hashlib.sha256(f"{variant}\x1f{form}\x1f{prompt.everything}".encode()).hexdigest()


def _chosen_tool(wish: Wish) -> Tool | None:
    """Where a tool has to be used: the one that ends the conversation, else one not used yet. Where it may be:
    each once, and then an answer in words."""
    fresh = [tool for tool in wish.tools if tool.name not in wish.used_before]
    if not wish.must_use:
        return fresh[0] if fresh else None
    final = [tool for tool in wish.tools if _FINAL.search(tool.name)]
    return next(iter([*final, *fresh, *wish.tools]), None)


def _schema_in(prompt: Prompt) -> tuple[Mapping[str, Any], Prompt] | None:
    """A JSON schema written into the prompt, as clients do for models without a schema of their own, and the
    prompt without it: its numbers are not the author's limits."""
    for name in ("instructions", "task"):
        text: str = getattr(prompt, name)
        for match in re.finditer(r"schema\b[^{]{0,80}(?=\{)", text, re.IGNORECASE):
            try:
                found, end = json.JSONDecoder().raw_decode(text, match.end())
            except ValueError:
                continue
            if "properties" in found or "$defs" in found or "anyOf" in found:
                rest = replace(prompt, **{name: text[: match.end()] + text[end:]})
                return cast(Mapping[str, Any], found), rest
    return None
