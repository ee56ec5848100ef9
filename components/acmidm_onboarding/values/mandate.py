"""What an organisation lets a supplier do for it: its ``mandates.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from acmidm_onboarding.values.names import NAME, Part, application_name, day, printable


class Mandate(Part):
    """That a supplier acts for an organisation, in some of its applications, until a day."""

    supplier: Annotated[
        str, Field(description="The supplier's folder.", json_schema_extra={"pattern": f"^{NAME}$"})
    ]
    applications: Annotated[
        tuple[Annotated[str, AfterValidator(application_name)], ...],
        Field(
            min_length=1,
            description=(
                "In which applications: those of this organisation's forms, or those of the"
                " supplier's own forms that send for it."
            ),
        ),
    ]
    until: Annotated[
        date,
        BeforeValidator(day, json_schema_input_type=date),
        Field(description="The last day (UTC) on which it counts, such as 2027-12-31."),
    ]
    reference: Annotated[
        Annotated[str, AfterValidator(printable)] | None,
        Field(
            max_length=100,
            description="Where it was agreed, such as the number of the signed mandate.",
        ),
    ] = None

    @property
    def words(self) -> str:
        """Its last day, and its reference where it has one."""
        return f"{self.until}{f' ({self.reference})' if self.reference else ''}"


class Mandates(Part):
    """Which suppliers act for this organisation: its mandates.yaml, which its owners approve."""

    mandates: Annotated[
        tuple[Mandate, ...],
        Field(
            description=(
                "Each mandate; of two for the same, the later end counts. One that is taken out has"
                " ended."
            )
        ),
    ]


def mandate_for(mandates: Iterable[Mandate], supplier: str, application: str) -> Mandate | None:
    """Return the mandate of a supplier for an application that ends last, whether it has ended or
    not."""
    own = (
        mandate
        for mandate in mandates
        if mandate.supplier == supplier and application in mandate.applications
    )
    return max(own, key=lambda mandate: mandate.until, default=None)


def mandate_fields(supplier: str, mandate: Mandate | None) -> dict[str, str]:
    """Return what a client has of the mandate of its supplier: no ``until`` without one."""
    until = {"until": mandate.until.isoformat()} if mandate else {}
    return {"supplier": supplier, **until}
