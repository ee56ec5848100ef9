"""How a client comes to a product's API in a portal, as the catalogue has it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.names import one_line
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Environment

_ORGANISATION = "{organisation}"
_LONGEST_NAME = 64


def _template(text: str) -> str:
    if {"{", "}"} & set(one_line(text).replace(_ORGANISATION, "", 1)):
        raise ValueError(
            tr(
                "{text} is no template of a name; of what is in braces it may have"
                " {{organisation}} alone, once",
                text=quoted(text),
            )
        )
    return text


class Coupling(BaseModel):
    """A coupling of a client to an API, which its owner or the operator grants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1, description="Where this comes from.")]
    referentie: Annotated[
        dict[Environment, str],
        Field(
            description=(
                "The API's Referentie per environment, by which a coupling is requested in the"
                " portal."
            )
        ),
    ] = Field(default_factory=dict)
    approved_by_owner: Annotated[
        StrictBool,
        Field(
            description=(
                "Whether the API's owner approves each coupling; else the operator grants it."
            )
        ),
    ] = False
    client_name: Annotated[
        dict[
            Environment, Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_template)]
        ],
        Field(
            description=(
                "The name per environment by which the owner recognises a client, with"
                " {organisation}; a form's client has it."
            )
        ),
    ] = Field(default_factory=dict)

    beforehand: Annotated[
        str | None,
        Field(min_length=1, description="What must be there before it is granted: a sentence."),
    ] = None
    beforehand_nl: Annotated[str | None, Field(min_length=1, description="The same in Dutch.")] = (
        None
    )
    afterwards: Annotated[
        str | None,
        Field(
            min_length=1,
            description="What its owner still does once the client has its client-ID: a sentence.",
        ),
    ] = None
    afterwards_nl: Annotated[str | None, Field(min_length=1, description="The same in Dutch.")] = (
        None
    )

    def before(self, language: Language) -> str | None:
        """Return what must be there before the approval."""
        dutch = self.beforehand_nl if language is Language.NL else None
        return dutch or self.beforehand

    def after(self, language: Language) -> str | None:
        """Return what the API's owner still does after the approval."""
        dutch = self.afterwards_nl if language is Language.NL else None
        return dutch or self.afterwards

    def name_of(self, environment: Environment, organisation: str) -> str | None:
        """Return the name that the owner expects of an organisation's client; None where any will
        do."""
        template = self.client_name.get(environment)
        return template and template.replace(_ORGANISATION, organisation)
