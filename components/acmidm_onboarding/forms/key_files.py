"""Read the public keys that forms name, and find those that two organisations have."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from acmidm_onboarding.forms.documents import Document, Unreadable
from acmidm_onboarding.forms.files import KEY_FILE, ORGANISATION_FILE, Files, is_link, of_link, shown
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.requirements import problems_of_keys, problems_of_policies
from acmidm_onboarding.forms.validation import split_sentence
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, parse_jwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, quoted
from acmidm_onboarding.values.terms import Environment

_LONGEST_NAME = 200
_KEY_FILE = re.compile(rf"(?:\.\./(?P<supplier>[a-z0-9-]+)/)?{KEY_FILE.pattern}", re.ASCII)
"""A key is in a file beside the form, or in a supplier's folder."""

Keys = Mapping[Environment, tuple[PublicJwk, ...]]


@dataclass(frozen=True)
class _Use:
    """Where a form names a key."""

    document: Document
    path: DocumentPath
    folder: str
    organisation: Organisation
    source: str
    """The folder that has the key's file: two organisations may have a key in common that comes from one folder, a
    supplier's."""


class KeyReader:
    """Reads key files, each once however many forms name it: a supplier has one key for many customers."""

    def __init__(self, files: Files, profiles: Mapping[Environment, Profile]) -> None:
        self._files = files
        self._profiles = profiles
        self._read: dict[Path, PublicJwk | list[Problem]] = {}
        self._uses: dict[str, list[_Use]] = defaultdict(list)
        """Per thumbprint (RFC 7638), one for each organisation."""
        self._named: dict[tuple[str, str], list[_Use]] = defaultdict(list)
        self._compromised: dict[tuple[str, str], _Use] = {}
        """Per folder and thumbprint, every use, and the first that says that the key is compromised."""

    def keys_of(
        self, file: Path, document: Document, form: Form, organisation: Organisation | None
    ) -> tuple[Keys, Keys, list[Problem]]:
        """Return a form's keys per environment, those that are compromised, and what is wrong with them."""
        problems: list[Problem] = []
        keys: dict[Environment, tuple[PublicJwk, ...]] = {}
        compromised: dict[Environment, tuple[PublicJwk, ...]] = {}
        for environment, request in form.environments.items():
            public_keys: list[PublicJwk | None] = []
            entries = request.jwks or ()
            for index, entry in enumerate(entries):
                path = ("environments", environment.value, "jwks", index)
                key = self._key(file.parent, document, path, entry.file, organisation)
                public_keys.append(key if isinstance(key, PublicJwk) else None)
                if not isinstance(key, PublicJwk):
                    problems += key
                elif organisation is not None:
                    source = Path(os.path.normpath(file.parent / entry.file)).parent.name
                    use = _Use(document, path, file.parent.name, organisation, source)
                    if entry.compromised:
                        self._compromised.setdefault((use.folder, key.thumbprint), use)
                    else:
                        self._named[use.folder, key.thumbprint].append(use)
                        self._note(key, use)
            problems += problems_of_keys(document, environment, public_keys)
            sent = [None if entry.compromised else key for entry, key in zip(entries, public_keys, strict=True)]
            if environment in self._profiles:
                problems += problems_of_policies(document, form, environment, sent, self._profiles[environment])
            keys[environment] = tuple(key for key in sent if key)
            compromised[environment] = tuple(
                key for entry, key in zip(entries, public_keys, strict=True) if key and entry.compromised
            )
        problems += _problems_of_both(document, keys)
        return keys, compromised, problems

    def _note(self, key: PublicJwk, use: _Use) -> None:
        # Forms are read folder by folder.
        uses = self._uses[key.thumbprint]
        if not uses or uses[-1].folder != use.folder:
            uses.append(use)

    def problems_of_compromised_keys(self) -> Iterator[Problem]:
        """Yield each place where an organisation goes on to use a key that it says is compromised."""
        for key, first in self._compromised.items():
            for use in self._named.get(key, ()):
                what = say("forms.compromised_elsewhere", file=first.document.file)
                yield use.document.problem(
                    use.path, what, say("forms.compromised_elsewhere.remedy"), also=first.document.file
                )

    def problems_of_shared_keys(self) -> Iterator[Problem]:
        """Yield each key of two organisations that is not one file of a supplier."""
        for uses in self._uses.values():
            for index, use in enumerate(uses):
                first = next((other for other in uses[:index] if other.source != use.source), None)
                if first is not None:
                    what = say(
                        "forms.key_shared",
                        name=use.organisation.name,
                        other=first.organisation.name,
                        file=first.document.file,
                    )
                    remedy = say("forms.key_shared.remedy")
                    yield use.document.problem(use.path, what, remedy, also=first.document.file)

    def _key(
        self, folder: Path, document: Document, path: DocumentPath, name: str, organisation: Organisation | None
    ) -> PublicJwk | list[Problem]:
        wanted = _KEY_FILE.fullmatch(name)
        if wanted is None or len(name) > _LONGEST_NAME:
            # It may be a key that was pasted in: it is not repeated.
            return [document.problem(path, say("forms.no_key_file"), say("forms.no_key_file.remedy"))]
        supplier = wanted["supplier"]
        if supplier and organisation is not None and supplier not in organisation.suppliers:
            what = say("forms.key_file_elsewhere", name=name)
            return [document.problem(path, what, say("forms.key_file_elsewhere.remedy", file=ORGANISATION_FILE))]
        file = Path(os.path.normpath(folder / name))
        if link := next(filter(is_link, (file, file.parent)), None):
            return [Problem(shown(link), 1, 1, *of_link())]
        if file not in self._read:
            try:
                self._read[file] = key_in(self._files.read_text(file), file)
            except Unreadable as error:
                return [document.problem(path, say("forms.key_file", name=name, what=error.what), error.remedy)]
        return self._read[file]


def _problems_of_both(document: Document, keys: Keys) -> Iterator[Problem]:
    """Yield each key that production has and TNI too: whoever tests with it could sign for production."""
    on_tni = {key.thumbprint for key in keys.get(Environment.TNI, ())}
    for key in keys.get(Environment.PROD, ()):
        if key.thumbprint in on_tni:
            path = ("environments", Environment.PROD.value, "jwks")
            yield document.problem(path, say("forms.key_of_tni", kid=quoted(key.kid)), say("forms.key_of_tni.remedy"))


def key_in(text: str, file: Path) -> PublicJwk | list[Problem]:
    """Return the public key in the text of a file, or what is wrong with it."""
    try:
        return parse_jwk(text)
    except InvalidJwk as error:
        return [
            Problem(
                shown(file),
                *_place_of(reason.member, text),
                *split_sentence(say("problems.jwk.the_key", sentence=reason.sentence)),
            )
            for reason in error.reasons
        ]
    except json.JSONDecodeError as error:
        return [Problem(shown(file), error.lineno, error.colno, say("forms.not_json"), say("forms.no_key.remedy"))]
    except (ValueError, RecursionError):
        return [Problem(shown(file), 1, 1, say("forms.no_key"), say("forms.no_key.remedy"))]


def _place_of(member: str, text: str) -> tuple[int, int]:
    """Return line and column, from 1, of a member's name in a JSON text; 1, 1 where it has none."""
    offset = max(text.find(f'"{member}"'), 0)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
