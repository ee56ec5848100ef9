"""The faults that a ``FaultProxy`` does, each a function of an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.support.fault_proxy import UPSTREAM_SECONDS, Exchange, Fault, Reply

NONE: Mapping[str, str] = {}


def through(exchange: Exchange) -> None:
    exchange.reply(exchange.forward())


def cut_before(exchange: Exchange) -> None:
    """The server never sees the request."""
    exchange.cut()


def cut_after(exchange: Exchange) -> None:
    """The server committed it; the answer is lost."""
    exchange.forward()
    exchange.cut()


def cut_midway(exchange: Exchange) -> None:
    """The answer breaks off in the middle of its body."""
    reply = exchange.forward()
    exchange.send(reply.head(len(reply.body) + 1) + reply.body)
    exchange.cut()


def time_out_before(exchange: Exchange) -> None:
    """The request hangs until the client gives up, and the server never sees it."""
    exchange.hung_up(UPSTREAM_SECONDS)
    exchange.cut()


def answer(
    status: int,
    body: bytes = b"",
    content_type: str = "application/problem+json",
    headers: Mapping[str, str] = NONE,
) -> Fault:
    """An answer of somebody else; the server never sees the request."""
    return lambda exchange: exchange.reply(
        Reply(status, (("content-type", content_type), *headers.items()), body)
    )


def committed_but(status: int) -> Fault:
    """The server committed it, and a gateway answers in its place."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        answer(status)(exchange)

    return fault


def after(act: Callable[[], object], then: Fault = through) -> Fault:
    """Someone does something between the provider's sending and the server's receiving."""

    def fault(exchange: Exchange) -> None:
        act()
        then(exchange)

    return fault


def followed_by(act: Callable[[], object]) -> Fault:
    """Someone does something between the server's committing and the provider's seeing its
    answer."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.forward()
        act()
        exchange.reply(reply)

    return fault


def once_committed(act: Callable[[], None]) -> Fault:
    """Someone does something when the server has committed the request, and nobody has the answer
    yet; it is lost."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        act()
        exchange.cut()

    return fault
