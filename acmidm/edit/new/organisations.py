"""Who an organisation is: one that has a folder of forms, or a new one with the fields of its
``organisation.yaml``. Options, a sent file, a row of a spreadsheet and an existing client are all
found by ``find``; ADR 24 has the rule on one page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NamedTuple

from acmidm.edit.new.answers import Answers, Mistakes
from acmidm.words import LONGEST_NAME, slug
from acmidm_onboarding.texts import N_, Language, tr, translated
from acmidm_onboarding.values.identifiers import (
    AROUND_KBO_DIGITS,
    SHARED_KBO_NUMBER,
    identifying,
    kbo_number,
    look_of,
    ovo_code,
)
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled, without
from acmidm_onboarding.values.problems import listed, nearest, quoted
from acmidm_onboarding.values.terms import is_name

Organisations = Mapping[str, Organisation]
"""By the name of their folder."""
Identity = Answers | Organisation
"""What somebody gives of who an organisation is: its ``name``, ``ovo`` and ``kbo``, each perhaps
None. Codes in answers may be written as people do."""
_Parts = Mapping[str, str | None]
"""Those three of an identity, by name."""


@dataclass(frozen=True)
class OwningOrganisation:
    """The organisation of a form, with the name of its folder. ``fields`` are what a new
    ``organisation.yaml`` will have; empty where the file exists."""

    folder: str
    organisation: Organisation
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return bool(self.fields)

    def speaking(self, names: Mapping[str, Sequence[str]]) -> OwningOrganisation:
        """Return it with these names as ``speaks_for``, under which it may send."""
        return replace(
            self, organisation=self.organisation.model_copy(update={"speaks_for": names})
        )


class Kind(Enum):
    """How what was given can differ from what the organisations here have, with its sentence. Each
    caller of ``find`` says which of these a person only has to check; the others are mistakes."""

    OTHER = N_("{given} is that of {folder}; give the codes and the name of one organisation")
    """Another organisation than the one that was found has it, or had it as a code."""
    SEVERAL = N_("{given} is that of several, {folder}; give the OVO code of the one that is meant")
    EARLIER = N_("{folder} had {given} earlier, and has {has} now; give that code")
    """One that was not found had this code."""
    SHARED = N_(
        "{given} is the KBO number of {folder} too, with another OVO code: see whether both are"
        " right"
    )
    CODE = N_("{folder} has {has} and not {given}: see which is right")
    LACKS = N_(
        "organisation.yaml of {folder} lacks {given}, and stays as it is: see whether it is the"
        " same organisation"
    )
    """A code that no other organisation has; the name that was given fits."""
    NO_CODE = N_("{given} is no OVO code or KBO number; check it for a typing error")
    """The file has none in its place."""
    UNLIKE = N_(
        "organisation.yaml of {folder} lacks {given}, and its name is {has}; a code that it lacks"
        " needs a name that fits, so correct one of them"
    )
    NAME = N_("{folder} is {has} here, and not {given}: see whether it is the same organisation")
    NOBODY = N_(
        "{given} alone names no organisation here; give its OVO code, or a KBO number of its own"
    )
    MISSING = N_("no code is given; give its OVO code, or a KBO number of its own")
    MISSPELT = N_(
        "{given} names no organisation here; did you mean {has}? A new one needs its OVO code, or a"
        " KBO number of its own"
    )
    TAKEN = N_(
        "another organisation here is called {given}, with other codes; check the name and the"
        " codes"
    )
    """The folder of a new organisation is that of another one."""


_REMEDIES = {
    Kind.CODE: N_(
        "give what it has, or have the team that runs onboarding change its organisation.yaml"
    ),
    Kind.SHARED: N_("if so, make the new one first, by acmidm new with both its codes"),
    Kind.LACKS: N_("if so, leave the option out"),
    Kind.NAME: N_("if so, leave the option out"),
}
"""What to do about a difference that is refused here, and only noted there. The two about an option
are refused there alone."""


class Difference(NamedTuple):
    """One thing that was given, and that the organisation in ``folder`` speaks against."""

    kind: Kind
    field: str
    """``name``, ``ovo`` or ``kbo``; ``organisation`` for a text that may be any of these."""
    given: str
    folder: str
    has: str | None = None
    """What that organisation has in its place."""

    @property
    def sentence(self) -> str:
        given, has = quoted(self.given), quoted(self.has or "")
        return translated(self.kind.value, folder=self.folder, given=given, has=has)

    @property
    def refusal(self) -> str:
        """The sentence, with what to do about it."""
        if self.kind not in _REMEDIES:
            return self.sentence
        return f"{self.sentence}; {translated(_REMEDIES[self.kind])}"


class Found(NamedTuple):
    """The answer of ``find``."""

    owner: OwningOrganisation | None
    """One that is here, or a new one. None where it is unclear which one, or nothing names it."""
    differences: Sequence[Difference]

    def mistakes(self, noted: Collection[Kind]) -> list[Difference]:
        """Return the differences of other kinds than a caller only notes."""
        return [difference for difference in self.differences if difference.kind not in noted]

    def notes(self, noted: Collection[Kind]) -> list[str]:
        """Return a sentence for each difference that a person has to check, though nothing is
        wrong."""
        return [each.sentence for each in self.differences if each.kind in noted]


def find(given: Identity, organisations: Organisations, text: str | None = None) -> Found:
    """Return the one organisation that somebody means, and each way in which what was given differs
    from what is here. It is the one with the OVO code that was given, else that with the KBO
    number; with a ``text``, the one whose folder or name that is. Where none is, it is new.

    Several may share a KBO number: one with another OVO code than was given is not meant. A name
    speaks for or against the one that codes found, and finds none by itself.
    """
    identity = {name: _normal(name, getattr(given, name)) for name in ("name", "ovo", "kbo")}
    if text:
        folders = [text] if text in organisations else _folders_having("name", text, organisations)
    else:
        folders = _folders_with(identity["ovo"], identity["kbo"], organisations)
    if not folders:
        return _new(given, identity, organisations, text)
    if len(folders) > 1:
        what = text or identity["kbo"] or ""
        return Found(None, [Difference(Kind.SEVERAL, "kbo", what, listed(folders))])
    owner = OwningOrganisation(folders[0], organisations[folders[0]])
    return Found(owner, list(_differences(identity, owner.folder, organisations)))


def _folders_with(ovo: str | None, kbo: str | None, organisations: Organisations) -> list[str]:
    """Return the folders of the organisations that have the codes of one."""
    if folders := _folders_having("ovo", ovo, organisations):
        return folders
    if kbo == SHARED_KBO_NUMBER:
        return []
    folders = _folders_having("kbo", kbo, organisations)
    return [folder for folder in folders if not ovo or organisations[folder].ovo is None]


def _folders_having(name: str, given: str | None, organisations: Organisations) -> list[str]:
    """Return the folders of the organisations whose ``name``, ``ovo`` or ``kbo`` is what was
    given."""
    if not given:
        return []
    found = []
    for folder, organisation in organisations.items():
        if _is_same(name, given, getattr(organisation, name)):
            found.append(folder)
    return found


def _is_same(name: str, given: str, has: str | None) -> bool:
    """Return whether two values of a field are the same: of names, whether they look the same to
    people, as without capitals and accents."""
    if name == "name":
        return look_of(given) == look_of(has or "")
    return given == has


def _differences(
    identity: _Parts, folder: str, organisations: Organisations
) -> Iterator[Difference]:
    """Yield how an identity differs from the organisation that was found for it."""
    organisation = organisations[folder]
    others = without(organisations, [folder])
    for name, given in identity.items():
        has = getattr(organisation, name)
        if not given or _is_same(name, given, has):
            continue
        owners = _folders_having(name, given, others)
        owners += [other for other, each in others.items() if given in each.earlier_codes]
        if owners and given != SHARED_KBO_NUMBER:
            yield Difference(Kind.OTHER, name, given, listed(owners))
        elif name == "name":
            yield Difference(Kind.NAME, name, given, folder, has)
        elif has:
            yield Difference(Kind.CODE, name, given, folder, has)
        elif not code_in(name, given):
            yield Difference(Kind.NO_CODE, name, given, folder)
        elif _fits(identity["name"], organisation.name):
            yield Difference(Kind.LACKS, name, given, folder)
        else:
            yield Difference(Kind.UNLIKE, name, given, folder, organisation.name)


def _fits(given: str | None, name: str) -> bool:
    """Return whether a name that was given, if any, may be that of an organisation: they look the
    same, or one of the two has all words of the other, as "Gent" is "Stad Gent" to people."""
    if not given or _is_same("name", given, name):
        return True
    words, other_words = set(slug(given).split("-")), set(slug(name).split("-"))
    return words <= other_words or other_words <= words


def _new(
    given: Identity, identity: _Parts, organisations: Organisations, text: str | None
) -> Found:
    """Return a new organisation. Its folder is the ``text`` that may be one, else that of its name
    or its code; of both, where an organisation here has that folder."""
    differences = list(_differences_of_new(identity, organisations))
    codes = identifying(identity["ovo"], identity["kbo"])
    name = given.name or ""
    if not codes:
        differences.append(_about_nobody(text, identity["kbo"], organisations))
        return Found(None, differences)
    folder = slug(name) or slug(codes[0])
    if text and is_name(text):
        folder = text
    if folder in organisations:
        differences.append(Difference(Kind.TAKEN, "name", name, folder))
        folder = f"{slug(name, LONGEST_NAME - len(codes[0]) - 1)}-{slug(codes[0])}"
    return Found(_new_owner(folder, given), differences)


def _about_nobody(text: str | None, kbo: str | None, organisations: Organisations) -> Difference:
    """Return that no code names an organisation. A ``text`` may be nearly the name or the folder of
    one; a ``kbo`` is the number that many bodies share."""
    names = [organisation.name for organisation in organisations.values()]
    if text and (meant := nearest(text, [*organisations, *names])):
        return Difference(Kind.MISSPELT, "organisation", text, "", meant)
    if text:
        return Difference(Kind.NOBODY, "organisation", text, "")
    if kbo:
        return Difference(Kind.NOBODY, "kbo", kbo, "")
    return Difference(Kind.MISSING, "ovo", "", "")


def _differences_of_new(identity: _Parts, organisations: Organisations) -> Iterator[Difference]:
    """Yield what the organisations here have, or had, of the codes of one that none of them is.
    Two may share a KBO number where each has an OVO code."""
    for name in ("ovo", "kbo"):
        given = identity[name]
        if not given:
            continue
        for folder, organisation in organisations.items():
            if given in organisation.earlier_codes:
                yield Difference(Kind.EARLIER, name, given, folder, organisation.code)
            elif given in identifying(organisation.ovo, organisation.kbo):
                is_shared = name == "kbo" and identity["ovo"] and organisation.ovo
                yield Difference(Kind.SHARED if is_shared else Kind.OTHER, name, given, folder)


def code_in(name: str, text: str | None) -> str | None:
    """Return an ``ovo`` or ``kbo`` code as the organisation register writes it; None where the text
    is none."""
    check = ovo_code if name == "ovo" else kbo_number
    try:
        return check((text or "").upper())
    except ValueError:
        return None


def _normal(name: str, text: str | None) -> str | None:
    """Return a ``name`` as it is, and a code as the organisation register writes it. What is no
    code stays as it is: it differs from every code, and the loader of forms refuses it."""
    return text if name == "name" else code_in(name, text) or text


def _field_of(text: str) -> str:
    """Return which field of a new organisation a text is: ``ovo``, ``kbo``, ``folder`` or
    ``name``."""
    if text[:3].upper() == "OVO" and text[3:4].isdigit():
        return "ovo"
    if AROUND_KBO_DIGITS.sub("", text.upper()).isdecimal():
        return "kbo"
    return "folder" if is_name(text) else "name"


def _new_owner(folder: str, given: Identity) -> OwningOrganisation:
    """Return a new organisation with the fields of its file, which are not checked: the loader of
    forms does that."""
    fields: dict[str, Any] = {
        "name": given.name,
        "ovo": (given.ovo or "").upper(),
        "kbo": given.kbo,
        "owners": list(given.owners),
    }
    if given.language is not Language.NL:  # the default, which no file names
        fields["language"] = given.language and given.language.value
    fields = filled(fields)
    codes = {"ovo": code_in("ovo", given.ovo), "kbo": code_in("kbo", given.kbo)}
    known = {"name": "", **fields, **codes}
    return OwningOrganisation(folder, Organisation.model_construct(**known), fields)


NOBODY = _new_owner("stand-in", Answers(name="Stand-in", ovo="OVO000000"))
"""Stands for an organisation that nobody named, so that mistakes in the rest are found too."""


def owner_of(
    given: Answers, organisations: Organisations, mistakes: Mistakes
) -> OwningOrganisation | None:
    """Return the organisation that options name, by its folder, a code or its name: an existing one
    or a new one. None, with the reason in ``mistakes``, where it is missing or unclear. What the
    existing file has otherwise, or lacks, is a mistake too: it would stay so."""
    text = (given.organisation or given.ovo or given.kbo or given.name or "").strip()
    if not text:
        what = tr("the folder, OVO code, KBO number or name of the organisation")
        mistakes.miss("--organisation TEXT", what)
        return None
    kind = "folder" if text in organisations else _field_of(text)
    if kind != "folder":  # --organisation OVO002067 is --ovo OVO002067
        other: Any = getattr(given, kind) or text
        if not _is_same(kind, _normal(kind, other) or "", _normal(kind, text)):
            sentence = tr(
                "{text} is not what --{option} has; give one", text=quoted(text), option=kind
            )
            mistakes.add("--organisation", sentence)
            return None
        given = replace(given, **{kind: other})
    found = find(given, organisations, text if kind in ("folder", "name") else None)
    # Whoever types both codes says that two share a KBO number, as departments do.
    owner = owner_by(found, mistakes, noted=[Kind.SHARED])
    if owner and not owner.is_new and not owner.organisation.code:
        mistakes.add(
            "--organisation",
            tr(
                "{folder} has neither ovo nor kbo; the team that runs onboarding adds one to its"
                " organisation.yaml",
                folder=owner.folder,
            ),
        )
    return owner


def owner_by(
    found: Found, mistakes: Mistakes, noted: Collection[Kind]
) -> OwningOrganisation | None:
    """Return the organisation that was found. Note in ``mistakes`` each difference but those of the
    kinds ``noted``. None where a new one has such a mistake: more would follow from it."""
    refused = found.mistakes(noted)
    for difference in refused:
        mistakes.add(f"--{difference.field}", difference.refusal)
    if refused and found.owner and found.owner.is_new:
        return None
    return found.owner
