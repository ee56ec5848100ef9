"""What an organisation lets a supplier do for it: its ``mandates.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.names import (
    Part,
    application_name,
    day,
    printable,
    supplier_connection_key,
)
from acmidm_onboarding.values.terms import NAME


class Mandate(Part):
    """That a supplier acts for an organisation until a day: with the keys of the supplier in forms
    of the organisation, or sending for it with connections of the supplier."""

    supplier: Annotated[
        str, Field(description="The supplier's folder.", json_schema_extra={"pattern": f"^{NAME}$"})
    ]
    applications: Annotated[
        tuple[Annotated[str, AfterValidator(application_name)], ...],
        Field(
            min_length=1,
            description=(
                "The applications of this organisation's own forms that have the keys of the"
                " supplier (keys_of)."
            ),
        ),
    ] = ()
    connections: Annotated[
        tuple[Annotated[str, AfterValidator(supplier_connection_key)], ...],
        Field(
            min_length=1,
            description=(
                "The supplier's own connections that send for this organisation (afzenders), each"
                " by its key, such as OVO000001/berichten."
            ),
        ),
    ] = ()
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

    @model_validator(mode="after")
    def _require_anything_allowed(self) -> Self:
        if not self.allowed:
            raise ValueError(
                tr(
                    "the mandate lets its supplier do nothing; give applications of this"
                    " organisation's forms, or connections of the supplier that send for it"
                )
            )
        return self

    @property
    def allowed(self) -> tuple[str, ...]:
        """The applications and the connections that it is for. A key has a slash, and a name
        none."""
        return (*self.applications, *self.connections)

    @property
    def words(self) -> str:
        """Its last day, and its reference where it has one."""
        return f"{self.until} ({self.reference})" if self.reference else f"{self.until}"


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


def mandate_for(mandates: Iterable[Mandate], supplier: str, allowed: str) -> Mandate | None:
    """Return the mandate of a supplier that ends last, whether it has ended or not: for an
    application, which has the supplier's keys, or for the key of a connection that sends."""
    of_supplier = (mandate for mandate in mandates if mandate.supplier == supplier)
    allowing = (mandate for mandate in of_supplier if allowed in mandate.allowed)
    return max(allowing, key=lambda mandate: mandate.until, default=None)


def mandate_fields(supplier: str, mandate: Mandate | None) -> dict[str, str]:
    """Return what a client has of the mandate of its supplier: no ``until`` without one."""
    until = {"until": mandate.until.isoformat()} if mandate else {}
    return {"supplier": supplier, **until}
