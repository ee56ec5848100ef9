"""DOSIS: uploads, what became of them, and what they are checked against."""

import re
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select

from acmidm_sandbox.beheerportaal.problems import first_of
from acmidm_sandbox.beheerportaal.products.product import Mistake, Sent, configured, dotted, not_set
from acmidm_sandbox.beheerportaal.store.products import Upload


def upload_dossier(sent: Sent) -> dict[str, str]:
    """Keep a dossier until it is processed."""
    return _keep_upload(sent, sent.portal.settings.processing_seconds)


def upload_dossier_v1(sent: Sent) -> dict[str, str]:
    """Keep a dossier that is processed at once."""
    return _keep_upload(sent, 0)


def _keep_upload(sent: Sent, processing_seconds: float) -> dict[str, str]:
    """Write an upload in the place of an earlier one with its UploadId, and return the answer. It
    is processed after some seconds."""
    dossier = sent.document
    upload_id = dossier.get("UploadId") or str(uuid.uuid4())
    due_at = time.time() + processing_seconds
    same_upload = (Upload.client_id == sent.client_id, Upload.upload_id == upload_id)
    identification = dossier["Identificatie"]
    with sent.portal.database.write() as session:
        session.execute(delete(Upload).where(*same_upload))
        session.add(
            Upload(
                client_id=sent.client_id,
                upload_id=upload_id,
                source=identification["Bron"],
                dossier_number=identification["DossierNummer"],
                document=dossier,
                due_at=due_at,
            )
        )
    return {"Status": "Ontvangen", "UploadId": upload_id}


def read_result_of_upload(sent: Sent) -> dict[str, Any]:
    """Return what became of an upload."""
    upload_id = sent.document["uploadId"]
    return _newest_result(sent, f"upload {upload_id}", upload_id=upload_id)


def read_result_of_dossier(sent: Sent) -> dict[str, Any]:
    """Return what became of a dossier's newest upload that was processed."""
    source, number = sent.document["bron"], sent.document["dossierNummer"]
    return _newest_result(sent, f"dossier {number}", source=source, dossier_number=number)


def _newest_result(sent: Sent, what: str, **columns: str) -> dict[str, Any]:
    for result in _process_due(sent, **columns):
        return result
    raise sent.refusal("no_result", what=what)


def list_failures(sent: Sent) -> list[dict[str, Any]]:
    """Return the dossiers of a source whose newest upload could not be processed."""
    newest: dict[str, dict[str, Any]] = {}
    for result in _process_due(sent, source=sent.document["bron"]):
        newest.setdefault(result["Identificatie"]["DossierNummer"], result)
    return [result for result in newest.values() if not result["Succes"]]


def list_sources(sent: Sent) -> list[str]:
    """Return the sources that are configured for the client."""
    return configured(sent.find_configuration() or {}, "bron_uri")


def read_validation_settings(sent: Sent) -> dict[str, Any]:
    """Return what uploads are checked against."""
    configuration = sent.find_configuration() or {}
    sources = configured(configuration, "bron_uri")
    return {
        "Bron": sources[0] if sources else None,
        "Producten": configured(configuration, "product_ids"),
        "Toegangsrechten": configured(configuration, "access_rights"),
    }


def remove_dossier(sent: Sent) -> None:
    """Remove a dossier, and with it what became of its uploads."""
    source, number = sent.document["bron"], sent.document["dossierNummer"]
    dossier = (
        Upload.client_id == sent.client_id,
        Upload.source == source,
        Upload.dossier_number == number,
    )
    with sent.portal.database.write() as session:
        removed = session.scalars(delete(Upload).where(*dossier).returning(Upload.seq)).all()
    if not removed:
        raise sent.refusal("no_dossier", number=number, source=source)


def _process_due(sent: Sent, **columns: str) -> list[dict[str, Any]]:
    """Process the client's uploads that are due, and return what became of those with these
    columns, the newest first. What is configured now counts, which may be less than at their
    receipt."""
    upload_call = sent.product.calls["POST /v2/dosis/dossiers"]
    due = select(Upload).where(Upload.client_id == sent.client_id, Upload.due_at <= time.time())
    with sent.portal.database.write() as session:
        for row in session.scalars(due.where(Upload.errors.is_(None)).order_by(Upload.seq)):
            row.errors = _failures(replace(sent, call=upload_call, document=row.document))
        newest_first = due.filter_by(**columns).order_by(Upload.seq.desc())
        return list(map(_result, session.scalars(newest_first)))


def _failures(sent: Sent) -> list[str]:
    """Return why a dossier can't be processed."""
    mistakes: list[Mistake] = []
    for number, agent in enumerate(sent.document.get("Agenten") or []):
        if wrong := mistake_in_agent(agent.get("Identificatie") or ""):
            mistakes.append({"pointer": f"/Agenten/{number}/Identificatie", "detail": wrong})
    failures = []
    for mistake in first_of(mistakes + not_set(sent)):
        failure = f"{mistake['detail']}."
        if "pointer" in mistake:
            failure = f"{dotted(mistake['pointer']) or 'the document'}: {failure}"
        failures.append(failure)
    return failures


def mistake_in_agent(identification: str) -> str | None:
    """Return what is wrong with an INSZ, a KBO number, or that of an establishment; None for what
    is none of these. The number is not repeated."""
    number = re.sub(r"[ .-]", "", identification.removeprefix("BE"))
    if not (number.isascii() and number.isdecimal()):
        return None
    number = number.zfill(10) if identification.startswith("BE") else number
    if len(number) not in (10, 11):
        return (
            f"it has {len(number)} digits; an INSZ has 11, a KBO number and that of an"
            " establishment 10"
        )
    base, check = divmod(int(number), 100)
    # The INSZ of who was born since 2000 is reckoned with a 2 before it.
    bases = (base, 2 * 10**9 + base) if len(number) == 11 else (base,)
    if check in {97 - base % 97 for base in bases}:
        return None
    return "its check digits are wrong; correct the number"


def _result(upload: Upload) -> dict[str, Any]:
    """Return what a product's API answers about an upload that was processed."""
    errors = upload.errors or []
    summary = "The dossier could not be processed." if errors else None
    processed_at = datetime.fromtimestamp(upload.due_at, UTC).astimezone()
    return {
        "Identificatie": {"Bron": upload.source, "DossierNummer": upload.dossier_number},
        "UploadId": upload.upload_id,
        "Bestand": None,
        "TijdstipVerwerking": processed_at.replace(tzinfo=None).isoformat("T", "seconds"),
        "Succes": not errors,
        "Fout": summary,
        "Fouten": [{"Omschrijving": error, "LijnNummer": None} for error in errors],
        "VerwerktVoorOpvraging": not errors,
    }
