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
        answer = self._collection(product).find(_path(product, client_id))
        return self._document(product, answer) if answer else None

    def put(
        self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument
    ) -> None:
        """Write a configuration with its owner: under the ETag of the present one, or on condition
        that there is none. Raises ChangedMeanwhile where it is another's, or was changed by hand
        since ``known``."""
        path = _path(product, client_id)
        before = self._ordered(product, known) if known else None
        after = self._ordered(product, wanted)
        document = {"configuration": dict(after.configuration), **asdict(after.owner)}

        def configuration_in(answer: Answer | None) -> ProductDocument:
            return self._document(product, answer) if answer else _NONE

        def is_expected(current: ProductDocument) -> bool:
            """Return whether to write over a configuration that is not as ``known``: one that is
            gone, or of which only the incarnation differs, which is no other writer's change."""
            if current is _NONE:
                return True
            return (
                before is not None
                and current.owner.is_connection_of(before.owner)
                and current.configuration == before.configuration
            )

        def write(answer: Answer | None) -> None:
            if before is None and answer:
                _require_free(product, client_id, configuration_in(answer), after)
            condition = {"if-match": answer.etag} if answer else {"if-none-match": "*"}
            self._api.request("PUT", path, document=document, headers=condition)

        replace_part(
            read=lambda: self._collection(product).find(path),
            part_of=configuration_in,
            write=write,
            known=before,
            wanted=after,
            name=tr(
                "the {product} configuration of client {client}", product=product, client=client_id
            ),
            is_expected=is_expected,
        )

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        """Remove a configuration that still bears the marks of ``owner``. Return whether it is
        gone: False where it bears other marks, and stays."""

        def is_ours(answer: Answer) -> bool:
            return self._document(product, answer).owner.is_resource_of(owner)

        return self._collection(product).remove(_path(product, client_id), is_ours)

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        for page in self._collection(product).pages():
            for item in page.items:
                yield item.client_id, self._ordered(product, item.document)

    def _collection(self, product: str) -> Collection[WireConfigurationPage]:
        return self._collections.setdefault(
            product, Collection(self._api, _list_path(product), WireConfigurationPage)
        )

    def _document(self, product: str, answer: Answer) -> ProductDocument:
        return self._ordered(product, answer.as_(WireConfiguration).document)

    def _ordered(self, product: str, document: ProductDocument) -> ProductDocument:
        return ProductDocument(self._in_order(product, document.configuration), document.owner)


def _require_free(
    product: str, client_id: str, current: ProductDocument, wanted: ProductDocument
) -> None:
    """Raise ChangedMeanwhile where the ``current`` configuration is not this connection's, with the
    stack that manages it, or that it was made by hand. One that somebody configured by hand exactly
    as ``wanted`` is taken over."""
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


def _list_path(product: str) -> str:
    return f"/{segment(product)}/configurations"


def _path(product: str, client_id: str) -> str:
    return f"{_list_path(product)}/{segment(client_id)}"
