"""How a client comes to a product's API in a portal, as the catalogue has it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.names import one_line
from acmidm_onboarding.values.problems import quoted

_FIELD = re.compile(r"\{(environment|organisation)\}")


def _template(text: str) -> str:
    if {"{", "}"} & set(_FIELD.sub("", one_line(text))):
        raise ValueError(say("problems.coupling.no_template", text=quoted(text)))
    return text


class Coupling(BaseModel):
    """A coupling of a client to an API, which its owner or the operator grants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1, description="Where this comes from.")]
    referentie: Annotated[
        str | None, Field(description="The API's Referentie, by which a coupling is requested in the portal.")
    ] = None
    approved_by_owner: Annotated[
        StrictBool, Field(description="Whether the API's owner approves each coupling; else the operator grants it.")
    ] = False
    client_name: Annotated[
        str | None,
        AfterValidator(_template),
        Field(description="The name by which the owner recognises a client, with {environment} and {organisation}."),
    ] = None
