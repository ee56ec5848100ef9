"""What the calls of DOSIS do, by the names that `dosis.yaml` has: keep uploads of dossiers, process
them when they are due, and answer what became of them."""

import re
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select

from acmidm_sandbox.beheerportaal.problems import first_mistakes
from acmidm_sandbox.beheerportaal.products.product import (
    Mistake,
    ReceivedCall,
    configured_texts,
    dotted,
    mistakes_by_configuration,
)
from acmidm_sandbox.beheerportaal.store.products import Upload


def upload_dossier(received: ReceivedCall) -> dict[str, str]:
    """Keep a dossier until it is processed."""
    return _keep_upload(received, received.portal.settings.processing_seconds)


def upload_dossier_v1(received: ReceivedCall) -> dict[str, str]:
    """Keep a dossier that is processed at once."""
    return _keep_upload(received, 0)


def _keep_upload(received: ReceivedCall, processing_seconds: float) -> dict[str, str]:
    """Keep an upload, in the place of an earlier one of the client with its UploadId, to be
    processed after some seconds. Return the answer."""
    dossier = received.document
    upload_id = dossier.get("UploadId") or str(uuid.uuid4())
    due_at = time.time() + processing_seconds
    identification = dossier["Identificatie"]
    with received.portal.database.write() as session:
        session.execute(delete(Upload).filter_by(client_id=received.client_id, upload_id=upload_id))
        session.add(
            Upload(
                client_id=received.client_id,
                upload_id=upload_id,
                source=identification["Bron"],
                dossier_number=identification["DossierNummer"],
                document=dossier,
                due_at=due_at,
            )
        )
    return {"Status": "Ontvangen", "UploadId": upload_id}


def read_result_of_upload(received: ReceivedCall) -> dict[str, Any]:
    """Return what became of an upload that was processed."""
    upload_id = received.document["uploadId"]
    return _newest_result(received, f"upload {upload_id}", upload_id=upload_id)


def read_result_of_dossier(received: ReceivedCall) -> dict[str, Any]:
    """Return what became of a dossier's newest upload that was processed."""
    source, number = received.document["bron"], received.document["dossierNummer"]
    return _newest_result(received, f"dossier {number}", source=source, dossier_number=number)


def _newest_result(received: ReceivedCall, subject: str, **columns: str) -> dict[str, Any]:
    """Return what became of the newest upload with these columns that was processed. Raises
    RefusedRequest, which names the subject, where there is none."""
    for result in _process_due(received, **columns):
        return result
    raise received.refusal("no_result", what=subject)


def list_failures(received: ReceivedCall) -> list[dict[str, Any]]:
    """Return what became of the newest upload of each dossier of a source, where that failed."""
    newest_results: dict[str, dict[str, Any]] = {}
    for result in _process_due(received, source=received.document["bron"]):
        newest_results.setdefault(result["Identificatie"]["DossierNummer"], result)
    return [result for result in newest_results.values() if not result["Succes"]]


def list_sources(received: ReceivedCall) -> list[str]:
    """Return the sources that are configured for the client."""
    return configured_texts(received.find_configuration() or {}, "bron_uri")


def read_validation_settings(received: ReceivedCall) -> dict[str, Any]:
    """Return the values of the client's configuration that uploads are checked against."""
    configuration = received.find_configuration() or {}
    sources = configured_texts(configuration, "bron_uri")
    return {
        "Bron": sources[0] if sources else None,
        "Producten": configured_texts(configuration, "product_ids"),
        "Toegangsrechten": configured_texts(configuration, "access_rights"),
    }


def remove_dossier(received: ReceivedCall) -> None:
    """Remove all uploads of a dossier. Raises RefusedRequest where there is none."""
    source, number = received.document["bron"], received.document["dossierNummer"]
    removal = delete(Upload).filter_by(
        client_id=received.client_id, source=source, dossier_number=number
    )
    with received.portal.database.write() as session:
        removed = session.scalars(removal.returning(Upload.seq)).all()
    if not removed:
        raise received.refusal("no_dossier", number=number, source=source)


def _process_due(received: ReceivedCall, **columns: str) -> list[dict[str, Any]]:
    """Process all uploads of the client that are due, by its configuration of now. Return what
    became of those whose columns have these values, the newest first."""
    upload_call = received.product.calls["POST /v2/dosis/dossiers"]
    due = select(Upload).where(Upload.client_id == received.client_id, Upload.due_at <= time.time())
    with received.portal.database.write() as session:
        for row in session.scalars(due.where(Upload.errors.is_(None)).order_by(Upload.seq)):
            row.errors = _errors_in_upload(
                replace(received, call=upload_call, document=row.document)
            )
        newest_first = due.filter_by(**columns).order_by(Upload.seq.desc())
        return list(map(_result, session.scalars(newest_first)))


def _errors_in_upload(received: ReceivedCall) -> list[str]:
    """Return a sentence for each reason why an upload fails: a wrong number of an agent, a value
    that is not configured. An empty list where it succeeds."""
    mistakes: list[Mistake] = []
    for number, agent in enumerate(received.document.get("Agenten") or []):
        if detail := mistake_in_agent(agent.get("Identificatie") or ""):
            mistakes.append({"pointer": f"/Agenten/{number}/Identificatie", "detail": detail})
    sentences = []
    for mistake in first_mistakes(mistakes + mistakes_by_configuration(received)):
        sentence = f"{mistake['detail']}."
        if "pointer" in mistake:
            sentence = f"{dotted(mistake['pointer']) or 'the document'}: {sentence}"
        sentences.append(sentence)
    return sentences


def mistake_in_agent(identification: str) -> str | None:
    """Return what is wrong with the identification of an agent: an INSZ (of a person), a KBO number
    or that of an establishment. None where nothing is, or it is no number. The sentence does not
    repeat the number."""
    number = re.sub(r"[ .-]", "", identification.removeprefix("BE"))
    if not (number.isascii() and number.isdecimal()):
        return None
    number = number.zfill(10) if identification.startswith("BE") else number
    if len(number) not in (10, 11):
        return (
            f"it has {len(number)} digits; an INSZ has 11, a KBO number and that of an"
            " establishment 10"
        )
    base, check_digits = divmod(int(number), 100)
    # For a person born in 2000 or later, the check digits of an INSZ count a 2 before it.
    bases = (base, 2 * 10**9 + base) if len(number) == 11 else (base,)
    if check_digits in {97 - base % 97 for base in bases}:
        return None
    return "its check digits are wrong; correct the number"


def _result(upload: Upload) -> dict[str, Any]:
    """Return what DOSIS answers about an upload that was processed."""
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
