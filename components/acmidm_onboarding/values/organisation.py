"""Whose forms a folder has: its ``organisation.yaml``. Names are those of RFC 7591 §2 where it has
one."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.identifiers import (
    SHARED_KBO_NUMBER,
    KboNumber,
    OvoCode,
    official_name,
)
from acmidm_onboarding.values.names import (
    LONGEST_ORGANISATION_NAME,
    ClientId,
    Part,
    code_or_connection_key,
    code_owner,
    list_of_single_value,
    one_line,
    schema_of_one_or_more,
)


class Organisation(Part):
    """Whose folder of forms this is: its ``organisation.yaml``, which the onboarding team
    writes."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_ORGANISATION_NAME,
            description="The name as the organisation register has it.",
        ),
        AfterValidator(one_line),
        AfterValidator(official_name),
    ]
    ovo: Annotated[
        OvoCode | None,
        Field(
            description="OVO code, such as OVO002067.",
            json_schema_extra={"pattern": "^OVO[0-9]{6}$"},
        ),
    ] = None
    kbo: Annotated[
        KboNumber | None,
        Field(
            description='KBO number, ten digits, in quotes, such as "0207.451.227".',
            json_schema_extra={"pattern": "^(BE)?[. ]*[01]([. ]*[0-9]){9}[. ]*$"},
        ),
    ] = None
    owners: Annotated[
        tuple[Annotated[str, AfterValidator(code_owner)], ...],
        Field(
            description=(
                "Who approves changes of its forms and keys: teams such as @stad-gent/api-beheer,"
                " users or e-mail addresses."
            )
        ),
    ] = ()
    speaks_for: Annotated[
        dict[str, tuple[Annotated[str, Field(min_length=1), AfterValidator(one_line)], ...]],
        Field(
            description=(
                "Under which names it may send: per field of a product that speaks for somebody,"
                " the values that it may have."
            )
        ),
    ] = Field(default_factory=dict)
    language: Annotated[
        Language, Field(description="In which language it is addressed: nl (Dutch) or en.")
    ] = Language.NL
    formerly: Annotated[
        tuple[Annotated[str, AfterValidator(code_or_connection_key)], ...],
        BeforeValidator(list_of_single_value),
        Field(
            description=(
                "Its earlier OVO code or KBO number, whose clients it keeps; of an organisation"
                " that merged into it also the whole key of one client, such as OVO001992/loket,"
                " whose application has another name now."
            )
        ),
        schema_of_one_or_more({"type": "string"}),
    ] = ()
    adopts: Annotated[
        tuple[ClientId, ...],
        Field(
            description=(
                "Client-IDs of its clients of which the authority does not know whose they are: the"
                " forms may take them over. Those whose codes the authority knows need no mention."
            )
        ),
    ] = ()

    @model_validator(mode="after")
    def _require_own_code(self) -> Self:
        if self.kbo == SHARED_KBO_NUMBER and not self.ovo:
            raise ValueError(
                tr(
                    "KBO number 0316.380.841 is shared by all departments of the Flemish"
                    " administration; add the OVO code of this one"
                )
            )
        return self

    @property
    def code(self) -> str:
        """The OVO code, else the KBO number as ten digits; empty for a supplier that has
        neither."""
        return self.ovo or self.kbo or ""

    @property
    def earlier_codes(self) -> tuple[str, ...]:
        return tuple(former for former in self.formerly if "/" not in former)

    @property
    def earlier_keys(self) -> tuple[str, ...]:
        """The earlier keys as a whole, such as OVO001992/loket: each names one client."""
        return tuple(former for former in self.formerly if "/" in former)
