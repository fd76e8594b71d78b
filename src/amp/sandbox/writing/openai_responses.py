"""OpenAI's Responses API, as its published Python SDK speaks it: text, schemas, function calls, streams."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, cast

from pydantic import Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from amp.kit.clock import real_now
from amp.sandbox.writing.desk import Prompt, Tool, ToolUse, Wish, answer, identifier, shortened, tokens
from amp.sandbox.writing.openai_shapes import check_strict, complaint, headed
from amp.sandbox.writing.writers import Body, Ticket, texts_of

_PIECE = 24
_USUAL_ALLOWANCE = 16_384
_RULE_ROLES = ("system", "developer")


class ResponsesBody(Body):
    """The members of `POST /v1/responses`."""

    model: str = Field(min_length=1)
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_output_tokens: int | None = Field(default=None, ge=16)
    max_tool_calls: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_logprobs: int | None = None
    reasoning: dict[str, Any] | None = None
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    user: str | None = None
    truncation: str | None = None
    service_tier: str | None = None
    background: bool | None = None
    conversation: Any = None
    context_management: Any = None
    access_programs: Any = None
    image: Any = None
    moderation: Any = None
    previous_response_id: str | None = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None


def write_response(body: ResponsesBody, ticket: Ticket) -> Response:
    seed = hashlib.sha256(ticket.body).hexdigest()
    prompt = _prompt(body)
    written = answer(prompt, _wish(body))
    text = json.dumps(written.arguments) if isinstance(written, ToolUse) else written
    text, was_cut = shortened(text, body.max_output_tokens or _USUAL_ALLOWANCE)
    status = "incomplete" if was_cut else "completed"
    item = _call(written, text, status, seed) if isinstance(written, ToolUse) else _message(text, status, seed)
    response = _response(body, prompt, item, text, status, seed)
    if body.stream:
        return headed(StreamingResponse(_events(response), media_type="text/event-stream"))
    return headed(JSONResponse(response))


def _prompt(body: ResponsesBody) -> Prompt:
    items = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    rules = [texts_of(item.get("content")) for item in items if item.get("role") in _RULE_ROLES]
    return Prompt(
        instructions="\n".join(filter(None, [body.instructions, *rules])),
        task="\n".join(texts_of(item.get("content")) for item in items if item.get("role") == "user"),
        everything=json.dumps([body.instructions, items], sort_keys=True),
    )


def _wish(body: ResponsesBody) -> Wish:
    functions = [tool for tool in body.tools or () if tool.get("type") == "function"]
    tools = [Tool(str(tool["name"]), tool.get("parameters") or {"type": "object"}) for tool in functions]
    choice = body.tool_choice if body.tool_choice is not None else "auto"
    if choice == "required" and not tools:
        raise complaint("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")
    if isinstance(choice, dict):
        tools = [tool for tool in tools if tool.name == choice.get("name")]
        if not tools:
            raise complaint("tool_choice", f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.")
    earlier = [] if isinstance(body.input, str) else body.input
    used = {str(item.get("name")) for item in earlier if item.get("type") == "function_call"}
    form = cast(dict[str, Any], (body.text or {}).get("format") or {})
    return Wish(
        tools=[] if choice == "none" else tools,
        must_use=choice == "required" or isinstance(choice, dict),
        used_before=frozenset(used),
        schema=_schema(form),
        as_json=form.get("type") == "json_object",
    )


def _schema(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") != "json_schema":
        return None
    for member in ("name", "schema"):
        if member not in form:
            raise complaint(f"text.format.{member}", "Field required")
    if form.get("strict"):
        check_strict(form["schema"], form["name"], "text.format.schema")
    return form["schema"]


def _message(text: str, status: str, seed: str) -> dict[str, Any]:
    content: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": identifier("msg_", seed, 40),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [content],
    }


def _call(written: ToolUse, arguments: str, status: str, seed: str) -> dict[str, Any]:
    return {
        "id": identifier("fc_", seed, 40),
        "type": "function_call",
        "call_id": identifier("call_", seed),
        "name": written.name,
        "arguments": arguments,
        "status": status,
    }


def _response(
    body: ResponsesBody, prompt: Prompt, item: dict[str, Any], text: str, status: str, seed: str
) -> dict[str, Any]:
    read, written = tokens(prompt.everything), tokens(text)
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
    return {
        "id": identifier("resp_", seed, 40),
        "object": "response",
        "created_at": int(real_now().timestamp()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "model": body.model,
        "output": [item],
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "reasoning": {"effort": None, "summary": None},
        "store": body.store is not False,
        "temperature": body.temperature if body.temperature is not None else 1.0,
        "text": body.text or {"format": {"type": "text"}},
        "tool_choice": body.tool_choice or "auto",
        "tools": body.tools or [],
        "top_p": body.top_p if body.top_p is not None else 1.0,
        "truncation": "disabled",
        "usage": usage,
        "metadata": body.metadata or {},
    }


def _events(response: dict[str, Any]) -> Iterator[str]:
    """The response as numbered server-sent events."""
    started: dict[str, Any] = response | {
        "status": "in_progress",
        "output": [],
        "usage": None,
        "incomplete_details": None,
    }
    item = response["output"][0]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        *(_text_events(item) if item["type"] == "message" else _call_events(item)),
        {"type": f"response.{response['status']}", "response": response},
    ]
    for number, event in enumerate(events):
        event["sequence_number"] = number
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _text_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    part = item["content"][0]
    empty: dict[str, Any] = item | {"content": [], "status": "in_progress"}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    yield {"type": "response.output_item.added", "output_index": 0, "item": empty}
    yield {"type": "response.content_part.added", **place, "part": part | {"text": ""}}
    for piece in _pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _call_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0}
    empty = item | {"arguments": "", "status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": 0, "item": empty}
    for piece in _pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    done = {"type": "response.function_call_arguments.done", **place}
    yield done | {"arguments": item["arguments"], "name": item["name"]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _pieces(whole: str) -> Iterator[str]:
    return (whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE))
