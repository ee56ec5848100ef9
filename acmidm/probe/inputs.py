"""What a probe of a connection needs: its form and the stack's file; the probe itself, and the
evidence that it writes. Without --all no state is read: an integrator has none."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acmidm.private_key import PrivateKey, usual_algorithm
from acmidm.probe.checks import Context
from acmidm.probe.findings import (
    Probe,
    ProbeOutcome,
    ProbeStep,
    Wording,
    environment,
    untried,
    wording,
)
from acmidm.probe.mistakes import TITLES
from acmidm.probe.network import Network
from acmidm.probe.trial import WantedScope
from acmidm.probe.trying import Probing
from acmidm_onboarding.files import write_whole
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import shown
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.rules.ends import without_ended_scopes
from acmidm_onboarding.settings import PlatformSettings, Settings, require_trusted_apis
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.client import recorded_as
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import TYPE, Evidence, Expected
from acmidm_onboarding.values.jwk import PublicJwk, thumbprints
from acmidm_onboarding.values.problems import Failure, InvalidForms, did_you_mean, listed
from acmidm_onboarding.values.terms import Platform

_NOT_WHILE = {
    "clock": N_("not recorded while the clock is wrong"),
    "key": N_("not recorded while the key is wrong"),
}
"""Why nothing is recorded, by the step that went wrong."""


@dataclass(frozen=True)
class ProbeInputs:
    """One connection of a form, the catalogue, the settings of its platform, and what a request is
    checked against."""

    loaded: LoadedForm
    connection: Declaration
    catalogue: Catalogue
    settings: PlatformSettings
    network: Network
    context: Context

    @property
    def title(self) -> Wording:
        client = self.connection
        return wording(
            N_("{organisation} · {application} on {platform} ({environment})"),
            organisation=client.organisation,
            application=client.application,
            platform=TITLES[client.platform],
            environment=environment(client.environment),
        )

    def _probing(self, key: PrivateKey, kid: str | None, *, sends_test_message: bool) -> Probing:
        """Return the probe of the connection with a key, as steps that are still to be taken.
        Without a ``kid`` the assertions have that of the form's key; with an empty one they have
        none. Raises Failure where the client-ID is not known, and InvalidSettings where an API that
        gets a token is at a host that the stack's file does not trust."""
        if self.context.client_id is None:
            raise Failure(
                "the client-ID is not known here; give the one that was handed over, with"
                " --client-id"
            )
        by_thumbprint = {public.thumbprint: public for public in (self.context.keys or {}).values()}
        declared = by_thumbprint.get(key.public.thumbprint)
        alg = usual_algorithm(declared) if declared else key.alg
        if kid is None:
            kid = (declared or key.public).kid
        wanted: list[WantedScope] = []
        configured: dict[str, Mapping[str, Any]] = {}
        for platform_name, scope in self.connection.form.catalogue_names.items():
            product = self.catalogue.product_of[scope]
            wanted.append(WantedScope(scope, platform_name, product))
            # An API that needs no configuration is tried where the stack says where it is.
            needs_none = product.api and product.configuration is None
            if needs_none and self.settings.has_api_url(product.product):
                configured[product.product] = {}
        configured |= self.connection.configurations
        products = self.catalogue.products
        called = [name for name in sorted(configured) if products[name].api is not None]
        # Before anything is sent: a token for another host could be used there.
        require_trusted_apis(self.settings, called)
        return Probing(
            context=replace(self.context, now=time.time()),
            settings=self.settings,
            network=self.network,
            key=key,
            kid=kid or None,
            alg=alg,
            declared=declared,
            wanted=tuple(wanted),
            configured=configured,
            products=products,
            sends_test_message=sends_test_message,
        )

    def try_connection(
        self, key: PrivateKey, kid: str | None, *, sends_test_message: bool, records: bool
    ) -> Probe:
        """Try the connection with a key, and return what came of each step. With ``records`` write
        evidence of what was proven beside the form; a step says why where that is not done, or
        what the evidence does not prove. Raises Failure, and OSError."""
        probing = self._probing(key, kid, sends_test_message=sends_test_message)
        steps = list(probing.steps())
        if not records:
            return Probe(self.title, tuple(steps))
        reason = _why_not_recorded(probing, steps)
        if reason:
            steps.append(untried("evidence", reason))
            return Probe(self.title, tuple(steps))
        recorded = self._write_evidence(probing).as_posix()
        unproven = self._unproven(probing)
        if unproven:
            sentence = wording(
                N_("recorded, and it does not prove {names}"), names=listed(unproven)
            )
            steps.append(untried("evidence", sentence))
        return Probe(self.title, tuple(steps), recorded)

    def _unproven(self, probing: Probing) -> list[str]:
        """Return the names of the connection's scopes and products that a probe did not prove."""
        scopes = {wanted.scope for wanted in probing.wanted} - set(probing.proven_scopes)
        products = self.connection.products.keys() - set(probing.proven_products)
        return [*sorted(scopes), *sorted(products)]

    def _write_evidence(self, probing: Probing) -> Path:
        """Write the evidence of what was proven beside the form, and return its file. Raises
        OSError."""
        client = self.connection
        public = probing.declared or probing.key.public
        expected = Expected(
            client.declared_by.code, client.application, client.environment, client.platform
        )
        evidence = Evidence(
            **asdict(expected),
            issuer=probing.context.issuer.rstrip("/"),
            client_id=probing.client_id,
            scopes=frozenset(probing.proven_scopes),
            products=frozenset(probing.proven_products),
            thumbprint=public.thumbprint,
            iat=int(time.time()),
            signs_with_kid=probing.kid is not None,
        )
        file = self.loaded.file.with_name(expected.file_name)
        write_whole(file, signed_evidence(evidence, probing.key, public, probing.alg))
        return shown(file)


def signed_evidence(evidence: Evidence, key: PrivateKey, public: PublicJwk, alg: str) -> str:
    """Return the text of a file of evidence: a flattened JWS (RFC 7515 §7.2.2) that is signed by
    ``key``, whose ``public`` half is in its header."""
    header = {"alg": alg, "kid": public.kid, "typ": TYPE, "jwk": dict(public.members)}
    jws = key.sign(evidence.model_dump_json(), header)
    return json.dumps(json.loads(jws.serialize()), indent=2) + "\n"


def _why_not_recorded(probing: Probing, steps: Sequence[ProbeStep]) -> Wording | None:
    """Return why no evidence is written, though its user wants it: nothing was proven, or the clock
    or the key is wrong. None where it is written."""
    if not probing.proven_scopes:
        return wording(N_("nothing was proven, so that nothing is recorded"))
    for step in steps:
        if step.outcome is ProbeOutcome.WRONG and step.step in _NOT_WHILE:
            return wording(_NOT_WHILE[step.step])
    return None


def inputs_of_form(
    form: Path, stack: str, platform_name: str, client_id: str | None
) -> ProbeInputs:
    """Read a form and the stack's file, and return what a probe of the form's connection on a
    platform needs. Without a ``client_id`` it is that of earlier evidence, or that of ``adopt``.

    Raises:
        Failure: where the form has mistakes, has no connection there, or has one with a secret.
    """
    settings = stack_settings(stack, Path())
    platform = _platform_of_stack(platform_name, stack, settings)
    if form.is_dir():
        raise Failure(f"{form} is a folder; name one form in it")
    try:
        onboardings = read_onboardings([form], settings.catalogue_folder).valid()
    except InvalidForms as error:
        raise Failure(f"{error}\ncorrect the form first; acmidm validate checks it") from None
    day = datetime.now(UTC).date()
    connections = without_ended_scopes(onboardings.connections(settings.environment), day)
    connection = next((client for client in connections if client.platform is platform), None)
    if connection is None:
        raise Failure(
            f"{form} has no connection on {TITLES[platform]} {settings.environment}; name another"
            " stack, platform or form"
        )
    if connection.uses_secret:
        raise Failure(
            f"{form}: the client authenticates with a secret, which signs nothing: there is no"
            " evidence for it, and the gate to production takes an exemption; or let it"
            " authenticate with a key"
        )
    [loaded] = onboardings.forms
    evidence = connection.evidence_file.evidence
    proven_id = evidence.client_id if evidence else None
    known_id = client_id or proven_id or connection.form.adopts
    network = Network(settings.request_timeout_seconds)
    return _inputs_of(loaded, connection, known_id, onboardings.catalogue, settings, network)


def inputs_of_supplier(stack: Stack, platform_name: str, supplier: str) -> list[ProbeInputs]:
    """Return what a probe needs of each connection that has the keys of a supplier, with the
    client-ID in the stack's state, or None where no run has made its client.

    Raises:
        Failure: where the stack's file or its state cannot be read, or there is no such form.
    """
    settings = stack.forms.settings
    platform = _platform_of_stack(platform_name, stack.name, settings)
    forms = stack.forms.onboardings
    by_name = {loaded.name: loaded for loaded in forms.supplied_by(supplier)}
    network = Network(settings.request_timeout_seconds)
    inputs: list[ProbeInputs] = []
    for connection in without_ended_scopes(stack.forms.connections, stack.now.date()):
        loaded = by_name.get(connection.form.path or "")
        if loaded and connection.platform is platform:
            record = recorded_as(connection, stack.state.recorded.parts)
            client_id = record.client_id if record else None
            inputs.append(
                _inputs_of(loaded, connection, client_id, forms.catalogue, settings, network)
            )
    if not inputs:
        raise Failure(
            f"no form has keys_of: {supplier} on {TITLES[platform]} {settings.environment}; name"
            " another supplier, stack or platform"
        )
    return inputs


def _platform_of_stack(name: str, stack: str, settings: Settings) -> Platform:
    """Return the platform of this name. Raises Failure where a stack has no such platform."""
    if name not in list(Platform):
        raise Failure(
            f'platform "{name}" is not known;'
            f" {did_you_mean(name, Platform, 'use acmidm or geosecure')}"
        )
    platform = Platform(name)
    if platform not in settings.platforms:
        raise Failure(f"stack {stack} has no {TITLES[platform]}; name another stack or platform")
    return platform


def _inputs_of(
    loaded: LoadedForm,
    connection: Declaration,
    client_id: str | None,
    catalogue: Catalogue,
    settings: Settings,
    network: Network,
) -> ProbeInputs:
    """Return what a probe needs of a connection. Names of scopes are those of its platform, and
    keys of the form's other environment are known too: people mix them up."""
    of_platform = settings.platforms[connection.platform]
    other_keys: dict[str, str] = {}
    for keys_environment, keys in loaded.keys.items():
        if keys_environment is not connection.environment:
            other_keys |= dict.fromkeys(thumbprints(keys), keys_environment.value)
    scopes: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for platform_name, scope in connection.form.catalogue_names.items():
        scopes[platform_name] = catalogue.product_of[scope].product
        if platform_name != scope:
            renamed[scope] = platform_name
    context = Context(
        platform=connection.platform,
        environment=connection.environment,
        issuer=of_platform.issuer_name,
        now=time.time(),
        has_platform_rules=of_platform.authority_type.has_platform_rules,
        assertion_audience=of_platform.assertion_audience,
        client_id=client_id,
        api_of=of_platform.product_of_api,
        keys=connection.jwks,
        other_keys=other_keys,
        scopes=scopes,
        renamed=renamed,
    )
    return ProbeInputs(loaded, connection, catalogue, of_platform, network, context)
