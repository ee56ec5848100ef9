"""Read the public keys that forms and suppliers list, and find those that two organisations
have."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acmidm_onboarding.forms.documents import (
    Unreadable,
    YamlDocument,
    line_of_conflict,
    refusal_of_conflict,
)
from acmidm_onboarding.forms.files import KEY_FILE, Files, refusal_of_link, shown
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.requirements import problems_of_keys, problems_of_policies
from acmidm_onboarding.forms.suppliers import KeyList
from acmidm_onboarding.forms.validation import split_sentence
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, parse_jwk, thumbprints
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, Refusal, quoted
from acmidm_onboarding.values.terms import Environment

_LONGEST_NAME = 200

Keys = Mapping[Environment, tuple[PublicJwk, ...]]


@dataclass(frozen=True)
class _Use:
    """Where a key is listed, and whose list that is."""

    listed: KeyList
    path: DocumentPath
    organisation: Organisation | None
    """None where its file has mistakes: its folder then stands for it."""

    @property
    def name(self) -> str:
        return self.organisation.name if self.organisation else self.listed.folder.name

    def problem(self, what: str, remedy: str, second: _Use) -> Problem:
        """Return a mistake here, which may as well be one of the file with the ``second`` use."""
        return self.listed.document.problem(
            self.path, what, remedy, also=second.listed.document.file
        )


@dataclass(frozen=True)
class _ReadKeys:
    """The keys of a list in its order, None for one with mistakes, and what is wrong with them."""

    keys: Mapping[Environment, Sequence[PublicJwk | None]]
    problems: Sequence[Problem]

    @property
    def sound(self) -> Keys:
        """The keys without mistakes."""
        return {name: tuple(filter(None, keys)) for name, keys in self.keys.items()}


class KeyReader:
    """Reads lists of keys, each once however many forms have it: a supplier has one for many
    customers."""

    def __init__(self, files: Files, profiles: Mapping[Environment, Profile]) -> None:
        self._files = files
        self._profiles = profiles
        self._files_read: dict[Path, PublicJwk | list[Problem]] = {}
        self._lists: dict[Path, _ReadKeys] = {}
        self._uses: dict[str, list[_Use]] = defaultdict(list)
        """Per thumbprint (RFC 7638), those that are not compromised."""
        self._compromised: dict[tuple[Path, str], _Use] = {}
        """Per folder and thumbprint the first use that says that the key is compromised."""

    def keys_of(
        self, listed: KeyList, document: YamlDocument, form: Form, organisation: Organisation | None
    ) -> tuple[Keys, Keys, list[Problem]]:
        """Return per environment of a form the keys that are sent, and those that are compromised;
        and what is wrong with its keys, also by the policies.

        ``organisation`` is that of the folder with the list.
        """
        read = self.read(listed, organisation)
        problems = [*read.problems]
        keys: dict[Environment, tuple[PublicJwk, ...]] = {}
        compromised: dict[Environment, tuple[PublicJwk, ...]] = {}
        for environment in form.environments:
            found = read.keys.get(environment, ())
            sent = _sent(listed, environment, found)
            if profile := self._profiles.get(environment):
                problems += problems_of_policies(document, form, environment, listed, sent, profile)
            keys[environment] = tuple(filter(None, sent))
            compromised[environment] = tuple(key for key in found if key and key not in sent)
        return keys, compromised, problems

    def read(self, listed: KeyList, organisation: Organisation | None) -> _ReadKeys:
        """Return the keys of a list, and what is wrong with them in each form that has the list.
        ``organisation`` is that of the list's folder."""
        if (file := listed.document.file) not in self._lists:
            problems: list[Problem] = []
            keys: dict[Environment, list[PublicJwk | None]] = {}
            for environment, entries in listed.entries.items():
                keys[environment] = []
                for index, entry in enumerate(entries):
                    path = listed.path(environment, index)
                    key = self._key(listed, path, entry.file)
                    if isinstance(key, PublicJwk):
                        use = _Use(listed, path, organisation)
                        self._note_use(key, use, is_compromised=entry.compromised)
                        keys[environment].append(key)
                    else:
                        problems += key
                        keys[environment].append(None)
                problems += problems_of_keys(listed, environment, keys[environment])
            sent = {name: _sent(listed, name, keys[name]) for name in keys}
            problems += _problems_of_tni_keys_on_production(listed, sent)
            self._lists[file] = _ReadKeys(keys, problems)
        return self._lists[file]

    def _note_use(self, key: PublicJwk, use: _Use, *, is_compromised: bool) -> None:
        if is_compromised:
            self._compromised.setdefault((use.listed.folder, key.thumbprint), use)
        else:
            self._uses[key.thumbprint].append(use)

    def problems_of_compromised_keys(self) -> Iterator[Problem]:
        """Yield each place where an organisation uses a key that it marks as compromised in another
        place."""
        for (folder, thumbprint), first in self._compromised.items():
            for use in self._uses[thumbprint]:
                if use.listed.folder == folder:
                    what = tr(
                        "this key is compromised, as {file} says", file=first.listed.document.file
                    )
                    problem = use.problem(what, tr("mark it so here too, and name another"), first)
                    # The file that says so is right: its form is not left out, so that the key
                    # leaves the client at once.
                    yield replace(problem, is_other_right=True)

    @property
    def compromised(self) -> dict[str, frozenset[str]]:
        """Per folder, such as ``stad-gent``, the thumbprints of the keys that it marks as
        compromised."""
        found = defaultdict[str, set[str]](set)
        for folder, thumbprint in self._compromised:
            found[folder.name].add(thumbprint)
        return {name: frozenset(thumbprints) for name, thumbprints in found.items()}

    def problems_of_shared_keys(self) -> Iterator[Problem]:
        """Yield a mistake in each folder that lists a key of another one: files do not say whose
        the key was first, so that each of the two sees it in a file of its own."""
        for uses in self._uses.values():
            places = [*{use.listed.folder: use for use in reversed(uses)}.values()]
            # Each names the next one, the last one the first; a single one has only itself.
            for use, second in zip(places, places[1:] + places[:1], strict=True):
                if use is not second:
                    what = tr(
                        "{name} has the same key as {other} in {file}",
                        name=use.name,
                        other=second.name,
                        file=second.listed.document.file,
                    )
                    remedy = tr(
                        "give each a key of its own, or name the supplier whose key it is: keys_of"
                    )
                    yield use.problem(what, remedy, second)

    def _key(self, listed: KeyList, path: DocumentPath, name: str) -> PublicJwk | list[Problem]:
        """Return the public key in the file ``name`` of a list's folder, or what is wrong with it;
        that no such file can be read is a mistake at ``path`` in the list."""
        if not KEY_FILE.fullmatch(name) or len(name) > _LONGEST_NAME:
            return [listed.document.problem(path, *refusal_of_key_name())]
        file = listed.folder / name
        if self._files.is_link(file):
            return [Problem(shown(file), 1, 1, *refusal_of_link())]
        if file not in self._files_read:
            try:
                self._files_read[file] = self._files.parsed(file, key_in)
            except Unreadable as error:
                return [listed.document.problem(path, *refusal_of_key_file(name, error))]
        return self._files_read[file]


def _sent(
    listed: KeyList, environment: Environment, keys: Sequence[PublicJwk | None]
) -> list[PublicJwk | None]:
    """Return ``keys``, those of a list in its order, with None for each compromised one, which is
    never sent to an authority."""
    entries = listed.entries.get(environment, ())
    return [None if entry.compromised else key for entry, key in zip(entries, keys, strict=True)]


def _problems_of_tni_keys_on_production(
    listed: KeyList, keys: Mapping[Environment, Sequence[PublicJwk | None]]
) -> Iterator[Problem]:
    """Yield each key of production that TNI has too: whoever tests with it could sign for
    production. ``keys`` are those of the list in its order."""
    on_tni = thumbprints(filter(None, keys.get(Environment.TNI, ())))
    for key in keys.get(Environment.PROD, ()):
        if key and key.thumbprint in on_tni:
            what = tr("key {kid} is that of tni too", kid=quoted(key.kid))
            yield listed.document.problem(
                listed.path(Environment.PROD),
                what,
                tr("make a pair for production alone: acmidm keys new"),
            )


def key_in(text: str, file: Path) -> PublicJwk | list[Problem]:
    """Return the public key in the text of a file, or what is wrong with it."""
    try:
        return parse_jwk(text)
    except InvalidJwk as error:
        return list(_problems_of_key(error, text, file))
    except json.JSONDecodeError as error:
        if line := line_of_conflict(text):
            return [Problem(shown(file), line, 1, *refusal_of_conflict())]
        what, line, column = tr("this is not JSON"), error.lineno, error.colno
    except (ValueError, RecursionError):
        what, line, column = tr("this JSON is no key"), 1, 1
    remedy = tr("export the public key again as a JSON Web Key")
    return [Problem(shown(file), line, column, what, remedy)]


def _problems_of_key(error: InvalidJwk, text: str, file: Path) -> Iterator[Problem]:
    """Yield each reason why the key in a file is refused, at the member that it is about."""
    for reason in error.reasons:
        what, remedy = split_sentence(tr("the key {sentence}", sentence=reason.sentence))
        yield Problem(shown(file), *_place_of(reason.member, text), what, remedy)


def refusal_of_key_name() -> Refusal:
    """Return what is wrong with a name that no key file can have. The name is not repeated: it may
    be a key that was pasted in."""
    return (
        tr("this is not the name of a key file"),
        tr(
            "put the public key in a file beside this one, named *.jwk.json, or name the supplier"
            " whose key it is under keys_of"
        ),
    )


def refusal_of_key_file(name: str, error: Unreadable) -> Refusal:
    """Return what is wrong with a key file that cannot be read."""
    return tr('key file "{name}" {what}', name=name, what=error.what), error.remedy


def _place_of(member: str, text: str) -> tuple[int, int]:
    """Return line and column, from 1, of a member's name in a JSON text; 1, 1 where it has none."""
    offset = max(text.find(f'"{member}"'), 0)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
