"""DOSIS, as far as it is public: uploads, what became of them, and what they are checked
against."""

import logging
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal, Portal
from acmidm_sandbox.beheerportaal.problems import Problem, first_of, refused
from acmidm_sandbox.beheerportaal.products.access import (
    Mistake,
    ProductRoute,
    configured,
    find_configuration,
    missing,
    not_set,
    require_configuration,
    require_set,
)
from acmidm_sandbox.beheerportaal.products.basis import CALLS, CONNECTOR, rests_on
from acmidm_sandbox.beheerportaal.products.code_lists import (
    CODES,
    DOSSIER_TYPE,
    PHASES,
    mistake_in_agent,
)
from acmidm_sandbox.beheerportaal.products.dosis_documents import (
    Dossier,
    DossierStatus,
    Identification,
    ProcessingError,
    ProcessingResult,
    UploadReceipt,
    ValidationSettings,
)
from acmidm_sandbox.beheerportaal.products.errors import PREFIX, dotted, refusals
from acmidm_sandbox.beheerportaal.store import uploads
from acmidm_sandbox.beheerportaal.store.uploads import Processed

DOSIS = "dosis"

log = logging.getLogger(__name__)


class _Route(ProductRoute):
    product = DOSIS


router = APIRouter(
    prefix=PREFIX.rstrip("/"), route_class=_Route, dependencies=[ACCESS_TOKEN], tags=[DOSIS]
)

_UPLOAD: dict[str, Any] = {"responses": refusals(415)}
_READ: dict[str, Any] = {"responses": refusals()}


def _dossier_number(
    now: Annotated[
        str | None,
        Query(alias="dossierNummer", max_length=255, description="The dossier's number."),
    ] = None,
    before: Annotated[
        str | None,
        Query(
            alias="dossiernummer", max_length=255, description="The same, as older pages have it."
        ),
    ] = None,
) -> str:
    number = now or before
    if not number:
        raise refused([{"parameter": "dossierNummer", "detail": "field required"}])
    return number


Source = Annotated[
    str,
    Query(
        alias="bron",
        min_length=1,
        max_length=255,
        description="A source that is configured for the client.",
    ),
]
DossierNumber = Annotated[str, Depends(_dossier_number)]
UploadNumber = Annotated[
    str,
    Query(
        alias="uploadId", min_length=1, max_length=255, description="What the upload's answer has."
    ),
]


@router.post("/v2/dosis/dossiers", **_UPLOAD, openapi_extra=rests_on("documented", CALLS))
@router.post("/v2/dossiers", **_UPLOAD, openapi_extra=rests_on("seen", f"{CONNECTOR} c736b9d"))
def upload_dossier(portal: CurrentPortal, caller: Caller, dossier: Dossier) -> UploadReceipt:
    """Receives a dossier; what becomes of it is a result, a moment later."""
    return _receive(portal, caller, dossier, portal.settings.processing_seconds)


@router.post("/v1/dosis/dossiers", **_UPLOAD, openapi_extra=rests_on("documented", CALLS))
def upload_dossier_v1(portal: CurrentPortal, caller: Caller, dossier: Dossier) -> UploadReceipt:
    """Receives a dossier. Its result is there at once: the public connector's version for v1 takes
    404 for a failure."""
    return _receive(portal, caller, dossier, 0)


def _receive(portal: Portal, caller: str, dossier: Dossier, seconds: float) -> UploadReceipt:
    """Keep it until it is processed, in so many seconds."""
    require_set(_not_set(require_configuration(portal, DOSIS, caller), dossier))
    upload_id = dossier.UploadId or str(uuid.uuid4())
    with portal.database.write() as connection:
        uploads.add(
            connection,
            caller,
            upload_id,
            dossier.model_dump(mode="json", exclude_unset=True),
            time.time() + seconds,
        )
    _note(caller, dossier)
    return UploadReceipt(UploadId=upload_id)


@router.get("/v1/dosis/resultaten/perUploadId", **_READ, openapi_extra=rests_on("seen", CONNECTOR))
def read_result_of_upload(
    portal: CurrentPortal, caller: Caller, upload_id: UploadNumber
) -> ProcessingResult:
    """What became of an upload; 404 until it was processed."""
    _process(portal, caller)
    with portal.database.read() as connection:
        return _result(uploads.of_upload(connection, caller, upload_id), f"upload {upload_id}")


@router.get("/v1/dosis/resultaten", **_READ, openapi_extra=rests_on("documented", CALLS))
def read_result_of_dossier(
    portal: CurrentPortal, caller: Caller, source: Source, number: DossierNumber
) -> ProcessingResult:
    """What became of the dossier's newest upload that was processed; 404 until one was."""
    _require_source(portal, caller, source)
    _process(portal, caller)
    with portal.database.read() as connection:
        return _result(uploads.of_dossier(connection, caller, source, number), f"dossier {number}")


@router.get("/v1/dosis/resultaten/fouten", **_READ, openapi_extra=rests_on("documented", CALLS))
def list_failures(portal: CurrentPortal, caller: Caller, source: Source) -> list[ProcessingResult]:
    """The dossiers of a source whose newest upload could not be processed."""
    _require_source(portal, caller, source)
    _process(portal, caller)
    with portal.database.read() as connection:
        return [_document(upload) for upload in uploads.failures(connection, caller, source)]


@router.get("/v2/dosis/bronnen/uris", **_READ, openapi_extra=rests_on("documented", CALLS))
def list_sources(portal: CurrentPortal, caller: Caller) -> list[str]:
    """The sources that are configured for the client."""
    return configured(require_configuration(portal, DOSIS, caller), "bron_uri")


@router.get(
    "/v1/dosis/instellingen/validatie", **_READ, openapi_extra=rests_on("documented", CALLS)
)
def read_validation_settings(portal: CurrentPortal, caller: Caller) -> ValidationSettings:
    """What uploads are checked against."""
    configuration = require_configuration(portal, DOSIS, caller)
    return ValidationSettings(
        Bron=next(iter(configured(configuration, "bron_uri")), None),
        Producten=configured(configuration, "product_ids"),
        Toegangsrechten=configured(configuration, "access_rights"),
    )


@router.delete(
    "/v1/dosis/dossiers",
    status_code=204,
    response_class=Response,
    **_READ,
    openapi_extra=rests_on("documented", CALLS),
)
def remove_dossier(
    portal: CurrentPortal, caller: Caller, source: Source, number: DossierNumber
) -> Response:
    """Removes a dossier, and with it what became of its uploads."""
    _require_source(portal, caller, source)
    with portal.database.write() as connection:
        if not uploads.remove(connection, caller, source, number):
            raise Problem(
                404, f"There is no dossier {number} of source {source}; check its number."
            )
    return Response(status_code=204)


def _require_source(portal: Portal, caller: str, source: str) -> None:
    require_set(not_set(require_configuration(portal, DOSIS, caller), bron_uri=[("/bron", source)]))


def _not_set(configuration: Mapping[str, Any], dossier: Dossier) -> list[Mistake]:
    products = [
        (f"/Producten/{number}/Id", product.Id) for number, product in enumerate(dossier.Producten)
    ]
    rights = [
        (f"/Agenten/{position}/Toegangsrechten/{number}/Code", right.Code)
        for position, agent in enumerate(dossier.Agenten or [])
        for number, right in enumerate(agent.Toegangsrechten or [])
    ]
    source = [("/Identificatie/Bron", dossier.Identificatie.Bron)]
    return not_set(configuration, bron_uri=source, product_ids=products, access_rights=rights)


def _process(portal: Portal, caller: str) -> None:
    """Process the client's uploads that are due, by what is configured now, which may be less than
    at their receipt."""
    with portal.database.read() as connection:
        waiting = uploads.due(connection, caller, time.time())
        configuration = find_configuration(connection, DOSIS, caller) if waiting else None
    if not waiting:
        return
    processed = []
    for number, document, due_at in waiting:
        dossier = Dossier.model_validate(document)
        agents = enumerate(
            mistake_in_agent(agent.Identificatie or "") for agent in dossier.Agenten or ()
        )
        mistakes: list[Mistake] = [
            {"pointer": f"/Agenten/{index}/Identificatie", "detail": wrong}
            for index, wrong in agents
            if wrong
        ]
        mistakes += [] if configuration is None else _not_set(configuration, dossier)
        details = [
            f"{dotted(mistake['pointer']) or 'the document'}: {mistake['detail']}."
            for mistake in first_of(mistakes)
        ]
        details += [f"{missing(DOSIS, caller)}."] if configuration is None else []
        processed.append((number, due_at, details))
    with portal.database.write() as connection:
        for upload in processed:
            uploads.finish(connection, *upload)


def _result(upload: Processed | None, what: str) -> ProcessingResult:
    if upload is None:
        raise Problem(
            404,
            f"There is no result of {what}: it was not processed yet, or not received; try again in"
            " a few seconds.",
        )
    return _document(upload)


def _document(upload: Processed) -> ProcessingResult:
    succeeded = not upload.errors
    return ProcessingResult(
        Identificatie=Identification(Bron=upload.source, DossierNummer=upload.dossier_number),
        UploadId=upload.upload_id,
        TijdstipVerwerking=datetime.fromtimestamp(upload.processed_at, UTC)
        .astimezone()
        .replace(tzinfo=None)
        .isoformat("T", "seconds"),
        Succes=succeeded,
        Fout=None if succeeded else "The dossier could not be processed.",
        Fouten=[ProcessingError(Omschrijving=error) for error in upload.errors],
        VerwerktVoorOpvraging=succeeded,
    )


def _note(caller: str, dossier: Dossier) -> None:
    """Log what is accepted here and may be refused elsewhere: the official code lists are not
    public."""
    status = dossier.Status or DossierStatus()
    for member, value, seen in (
        ("TypeDossierCode", dossier.TypeDossierCode, {DOSSIER_TYPE}),
        ("Status.VlaamsCode", status.VlaamsCode, CODES),
        ("Status.VlaamsFase", status.VlaamsFase, PHASES),
    ):
        if value is not None and value not in seen:
            log.info(
                "%s: %s %a was not seen in public examples; DOSIS may refuse it",
                caller,
                member,
                value[:80],
            )
