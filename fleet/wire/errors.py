"""Errors, inside frames and in the trailing metadata of a refused call."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from fleet.core.bounds import (
    CANDIDATES_LIMIT,
    SENTENCE_LIMIT,
    WORD_LIMIT,
)
from fleet.core.errors.base import LAYER_OF, Candidate, FleetError
from fleet.core.errors.tree import every_error
from fleet.v1 import types_pb2

_DETAIL_LIMIT_BYTES = 6_000  # what a peer refuses with travels in the trailing metadata


def error_to_wire(error: FleetError) -> types_pb2.ErrorDetail:
    """An error in the words of the node where it was known."""
    candidates = [
        types_pb2.Candidate(address=c.address, node=c.node, state=c.state, last_seen=c.last_seen)
        for c in error.candidates
    ]
    return types_pb2.ErrorDetail(
        code=error.code,
        message=error.message,
        hint=error.hint,
        layer=error.layer,
        candidates=candidates,
    )


def error_from_wire(wire: types_pb2.ErrorDetail) -> FleetError:
    """The same error again, of the same class; of one that is not known here, a ``FleetError``."""
    cls = every_error().get(wire.code, FleetError)
    layer = LAYER_OF.get(wire.layer, cls.layer)
    candidates = tuple(
        Candidate(*(said[:WORD_LIMIT] for said in (c.address, c.node, c.state, c.last_seen)))
        for c in wire.candidates[:CANDIDATES_LIMIT]
    )
    message, hint = wire.message[:SENTENCE_LIMIT], wire.hint[:SENTENCE_LIMIT]
    return cls.rebuilt(message, hint, layer, candidates)


def error_to_bytes(error: FleetError) -> bytes:
    """The error for the trailing metadata of a refused call, where little room is."""
    detail = error_to_wire(error)
    while detail.ByteSize() > _DETAIL_LIMIT_BYTES and detail.candidates:
        del detail.candidates[-1]
    if detail.ByteSize() > _DETAIL_LIMIT_BYTES:
        detail.message = detail.message[: _DETAIL_LIMIT_BYTES // 8] + "…"
        detail.hint = detail.hint[: _DETAIL_LIMIT_BYTES // 16]
    return detail.SerializeToString()


def error_from_bytes(data: bytes) -> FleetError | None:
    """The error that ``error_to_bytes`` wrote; None when these are other bytes."""
    try:
        detail = types_pb2.ErrorDetail.FromString(data)
    except DecodeError:
        return None
    return error_from_wire(detail) if detail.code else None
