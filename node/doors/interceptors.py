"""What every call of a peer passes through: who calls, may it, in which words it fails, one log line.

Default deny. A call needs TLS 1.3 and a key that is in the roster at that moment, also on connections
that were open before; ``OPEN_TO_STRANGERS`` names the exceptions. Of an exception only our own
errors' sentences reach a peer; anything else is a number that is also in the log.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import unquote

import grpc
import structlog

from fleet.core.errors.base import FleetError
from fleet.core.errors.nodes import UnknownCall
from fleet.core.errors.trust import Unauthenticated
from fleet.core.roster import Admit, SignedEntry
from fleet.outcomes import outcome_of
from fleet.wire.errors import error_to_bytes
from fleet.wire.roster import signed_from_bytes
from node.adapters.pki import der_of, pem_id
from node.adapters.stream import ADMISSION_KEY, ERROR_KEY
from node.doors.quota import Lines, Quota

OPEN_TO_STRANGERS = frozenset({"/fleet.v1.Pairing/Pair"})

STATUS_S = 1.0
"""How long a caller may take to read how its call ended."""

Context = grpc.aio.ServicerContext[Any, Any]
Authorise = Callable[[str], Admit]
Introduce = Callable[[str, SignedEntry], None]
Behaviour = Callable[[Any, Context], Any]

log = structlog.get_logger()


class Guard(grpc.aio.ServerInterceptor):
    """Stands before every handler of every shape, and before methods that do not exist."""

    def __init__(self, authorise: Authorise, introduce: Introduce) -> None:
        """``introduce`` is told by what a caller wants to be known, before it is authorised."""
        self._authorise = authorise
        self._introduce = introduce
        self._quota = Quota()
        self._lines = Lines()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Put the guard in front of the handler, whatever its shape."""
        handler = await continuation(handler_call_details) or _NO_SUCH_METHOD
        method = handler_call_details.method
        if handler.response_streaming:
            behaviour = handler.stream_stream or handler.unary_stream
            guarded = self._answering_with_many(method, behaviour or _unknown)
            make: Callable[..., Any] = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
        else:
            behaviour = handler.stream_unary or handler.unary_unary
            guarded = self._answering_with_one(method, behaviour or _unknown)
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
        return make(guarded, handler.request_deserializer, handler.response_serializer)

    def _answering_with_one(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def guarded(request: Any, context: Context) -> Any:
            async with self._passing(method, context):
                return await behaviour(request, context)

        return guarded

    def _answering_with_many(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def guarded(request: Any, context: Context) -> None:
            async with self._passing(method, context):
                answers: Any = behaviour(request, context)
                if not inspect.isasyncgen(answers):
                    await answers
                    return
                async for answer in answers:
                    await context.write(answer)

        return guarded

    @asynccontextmanager
    async def _passing(self, method: str, context: Context) -> AsyncGenerator[None]:
        logger = log.bind(method=method, address=address_of(context))
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        status, member = "OK", ""
        try:
            try:
                node_id = caller_of(context)
                logger = logger.bind(peer=node_id[:12])
                if method not in OPEN_TO_STRANGERS:
                    if (word := introduction_of(context)) is not None:
                        self._introduce(node_id, word)
                    self._authorise(node_id)
                    self._quota.enter(node_id, start_s)
                    member = node_id
                yield
            except (grpc.aio.BaseError, asyncio.CancelledError):
                raise
            except FleetError as error:
                logger = logger.bind(error=error.code, detail=str(error))
                await refuse(context, error)
            except Exception:
                number = secrets.token_hex(4)
                logger = logger.bind(number=number)
                log.exception("call failed", method=method, number=number)
                await refuse(context, _bug(number))
        except grpc.aio.AbortError:
            status = context.code().name
            raise
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        except grpc.aio.BaseError:  # the caller went, so there is nobody left to answer
            status = "CANCELLED"
            raise asyncio.CancelledError from None
        finally:
            if member:
                self._quota.leave(member)
            self._note(logger, status, start_s, loop.time())

    def _note(self, logger: Any, status: str, start_s: float, now_s: float) -> None:
        has_room, missed = self._lines.next(now_s)
        if missed:
            log.warning("calls not logged", count=missed)
        if has_room:
            logger.info("call ended", status=status, ms=round((now_s - start_s) * 1_000, 1))


def caller_of(context: Context) -> str:
    """The node id that TLS proved.

    Raises:
        Unauthenticated: no certificate, or an older TLS.
        NotPaired: a node cannot have such a key.
    """
    if _proven(context, "ssl_tls_version") != b"TLSv1.3":
        raise Unauthenticated("nodes speak TLS 1.3 with each other, nothing older")
    pem = _proven(context, "x509_pem_cert")
    if not pem:
        raise Unauthenticated("nodes show a certificate to each other")
    return pem_id(pem)


def introduction_of(context: Context) -> SignedEntry | None:
    """The admission that a caller brings along, if it does; nothing of it is checked.

    Raises:
        MalformedRequest: it is none.
    """
    for key, value in context.invocation_metadata() or ():
        if key == ADMISSION_KEY and isinstance(value, bytes):
            return signed_from_bytes(value)
    return None


def _proven(context: Context, name: str) -> bytes:
    return next(iter((context.auth_context() or {}).get(name, ())), b"")


def certificate_of(context: Context) -> bytes:
    """The certificate (DER) by which ``caller_of`` knows the caller."""
    return der_of(_proven(context, "x509_pem_cert"))


def address_of(context: Context) -> str:
    """host:port of the other end, from gRPC's ``ipv4:…`` or ``ipv6:%5B…%5D:…``."""
    return unquote(context.peer().partition(":")[2])


async def refuse(context: Context, error: FleetError) -> None:
    """End a call with an error in its own words, from which the other end makes it again."""
    status = grpc.StatusCode[outcome_of(error).status]
    await end(context, status, str(error), ((ERROR_KEY, error_to_bytes(error)),))


async def end(
    context: Context, status: grpc.StatusCode, details: str, trailing: tuple[Any, ...] = ()
) -> None:
    """End a call. A status waits behind what was written before it, and that for a caller who reads:
    the stream of one who does not is dropped without.
    """
    try:
        async with asyncio.timeout(STATUS_S):
            await context.abort(status, details, trailing)
    except TimeoutError:
        raise asyncio.CancelledError from None


def _bug(number: str) -> FleetError:
    return FleetError(f"the other node met a bug (number {number})", hint="its log has the details")


async def _unknown(_request: Any, _context: Context) -> None:
    raise UnknownCall("of this name")


_NO_SUCH_METHOD = cast(Any, grpc.stream_stream_rpc_method_handler(_unknown))
