"""OpenAI's Chat Completions, as its published Python SDK speaks it: tools, schemas, several choices, streams."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from amp.kit.clock import real_now
from amp.sandbox.writing.desk import Prompt, Tool, ToolUse, Wish, answer, identifier, shortened, tokens
from amp.sandbox.writing.openai_shapes import check_strict, complaint, headed
from amp.sandbox.writing.writers import Body, Ticket, texts_of

_PIECE = 24
_USUAL_ALLOWANCE = 16_384


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    refusal: str | None = None
    audio: dict[str, Any] | None = None
    function_call: dict[str, Any] | None = None


class ChatBody(Body):
    """The members of `POST /v1/chat/completions`."""

    model: str = Field(min_length=1)
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: int | None = Field(default=None, ge=1, le=8)
    stop: str | list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    modalities: list[str] | None = None
    audio: Any = None
    function_call: Any = None
    functions: list[dict[str, Any]] | None = None
    moderation: Any = None
    prediction: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    web_search_options: Any = None


def write_chat(body: ChatBody, ticket: Ticket) -> Response:
    seed = hashlib.sha256(ticket.body).hexdigest()
    prompt, allowance = _prompt(body), body.max_completion_tokens or body.max_tokens or _USUAL_ALLOWANCE
    written = [answer(prompt, _wish(body, variant)) for variant in range(body.n or 1)]
    choices = [_choice(one, index, allowance, body, seed) for index, one in enumerate(written)]
    completion: dict[str, Any] = {
        "id": identifier("chatcmpl-", seed, 29),
        "object": "chat.completion",
        "created": int(real_now().timestamp()),
        "model": body.model,
        "choices": choices,
        "usage": _usage(prompt, choices),
        "service_tier": "default",
        "system_fingerprint": "fp_sandbox",
    }
    if body.stream:
        with_usage = bool((body.stream_options or {}).get("include_usage"))
        return headed(StreamingResponse(_chunks(completion, with_usage), media_type="text/event-stream"))
    return headed(JSONResponse(completion))


def _prompt(body: ChatBody) -> Prompt:
    rules = [texts_of(message.content) for message in body.messages if message.role in ("system", "developer")]
    return Prompt(
        instructions="\n".join(rules),
        task="\n".join(texts_of(message.content) for message in body.messages if message.role == "user"),
        everything=json.dumps([message.model_dump() for message in body.messages], sort_keys=True),
    )


def _wish(body: ChatBody, variant: int) -> Wish:
    functions = [tool["function"] for tool in body.tools or () if tool.get("type") == "function"]
    tools = [Tool(str(each["name"]), each.get("parameters") or {"type": "object"}) for each in functions]
    choice = body.tool_choice if body.tool_choice is not None else "auto"
    if choice == "required" and not tools:
        raise complaint("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")
    if isinstance(choice, dict):
        named = choice.get("function", {}).get("name")
        tools = [tool for tool in tools if tool.name == named]
        if not tools:
            raise complaint("tool_choice", f"Tool choice '{named}' not found in 'tools' parameter.")
    used = {call["function"]["name"] for message in body.messages for call in message.tool_calls or ()}
    return Wish(
        tools=[] if choice == "none" else tools,
        must_use=choice == "required" or isinstance(choice, dict),
        used_before=frozenset(used),
        schema=_schema(body.response_format or {}),
        as_json=(body.response_format or {}).get("type") == "json_object",
        variant=variant,
    )


def _schema(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") not in (None, "text", "json_object", "json_schema"):
        raise complaint("response_format.type", "must be one of 'json_object', 'json_schema', and 'text'.")
    if form.get("type") != "json_schema":
        return None
    described: dict[str, Any] = form.get("json_schema") or {}
    if "name" not in described:
        raise complaint("response_format.json_schema.name", "Field required")
    if described.get("strict"):
        check_strict(described.get("schema"), described["name"], "response_format")
    return described.get("schema") or {"type": "object"}


def _choice(written: str | ToolUse, index: int, allowance: int, body: ChatBody, seed: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    if isinstance(written, ToolUse):
        arguments, was_cut = shortened(json.dumps(written.arguments), allowance)
        function = {"name": written.name, "arguments": arguments}
        call = {"id": identifier("call_", f"{seed}/{index}"), "type": "function", "function": function}
        message["tool_calls"] = [call]
        reason = "length" if was_cut else "tool_calls"
    else:
        text, reason = _ended(written, allowance, body)
        message["content"] = text
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _ended(text: str, allowance: int, body: ChatBody) -> tuple[str, str]:
    stops = [body.stop] if isinstance(body.stop, str) else body.stop or []
    for stop in stops:
        text = text.partition(stop)[0] if stop else text
    text, was_cut = shortened(text, allowance)
    return text, "length" if was_cut else "stop"


def _usage(prompt: Prompt, choices: list[dict[str, Any]]) -> dict[str, Any]:
    read = tokens(prompt.everything)
    written = sum(tokens(_content(choice["message"])) for choice in choices)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _content(message: dict[str, Any]) -> str:
    calls = message.get("tool_calls")
    return calls[0]["function"]["arguments"] if calls else message["content"]


def _chunks(completion: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The completion as a stream of chunks, ended by `[DONE]`."""
    head = {name: completion[name] for name in ("id", "created", "model", "service_tier", "system_fingerprint")}
    head["object"] = "chat.completion.chunk"
    if with_usage:
        head["usage"] = None
    for choice in completion["choices"]:
        for delta in _deltas(choice["message"]):
            yield _line(head | {"choices": [_part(choice, delta, None)]})
        yield _line(head | {"choices": [_part(choice, {}, choice["finish_reason"])]})
    if with_usage:
        yield _line(head | {"choices": [], "usage": completion["usage"]})
    yield "data: [DONE]\n\n"


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _content(message)
    pieces = [whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)]
    calls = message.get("tool_calls")
    if not calls:
        yield {"role": "assistant", "content": "", "refusal": None}
        yield from ({"content": piece} for piece in pieces)
        return
    function = {"name": calls[0]["function"]["name"], "arguments": ""}
    opening = {"index": 0, "id": calls[0]["id"], "type": "function", "function": function}
    yield {"role": "assistant", "content": None, "tool_calls": [opening]}
    yield from ({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces)


def _part(choice: dict[str, Any], delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": reason}


def _line(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"
