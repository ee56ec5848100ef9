"""Whose form it is: an organisation that has a folder here, by folder, code or name; or a new one,
with what its file will have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acmidm.edit.new.answers import Answers, Checker
from acmidm.edit.new.checks import of_code, of_organisation
from acmidm.words import slug
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.identifiers import identifying, look_of, organisation_code
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import listed, nearest, quoted
from acmidm_onboarding.values.terms import is_name


@dataclass(frozen=True)
class FormOwner:
    """An organisation with its folder. ``fields`` are those of a new organisation's file; empty
    where the file is there already."""

    folder: str
    organisation: Organisation
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return bool(self.fields)


def owner_of(
    given: Answers,
    organisations: Mapping[str, Organisation],
    forms: Path,
    checker: Checker,
) -> FormOwner | None:
    """Return the organisation, None where an answer is missing or wrong, which ``checker`` has
    noted."""
    text = checker.answer(
        "--organisation TEXT",
        tr("the folder, OVO code, KBO number or name of the organisation"),
        given.organisation or given.ovo or given.kbo or given.name,
        lambda text: [] if text.strip() else [tr("is empty; give a folder, a code or a name")],
    )
    if text is None:
        return None
    folders = [
        folder
        for folder, organisation in organisations.items()
        if _is(text.strip(), folder, organisation)
    ]
    if len(folders) > 1:
        checker.wrong.append(
            tr(
                "--organisation: {text} is that of {found}; name the folder",
                text=quoted(text),
                found=listed(folders),
            )
        )
        return None
    if folders:
        return _existing(folders[0], organisations[folders[0]], given, forms, checker)
    return _new(text.strip(), given, organisations, checker)


def _is(text: str, folder: str, organisation: Organisation) -> bool:
    if text == folder:
        return True
    if (code := code_in(text)) is not None:
        return code in (organisation.ovo, organisation.kbo)
    return look_of(text) == look_of(organisation.name) != ""


def code_in(text: str) -> str | None:
    """Return the code that a text is, as the register writes it; None where it is none."""
    try:
        return organisation_code(text.upper())
    except ValueError:
        return None


def folders_by_code(organisations: Mapping[str, Organisation]) -> dict[str, str]:
    """Return the folder of each organisation by its codes; a shared KBO number is nobody's."""
    return {
        code: folder
        for folder, organisation in organisations.items()
        for code in identifying(organisation.ovo, organisation.kbo)
    }


def of_earlier_code(text: str, organisations: Iterable[Organisation]) -> list[str]:
    """Return whose code a text was, and which one that organisation has now; nothing for any other
    code."""
    code = code_in(text)
    return [
        tr(
            "{name} had {code} earlier, and has {now} now; give that code",
            code=code,
            name=one.name,
            now=one.code,
        )
        for one in organisations
        if code in one.earlier_codes
    ]


def _looks_like_code(text: str) -> bool:
    return (text[:3].upper() == "OVO" and text[3:4].isdigit()) or text.replace(".", "").replace(
        " ", ""
    ).isdecimal()


def _existing(
    folder: str,
    organisation: Organisation,
    given: Answers,
    forms: Path,
    checker: Checker,
) -> FormOwner:
    """Return the owner of a folder whose ``organisation.yaml`` stays as it is: an option that says
    otherwise is refused."""
    file = (forms / folder / ORGANISATION_FILE).as_posix()
    refuse_another(given, organisation, file, checker)
    if not organisation.code:
        checker.wrong.append(
            tr(
                "{file}: has neither ovo nor kbo, and is not changed; the team that runs"
                " onboarding adds one",
                file=file,
            )
        )
    return FormOwner(folder, organisation)


def refuse_another(given: Answers, organisation: Organisation, file: str, checker: Checker) -> None:
    """Note each name and code that is given and is not the one in ``file``, which has the
    organisation."""
    for option, given_value, has in (
        ("--name", given.name, organisation.name),
        ("--ovo", given.ovo, organisation.ovo),
        ("--kbo", given.kbo and (code_in(given.kbo) or given.kbo), organisation.kbo),
    ):
        if given_value is not None and given_value != has:
            shown = quoted(has) if has else tr("none")
            checker.wrong.append(
                tr(
                    "{option}: {file} has {shown}, and is not changed; leave the option out, or"
                    " have the team that runs onboarding change that file",
                    option=checker.named(option),
                    file=file,
                    shown=shown,
                )
            )


def _new(
    text: str,
    given: Answers,
    organisations: Mapping[str, Organisation],
    checker: Checker,
) -> FormOwner | None:
    code = text if _looks_like_code(text) else None
    folder = text if code is None and is_name(text) else None
    name = checker.answer(
        "--name TEXT",
        tr("the organisation's name as the organisation register has it"),
        given.name if code or folder else given.name or text,
        lambda name: of_organisation(name=name),
    )
    ovo = given.ovo if given.ovo is not None else code if code and code[:1].upper() == "O" else None
    kbo = given.kbo if given.kbo is not None else code if code and ovo != code else None
    if ovo is None and kbo is None:
        checker.wrong.append(_unknown(text, organisations))
        return None
    codes = {
        name: value
        for name, value in (("ovo", ovo and ovo.upper()), ("kbo", kbo))
        if value is not None
    }
    for option, value in codes.items():
        checker.refuse(f"--{option}", of_code(option, value))
    for owner in given.owners:
        checker.refuse("--owner", of_organisation(owners=[owner]))
    for option, value in codes.items():
        checker.refuse(f"--{option}", of_earlier_code(value, organisations.values()))
    if name is None or checker.wrong:
        return None
    folder = folder or slug(name) or slug(next(iter(codes.values())))
    if folder in organisations:
        checker.wrong.append(
            tr(
                "--organisation: the folder {folder} is that of {name}; give a folder of its own,"
                " with --name",
                folder=folder,
                name=quoted(organisations[folder].name),
            )
        )
        return None
    fields: dict[str, Any] = {"name": name, **codes}
    if wrong := of_organisation(**fields):
        checker.refuse("--kbo", wrong)
        return None
    if given.owners:
        fields["owners"] = list(given.owners)
    if given.language and given.language is not Language.NL:
        fields["language"] = given.language.value
    return FormOwner(folder, Organisation.model_validate(fields), fields)


def _unknown(text: str, organisations: Mapping[str, Organisation]) -> str:
    """Return that no organisation here is meant, and which one may be."""
    names = [organisation.name for organisation in organisations.values()]
    if meant := nearest(text, [*organisations, *names]):
        return tr(
            "--organisation: no organisation here is {text}; did you mean {meant}? A new one needs"
            " --ovo, --kbo or both",
            text=quoted(text),
            meant=quoted(meant),
        )
    return tr(
        "--organisation: no organisation here is {text}; a new one needs --ovo, --kbo or both",
        text=quoted(text),
    )
