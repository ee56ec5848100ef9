"""What the providers share: configuration, normalised inputs, precise diffs, adoption, one-sentence
errors."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from acmidm_onboarding.authorities.errors import AuthorityError, PerhapsGone, Rejected
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.engine_resources import KEEP
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.process import without_tracebacks
from acmidm_onboarding.resources import adoption, ownership
from acmidm_onboarding.resources.orphan import end_with_the_engine
from acmidm_onboarding.resources.same_run import SameRun
from acmidm_onboarding.settings import Settings, full_key, read_settings
from acmidm_onboarding.values.plain import normalised

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform

Properties = Mapping[str, Any]

_lock = threading.Lock()
_connections: list[tuple[Settings, Connected, SameRun]] = []


class AuthorityProvider(ResourceProvider):
    """The base. Subclasses have no state of their own: what is pickled into the state is their
    name."""

    serialize_as_secret_always = (
        False  # nothing secret is captured, and encrypting a name helps nobody
    )
    replaced_by: ClassVar[tuple[str, ...]]
    """The inputs whose change replaces the resource."""

    _platforms: Connected
    _run: SameRun
    _settings: Settings

    def configure(self, req: ConfigureRequest) -> None:
        without_tracebacks()
        end_with_the_engine()
        self._settings = read_settings(lambda key: req.config.get(full_key(key)))
        self._platforms, self._run = _connected(self._settings)

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        """Return the inputs that the state will have, with ``adopt`` as what was seen of a client
        that is taken over, or why it is refused. Never fails: that would end the whole run.

        The engine calls this in previews too. ``olds`` is empty for a resource that is about to be
        made, or to replace another.
        """
        inputs = inputs_of(news)
        if olds:  # what counts for a create alone stays as it was
            inputs |= {name: inputs_of(olds).get(name) for name in ownership.OF_A_CREATE}
        for name in ownership.OF_A_CREATE:
            if inputs.get(name) is None:
                inputs.pop(name, None)
        wanted = inputs.pop("adopt", None)
        if olds:
            adopt = self._kept_adopt(wanted, inputs_of(olds).get("adopt"), inputs)
        else:
            adopt = self._new_adopt(wanted, inputs)
        if adopt:
            inputs["adopt"] = adopt
        return CheckResult(inputs, [])

    def _kept_adopt(
        self, wanted: Mapping[str, Any] | None, before: Mapping[str, Any] | None, inputs: Properties
    ) -> Mapping[str, Any] | None:
        """Return the input ``adopt`` of a resource that is in the state: the one recorded
        ``before``, for an adoption happens once.

        Where the form names another client since, that is refused, unless the connection has it
        already or people confirmed it as the connection's. ``wanted`` is what the program gives:
        the client-ID in the form and whose it will be; None without one.
        """
        if wanted is None or (before or {}).get("client_id") == wanted["client_id"]:
            return before
        with suppress(AuthorityError):
            confirmed = self._confirmed_client(inputs, wanted)
            if confirmed is not None and confirmed.client_id == wanted["client_id"]:
                return before
            client = self._platform(inputs).clients.get(wanted["client_id"])
            owner = ownership.owner_of(wanted)
            if client is not None and client.metadata.owner.is_connection_of(owner):
                return before
        return adoption.refusal(wanted, adoption.sentence_on_second_client(wanted))

    def _new_adopt(
        self, wanted: Mapping[str, Any] | None, inputs: Properties
    ) -> dict[str, Any] | None:
        """Return the input ``adopt`` of a resource that is about to be made: what its client has
        now, or why it cannot be taken over; None where the form names no client."""
        if wanted is None:
            return None
        try:
            platform = self._platform(inputs)
            client = platform.clients.get(wanted["client_id"])
            reserved = platform.reserved.get(wanted["client_id"])
            sentence = adoption.obstacle(wanted, client, reserved)
            if client is None or sentence is not None:
                return adoption.refusal(wanted, sentence or "")
            return adoption.record(wanted, self.inputs_at_take_over(platform, client, inputs))
        except AuthorityError as error:
            return adoption.refusal(wanted, str(error))

    def inputs_at_take_over(
        self, platform: ConnectedPlatform, client: RegisteredClient, inputs: Properties
    ) -> Properties:
        """Return the managed inputs of this resource, as a client that is taken over has them
        now."""
        raise NotImplementedError

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        """Return which inputs, of those in ``replaced_by``, changed and so replace the resource;
        which others changed the engine finds by itself.

        A ``client_id`` that is not known yet is that of a new client. A resource that is refused is
        not replaced: a replacement is checked without the old inputs, which say why it is refused.
        """
        self._run.note_declared(id_, olds)
        if adoption.refused(news):
            return DiffResult(changes=None, replaces=[], delete_before_replace=False)
        changed = [
            name
            for name in self.replaced_by
            if self.identity(news, name) != self.identity(olds, name)
        ]
        return DiffResult(changes=None, replaces=changed, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        try:
            return self.make(normalised(props))
        except Exception:
            self._run.note_failed_create(props)
            raise

    def make(self, props: Properties) -> CreateResult:
        """Make the resource at its authority, or take over what an earlier run made and did not
        record. Return its ID and outputs."""
        raise NotImplementedError

    def read(self, id_: str, props: Properties) -> ReadResult:
        try:
            return self.look(id_, normalised(props))
        # A client that nobody can tell about stays as recorded, and fails no other's refresh.
        except PerhapsGone as error:
            pulumi.log.warn(str(error))
            return ReadResult(id_, inputs_of(props))

    def look(self, id_: str, props: Properties) -> ReadResult:
        """Return the resource as its authority has it, for a refresh; ``gone()`` where its client
        is. ``props`` are its recorded outputs."""
        raise NotImplementedError

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self.change(id_, normalised(olds), normalised(news)))

    def change(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Make the resource at its authority as ``news`` declares it, and return its outputs;
        ``olds`` are the recorded ones."""
        raise NotImplementedError

    def delete(self, id_: str, props: Properties) -> None:
        if not self._has_corrected_id(props):
            self.remove(id_, normalised(props))

    def _has_corrected_id(self, props: Properties) -> bool:
        """Return whether people corrected the client-ID that they had confirmed: the one in
        ``props`` was never this connection's client, so that nothing there may be removed."""
        if "client_id" not in props:
            return False
        confirmed = self._confirmed_client(props, props.get(ownership.CONNECTION) or props)
        return confirmed is not None and confirmed.client_id != props["client_id"]

    def _confirmed_client(self, props: Properties, marks: Properties) -> RegisteredClient | None:
        """Return the client that people confirmed for the natural key in ``marks``, at an authority
        without an API; None where it has an API, or nobody confirmed one."""
        platform = self._platform(props)
        return platform.authority.find(marks["software_id"]) if platform.can.is_by_hand else None

    def remove(self, id_: str, props: Properties) -> None:
        """Remove the resource at its authority. The base does nothing, for what is at none."""

    def protects(self, props: Properties) -> bool:
        """Return whether a removal must be refused: the stack protects its clients, and no run has
        recorded that this resource leaves. The engine can be run so that it ignores its own
        protection; this one holds."""
        return self._settings.protect_clients and props.get(KEEP) is None

    def identity(self, props: Properties, name: str) -> Any:
        """Return the part of an input, one of ``replaced_by``, whose change replaces the resource:
        the whole input, unless a provider says otherwise."""
        return props.get(name)

    def on(self, props: Properties) -> ConnectedPlatform:
        """Return the platform of a resource that is to be read or written.

        Raises:
            Rejected: where ``check`` refused the client that it should take over, so that a run
                fails at this resource.
        """
        sentence = adoption.refused(props)
        if sentence is not None:
            raise Rejected(sentence)
        return self._platform(props)

    def _platform(self, props: Properties) -> ConnectedPlatform:
        """Return the platform that the input ``platform`` names. Raises Rejected where this stack
        has no authority for it."""
        platform = self._platforms.get(props["platform"])
        if platform is None:
            raise Rejected(
                f'platform "{props["platform"]}" has no authority in this stack; '
                f"set {props['platform']}:managementUrl and what goes with it, or remove"
                " the platform from"
                " the form"
            )
        return platform


class AuthorityResource(Resource):
    """What the resources at authorities share."""

    adopt: pulumi.Output[Mapping[str, Any] | None]
    """The client that was taken over, and what it had before; in a preview also why it is
    refused."""


def managed_by() -> str:
    """Return the name of the running stack at authorities."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def inputs_of(props: Properties) -> dict[str, Any]:
    """Return the properties of a resource without the engine's own (``__provider``), and with
    whole numbers as integers, which the engine sends as floating point."""
    return {name: normalised(value) for name, value in props.items() if not name.startswith("__")}


def protected(what: str, by_form: str = "retire it in its form, or ") -> Rejected:
    """Return the exception by which a provider refuses a removal: ``what`` stays, and why.
    ``by_form`` is what a form can do about it, before the setting."""
    return Rejected(
        f"{what} stays, for this stack protects its clients, and no run has recorded that it"
        f" leaves: {by_form}set acmidm:protectClients to false, and run pulumi up"
    )


def gone() -> ReadResult:
    """Return what reports to the engine that the resource no longer exists."""
    return ReadResult("", {})


def _connected(settings: Settings) -> tuple[Connected, SameRun]:
    """Return the connections to the authorities and the notes of this run, the same for all
    providers of a process with these settings: so each client is read once."""
    # Here, for the program declares resources without HTTP, whose import takes a tenth of a second.
    from acmidm_onboarding.authorities.connected import connected

    with _lock:
        for configured, connections, run in _connections:
            if configured == settings:
                return connections, run
        connections, run = connected(settings, load_catalogue(settings.catalogue_folder)), SameRun()
        _connections.append((settings, connections, run))
        return connections, run
