"""The adapter for the product APIs: one configuration per product and client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

from acmidm_onboarding.authorities.beheerportaal.wire import (
    WireConfiguration,
    WireConfigurationPage,
)
from acmidm_onboarding.authorities.differences import difference
from acmidm_onboarding.authorities.errors import ChangedMeanwhile
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import Collection
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.writes import replace_part
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import Configuration, Owner, ProductDocument

_NONE = ProductDocument({}, Owner())
"""In the place of a configuration that is not there."""
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
        path = _path(product, client_id)
        before = self._ordered(product, known) if known else None
        after = self._ordered(product, wanted)
        document = {"configuration": dict(after.configuration), **asdict(after.owner)}

        def part(answer: Answer | None) -> ProductDocument:
            return self._document(product, answer) if answer else _NONE

        def is_expected(current: ProductDocument) -> bool:
            """Say whether to write over a configuration that is not as ``known``: one that is gone,
            or of which only the incarnation differs, which is no other writer's change."""
            return current is _NONE or (
                before is not None
                and current.owner.is_connection_of(before.owner)
                and current.configuration == before.configuration
            )

        def write(answer: Answer | None) -> None:
            if before is None and answer:
                _require_free(product, client_id, part(answer), after)
            condition = {"if-match": answer.etag} if answer else {"if-none-match": "*"}
            self._api.request("PUT", path, document=document, headers=condition)

        replace_part(
            lambda: self._of(product).find(path),
            part,
            write,
            known=before,
            wanted=after,
            name=tr(
                "the {product} configuration of client {client}", product=product, client=client_id
            ),
            is_expected=is_expected,
        )

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        def is_ours(answer: Answer) -> bool:
            return self._document(product, answer).owner.is_resource_of(owner)

        return self._of(product).remove(_path(product, client_id), is_ours)

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        for page in self._of(product).pages():
            for item in page.items:
                yield item.client_id, self._ordered(product, item.document)

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
    """Refuse to overwrite a configuration that is not this connection's, unless somebody configured
    by hand exactly what is ``wanted``. Raises ChangedMeanwhile."""
    owner = current.owner
    if owner.is_connection_of(wanted.owner):
        return
    if owner.is_nobody and current.configuration == wanted.configuration:
        return
    changes = difference(None, current, wanted)
    if owner.is_nobody:
        whose = tr(
            "it was made by hand: write it into the form as it is, and change it there afterwards"
        )
    else:
        whose = tr(
            "{stack} manages it for {key}: see who declares it there",
            stack=owner.managed_by,
            key=owner.software_id,
        )
    raise ChangedMeanwhile(
        tr(
            "client {client} has a {product} configuration already that is not this stack's:"
            " {changes}, and nothing was written; {whose}",
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
