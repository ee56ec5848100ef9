"""On what each part of a product's API rests: the OpenAPI document carries it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

# Documented by Digitaal Vlaanderen; seen in public client code or a sample, so sent, not surely
# accepted; or assumed here.
Basis = Literal["documented", "seen", "assumed"]

CALLS = "wiki 2680357975"
PRODUCTS = "wiki 6961103167"
MAGDA = "wiki 1210908778"
ERRORS = "wiki 7209091106, 7217348621"
REFUSALS = "wiki 6759612467"
CONNECTOR = "Qmino/dosis-connector"
NOTIFICATION = "PostNotificatieV2"
BUNDLE = "Model/NotificatieBundel"
PAIRS = "SleutelWaardeSet"


def rests_on(basis: Basis, source: str) -> dict[str, Any]:
    """Return what an operation or a property says of itself beside its schema."""
    return {"x-basis": basis, "x-source": source}


def documented(source: str, text: str, **constraints: Any) -> Any:
    """Return a member that Digitaal Vlaanderen documents."""
    return Field(description=text, json_schema_extra=rests_on("documented", source), **constraints)


def seen(source: str, text: str, **constraints: Any) -> Any:
    """Return a member that a public client sends or reads."""
    return Field(description=text, json_schema_extra=rests_on("seen", source), **constraints)


def assumed(text: str, **constraints: Any) -> Any:
    """Return a member that something had to be decided about here."""
    return Field(description=text, json_schema_extra=rests_on("assumed", ""), **constraints)


class Part(BaseModel):
    """A part of a document that is sent. Unknown members are kept: not all of the real ones are
    public."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, JsonValue]
