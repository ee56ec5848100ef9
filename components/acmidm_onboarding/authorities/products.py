"""The adapter for the product APIs: one configuration per product and client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from acmidm_onboarding.authorities.beheerportaal.wire import (
    WireConfiguration,
    WireConfigurationPage,
)
from acmidm_onboarding.authorities.differences import difference, must_write
from acmidm_onboarding.authorities.errors import ChangedMeanwhile
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import Collection
from acmidm_onboarding.authorities.http.conditional import if_current
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.metadata import Configuration, Owner, ProductDocument

InOrder = Callable[[str, Configuration], Configuration]
"""A product's configuration with its sets in one order."""


class Products:
    """``ProductApi`` over HTTP. Configurations are compared without regard to the order of their
    sets."""

    def __init__(self, api: Api, in_order: InOrder) -> None:
        self._api = api
        self._in_order = in_order
        self._collections: dict[str, Collection[WireConfigurationPage]] = {}

    def read(self, product: str, client_id: str) -> ProductDocument | None:
        answer = self._of(product).find(_path(product, client_id))
        return self._document(product, answer) if answer else None

    def put(
        self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument
    ) -> None:
        path, name = (
            _path(product, client_id),
            say("authorities.configuration_of", product=product, client=client_id),
        )
        known, wanted = (
            self._ordered(product, known) if known else None,
            self._ordered(product, wanted),
        )

        def write(condition: str, etag: str) -> None:
            document = {"configuration": dict(wanted.configuration), **asdict(wanted.owner)}
            self._api.request("PUT", path, document=document, headers={condition: etag})

        def attempt() -> None:
            answer = self._of(product).find(path)
            if answer is None:
                return write("if-none-match", "*")
            current, before = self._document(product, answer), known
            if before is None and not current.owner.is_connection_of(wanted.owner):
                _require_free(product, client_id, current, wanted)
            if before is not None and current.owner.is_connection_of(before.owner):
                # Another incarnation is no other writer's change.
                before = replace(before, owner=current.owner)
            if must_write(current, before, wanted, name):
                write("if-match", answer.etag)
            return None

        if_current(attempt)

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        def is_ours(answer: Answer) -> bool:
            return self._document(product, answer).owner.is_resource_of(owner)

        return self._of(product).remove(_path(product, client_id), is_ours)

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        for page in self._of(product).pages():
            yield from (
                (item.client_id, self._ordered(product, item.document)) for item in page.items
            )

    def _of(self, product: str) -> Collection[WireConfigurationPage]:
        return self._collections.setdefault(
            product, Collection(self._api, _list(product), WireConfigurationPage)
        )

    def _document(self, product: str, answer: Answer) -> ProductDocument:
        return self._ordered(product, answer.as_(WireConfiguration).document)

    def _ordered(self, product: str, document: ProductDocument) -> ProductDocument:
        return ProductDocument(self._in_order(product, document.configuration), document.owner)


def _require_free(
    product: str, client_id: str, current: ProductDocument, wanted: ProductDocument
) -> None:
    """Refuse to overwrite a configuration that is not this stack's, unless somebody configured by
    hand exactly what is ``wanted``. Raises ChangedMeanwhile."""
    owner = current.owner
    if owner.is_nobody and current.configuration == wanted.configuration:
        return
    changes = difference(None, current, wanted)
    whose = (
        say("authorities.not_this_stacks.by_hand")
        if owner.is_nobody
        else say(
            "authorities.not_this_stacks.anothers", stack=owner.managed_by, key=owner.software_id
        )
    )
    raise ChangedMeanwhile(
        say(
            "authorities.not_this_stacks",
            client=client_id,
            product=product,
            changes=changes,
            whose=whose,
        ),
        changes,
    )


def _list(product: str) -> str:
    return f"/{segment(product)}/configurations"


def _path(product: str, client_id: str) -> str:
    return f"{_list(product)}/{segment(client_id)}"
