"""What a call of the local door takes, read off the very type that reads it."""

from __future__ import annotations

import types
import typing

import msgspec

_WORDS = {str: "text", int: "number", float: "number", bool: "true or false"}


def arguments(kind: type[object]) -> list[dict[str, object]]:
    """The arguments in order; one that need not be given says what is taken instead."""
    return [
        {
            "name": field.encode_name,
            "kind": _word(field.type),
            "required": field.required,
            **({} if field.required else {"default": _default(field)}),
        }
        for field in msgspec.structs.fields(typing.cast(type[msgspec.Struct], kind))
    ]


def _word(kind: object) -> str:
    """A type as people say it."""
    origin = typing.get_origin(kind)
    inner = typing.get_args(kind)
    if origin is typing.Annotated:
        return _word(inner[0])
    if origin in {types.UnionType, typing.Union}:
        return _word(next(one for one in inner if one is not types.NoneType))
    if origin in {tuple, list}:
        return f"list of {_word(inner[0])}"
    return _WORDS[typing.cast(type, kind)]


def _default(field: msgspec.structs.FieldInfo) -> object:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()
