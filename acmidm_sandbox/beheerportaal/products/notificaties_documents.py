"""The documents of Notificaties."""

import re
from datetime import date
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from acmidm_sandbox.beheerportaal.documents import Text
from acmidm_sandbox.beheerportaal.products.basis import (
    BUNDLE,
    ERRORS,
    NOTIFICATION,
    PAIRS,
    REFUSALS,
    Part,
    assumed,
    documented,
)
from acmidm_sandbox.beheerportaal.products.code_lists import mistakes_in_pairs

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?", re.ASCII)


def _day(text: str) -> str:
    day_of(text)
    return text


def day_of(text: str) -> date:
    """Return the day of a date, or of a date and time.

    Raises:
        ValueError
    """
    match = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise ValueError('begins with no date; write it as in "2026-12-31"') from None


Day = Annotated[str, AfterValidator(_day)]


class KeyValuePair(Part):
    """A value that the message's text uses."""

    Sleutel: Annotated[Text, assumed("the key, after the name of the list")]
    Waarde: Annotated[JsonValue, documented(ERRORS, "its value, 80 KB at most")] = None


class Notification(Part):
    """A message to citizens, enterprises or associations."""

    Id: Annotated[
        Text,
        documented(
            REFUSALS,
            "unique; one that exists gets `1071`: after a lost answer, the first call worked",
        ),
    ]
    AanbiederUri: Annotated[
        Text, documented(NOTIFICATION, "the Aanbieder, as configured for the client")
    ]
    Bestemmelingen: Annotated[
        list[dict[str, JsonValue]],
        documented(
            NOTIFICATION,
            "the recipients; their members are not public. Assumed: one at least",
            min_length=1,
        ),
    ]
    Categorie: Annotated[
        Text,
        documented(
            NOTIFICATION, "the kind of message; one is public, others are accepted and logged"
        ),
    ]
    Kanalen: Annotated[
        list[JsonValue],
        documented(
            REFUSALS,
            "the channels, `passief` or `email`: of those configured, if any. Assumed: one at"
            " least",
            min_length=1,
        ),
    ]
    ProductId: Annotated[
        Text,
        documented(NOTIFICATION, "a configured product, of IPDC or the Dienstverleningscatalogus"),
    ]
    MerkCode: Annotated[
        Text,
        documented(
            NOTIFICATION,
            "the brand that is configured for the client. Assumed: that of the Afzender",
        ),
    ]
    TransactieId: Annotated[
        str | None,
        documented(NOTIFICATION, "what it belongs to; for DOSIS bron and number of the dossier"),
    ] = None
    Vervaldatum: Annotated[
        Day | None,
        documented(NOTIFICATION, "not processed after 24:00 of that day; its form is not public"),
    ] = None
    DatumNotificatie: Annotated[
        str | None, documented(BUNDLE, "required there, absent from the page of v2: not checked")
    ] = None
    SleutelWaardeParen: Annotated[
        list[KeyValuePair] | None,
        Field(validate_default=True),
        documented(PAIRS, "the values; each must be used by the category"),
    ] = None

    @field_validator("SleutelWaardeParen")
    @classmethod
    def _as_the_category_uses_them(
        cls, pairs: list[KeyValuePair] | None, info: ValidationInfo
    ) -> list[KeyValuePair] | None:
        wrong = mistakes_in_pairs(
            info.data.get("Categorie"), [(pair.Sleutel, pair.Waarde) for pair in pairs or []]
        )
        mistakes = [
            InitErrorDetails(
                type=PydanticCustomError("pair", "{detail}", {"detail": detail}),
                loc=path,
                input=None,
            )
            for path, detail in wrong
        ]
        if mistakes:  # so that all of them are reported, beside those of other members
            raise ValidationError.from_exception_data(cls.__name__, mistakes)
        return pairs


class NotificationReceipt(BaseModel):
    """The answer to a notification: it was accepted."""

    Id: Annotated[
        str, assumed("the notification's; neither status nor body of a success is public")
    ]
