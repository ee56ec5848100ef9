"""Which organisation answers, a row or a file are about: one that has a folder of forms, or a new
one with the fields of its ``organisation.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from acmidm.edit.new.answers import Answers, Mistakes
from acmidm.words import slug
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.identifiers import identifying, look_of, organisation_code
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import listed, nearest, quoted
from acmidm_onboarding.values.terms import is_name

Organisations = Mapping[str, Organisation]
"""By the name of their folder."""


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


_NOBODY = {"name": "Stand-in", "ovo": "OVO000000"}
NOBODY = OwningOrganisation("stand-in", Organisation.model_validate(_NOBODY), _NOBODY)
"""Stands for an organisation that nobody named, so that mistakes in the rest are found too."""


def new_owner(folder: str, fields: Mapping[str, Any]) -> OwningOrganisation:
    """Return a new organisation by the fields of its file, which are not checked: the loader of
    forms does that."""
    codes = {"ovo": code_in(fields.get("ovo")), "kbo": code_in(fields.get("kbo"))}
    known = {"name": "", **fields, **codes}
    return OwningOrganisation(folder, Organisation.model_construct(**known), fields)


def owner_of(
    given: Answers, organisations: Organisations, forms: Path, mistakes: Mistakes
) -> OwningOrganisation | None:
    """Return the organisation that answers name, by its folder, a code or its name: an existing one
    or a new one. None, with the reason in ``mistakes``, where it is missing or unclear. A name or
    code that is not that of the existing file is a mistake too."""
    text = (given.organisation or given.ovo or given.kbo or given.name or "").strip()
    if not text:
        what = tr("the folder, OVO code, KBO number or name of the organisation")
        mistakes.miss("--organisation TEXT", what)
        return None
    folders = _folders_meant(text, organisations)
    if not folders:
        return _new_organisation(text, given, organisations, mistakes)
    if len(folders) > 1:
        found = listed(folders)
        mistakes.add(
            "--organisation",
            tr("{text} is that of {found}; name the folder", text=quoted(text), found=found),
        )
        return None
    [folder] = folders
    organisation, file = organisations[folder], (forms / folder / ORGANISATION_FILE).as_posix()
    refuse_other_identity(
        {"name": given.name, "ovo": given.ovo, "kbo": given.kbo}, organisation, file, mistakes
    )
    if not organisation.code:
        mistakes.note(
            tr(
                "{file}: has neither ovo nor kbo, and is not changed; the team that runs"
                " onboarding adds one",
                file=file,
            )
        )
    return OwningOrganisation(folder, organisation)


def _folders_meant(text: str, organisations: Organisations) -> list[str]:
    """Return the folders of the organisations that a folder, a code or a name stands for."""
    if text in organisations:
        return [text]
    if code := code_in(text):
        return _folders_with(code, organisations)
    return folders_named(text, organisations)


def refuse_other_identity(
    given: Mapping[str, str | None], organisation: Organisation, file: str, mistakes: Mistakes
) -> None:
    """Note in ``mistakes`` each ``name``, ``ovo`` or ``kbo`` in ``given`` that is another than the
    organisation has in ``file``. None is not given."""
    for name, value in given.items():
        in_file = getattr(organisation, name)
        if value is not None and in_file not in (value, code_in(value) or value):
            sentence = tr(
                "{file} has {shown}, and is not changed; leave the option out, or have the team"
                " that runs onboarding change that file",
                file=file,
                shown=quoted_or_none(in_file),
            )
            mistakes.add(f"--{name}", sentence)


def quoted_or_none(text: str | None) -> str:
    """Return a text in quotation marks, or the word for none."""
    return quoted(text) if text else tr("none")


def _new_organisation(
    text: str, given: Answers, organisations: Organisations, mistakes: Mistakes
) -> OwningOrganisation | None:
    """Return a new organisation by its answers, of which ``text`` is the one that names it. None,
    with the reason in ``mistakes``, where they have no code, a code that an organisation had
    earlier, or the folder of an existing one."""
    identity = {"name": given.name, "ovo": given.ovo, "kbo": given.kbo}
    kind = _kind_of(text)
    if kind in identity:  # --organisation OVO002067 is --ovo OVO002067
        identity[kind] = identity[kind] or text
    if not identity["ovo"] and not identity["kbo"]:
        mistakes.add("--organisation", _unknown(text, organisations))
        return None
    number_before = len(mistakes.sentences)
    for name in ("ovo", "kbo"):
        mistakes.add(f"--{name}", *about_earlier_code(identity[name], organisations))
    if len(mistakes.sentences) > number_before:
        return None
    folder = slug(identity["name"] or "") or slug(identity["ovo"] or identity["kbo"] or "")
    if kind == "folder":
        folder = text
    if folder in organisations:
        sentence = tr(
            "onboardings/{folder} is that of an organisation with other codes; give its code, or"
            " another name",
            folder=folder,
        )
        mistakes.add("--name", sentence)
        return None
    fields = {**identity, "ovo": (identity["ovo"] or "").upper(), "owners": list(given.owners)}
    if given.language is not Language.NL:  # the default, which no file names
        fields["language"] = given.language and given.language.value
    return new_owner(folder, filled(fields))


def _kind_of(text: str) -> str:
    """Return which field of a new organisation a text is: ``ovo``, ``kbo``, ``folder`` or
    ``name``."""
    if text[:3].upper() == "OVO" and text[3:4].isdigit():
        return "ovo"
    if text.replace(".", "").replace(" ", "").isdecimal():
        return "kbo"
    return "folder" if is_name(text) else "name"


def about_earlier_code(text: str | None, organisations: Organisations) -> Iterator[str]:
    """Yield a refusal for each organisation that had this code earlier, with the code that it has
    now. None is no code."""
    code = code_in(text)
    for organisation in organisations.values():
        if code in organisation.earlier_codes:
            yield tr(
                "{name} had {code} earlier, and has {now} now; give that code",
                code=code,
                name=organisation.name,
                now=organisation.code,
            )


def _unknown(text: str, organisations: Organisations) -> str:
    """Return the refusal of an organisation without codes that has no folder here, with the folder
    or name that is nearest to what was given."""
    names = [organisation.name for organisation in organisations.values()]
    if meant := nearest(text, [*organisations, *names]):
        return tr(
            "no organisation here is {text}; did you mean {meant}? A new one needs --ovo, --kbo or"
            " both",
            text=quoted(text),
            meant=quoted(meant),
        )
    return tr(
        "no organisation here is {text}; a new one needs --ovo, --kbo or both", text=quoted(text)
    )


def code_in(text: str | None) -> str | None:
    """Return an OVO code or KBO number as the organisation register writes it; None where the text
    is neither."""
    try:
        return organisation_code((text or "").upper())
    except ValueError:
        return None


def codes_in(answers: Iterable[str | None]) -> list[str]:
    """Return the codes among answers that identify an organisation, as the register writes them. A
    KBO number that several share is left out."""
    return identifying(*map(code_in, answers))


def folders_of(answers: Iterable[str | None], organisations: Organisations) -> list[str]:
    """Return the folders of the organisations that have a code among answers, each once."""
    found = []
    for code in codes_in(answers):
        found += _folders_with(code, organisations)
    return list(dict.fromkeys(found))


def _folders_with(code: str, organisations: Organisations) -> list[str]:
    return [
        folder
        for folder, organisation in organisations.items()
        if code in (organisation.ovo, organisation.kbo)
    ]


def folders_named(name: str, organisations: Organisations) -> list[str]:
    """Return the folders of the organisations with a name that looks like this one to people, as
    without its capitals and accents."""
    look = look_of(name)
    return [
        folder
        for folder, organisation in organisations.items()
        if look and look == look_of(organisation.name)
    ]


def identities_of_others(
    given: Mapping[str, str | None], folder: str, organisations: Organisations
) -> Iterator[tuple[str, str]]:
    """Yield each ``name``, ``ovo`` or ``kbo`` in ``given`` that an organisation of another folder
    has, with that folder: ("kbo", "stad-gent")."""
    for field_name, text in given.items():
        if field_name == "name":
            owners = folders_named(text or "", organisations)
        else:
            owners = folders_of([text], organisations)
        for owner in owners:
            if owner != folder:
                yield field_name, owner
