"""Four ways in which programs talk to a model: what a request asks, and how an answer is written.

Only what the five programs use of OpenAI's chat and responses, Anthropic's messages and Gemini's
generateContent. A dialect reads a request into an ``Asked`` and writes an answer as events of a
stream: ``begin``, one ``piece`` for each bit of text or one ``call`` of a tool, ``end``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Event = tuple[str, dict[str, Any]]
"""The event's name, if the dialect names them, and its data; none is the last word of a stream."""
_COUNTS = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``texts`` are all user turns of the conversation so far, block by block."""

    texts: tuple[str, ...]
    tools: frozenset[str]
    is_streamed: bool
    has_result: bool  # its last word is what a tool answered


class Dialect(Protocol):
    """One way to talk."""

    def read(self, path: str, body: dict[str, Any]) -> Asked: ...
    def whole(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        """An answer that is not streamed."""
        ...

    def begin(self, number: int, body: dict[str, Any]) -> Iterator[Event]: ...
    def piece(self, number: int, text: str) -> Iterator[Event]: ...
    def call(self, number: int, tool: str, command: str) -> Iterator[Event]: ...
    def end(self, number: int, text: str, *, called: bool) -> Iterator[Event]: ...


def dialect_of(path: str) -> Dialect | None:
    """The dialect of a request to this path; None when it is none that we know."""
    if path.endswith("/chat/completions"):
        return Chat()
    if path.endswith("/responses"):
        return Responses()
    if path.endswith("/messages"):
        return Messages()
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return Gemini()
    return None


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [
        str(part["text"]) for part in content or () if isinstance(part, dict) and "text" in part
    ]


def _user_texts(turns: Any, key: str) -> tuple[str, ...]:
    if isinstance(turns, str):
        return (turns,)
    said = [turn for turn in turns or () if isinstance(turn, dict) and turn.get("role") == "user"]
    return tuple(text for turn in said for text in _texts(turn.get(key)))


class Chat:
    """OpenAI chat completions: opencode, aider."""

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        tools = frozenset(str(tool["function"]["name"]) for tool in body.get("tools") or ())
        turns = body.get("messages") or [{}]
        return Asked(
            _user_texts(turns, "content"),
            tools,
            is_streamed=bool(body.get("stream")),
            has_result=turns[-1].get("role") == "tool",
        )

    def whole(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {**self._base(0), "object": "chat.completion", "choices": [choice], "usage": _COUNTS}

    def begin(self, number: int, body: dict[str, Any]) -> Iterator[Event]:
        yield from ()

    def piece(self, number: int, text: str) -> Iterator[Event]:
        yield from self._delta(number, {"role": "assistant", "content": text})

    def call(self, number: int, tool: str, command: str) -> Iterator[Event]:
        function = {"name": tool, "arguments": json.dumps(_arguments(command))}
        called = {"index": 0, "id": f"call{number}", "type": "function", "function": function}
        yield from self._delta(number, {"role": "assistant", "tool_calls": [called]})

    def end(self, number: int, text: str, *, called: bool) -> Iterator[Event]:
        choice = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if called else "stop"}
        yield "", {**self._base(number), "choices": [choice], "usage": _COUNTS}
        yield "", {}

    def _delta(self, number: int, delta: dict[str, Any]) -> Iterator[Event]:
        yield "", {**self._base(number), "choices": [{"index": 0, "delta": delta}]}

    def _base(self, number: int) -> dict[str, Any]:
        return {
            "id": f"chat{number}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "fake",
        }


class Responses:
    """OpenAI responses: codex."""

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        tools = frozenset(str(tool.get("name", "")) for tool in body.get("tools") or ())
        turns = body.get("input") or [{}]
        return Asked(
            _user_texts(turns, "content"),
            tools,
            is_streamed=True,
            has_result=not isinstance(turns, str)
            and turns[-1].get("type") == "function_call_output",
        )

    def whole(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        return {"id": "whole", "output": [self._message(0, text)]}

    def begin(self, number: int, body: dict[str, Any]) -> Iterator[Event]:
        yield from self._event("response.created", response={"id": f"answer{number}"})
        yield from self._event("response.output_item.added", item=self._message(number, ""))

    def piece(self, number: int, text: str) -> Iterator[Event]:
        where = {"item_id": f"message{number}", "output_index": 0, "content_index": 0}
        yield from self._event("response.output_text.delta", delta=text, **where)

    def call(self, number: int, tool: str, command: str) -> Iterator[Event]:
        # Outside of the sandbox, so that the program has to ask for it.
        arguments = {
            "cmd": command,
            "sandbox_permissions": "require_escalated",
            "justification": "the stage wants a question",
        }
        item = {
            "type": "function_call",
            "id": f"item{number}",
            "call_id": f"call{number}",
            "name": tool,
            "arguments": json.dumps(arguments),
        }
        yield from self._event("response.output_item.done", item=item)

    def end(self, number: int, text: str, *, called: bool) -> Iterator[Event]:
        if not called:
            yield from self._event("response.output_item.done", item=self._message(number, text))
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        details = {"input_tokens_details": None, "output_tokens_details": None}
        answer = {"id": f"answer{number}", "usage": {**usage, **details}}
        yield from self._event("response.completed", response=answer)

    def _event(self, kind: str, **data: Any) -> Iterator[Event]:
        yield kind, {"type": kind, **data}

    def _message(self, number: int, text: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text}] if text else []
        return {
            "type": "message",
            "role": "assistant",
            "id": f"message{number}",
            "content": content,
        }


class Messages:
    """Anthropic messages: claude."""

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        tools = frozenset(str(tool.get("name", "")) for tool in body.get("tools") or ())
        turns = body.get("messages") or [{}]
        last = turns[-1].get("content")
        return Asked(
            _user_texts(turns, "content"),
            tools,
            is_streamed=bool(body.get("stream")),
            has_result=isinstance(last, list)
            and any(part.get("type") == "tool_result" for part in last),
        )

    def whole(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        content = [{"type": "text", "text": text}]
        return {**self._message(0, body), "content": content, "stop_reason": "end_turn"}

    def begin(self, number: int, body: dict[str, Any]) -> Iterator[Event]:
        yield from self._event("message_start", message=self._message(number, body))
        block = {"type": "text", "text": ""}
        yield from self._event("content_block_start", index=0, content_block=block)

    def piece(self, number: int, text: str) -> Iterator[Event]:
        delta = {"type": "text_delta", "text": text}
        yield from self._event("content_block_delta", index=0, delta=delta)

    def call(self, number: int, tool: str, command: str) -> Iterator[Event]:
        yield from self._event("content_block_stop", index=0)
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": {}}
        yield from self._event("content_block_start", index=1, content_block=block)
        delta = {"type": "input_json_delta", "partial_json": json.dumps(_arguments(command))}
        yield from self._event("content_block_delta", index=1, delta=delta)

    def end(self, number: int, text: str, *, called: bool) -> Iterator[Event]:
        yield from self._event("content_block_stop", index=int(called))
        delta = {"stop_reason": "tool_use" if called else "end_turn", "stop_sequence": None}
        yield from self._event("message_delta", delta=delta, usage={"output_tokens": 2})
        yield from self._event("message_stop")

    def _event(self, kind: str, **data: Any) -> Iterator[Event]:
        yield kind, {"type": kind, **data}

    def _message(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }


class Gemini:
    """Gemini generateContent: gemini."""

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        offered = [tool.get("functionDeclarations") or () for tool in body.get("tools") or ()]
        turns = body.get("contents") or [{}]
        return Asked(
            _user_texts(turns, "parts"),
            frozenset(str(function["name"]) for tool in offered for function in tool),
            is_streamed="stream" in path,
            has_result=any("functionResponse" in part for part in turns[-1].get("parts") or ()),
        )

    def whole(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        wants_json = "json" in json.dumps(body.get("generationConfig") or {}).lower()
        return next(self._part({"text": "{}" if wants_json else text}, finish="STOP"))[1]

    def begin(self, number: int, body: dict[str, Any]) -> Iterator[Event]:
        yield from ()

    def piece(self, number: int, text: str) -> Iterator[Event]:
        yield from self._part({"text": text})

    def call(self, number: int, tool: str, command: str) -> Iterator[Event]:
        yield from self._part({"functionCall": {"name": tool, "args": _arguments(command)}})

    def end(self, number: int, text: str, *, called: bool) -> Iterator[Event]:
        yield from self._part({"text": "" if called else "."}, finish="STOP")

    def _part(self, part: dict[str, Any], finish: str = "") -> Iterator[Event]:
        said: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
        if finish:
            said["finishReason"] = finish
        counts = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        yield "", {"candidates": [said], "usageMetadata": counts, "modelVersion": "fake"}


def _arguments(command: str) -> dict[str, str]:
    return {"command": command, "description": "what the stage asks for"}
