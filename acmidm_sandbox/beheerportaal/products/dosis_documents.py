"""The documents of DOSIS. What must be there, how long it may be and how often is not public, so
only what identifies is required."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel

from acmidm_sandbox.beheerportaal.documents import Text
from acmidm_sandbox.beheerportaal.products.basis import (
    CONNECTOR,
    MAGDA,
    PRODUCTS,
    Part,
    assumed,
    documented,
    seen,
)
from acmidm_sandbox.beheerportaal.products.code_lists import DOSSIER_TYPE, READER

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*", re.ASCII)


def _date_time(text: str) -> str:
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('is no date and time; write it as in "2026-11-26T09:30:00"') from None
    return text


DateTime = Annotated[str, AfterValidator(_date_time)]


class Identification(Part):
    """Which dossier it is."""

    Bron: Annotated[
        Text,
        seen(
            CONNECTOR,
            "the source, one that is configured for the client, such as `urn://ovam/evoa`; the"
            " connector writes `bron`",
            validation_alias=AliasChoices("Bron", "bron"),
        ),
    ]
    DossierNummer: Annotated[
        Text,
        documented(
            MAGDA,
            "unique within its source: a later upload replaces the dossier; the connector writes"
            " `dossierNummer`",
            validation_alias=AliasChoices("DossierNummer", "dossierNummer"),
        ),
    ]


class Action(Part):
    """What somebody has to do."""

    ActieNodig: Annotated[bool | None, seen(CONNECTOR, "whether somebody has to do something")] = (
        None
    )
    Actie: Annotated[str | None, seen(CONNECTOR, "what that is")] = None


class DossierStatus(Part):
    """How far the dossier is."""

    VlaamsCode: Annotated[
        str | None,
        seen(CONNECTOR, "a code; others than those below are accepted, and noted in the log"),
    ] = None
    VlaamsFase: Annotated[
        str | None, seen(CONNECTOR, "a phase; likewise, in any pair with a code")
    ] = None
    Detail1: Annotated[str | None, seen(CONNECTOR, "in the organisation's own words")] = None
    Actie: Annotated[Action | None, seen(CONNECTOR, "what has to be done, null for nothing")] = None


class ProductReference(Part):
    """What the dossier is about."""

    Id: Annotated[
        Text,
        seen(
            CONNECTOR,
            'a product that is configured for the client; an IPDC number as text, such as "1984"',
        ),
    ]


class Address(Part):
    """An address."""

    Straat: Annotated[str | None, seen(CONNECTOR, "the street")] = None
    Nummer: Annotated[str | None, seen(CONNECTOR, "the number in it")] = None
    Postcode: Annotated[str | None, seen(CONNECTOR, "the postal code")] = None
    Gemeente: Annotated[str | None, seen(CONNECTOR, "the municipality")] = None


class Handler(Part):
    """Who handles the dossier."""

    Naam: Annotated[str | None, seen(CONNECTOR, "who it is")] = None
    Dienst: Annotated[str | None, seen(CONNECTOR, "the department")] = None
    Telefoon: Annotated[str | None, seen(CONNECTOR, "the telephone number")] = None
    Email: Annotated[str | None, seen(CONNECTOR, "the e-mail address")] = None
    Website: Annotated[str | None, seen(CONNECTOR, "the website")] = None
    Adres: Annotated[Address | None, seen(CONNECTOR, "the address")] = None


class AccessRight(Part):
    """What an agent may do."""

    Code: Annotated[
        Text,
        seen(
            CONNECTOR,
            f"`{READER}` or an IDM right; one that is configured for the client, where rights are",
        ),
    ]


class Agent(Part):
    """Who sees the dossier."""

    Identificatie: Annotated[
        str | None,
        seen(CONNECTOR, "who it is; of a number, length and check digits are checked later"),
    ] = None
    Toegangsrechten: Annotated[
        list[AccessRight] | None, seen(CONNECTOR, "what that agent may do")
    ] = None


class Dossier(Part):
    """A dossier with its status, as it is uploaded: the same in v1 and v2."""

    Identificatie: Annotated[Identification, seen(CONNECTOR, "which dossier it is")]
    UploadId: Annotated[
        Text | None,
        seen(
            CONNECTOR,
            "a UUID of the client's. Assumed: without one it gets ours; sent again, it replaces"
            " that upload",
        ),
    ] = None
    Naam: Annotated[str | None, seen(CONNECTOR, "what people see")] = None
    WijzigingsDatum: Annotated[
        DateTime | None, seen(CONNECTOR, "when it changed, in local time without a zone")
    ] = None
    Status: Annotated[DossierStatus | None, seen(CONNECTOR, "how far it is")] = None
    TypeDossierCode: Annotated[
        str | None,
        seen(CONNECTOR, f"always `{DOSSIER_TYPE}`; another is accepted, and noted in the log"),
    ] = None
    Producten: Annotated[
        list[ProductReference],
        documented(PRODUCTS, "no dossier without one; more than one was never seen", min_length=1),
    ]
    DossierBeheerder: Annotated[Handler | None, seen(CONNECTOR, "who handles it")] = None
    Agenten: Annotated[list[Agent] | None, seen(CONNECTOR, "who sees it")] = None


class UploadReceipt(BaseModel):
    """The answer to an upload: it will be processed."""

    Status: Annotated[
        Literal["Ontvangen"], assumed("that it was received; its texts are not public")
    ] = "Ontvangen"
    UploadId: Annotated[str, seen(CONNECTOR, "by which its result can be requested")]


class ProcessingError(BaseModel):
    """Why a dossier could not be processed."""

    Omschrijving: Annotated[str, seen(CONNECTOR, "one sentence")]
    LijnNummer: Annotated[int | None, seen(CONNECTOR, "a line; null here")] = None


class ProcessingResult(BaseModel):
    """What became of an upload."""

    Identificatie: Annotated[Identification, seen(CONNECTOR, "which dossier it is")]
    UploadId: Annotated[str, seen(CONNECTOR, "which upload it was")]
    Bestand: Annotated[str | None, seen(CONNECTOR, "a file; null here")] = None
    TijdstipVerwerking: Annotated[
        str, seen(CONNECTOR, "when it was processed, in local time without a zone")
    ]
    Succes: Annotated[bool, seen(CONNECTOR, "whether it was")]
    Fout: Annotated[str | None, seen(CONNECTOR, "that it could not be; null where it was")] = None
    Fouten: Annotated[list[ProcessingError], seen(CONNECTOR, "why not; empty where it was")]
    VerwerktVoorOpvraging: Annotated[
        bool, seen(CONNECTOR, "whether it can be looked up; here the same as Succes")
    ]


class ValidationSettings(BaseModel):
    """What uploads are checked against."""

    Bron: Annotated[str | None, assumed("the source that is configured for the client")]
    Producten: Annotated[list[str], assumed("the products that are")]
    Toegangsrechten: Annotated[
        list[str], assumed("the rights that are; empty where any may be sent")
    ]
