"""What the four providers share: configuration, normalised inputs, precise diffs, one-sentence errors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CheckResult, ConfigureRequest, DiffResult, ReadResult, Resource, ResourceProvider

from components.authorities.connected import Connected, ConnectedPlatform, connected
from components.authorities.errors import AuthorityError, Rejected
from components.authorities.port import ClientSnapshot
from components.model.loading import load_catalogue
from components.model.problems import quoted
from components.resources.adoption import is_spent, kept, record, refusal, refused
from components.resources.orphan import end_with_the_engine
from components.settings import NAMESPACE, Settings, read_settings

Properties = Mapping[str, Any]

_lock = threading.Lock()
_connections: list[tuple[Settings, Connected]] = []


class AuthorityProvider(ResourceProvider):
    """The base. Subclasses hold no state of their own: what is pickled into the state is their name."""

    serialize_as_secret_always = False  # nothing secret is captured, and encrypting a name helps nobody
    identity: ClassVar[tuple[str, ...]]
    """The inputs that make it another resource when they change."""

    _platforms: Connected

    def configure(self, req: ConfigureRequest) -> None:
        # The SDK shows the user traceback.format_exc() of what a provider raises; without frames that is its sentence.
        sys.tracebacklimit = 0
        end_with_the_engine()
        self._platforms = _connected(read_settings(lambda key: req.config.get(f"{NAMESPACE}:{key}")))

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        inputs = inputs_of(news)
        asked = inputs.pop("adopt", None)
        # Without old inputs the resource is about to be made, or to replace another.
        adopt = kept(asked, inputs_of(olds).get("adopt")) if olds else self._compared(asked, inputs)
        return CheckResult({**inputs, "adopt": adopt} if adopt else inputs, [])

    def _compared(self, asked: Mapping[str, str] | None, inputs: Properties) -> dict[str, Any] | None:
        """What taking over changes, or why it is refused."""
        if asked is None:
            return None
        client_id = asked["client_id"]
        try:
            platform = self._platform(inputs)
            snapshot = platform.clients.get(client_id)
            if snapshot is None:
                return refusal(
                    asked, f"client {quoted(client_id)} does not exist; correct the client-ID under adopt in the form, or remove it"
                )
            if is_spent(asked, snapshot.client.metadata):
                return record(client_id, snapshot.client.metadata.software_id, {}, {})
            return record(client_id, asked["software_id"], *self.compared(platform, snapshot, inputs))
        except AuthorityError as error:
            return refusal(asked, str(error))

    def compared(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> tuple[Properties, Properties]:
        """What an existing client has of this resource, and what it is to have."""
        raise NotImplementedError

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """The engine finds what changed by itself; an identity that is not known yet is that of a new client.

        What is refused replaces nothing: a replacement is checked anew, without the old inputs that say why it is refused.
        """
        changed = [] if refused(news) else [name for name in self.identity if news.get(name) != olds.get(name)]
        return DiffResult(changes=None, replaces=changed, delete_before_replace=False)

    def on(self, props: Properties) -> ConnectedPlatform:
        """The platform that a resource lives on. Raises Rejected where what the resource is to take over is refused."""
        sentence = refused(props)
        if sentence is not None:
            raise Rejected(sentence)
        return self._platform(props)

    def _platform(self, props: Properties) -> ConnectedPlatform:
        platform = self._platforms.get(props["platform"])
        if platform is None:
            raise Rejected(
                f'platform "{props["platform"]}" has no authority in this stack; '
                f"set {NAMESPACE}:{props['platform']}ManagementUrl and what goes with it, or remove the platform from the form"
            )
        return platform


class AuthorityResource(Resource):
    """What the four resources share."""

    adopt: pulumi.Output[Mapping[str, Any] | None]
    """What was taken over, and what that changed; in a preview also why it is refused."""


def managed_by(resource_name: str) -> str:
    """How an authority names the resource that manages a client: project, stack and the client's resource."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}:{resource_name}"


def inputs_of(props: Properties) -> dict[str, Any]:
    """A resource's own inputs, in one form: whole numbers are integers again (they travel as floating point)."""
    return {name: _plain(value) for name, value in props.items() if not name.startswith("__")}


def gone() -> ReadResult:
    """What tells the engine that a resource no longer exists."""
    return ReadResult("", {})


def present(id_: str, inputs: Mapping[str, Any], **outputs: Any) -> ReadResult:
    """What a read found: the inputs that would give it, and the outputs."""
    return ReadResult(id_, {**inputs, **outputs}, dict(inputs))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _connected(settings: Settings) -> Connected:
    """One set of connections for the four providers, so that a client is read once for all of them."""
    with _lock:
        for known, connections in _connections:
            if known == settings:
                return connections
        connections = connected(settings, load_catalogue(settings.catalogue_folder))
        _connections.append((settings, connections))
        return connections
