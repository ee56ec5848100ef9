"""What a program calls: its settings, what it declares, from forms or written in Python, and what
it exports of them.

Mistakes end the program, a sentence each: no traceback reaches whoever runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import get_config, get_config_env

from acmidm_onboarding import installed
from acmidm_onboarding import settings as settings_of
from acmidm_onboarding.command_inputs import HANDED, read_handed
from acmidm_onboarding.forms import loading
from acmidm_onboarding.forms.files import ORGANISATION_FILE, Files
from acmidm_onboarding.process import end_quietly_when_interrupted, without_debug_messages
from acmidm_onboarding.recorded import (
    AsRecorded,
    UnreadableState,
    full_name,
    own_state,
    require_not_older,
)
from acmidm_onboarding.rules.desired import NO_GATE, Desired
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.rules.mass_change import SHARE, is_mass_change, undeclared
from acmidm_onboarding.rules.policies import PromotionGate
from acmidm_onboarding.settings import (
    NAMESPACE,
    SECRET_KEYS,
    Settings,
    full_key,
    plain_key,
)
from acmidm_onboarding.stack import Stack, open_stack
from acmidm_onboarding.stack.forms import checks
from acmidm_onboarding.texts import plural
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure, InvalidForms, first_listed, on_one_line

ALREADY_REPORTED = 32
"""The exit code by which the language host knows that it need not report the program's failure."""
_WRITTEN = Path(os.devnull, "program", "program.yaml")
"""The path of a form that is in no file, in a folder that does not exist."""


def read_settings() -> Settings:
    """Return the settings of the stack that the engine runs the program for, without the operator's
    secrets."""
    with _mistakes_reported():
        return _settings()


def load_onboardings() -> list[Sequence[Declaration | AsRecorded]]:
    """Return the connections of the stack's forms, a list per application, with one per platform.

    Mistakes in forms end the program under ``pulumi up``. A command has reported them before it
    runs the program: what a form with a mistake may be about is then declared as it is recorded.
    Resources of a client that is gone are declared once more, without protection, so that the
    engine can remove them in a later run.
    """
    without_debug_messages()
    with _mistakes_reported():
        stack = _stack()
        if not is_handed():
            stack.forms.onboardings.valid()
        staying = stack.staying
        stack.forms.require_any_form()
        connections = _desired(stack, stack.forms.connections, are_all=True).declared
        if not is_handed():  # a command has checked this by itself
            _require_permitted(stack, connections)
        _require_random_plugin(connections)
        losing = _losing_protection(stack, connections)
        declared: list[Declaration | AsRecorded] = [*connections, *staying, *losing]
        by_application = defaultdict[str, list[Declaration | AsRecorded]](list)
        for connection in declared:
            by_application[connection.key].append(connection)
        return list(by_application.values())


def _losing_protection(stack: Stack, declared: Sequence[Declaration]) -> list[AsRecorded]:
    """Return the protected resources of clients that are gone and that no form declares: once they
    are declared without protection, the engine can remove them."""
    try:
        return stack.losing_protection(declared) if stack.forms.settings.protect_clients else []
    except UnreadableState:
        return []  # the engine then refuses to remove it, and the next run finds it


def connections_of(organisation: Mapping[str, Any], form: Mapping[str, Any]) -> list[Declaration]:
    """Return the connections of one application that is written in the program, one per platform,
    in the stack's environment.

    ``organisation`` is what an ``organisation.yaml`` has, ``form`` what a form has. Their ``jwks``
    lists the public keys themselves, each a mapping (RFC 7517). All is checked as files are. Keys
    that are known only while the program runs go to ``Onboarding``.
    """
    with _mistakes_reported():
        settings, files = _settings(), _as_files(organisation, form)
        try:
            onboardings = loading.read_onboardings(
                [_WRITTEN], settings.catalogue_folder, *checks(settings), files=Files(files)
            ).valid()
        except InvalidForms as error:
            whose = organisation.get("name") or "an organisation"
            name = f"{whose}, {form.get('application') or 'a form'}"
            sentences = [f"{name}: {problem.sentence}" for problem in error.problems]
            raise Failure("\n".join(map(on_one_line, sentences))) from None
        wanted = _desired(_stack(), onboardings.connections(settings.environment, are_all=False))
        missing: list[str] = []
        for withheld in wanted.held_back:
            if withheld.is_new and not withheld.is_declared:
                missing += withheld.sentences
        if missing:
            raise Failure("\n".join(missing))  # a program cannot declare an empty list
        _require_random_plugin(wanted.declared)
        return list(wanted.declared)


def _stack() -> Stack:
    """Return the stack that the engine runs the program for: one in a run, however many connections
    the program declares. Raises what ``_opened`` does."""
    return _opened(pulumi.runtime.get_root_resource())


@lru_cache(maxsize=1)
def _opened(_root: pulumi.Resource | None) -> Stack:
    """Open the stack of a run. Each run has a ``_root`` of its own, also where one process runs
    programs for several stacks, or one twice.

    Raises:
        Failure: where its settings have a mistake.
        Failure: where its state is not the one that the command decided upon: another run came in
            between, and what that made is not declared here. Also where what the command handed is
            gone or was edited.
        OtherVersion: where this package is installed twice, where a command of another version runs
            the program, or where a later version brought the stack up.
    """
    settings = _settings()
    installed.require_only()
    name, file = pulumi.get_stack(), pulumi.Config(NAMESPACE).get(HANDED)
    if file is None:
        stack = open_stack(full_name(name), lambda: settings)
        with suppress(UnreadableState):  # what needs the state reports that
            require_not_older(name, stack.state.document)
        return stack
    # A command, of this version, has looked at the state by itself.
    handed = read_handed(Path(file), settings.environment)
    state = handed.state
    stack = open_stack(
        full_name(name),
        lambda: settings,
        export=own_state if state is None else lambda _: state,
        at_authorities=handed.clients,
        declared=handed.declared,
    )
    # The engine has the stack's lock by now: no other run can change the state any more.
    if handed.state_version and handed.state_version != stack.state.version:
        raise Failure(
            f"nothing of {name} is brought up, for another run changed {name} after this one had"
            " read it: run the same command again"
        )
    return stack


def unknown_clients() -> list[str]:
    """Return the names of clients that this run holds back or lets go and the state lacks, though
    they may be at their authority."""
    return _unknown_clients(pulumi.runtime.get_root_resource())


@lru_cache(maxsize=1)
def _unknown_clients(_root: pulumi.Resource | None) -> list[str]:
    """Return the list of a run, which grows while it declares: see ``_opened``."""
    return []


def is_handed() -> bool:
    """Return whether a command of ours runs the program, and not ``pulumi`` itself: the command
    then hands over what it found out, and reports."""
    return pulumi.Config(NAMESPACE).get(HANDED) is not None


def _desired(stack: Stack, connections: Sequence[Declaration], *, are_all: bool = False) -> Desired:
    """Return what is desired of some connections, and warn of what the gate misses and of what only
    an authority knows. A state that cannot be read ends the program only where the gate needs
    it."""
    try:
        wanted = stack.desired_of(connections, are_all=are_all)
    except UnreadableState as error:
        if stack.forms.settings.promotion_gate is PromotionGate.ENFORCE:
            raise
        pulumi.log.warn(str(error))
        wanted = stack.desired_of(connections, NO_GATE, are_all=are_all)
    # A command that hands the program its findings has reported what the gate misses; the engine
    # would repeat it twice.
    missing = by_reason(wanted.held_back) if stack.at_authorities is None else ()
    for sentence in missing:
        pulumi.log.warn(sentence)
    # A gate that only warns has others declared all the same.
    held_back = [withheld for withheld in wanted.held_back if not withheld.is_declared]
    _report_unknown(
        [withheld.connection for withheld in held_back if withheld.is_partial],
        "the scopes of {names}, whose client alone this state has, are left as they are; run"
        " acmidm deploy --stack {stack}, which asks the authority",
    )
    if stack.at_authorities is None:
        new = [withheld.connection for withheld in held_back if withheld.is_new]
        # A client that leaves and is not in a state with other clients is gone already.
        lost = [] if wanted.unrecorded and stack.state.recorded.clients else wanted.unrecorded
        _report_unknown(
            [*new, *lost],
            "what the authority has of {names}, which this state lacks, is not known here; run"
            " acmidm deploy --stack {stack}, which asks the authority",
        )
    return wanted


def _require_permitted(stack: Stack, declared: Sequence[Declaration]) -> None:
    """Refuse to remove many clients at once, to make those that people may have made, and to work
    elsewhere than the state records. Where the state cannot be read, warn and check nothing.

    Raises:
        Failure: with the names of the clients.
    """
    try:
        clients = len(stack.state.recorded.clients)
    except UnreadableState as error:
        pulumi.log.warn(str(error))
        return
    if not pulumi.runtime.is_dry_run() and (relocations := [*stack.relocations]):
        on_purpose = f"acmidm deploy --stack {pulumi.get_stack()} --allow-mass-change"
        raise Failure("\n".join([*relocations, f"if this is meant, run {on_purpose}"]))
    stack.require_none_by_hand(declared)
    gone = undeclared(declared, stack.state.recorded.parts)
    if is_mass_change(len(gone), clients):
        names, share = first_listed(gone), f"{SHARE:.0%}"
        raise Failure(
            plural(
                "{count} client of {all} that {stack} has is declared no more, more than {share}:"
                " {names}; see acmidm review --stack {stack}, and if all of them are meant, run"
                " acmidm deploy --stack {stack} --allow-mass-change",
                "{count} clients of {all} that {stack} has are declared no more, more than {share}:"
                " {names}; see acmidm review --stack {stack}, and if all of them are meant, run"
                " acmidm deploy --stack {stack} --allow-mass-change",
                len(gone),
                all=clients,
                stack=pulumi.get_stack(),
                share=share,
                names=names,
            )
        )


def _report_unknown(connections: Sequence[Declaration], sentence: str) -> None:
    """Report connections of which a program cannot know something without the operator's rights: as
    a warning in a preview, else as an error; as ``unknown_clients`` they end the ``up`` in
    failure."""
    if names := [connection.resource_name for connection in connections]:
        unknown_clients().extend(names)
        report = pulumi.log.warn if pulumi.runtime.is_dry_run() else pulumi.log.error
        report(sentence.format(names=first_listed(names), stack=pulumi.get_stack()))


def _as_files(organisation: Mapping[str, Any], form: Mapping[str, Any]) -> dict[Path, str]:
    """Return a form, its organisation and its public keys as texts of files, which the reader of
    forms reads as if they were on the disk. The texts are JSON, which is YAML too."""
    files, numbers = {_WRITTEN.with_name(ORGANISATION_FILE): _as_json(organisation)}, count(1)

    def with_key_files(request: Any) -> Any:
        """Return an environment whose keys are names of ``files``; a mistake is left to the
        reader."""
        if not isinstance(request, Mapping) or not isinstance(request.get("jwks"), list | tuple):
            return request
        keys = {f"key-{next(numbers)}.jwk.json": _as_json(key) for key in request["jwks"]}
        files.update({_WRITTEN.with_name(name): key for name, key in keys.items()})
        return {**request, "jwks": list(keys)}

    environments = form.get("environments")
    if isinstance(environments, Mapping):
        form = {
            **form,
            "environments": {
                name: with_key_files(request) for name, request in environments.items()
            },
        }
    return {**files, _WRITTEN: _as_json(form)}


def _as_json(value: Any) -> str:
    """Return a value as JSON. Raises Failure for one that is no plain data, such as an Output."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise Failure(
            f"a connection that is written in a program is plain data: {error}; give keys that are"
            " Outputs to Onboarding"
        ) from None


def _settings() -> Settings:
    """Return the settings of the stack, as ``read_settings`` does, and have the program end quietly
    when it is interrupted. Raises Failure."""
    end_quietly_when_interrupted()
    # A command sets HANDED for this run; as a setting of the stack it would be refused.
    keys = get_config_env().keys() - {f"{NAMESPACE}:{HANDED}"}
    settings = settings_of.read_settings(_setting, keys=keys)
    # The provider refuses an untrusted host too, but the engine then breaks off and garbles the
    # sentence.
    settings_of.require_trusted_hosts(settings)
    return settings


def _setting(key: str) -> str | None:
    # The program declares and sends nothing: the operator's secrets are for the provider alone.
    return None if plain_key(key) in SECRET_KEYS else get_config(full_key(key))


@contextmanager
def _mistakes_reported() -> Iterator[None]:
    """End the program where the block raises a Failure, whose lines the engine reports as
    errors."""
    try:
        yield
    except Failure as failure:
        for line in str(failure).splitlines():
            pulumi.log.error(line)
        sys.exit(ALREADY_REPORTED)


def _require_random_plugin(connections: Iterable[Declaration]) -> None:
    """Refuse a client secret without the plugin that makes it: the engine's own error names no
    remedy of this project."""
    with_secret = (connection.key for connection in connections if connection.uses_secret)
    secret = next(with_secret, None)
    if secret is None or not os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"):
        return
    folder = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    if not shutil.which("pulumi-resource-random") and not any(
        folder.glob("resource-random-v*/pulumi-resource-random")
    ):
        raise Failure(
            f"{secret} has a client secret, and the plugin that makes it is not installed; run"
            f" pulumi plugin install resource random v{version('pulumi-random')} (in a clone of"
            " acmidm: make random-plugin), then this again"
        )
