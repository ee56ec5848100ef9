"""The code lists of DOSIS and Notificaties, as far as they are public. None of them is complete, so nothing is refused for its code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from beheerportaal.products.basis import CONNECTOR, GLOSSARY, PAIRS

CATEGORY = "DossierGerelateerdBerichtWijzigingDossier"
DOSSIER_TYPE = "DossierStatus"
READER = "Raadpleger"

# Each phase with the codes that were seen in it. Another sample has Goedgekeurd in Afgerond, so a pair says nothing.
PHASES: Mapping[str, tuple[str, ...]] = {
    "Samenstelling": ("Geinitieerd", "Aangevraagd", "Ingediend"),
    "Behandeling": ("DossierOnvolledig", "DossierVolledig", "Ontvankelijk", "OnOntvankelijk", "InBehandeling", "KlaarVoorBeslissing"),
    "Beslissing": ("InWacht", "Beslist", "Goedgekeurd", "Stopgezet", "Stopzetting", "Geweigerd"),
    "Beroep": ("InWacht", "Beslist", "Goedgekeurd", "Stopgezet", "Stopzetting", "Geweigerd"),
    "Uitvoering": ("KlaarVoorBetaling", "Betaald", "DeelsUitbetaald", "Uitgevoerd"),
    "Afgerond": ("ErkendVergund", "DeelsGoedgekeurd"),
}
CODES = frozenset(code for codes in PHASES.values() for code in codes)
PHASES_SOURCE = f"{CONNECTOR}, test data"

# Who may be an agent; nothing tells the kinds apart for sure, so an identification is not checked.
AGENTS: Mapping[str, tuple[str, str]] = {
    "INSZ of a citizen": ("seen", CONNECTOR),
    "KBO number of an enterprise; a sample has BE and nine digits": ("seen", CONNECTOR),
    "number of an establishment": ("documented", GLOSSARY),
    "identification of a foreign company": ("documented", GLOSSARY),
    "V-code of an association": ("seen", "Eaglebe 9000264194"),
}
RIGHTS: Mapping[str, tuple[str, str]] = {
    f"`{READER}`, of a citizen": ("seen", CONNECTOR),
    "an IDM right (1D, 2D, 3D), of an enterprise": ("documented", GLOSSARY),
    "sent as `recht` or `recht - context`": ("seen", CONNECTOR),
}


@dataclass(frozen=True, slots=True)
class KeyValueSet:
    """The keys of `SleutelWaardeParen` that a category uses: those required, those optional, those that the platform fills in."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    filled_in: tuple[str, ...]
    source: str

    @property
    def used(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.required, *self.optional, *self.filled_in))


KEY_VALUE_SETS: Mapping[str, KeyValueSet] = {
    CATEGORY: KeyValueSet(
        required=("DossierNummer", "StatusVlaamseCode", "StatusVlaamseFase"),
        optional=(
            "DocumentLinkUri",
            "DossierBeheerder",
            # How its parts are named is not public: one pair with an object, or one pair for each.
            *(f"DossierBeheerder.{part}" for part in ("Dienst", "Email", "Naam", "Telefoon", "Website")),
            "DossierNaam",
            "ExterneLinkNaam",
            "Status",
            "StatusDetail1",
        ),
        filled_in=("MerkNaam", "NotificatieDatum"),
        source=PAIRS,
    )
}


def mistakes_in_pairs(category: str | None, pairs: list[tuple[str, JsonValue]]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Where the pairs are not what the category uses, and what is wrong; nothing for a category whose set is not public."""
    known = KEY_VALUE_SETS.get(category or "")
    if known is None:
        return
    for position, (key, value) in enumerate(pairs):
        if key not in known.used:
            yield (position, "Sleutel"), f"the category {category} does not use this key; leave the pair out"
        elif key in known.required and value in (None, ""):
            yield (position, "Waarde"), f"the category {category} needs a value for {key}"
    if absent := [key for key in known.required if key not in dict(pairs)]:
        yield (), f"the category {category} also needs {', '.join(absent)}"
