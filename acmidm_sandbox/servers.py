"""The servers of this machine, found by stack and platform, and their operators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AnyUrl

from acmidm.files import private_folder, write_private
from acmidm.project import require_own_name
from acmidm_onboarding.forms.catalogue import Catalogue, Scope
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.settings import (
    InvalidSettings,
    PlatformSettings,
    config_key,
    full_key,
)
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform
from acmidm_sandbox.supervisor import Daemon

DATA = Path(".local")


def server_folder(stack: str, platform: str) -> Path:
    """Where the data of a stack's servers for a platform are; they and all that is above them in
    `.local` are this user's alone."""
    folder = DATA.absolute() / stack / platform
    for part in (DATA.absolute(), folder.parent, folder):
        private_folder(part)
    return folder


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Served:
    """A platform of a stack, with what this machine needs to serve it."""

    stack: str
    platform: Platform
    environment: Environment
    settings: PlatformSettings
    catalogue: Catalogue
    smtp_url: AnyUrl | None
    """Where the stack's mails go, whichever platform they are about."""

    def daemon(self, name: str) -> Daemon:
        return Daemon(server_folder(self.stack, self.platform.value), name)

    def scopes(self) -> dict[str, Scope]:
        """Return the scopes that the catalogue offers there, under the platform's names."""
        return {
            name: scope
            for own_name, scope in self.catalogue.scopes.items()
            if self.environment in scope.environments
            and (name := self.catalogue.name_on(self.platform, own_name)) is not None
        }

    def operator_key(self) -> ECKey:
        """Return the operator's key pair, in the file that the settings name; made where it is
        missing. Raises InvalidSettings."""
        file = self.settings.operator_private_key_file
        if file is None:
            setting = full_key(config_key(self.platform, "operatorPrivateKeyFile"))
            raise InvalidSettings(say("sandbox.operator_key", key=setting))
        if file.exists():
            try:
                return ECKey.import_key(json.loads(file.read_text()))
            except (ValueError, JoseError):
                # An operator's of a real authority, which the sandbox did not make.
                raise InvalidSettings(say("sandbox.operator_key_of_another", file=file)) from None
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_private(file, json.dumps(key.as_dict(private=True)))
        return key


def served(stack: str) -> Iterator[Served]:
    """Yield the platforms of a stack. Raises InvalidSettings and InvalidForms."""
    require_own_name(stack)
    settings = stack_settings(stack, Path())
    catalogue = load_catalogue(settings.catalogue_folder)
    for platform, platform_settings in settings.platforms.items():
        yield Served(
            stack=stack,
            platform=platform,
            environment=settings.environment,
            settings=platform_settings,
            catalogue=catalogue,
            smtp_url=settings.smtp_url,
        )


def served_here(stack: str, authority: str) -> Iterator[Served]:
    """Return the platforms of a stack whose authority is of a type and on this machine. Raises
    InvalidSettings and InvalidForms."""
    here = (server for server in served(stack) if is_here(server.settings.address))
    return (server for server in here if server.settings.authority == authority)


def is_here(url: AnyUrl) -> bool:
    """Say whether this machine serves an address of the settings, which allow plain http to
    loopback only."""
    return url.scheme == "http"


def on_each(items: Iterable[T], act: Callable[[T], str | None]) -> None:
    """Act on each and show the sentence that it gives, whatever becomes of the others. The exit
    code is 1 where one failed."""
    failed = False
    for item in items:
        try:
            sentence = act(item)
        except Failure as failure:
            typer.echo(str(failure), err=True)
            failed = True
        else:
            if sentence:
                typer.echo(sentence)
    if failed:
        raise typer.Exit(1)
