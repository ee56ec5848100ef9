"""The adapter for the product APIs: one configuration per product and client, and its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from components.authorities import conditional, differences
from components.authorities.beheerportaal import Documents, pages
from components.authorities.errors import ChangedMeanwhile
from components.authorities.http import Answer, Api, if_current
from components.authorities.port import Configuration, Owner, ProductDocument
from components.authorities.wire import WireConfigurationPage, WireProductDocument

InOrder = Callable[[str, Configuration], Configuration]
"""A product's configuration with its sets in one order."""


class Products:
    """``ProductApi`` over HTTP. Whatever order a set has there, or had when it was recorded: only its members count."""

    def __init__(self, api: Api, in_order: InOrder) -> None:
        self._api = api
        self._in_order = in_order
        self._collections: dict[str, Documents] = {}

    def read(self, product: str, client_id: str) -> ProductDocument | None:
        answer = self._documents(product).find(_configuration(product, client_id))
        return self._document(product, answer) if answer else None

    def put(self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument) -> None:
        path, name = _configuration(product, client_id), f"the {product} configuration of client {client_id}"
        known, wanted = self._ordered(product, known) if known else None, self._ordered(product, wanted)

        def attempt() -> None:
            answer = self._documents(product).find(path)
            if answer is None:
                self._write(path, wanted, {"if-none-match": "*"})
                return
            current = self._document(product, answer)
            if current == wanted:
                return
            if not _may_overwrite(current, known, wanted):
                raise _changed(name, current, known, wanted)
            self._write(path, wanted, {"if-match": answer.etag})

        if_current(attempt)

    def delete(self, product: str, client_id: str, owner: Owner) -> None:
        path = _configuration(product, client_id)
        self._documents(product).remove(path, lambda answer: answer.as_(WireProductDocument).document.owner == owner)

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        for page in pages(self._api, _collection(product), WireConfigurationPage):
            yield from ((item.client_id, self._ordered(product, item.document)) for item in page.items)

    def _documents(self, product: str) -> Documents:
        return self._collections.setdefault(product, Documents(self._api, _collection(product)))

    def _document(self, product: str, answer: Answer) -> ProductDocument:
        return self._ordered(product, answer.as_(WireProductDocument).document)

    def _ordered(self, product: str, document: ProductDocument) -> ProductDocument:
        return ProductDocument(self._in_order(product, document.configuration), document.owner)

    def _write(self, path: str, wanted: ProductDocument, headers: dict[str, str]) -> None:
        owner = {"software_id": wanted.owner.software_id, "managed_by": wanted.owner.managed_by}
        self._api.request("PUT", path, document={"configuration": wanted.configuration, **owner}, headers=headers)


def _may_overwrite(current: ProductDocument, known: ProductDocument | None, wanted: ProductDocument) -> bool:
    if known is None and current.owner == wanted.owner:
        return True  # of an earlier run
    owners = [Owner(), wanted.owner, *([known.owner] if known else [])]
    return current.owner in owners and current.configuration in [wanted.configuration, *([known.configuration] if known else [])]


def _changed(name: str, current: ProductDocument, known: ProductDocument | None, wanted: ProductDocument) -> ChangedMeanwhile:
    difference = differences.between(known.configuration if known else {}, current.configuration, wanted.configuration)
    whose = "that nobody declares" if current.owner.is_nobody else f"of {current.owner.software_id} ({current.owner.managed_by})"
    if known is None:
        return ChangedMeanwhile(
            f"{name} exists already, {whose}: {difference}, and nothing was written; see whose it is, then write it into the form and "
            "change it there afterwards, or have it removed",
            difference,
        )
    return conditional.changed(name, difference)


def _collection(product: str) -> str:
    return f"/{quote(product, safe='')}/configurations"


def _configuration(product: str, client_id: str) -> str:
    return f"{_collection(product)}/{quote(client_id, safe='')}"
