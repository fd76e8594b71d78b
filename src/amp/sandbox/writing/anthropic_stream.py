"""A finished Anthropic message as the stream of events that builds it."""

import json
from collections.abc import Iterator
from typing import Any

_PIECE = 24


def events(message: dict[str, Any]) -> Iterator[str]:
    """The message as server-sent events: start, the pieces of each block, and how it ended."""
    start: dict[str, Any] = message | {"content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = message["usage"] | {"output_tokens": 1}
    yield _event("message_start", message=start)
    for index, block in enumerate(message["content"]):
        is_text = block["type"] == "text"
        yield _event(
            "content_block_start", index=index, content_block=block | ({"text": ""} if is_text else {"input": {}})
        )
        if index == 0:
            yield _event("ping")
        whole = block["text"] if is_text else json.dumps(block["input"])
        for piece in (whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)):
            delta = (
                {"type": "text_delta", "text": piece}
                if is_text
                else {"type": "input_json_delta", "partial_json": piece}
            )
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    yield _event("message_delta", delta=ended, usage={"output_tokens": message["usage"]["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, **members: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n"
