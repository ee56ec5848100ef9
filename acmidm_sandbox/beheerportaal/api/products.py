"""The endpoints of the configurations that a product has, one for each client."""

import time
from typing import Annotated
from urllib.parse import quote

from fastapi import Header, Response
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from acmidm_sandbox.beheerportaal.api.endpoints import (
    AFTER,
    CHANGE_PROBLEMS,
    CREATED,
    IF_MATCH,
    LIMIT,
    READ,
    answer,
    answer_json,
    router_for_operators,
)
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal, Portal
from acmidm_sandbox.beheerportaal.documents import ConfigurationDocument, ConfigurationPage
from acmidm_sandbox.beheerportaal.http import require_current
from acmidm_sandbox.beheerportaal.problems import RefusedRequest, not_found, pointer, unprocessable
from acmidm_sandbox.beheerportaal.settings import ProductSettings
from acmidm_sandbox.beheerportaal.store import clients, products
from acmidm_sandbox.beheerportaal.store.clients import audit
from acmidm_sandbox.beheerportaal.store.database import page_of
from acmidm_sandbox.beheerportaal.store.products import Configuration

router = router_for_operators("/products/v1/{product}/configurations", "products")

_IF_NONE_MATCH = Annotated[
    str | None, Header(alias="If-None-Match", description="`*` creates, where there is none yet.")
]
_LONGEST_MESSAGE = 200


@router.get("", response_model=ConfigurationPage)
async def list_configurations(
    portal: CurrentPortal, product: str, limit: LIMIT = 100, after: AFTER = None
) -> Response:
    """The product's configurations, in the order of their creation."""
    _product_or_404(portal, product)
    of_product = Configuration.product == product
    with portal.database.read() as session:
        page, following = page_of(session, Configuration, of_product, limit, after)
    return answer_json(ConfigurationPage(items=[stored.item for stored in page], next=following))


@router.get("/{client_id}", response_model=ConfigurationDocument, responses=READ)
async def read_configuration(portal: CurrentPortal, product: str, client_id: str) -> Response:
    """One client's configuration."""
    _product_or_404(portal, product)
    with portal.database.read() as session:
        stored = products.find(session, product, client_id)
    if stored is None:
        raise _not_configured(product, client_id)
    return answer(stored.document, stored.version)


@router.put(
    "/{client_id}", response_model=ConfigurationDocument, responses=READ | CREATED | CHANGE_PROBLEMS
)
def put_configuration(
    portal: CurrentPortal,
    caller: Caller,
    product: str,
    client_id: str,
    document: ConfigurationDocument,
    if_match: IF_MATCH = None,
    if_none_match: _IF_NONE_MATCH = None,
) -> Response:
    """Creates with `If-None-Match: *`, replaces the whole document with `If-Match`: what is left
    out becomes null."""
    validator = Draft202012Validator(_product_or_404(portal, product).json_schema)
    errors = sorted(
        validator.iter_errors(document.configuration),
        key=lambda error: list(map(str, error.absolute_path)),
    )
    if errors:
        raise unprocessable(list(map(_as_mistake, errors)))
    path = _path(product, client_id)
    with portal.database.write() as session:
        stored = products.find(session, product, client_id)
        before = None if stored is None else stored.document
        current = None if stored is None else stored.version
        creates = if_match is None and if_none_match == "*"
        if not creates:
            require_current(if_match, current)
        elif stored is not None:
            raise RefusedRequest(
                412,
                f"Client {client_id} has a configuration for {product} already; read it, and"
                " replace it with If-Match.",
            )
        # An external issuer's clients are not known here.
        if portal.settings.external_issuer is None and clients.find(session, client_id) is None:
            detail = f"client {client_id} does not exist; register it first"
            raise RefusedRequest(
                422,
                f"The configuration is refused: {detail}.",
                errors=[{"parameter": "client_id", "detail": detail}],
            )
        if stored is not None and before == document:
            return answer(document, stored.version)
        version = time.time_ns()  # one that is removed and made again gets another ETag
        if stored is None:
            stored = Configuration(product=product, client_id=client_id)
            session.add(stored)
        stored.document = document
        stored.version = version
        audit(session, caller, "product.replaced", client_id, path, before=before, after=document)
    location = path if before is None else None
    return answer(document, version, location=location)


@router.delete("/{client_id}", status_code=204, response_class=Response, responses=CHANGE_PROBLEMS)
def remove_configuration(
    portal: CurrentPortal, caller: Caller, product: str, client_id: str, if_match: IF_MATCH = None
) -> Response:
    """Removes one client's configuration, whether the client still exists or not."""
    _product_or_404(portal, product)
    with portal.database.write() as session:
        stored = products.find(session, product, client_id)
        if stored is None:
            raise _not_configured(product, client_id)
        require_current(if_match, stored.version)
        session.delete(stored)
        path = _path(product, client_id)
        audit(session, caller, "product.removed", client_id, path, before=stored.document)
    return Response(status_code=204)


def _product_or_404(portal: Portal, product: str) -> ProductSettings:
    """Return a product of this portal. Raises RefusedRequest: 404."""
    settings = portal.settings.products.get(product)
    if settings is None:
        raise not_found(f"product {product}")
    return settings


def _not_configured(product: str, client_id: str) -> RefusedRequest:
    return not_found(f"configuration of client {client_id} for product {product}")


def _path(product: str, client_id: str) -> str:
    return f"/products/v1/{product}/configurations/{quote(client_id, safe='')}"


def _as_mistake(error: ValidationError) -> dict[str, str]:
    """Return an error of jsonschema's as an item of a refusal's errors. A message that repeats a
    long value gives way to the name of the keyword that is broken."""
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"does not satisfy {error.validator}"
    return {"pointer": pointer(["configuration", *error.absolute_path]), "detail": message}
