"""The adapter for the product APIs: one configuration per product and client."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from components.authorities import conditional
from components.authorities.beheerportaal import found, remove
from components.authorities.http import Api, if_current
from components.authorities.port import Configuration
from components.authorities.wire import WireConfigurationPage

_PAGE = 200


class Products:
    """``ProductApi`` over HTTP."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, product: str, client_id: str) -> Configuration | None:
        answer = found(self._api, _configuration(product, client_id))
        return dict(answer.document) if answer else None

    def put(self, product: str, client_id: str, known: Configuration | None, wanted: Configuration) -> None:
        path = _configuration(product, client_id)
        name = f"the {product} configuration of client {client_id}"

        def create_or_replace() -> None:
            if found(self._api, path) is None:
                self._create(path, wanted)
            else:
                conditional.replace(read, write, known=known, wanted=wanted, document=name)

        def read() -> tuple[Configuration, str]:
            answer = self._api.request("GET", path)
            return dict(answer.document), answer.etag

        def write(configuration: Configuration, etag: str) -> None:
            self._api.request("PUT", path, document=configuration, headers={"if-match": etag})

        if_current(create_or_replace)

    def _create(self, path: str, wanted: Configuration) -> None:
        self._api.request("PUT", path, document=wanted, headers={"if-none-match": "*"})

    def delete(self, product: str, client_id: str) -> None:
        remove(self._api, _configuration(product, client_id))

    def configurations(self, product: str) -> Iterator[tuple[str, Configuration]]:
        after = ""
        while True:
            path = f"/{quote(product, safe='')}/configurations?limit={_PAGE}{after}"
            page = self._api.request("GET", path).as_(WireConfigurationPage)
            yield from ((item.client_id, item.configuration) for item in page.items)
            if page.next is None:
                return
            after = f"&after={quote(page.next, safe='')}"


def _configuration(product: str, client_id: str) -> str:
    return f"/{quote(product, safe='')}/configurations/{quote(client_id, safe='')}"
