"""A client of which nobody knows whether it was made: it stays in the state, so that no run makes
it a second time.

Where an authority finds no client by its key, a create whose answer is lost may have made one that
no run can find. The engine keeps a resource that failed only where its provider says so by gRPC
(``ErrorResourceInitFailed``), for which the Python SDK has no way of its own (pulumi.dynamic,
3.272): this file is that way.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import grpc
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from acmidm_onboarding.authorities.errors import AnswerLost
from acmidm_onboarding.engine_resources import UNKNOWN

_DETAILS = "grpc-status-details-bin"


def require_known(props: Mapping[str, Any]) -> None:
    """Refuse to do anything with a client of which nobody knows whether it was made. Raises
    AnswerLost."""
    if sentence := props.get(UNKNOWN):
        raise AnswerLost(str(sentence))


def keep_in_state(outputs: Mapping[str, Any], sentence: str) -> None:
    """Have the engine keep the resource whose create is about to fail; do nothing in a process that
    no engine started."""
    if (context := _context()) is None:
        return
    properties = asyncio.run(rpc.serialize_properties({**outputs, UNKNOWN: sentence}, {}))
    failed = provider_pb2.ErrorResourceInitFailed(
        id=UNKNOWN, properties=properties, reasons=[sentence]
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=sentence)
    status.details.add().Pack(failed)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))


def _context() -> grpc.ServicerContext | None:
    """Return the engine's request that this thread answers, which the SDK passes to no provider."""
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if isinstance(context := frame.f_locals.get("context"), grpc.ServicerContext):
            return context
    return None
