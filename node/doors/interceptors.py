"""What every peer call passes first: who calls, may it, and in which words it fails.

Default deny. A call needs a member's key, found by its hash in the roster at each call, also on
connections that were open before; only the pairing call is for keys that nobody knows yet. A handler's
exception never reaches a peer, except the sentences that our own errors make.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import grpc
import structlog

from fleet.core.errors import FleetError, Unauthenticated
from fleet.core.roster import Admit
from fleet.outcomes import outcome_of
from fleet.wire import error_to_bytes
from node.adapters import pki
from node.adapters.channel import ERROR_KEY

PAIRING_METHOD = "/fleet.v1.Pairing/Pair"

log = structlog.get_logger()

Authorise = Callable[[str], Admit]
Handler = Any  # grpc's handlers have four shapes, told apart by two flags


def node_id_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The id of the key that TLS proved.

    Raises:
        Unauthenticated: there is none, or not under TLS 1.3.
    """
    auth = context.auth_context()
    shown, version = auth.get("x509_pem_cert"), auth.get("ssl_tls_version", [b""])
    if not shown or version[0] != b"TLSv1.3":
        raise Unauthenticated("a peer call needs a certificate and TLS 1.3")
    return _id_of_pem(bytes(shown[0]))


def certificate_of(context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
    """The certificate (DER) that the caller showed."""
    return pki.der_of(bytes(context.auth_context()["x509_pem_cert"][0]))


@lru_cache(maxsize=4096)
def _id_of_pem(pem: bytes) -> str:
    return pki.pem_id(pem)


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every handler, whatever its shape."""

    def __init__(self, authorise: Authorise) -> None:
        self._authorise = authorise

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Put the check and the error's way out around the handler."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        inner = (
            (handler.stream_stream if handler.response_streaming else handler.stream_unary)
            if handler.request_streaming
            else (handler.unary_stream if handler.response_streaming else handler.unary_unary)
        )

        async def guarded(request: object, context: grpc.aio.ServicerContext[Any, Any]) -> object:
            try:
                if method != PAIRING_METHOD:
                    self._authorise(node_id_of(context))
                return await inner(request, context)
            except FleetError as error:
                log.info("call refused", method=method, peer=context.peer(), error=error.code)
                await refuse(context, error)
            except grpc.aio.AbortError:
                raise
            except Exception:
                number = secrets.token_hex(4)
                log.exception("call failed", method=method, number=number)
                await refuse(context, FleetError(f"the node met a bug (number {number})"))

        return _like(handler, guarded)


def _like(handler: Handler, inner: object) -> Handler:
    if not (handler.request_streaming and handler.response_streaming):
        # Peers speak in streams; a method of another shape has no business here.
        return None
    return grpc.stream_stream_rpc_method_handler(
        inner, handler.request_deserializer, handler.response_serializer
    )


async def refuse(context: grpc.aio.ServicerContext[Any, Any], error: FleetError) -> None:
    """End a call with an error in its own words; it is rebuilt at the other end."""
    detail = error_to_bytes(error)
    status = getattr(grpc.StatusCode, outcome_of(error).status)
    await context.abort(status, str(error), ((ERROR_KEY, detail),))
