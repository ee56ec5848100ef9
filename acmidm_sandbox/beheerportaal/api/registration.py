"""Client registration by RFC 7591 and its management by RFC 7592, with an operator's token at both.

The clients are the same as below `/management/v1`, each as one document, without ETags.
"""

import time
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from acmidm_sandbox.beheerportaal.api.client_parts import store_jwks, store_scopes
from acmidm_sandbox.beheerportaal.api.clients import add, change, remove
from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN, Responses
from acmidm_sandbox.beheerportaal.api.guard import OperatorRoute
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal, Portal
from acmidm_sandbox.beheerportaal.documents import ClientMetadata, ClientReplacement, JwksDocument
from acmidm_sandbox.beheerportaal.jwk import mistakes
from acmidm_sandbox.beheerportaal.limits import LONGEST_BODY
from acmidm_sandbox.beheerportaal.problems import Problem, refused
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import StoredClient

PATH = "/op/register"
_ERRORS = {
    401: "invalid_token",
    403: "insufficient_scope",
    404: "invalid_request",
    405: "invalid_request",
}

router = APIRouter(
    prefix=PATH, route_class=OperatorRoute, dependencies=[ACCESS_TOKEN], tags=["registration"]
)


class Registration(ClientMetadata):
    """What is registered of a client (RFC 7591 §2). Members that are not known are ignored, as §2
    has it."""

    model_config = ConfigDict(extra="ignore")

    token_endpoint_auth_method: Literal["private_key_jwt"]
    scope: Annotated[
        str, Field(max_length=LONGEST_BODY, pattern=r"^[\x20\x21\x23-\x5b\x5d-\x7e]*$")
    ] = Field(default="", description="Scopes with spaces between; none where there is none.")
    jwks: JwksDocument = JwksDocument(keys=[])
    response_types: list[str] = Field(default_factory=list, max_length=0)
    redirect_uris: list[str] = Field(default_factory=list, max_length=0)


class RegistrationUpdate(Registration):
    """What replaces it whole (RFC 7592 §2.2): what is left out falls back to its default."""

    client_id: str = Field(description="Must be the one in the URL.")


class RegisteredClient(Registration):
    """What is answered (RFC 7591 §3.2.1), without a token of the client's own: the operator's opens
    it."""

    client_id: str
    client_id_issued_at: int
    registration_client_uri: str


class RegistrationError(BaseModel):
    """RFC 7591 §3.2.2, RFC 6750 §3."""

    error: str
    error_description: str


def response(problem: Problem) -> JSONResponse:
    """Return a problem as the answer of this endpoint."""
    status = 400 if problem.status_code in (409, 422) else problem.status_code
    error = _ERRORS.get(status, "invalid_client_metadata")
    content = RegistrationError(error=error, error_description=problem.detail)
    return JSONResponse(content.model_dump(), status, dict(problem.headers or {}))


def _errors(*statuses: int) -> Responses:
    every = sorted({400, 401, 403, 503, *statuses})
    return {
        status: {"model": RegistrationError, "description": HTTPStatus(status).phrase}
        for status in every
    }


_WITH_BODY = _errors(413, 415)


@router.post("", status_code=201, responses=_WITH_BODY)
def register(portal: CurrentPortal, caller: Caller, sent: Registration) -> RegisteredClient:
    """Registers a client with its scopes and keys."""
    scopes = _scopes(portal, sent)
    with portal.database.write() as connection:
        client = add(connection, portal.settings, caller, sent.metadata, int(time.time()))
        return _answer(portal, _with_parts(connection, portal, caller, client, sent, scopes))


@router.get("/{client_id}", responses=_errors())
def read(portal: CurrentPortal, client_id: str) -> RegisteredClient:
    """One client, whole."""
    with portal.database.read() as connection:
        return _answer(portal, _find(connection, client_id))


@router.put("/{client_id}", responses=_WITH_BODY)
def update(
    portal: CurrentPortal, caller: Caller, client_id: str, sent: RegistrationUpdate
) -> RegisteredClient:
    """Replaces a client whole, its scopes and keys too."""
    if sent.client_id != client_id:
        raise refused(
            [{"pointer": "/client_id", "detail": "differs from the client_id in the URL"}]
        )
    scopes = _scopes(portal, sent)
    with portal.database.write() as connection:
        client = change(
            connection, caller, _find(connection, client_id), ClientReplacement(**sent.metadata)
        )
        return _answer(portal, _with_parts(connection, portal, caller, client, sent, scopes))


@router.delete("/{client_id}", status_code=204, response_class=Response, responses=_errors())
def delete(portal: CurrentPortal, caller: Caller, client_id: str) -> Response:
    """Removes a client with its scopes and keys."""
    with portal.database.write() as connection:
        remove(connection, caller, _find(connection, client_id))
    return Response(status_code=204)


def _find(connection: Connection, client_id: str) -> StoredClient:
    """Return the client.

    Raises:
        Problem: 401, as for a token that is none (RFC 7592 §2.1).
    """
    client = clients.find(connection, client_id)
    if client is None:
        raise Problem(
            401,
            f"There is no client {client_id}, or it is none of this token's.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return client


def _scopes(portal: Portal, sent: Registration) -> list[str]:
    """Return the scopes, and the keys looked through. Raises Problem: 422."""
    names = sent.scope.split()
    unknown = sorted({*names} - portal.settings.scopes.keys())
    wrong = [
        {"pointer": "/scope", "detail": f"{name} is no scope of this environment"}
        for name in unknown
    ]
    wrong += [
        {**mistake, "pointer": f"/jwks{mistake['pointer']}"} for mistake in mistakes(sent.jwks.keys)
    ]
    if wrong:
        raise refused(wrong)
    return names


def _with_parts(
    connection: Connection,
    portal: Portal,
    caller: str,
    client: StoredClient,
    sent: Registration,
    scopes: list[str],
) -> StoredClient:
    client = store_scopes(
        connection, portal.settings.assigned_scopes, caller, client, scopes, client.scopes.default
    )
    return store_jwks(connection, caller, client, sent.jwks.keys)


def _answer(portal: Portal, client: StoredClient) -> RegisteredClient:
    document = client.document
    return RegisteredClient.model_construct(
        **document.metadata,
        client_id=document.client_id,
        client_id_issued_at=document.client_id_issued_at,
        registration_client_uri=f"{portal.settings.origin}{PATH}/{document.client_id}",
        scope=" ".join(client.scopes.scopes),
        jwks=client.jwks,
        response_types=[],
        redirect_uris=[],
    )
