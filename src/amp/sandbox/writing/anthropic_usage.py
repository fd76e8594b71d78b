"""What a call to Anthropic costs in tokens, with the beginnings of prompts that were cached counted apart."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amp.sandbox.writing.desk import tokens

_CACHE_SECONDS = 300.0
_SMALLEST_CACHED = 1024
_MOST_CACHED = 10_000

Block = Mapping[str, Any]
Content = str | Sequence[Block] | None


@dataclass(frozen=True)
class Usage:
    fresh: int
    written: int
    read: int

    def shown(self, output: int) -> dict[str, Any]:
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.written,
            "cache_read_input_tokens": self.read,
            "cache_creation": {"ephemeral_5m_input_tokens": self.written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        }


class PromptCache:
    """Which prompt beginnings were seen lately. Of this process only: a vendor's cache promises nothing either."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def usage(self, key: str, prefix: str, rest: str) -> Usage:
        size = tokens(prefix)
        if size < _SMALLEST_CACHED:
            return Usage(tokens(prefix + rest), 0, 0)
        name, now = hashlib.sha256(f"{key}\x1f{prefix}".encode()).hexdigest(), time.monotonic()
        is_known = now - self._seen.pop(name, float("-inf")) < _CACHE_SECONDS
        self._seen[name] = now
        if len(self._seen) > _MOST_CACHED:
            self._seen.popitem(last=False)
        return Usage(tokens(rest), 0 if is_known else size, size if is_known else 0)


def cached_split(
    tools: Sequence[Block] | None, system: Content, messages: Sequence[Content], *, whole: bool
) -> tuple[str, str]:
    """The prompt up to the last block marked for caching, and the rest; tools come before system and messages.
    `whole`: the request as such is marked, which means its last block."""
    blocks: list[Block] = [*(tools or ()), *_blocks(system)]
    for content in messages:
        blocks += _blocks(content)
    marked = [place for place, block in enumerate(blocks) if block.get("cache_control")]
    if whole and blocks:
        marked.append(len(blocks) - 1)
    border = max(marked) + 1 if marked else 0
    plain = [json.dumps({k: v for k, v in block.items() if k != "cache_control"}) for block in blocks]
    return "".join(plain[:border]), "".join(plain[border:])


def _blocks(content: Content) -> Sequence[Block]:
    if content is None:
        return []
    return [{"text": content}] if isinstance(content, str) else content
