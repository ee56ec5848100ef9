"""The code lists of DOSIS and Notificaties, as far as they are public. None of them is complete, so
nothing is refused for its code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from pydantic_core import to_json

CATEGORY = "DossierGerelateerdBerichtWijzigingDossier"
DOSSIER_TYPE = "DossierStatus"
READER = "Raadpleger"
LONGEST_NOTIFICATION = 80 * 1024  # bytes, of a value and of the whole (wiki 7209091106, 7217348621)

# Each phase with the codes that were seen in it (Qmino/dosis-connector, test data). Another sample
# has Goedgekeurd in Afgerond, so a pair says nothing.
PHASES: Mapping[str, tuple[str, ...]] = {
    "Samenstelling": ("Geinitieerd", "Aangevraagd", "Ingediend"),
    "Behandeling": (
        "DossierOnvolledig",
        "DossierVolledig",
        "Ontvankelijk",
        "OnOntvankelijk",
        "InBehandeling",
        "KlaarVoorBeslissing",
    ),
    "Beslissing": ("InWacht", "Beslist", "Goedgekeurd", "Stopgezet", "Stopzetting", "Geweigerd"),
    "Beroep": ("InWacht", "Beslist", "Goedgekeurd", "Stopgezet", "Stopzetting", "Geweigerd"),
    "Uitvoering": ("KlaarVoorBetaling", "Betaald", "DeelsUitbetaald", "Uitgevoerd"),
    "Afgerond": ("ErkendVergund", "DeelsGoedgekeurd"),
}
CODES = frozenset(code for codes in PHASES.values() for code in codes)


@dataclass(frozen=True, slots=True)
class KeyValueSet:
    """The keys of `SleutelWaardeParen` that a category uses: those required, those optional, those
    that the platform fills in."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    filled_in: tuple[str, ...]

    @property
    def used(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.required, *self.optional, *self.filled_in))


# Source: SleutelWaardeSet.
KEY_VALUE_SETS: Mapping[str, KeyValueSet] = {
    CATEGORY: KeyValueSet(
        required=("DossierNummer", "StatusVlaamseCode", "StatusVlaamseFase"),
        optional=(
            "DocumentLinkUri",
            *(
                f"DossierBeheerder{part}"
                for part in ("Dienst", "Email", "Naam", "Telefoon", "Website")
            ),
            "DossierNaam",
            "ExterneLinkNaam",
            "Status",
            "StatusDetail1",
        ),
        filled_in=("MerkNaam", "NotificatieDatum"),
    )
}


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
    return (
        None
        if check in {97 - base % 97 for base in bases}
        else "its check digits are wrong; correct the number"
    )


def mistakes_in_pairs(
    category: str | None, pairs: list[tuple[str, JsonValue]]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Where the pairs are not what the category uses, and what is wrong; of a category whose set is
    not public the length."""
    for position, (_, value) in enumerate(pairs):
        if len(to_json(value)) > LONGEST_NOTIFICATION:
            yield (
                (position, "Waarde"),
                f"it is longer than {LONGEST_NOTIFICATION} bytes; shorten it",
            )
    values = KEY_VALUE_SETS.get(category or "")
    if values is None:
        return
    for position, (key, value) in enumerate(pairs):
        if key not in values.used:
            yield (
                (position, "Sleutel"),
                f"the category {category} does not use this key; leave the pair out",
            )
        elif key in values.required and value in (None, ""):
            yield (position, "Waarde"), f"the category {category} needs a value for {key}"
    if absent := [key for key in values.required if key not in dict(pairs)]:
        yield (), f"the category {category} also needs {', '.join(absent)}"
