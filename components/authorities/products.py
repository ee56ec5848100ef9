"""The adapter for the product APIs: one configuration per product and client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from components.authorities import conditional
from components.authorities.beheerportaal import found, pages, remove
from components.authorities.http import Api, if_current
from components.authorities.port import Configuration
from components.authorities.wire import WireConfigurationPage

InOrder = Callable[[str, Configuration], Configuration]
"""A product's configuration with its sets in one order."""


class Products:
    """``ProductApi`` over HTTP. Whatever order a set has there, or had when it was recorded: only its members count."""

    def __init__(self, api: Api, in_order: InOrder) -> None:
        self._api = api
        self._in_order = in_order

    def read(self, product: str, client_id: str) -> Configuration | None:
        answer = found(self._api, _configuration(product, client_id))
        return self._in_order(product, answer.members) if answer else None

    def put(self, product: str, client_id: str, known: Configuration | None, wanted: Configuration) -> None:
        path = _configuration(product, client_id)
        known, wanted = self._in_order(product, known) if known is not None else None, self._in_order(product, wanted)
        name = f"the {product} configuration of client {client_id}"

        def create_or_replace() -> None:
            if found(self._api, path) is None:
                self._create(path, wanted)
            else:
                conditional.replace(read, write, known=known, wanted=wanted, document=name)

        def read() -> tuple[Configuration, str]:
            answer = self._api.request("GET", path)
            return self._in_order(product, answer.members), answer.etag

        def write(configuration: Configuration, etag: str) -> None:
            self._api.request("PUT", path, document=configuration, headers={"if-match": etag})

        if_current(create_or_replace)

    def _create(self, path: str, wanted: Configuration) -> None:
        self._api.request("PUT", path, document=wanted, headers={"if-none-match": "*"})

    def delete(self, product: str, client_id: str) -> None:
        remove(self._api, _configuration(product, client_id))

    def configurations(self, product: str) -> Iterator[tuple[str, Configuration]]:
        for page in pages(self._api, f"/{quote(product, safe='')}/configurations", WireConfigurationPage):
            yield from ((item.client_id, self._in_order(product, item.configuration)) for item in page.items)


def _configuration(product: str, client_id: str) -> str:
    return f"/{quote(product, safe='')}/configurations/{quote(client_id, safe='')}"
