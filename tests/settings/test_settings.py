"""Settings: declared alike in both places, read with their sources in the right order, mistakes
told all at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.settings import (
    SECRET_KEYS,
    TRUSTED_HOSTS,
    InvalidSettings,
    declared_keys,
    read_settings,
    require_trusted_apis,
    require_trusted_hosts,
    sentences_about_unknown_keys,
)
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.settings import COMPLETE, read

ROOT = Path(__file__).parents[2]


def sentences(**changes: object) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        read(**changes)
    return str(caught.value).splitlines()


def test_pulumi_yaml_declares_every_setting_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same keys, defaults and descriptions; a type that the default has; nothing more, nothing
    less. What types of others read is in their own projects' files."""
    types = installed_authorities().items()
    own = {
        name: one for name, one in types if one.settings.__module__.startswith("acmidm_onboarding.")
    }
    monkeypatch.setattr("acmidm_onboarding.settings.platform.installed_authorities", lambda: own)
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    keys = declared_keys()
    of_project = {key: value for key, value in keys.items() if ":" not in key}
    assert set(declared) == set(of_project)
    for key, (default, description) in of_project.items():
        said = declared[key]
        text = said["description"]
        assert text == description, key
        kinds = {bool: "boolean", int: "integer", dict: "object"}
        assert said["type"] == kinds.get(type(default), "string"), key
        if default is not None:
            assert str(said["default"]).casefold() == str(default).casefold().removesuffix(".0"), (
                key
            )
        elif "default" in said:
            assert said["default"] == "", f"{key} has a default that the code does not have"


@pytest.mark.parametrize("stack", ["tni", "prod"])
def test_committed_stacks_are_complete(stack: str) -> None:
    settings = stack_settings(stack, ROOT)
    assert settings.environment == stack
    assert settings.protect_clients is (stack == "prod")
    longest = timedelta(minutes=15) if stack == "tni" else timedelta(days=14)
    assert timedelta() < timedelta(days=settings.key_overlap_days) <= longest, (
        "on TNI a rotation can be waited for"
    )


def test_strings_of_the_engine_become_typed_values() -> None:
    settings = read(
        protectClients="true",
        requestTimeoutSeconds="2",
        retryDeadlineSeconds="0",
        formsFolder="elsewhere",
    )
    assert settings.protect_clients is True
    assert settings.request_timeout_seconds == 2
    assert settings.retry_deadline_seconds == 0
    assert settings.forms_folder == Path("elsewhere")
    assert settings.environment is Environment.TNI


@pytest.mark.parametrize(
    ("environment", "value", "protected"),
    [("prod", "", True), ("prod", "false", False), ("tni", "", False)],
)
def test_clients_on_prod_are_protected_unless_somebody_says_otherwise(
    environment: str, value: str, protected: bool
) -> None:
    assert read(environment=environment, protectClients=value).protect_clients is protected


def test_empty_is_not_set() -> None:
    """Pulumi.yaml has to give every optional key a default, which is the empty string."""
    keys = ("requestTimeoutSeconds", "operatorPrivateKeyFile", "geosecure:managementUrl")
    settings = read(**dict.fromkeys(keys, ""))
    assert settings.request_timeout_seconds == 10
    assert set(settings.platforms) == {Platform.ACMIDM}
    assert settings.platforms[Platform.ACMIDM].operator_private_key_file is None


def test_missing_settings_are_named_all_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        read_settings(lambda _: None, {})
    lines = str(caught.value).splitlines()
    for key in COMPLETE:
        assert any(f"pulumi config set acmidm:{key}" in line for line in lines), key
    assert len(lines) == len(COMPLETE)


def test_half_a_second_platform_is_completed_by_name() -> None:
    """Whoever names one setting of GeoSecure is told the others by the keys that they have."""
    lines = sentences(**{"geosecure:issuer": "https://geo.example"})
    assert lines == [
        f"setting geosecure:{key} is missing; set it with pulumi config set geosecure:{key}"
        for key in ("managementUrl", "productsUrl", "operatorClientId")
    ]


def test_former_names_of_settings_are_refused_with_the_lines_to_write_instead() -> None:
    """All at once, secrets too. A misspelt key is told the nearest one."""
    keys = ["acmidm:geosecureIssuer", "acmidm:geosecureOperatorPrivateKey", "geosecure:isuer"]
    assert sorted(sentences_about_unknown_keys(keys)) == [
        "setting acmidm:geosecureIssuer is not known; write geosecure:issuer instead, its namespace"
        " is the platform's",
        "setting acmidm:geosecureOperatorPrivateKey is not known; write"
        " geosecure:operatorPrivateKey instead, its namespace is the platform's",
        'setting geosecure:isuer is not known; did you mean "geosecure:issuer"?',
    ]
    assert sentences_about_unknown_keys(["aws:region", "pulumi:tags"]) == []
    (said,) = sentences_about_unknown_keys(["acmidm:geosecureSmtpUrl"])
    assert "write geosecure:smtpUrl" not in said, "there never was one"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8511/op",
        "http://localhost:1/op",
        "http://[::1]:8511/op",
        "https://idp.example/op",
    ],
)
def test_address_is_encrypted_or_loopback(url: str) -> None:
    assert str(read(issuer=url).platforms[Platform.ACMIDM].issuer) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/op",
        "http://127.0.0.1.example/op",
        "http://10.0.0.1/op",
        "http://localhost.example/",
        "ftp://127.0.0.1/",
    ],
)
def test_plain_http_elsewhere_is_refused(url: str) -> None:
    for key in ("issuer", "managementUrl", "productsUrl"):
        (line,) = sentences(**{key: url})
        assert line.startswith(f"setting acmidm:{key} is ")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:very-private@idp.example/op",
        "https://very-private@idp.example/op",
        "https://idp.example/?very-private",
    ],
)
def test_an_address_holds_no_secret_and_none_is_repeated(url: str) -> None:
    """An address is repeated in every error about the authority."""
    (line,) = sentences(issuer=url)
    assert line.startswith(
        (
            "setting acmidm:issuer holds a user name or a password; ",
            "setting acmidm:issuer goes on with ? or #; ",
        )
    )
    assert "very-private" not in line


@pytest.mark.parametrize(
    ("key", "value", "ending"),
    [
        ("environment", "acceptance", "is not known; it is 'tni' or 'prod'"),
        ("environment", ["tni"], "is not known; it is 'tni' or 'prod'"),
        ("requestTimeoutSeconds", "0", "is not more than 0"),
        ("requestTimeoutSeconds", "301", "is more than 300"),
        ("requestTimeoutSeconds", "2.5", "is not a whole number"),
        ("requestTimeoutSeconds", "nan", "is not a whole number"),
        ("retryDeadlineSeconds", "-1", "is less than 0"),
        ("protectClients", "perhaps", "is not true or false"),
        (
            "authority",
            "ldap",
            f"is not known; it is {' or '.join(map(repr, installed_authorities()))}",
        ),
        (
            "authority",
            "rfc7591",
            f"is not known; it is {' or '.join(map(repr, installed_authorities()))}; the adapter by"
            " RFC 7591 has ended; write your own, as docs/authorities.md shows",
        ),
        ("issuer", "idp.example", "is no address such as https://idp.example/op"),
        ("issuer", "ftp://127.0.0.1/", "is no address such as https://idp.example/op"),
        ("operatorClientId", ["x"], "is not a text"),
        ("formsFolder", ["x"], "is not the name of a file or folder"),
    ],
)
def test_a_wrong_value_names_its_key_and_says_what_is_wrong(
    key: str, value: object, ending: str
) -> None:
    assert sentences(**{key: value}) == [
        f"setting acmidm:{key} {ending}; set it with pulumi config set acmidm:{key}"
    ]


def test_a_misspelt_setting_is_refused() -> None:
    """It would be without effect, as if nobody had set it. Those of other namespaces are none of
    ours."""
    with pytest.raises(InvalidSettings) as caught:
        read_settings(
            {**COMPLETE, "environment": "x"}.get,
            {},
            ["acmidm:protectClient", "zzz", "aws:region", "acmidm:issuer", "environment"],
        )
    assert str(caught.value).splitlines()[:2] == [
        'setting acmidm:protectClient is not known; did you mean "protectClients"?',
        'setting acmidm:zzz is not known; remove it with pulumi config rm "acmidm:zzz"',
    ]
    with pytest.raises(InvalidSettings, match="protectClient is not known"):
        read_settings(COMPLETE.get, {}, ["acmidm:protectClient"])


@pytest.mark.parametrize("key", ["issuer", "zzz"])
def test_the_engine_s_old_way_to_write_a_key_is_refused(key: str) -> None:
    """The engine takes it for the key itself, whatever that is set to beside it."""
    for keys in ([f"acmidm:config:{key}"], [f"config:{key}"]):
        with pytest.raises(
            InvalidSettings,
            match=f"^setting acmidm:config:{key} has one word too many; write acmidm:{key}$",
        ):
            read_settings(COMPLETE.get, {}, keys)


def test_environment_goes_before_the_stack() -> None:
    """GeoSecure's variables have names of their own; by themselves they make no second platform."""
    environ = {
        "ACMIDM_OPERATOR_CLIENT_ID": "pipeline",
        "GEOSECURE_OPERATOR_CLIENT_ID": "other-pipeline",
    }
    assert {name: one.operator_client_id for name, one in read(environ).platforms.items()} == {
        Platform.ACMIDM: "pipeline"
    }
    addresses = {
        f"geosecure:{name}": "https://geo.example/x"
        for name in ("issuer", "managementUrl", "productsUrl")
    }
    platforms = read({**environ, "ACMIDM_OPERATOR_CLIENT_SECRET": "of one"}, **addresses).platforms
    assert platforms[Platform.GEOSECURE].operator_client_id == "other-pipeline"
    assert platforms[Platform.GEOSECURE].operator_client_secret is None


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("ACMIDM_OPERATOR_PRIVATE_KEY_FILE", "operator_private_key_file", Path("given")),
        ("ACMIDM_OPERATOR_PRIVATE_KEY", "operator_private_key", SecretStr("given")),
        ("ACMIDM_OPERATOR_CLIENT_SECRET", "operator_client_secret", SecretStr("given")),
    ],
)
def test_a_credential_of_the_environment_takes_the_place_of_those_of_the_stack(
    variable: str, field: str, value: object
) -> None:
    """Of another kind too: which of two were used would not be the environment's to say. The
    client-ID stays."""
    stack = {
        "operatorPrivateKeyFile": "stack.json",
        "operatorPrivateKey": "stack",
        "operatorClientSecret": "stack",
    }
    platform = read({variable: "given"}, **stack).platforms[Platform.ACMIDM]
    credentials = {
        name: getattr(platform, name)
        for name in type(platform).model_fields
        if name.startswith("operator_")
    }
    given = {name: found for name, found in credentials.items() if found is not None}
    assert given == {"operator_client_id": "onboarding", field: value}


GEOSECURE = {
    "geosecure:issuer": "https://geo.example:8443/op",
    "geosecure:managementUrl": "http://127.0.0.1:1/m",
}
GEOSECURE |= {
    "geosecure:productsUrl": "https://[2001:db8::1]/p",
    "geosecure:operatorClientId": "onboarding",
}
SECRETS = {"operatorClientSecret": "private", "geosecure:operatorPrivateKeyFile": "key.json"}


@pytest.mark.parametrize(
    ("trusted", "refused"),
    [
        ("", "managementUrl issuer productsUrl geosecure:issuer geosecure:productsUrl"),
        ("beheer.example, IDP.example producten.example:443,geo.example:8443 [2001:db8::1]", ""),
        (
            "beheer.example,idp.example:8443,producten.example.evil,geo.example,example",
            "issuer productsUrl geosecure:issuer geosecure:productsUrl",
        ),
    ],
)
def test_credentials_go_only_to_hosts_of_the_environment(trusted: str, refused: str) -> None:
    """The settings are a part of the pull request: each that leads elsewhere is named, with its
    host. Loopback needs no permission."""
    found = read(**GEOSECURE, **SECRETS)
    try:
        require_trusted_hosts(found, {TRUSTED_HOSTS: trusted})
        said = []
    except InvalidSettings as error:
        said = str(error).splitlines()
    assert [line.split()[1].removeprefix("acmidm:") for line in said] == refused.split()
    assert all(
        f"which {TRUSTED_HOSTS} does not name, so that no credentials are sent; " in line
        for line in said
    )
    require_trusted_hosts(read(**GEOSECURE), {})  # nothing is there to be sent


@pytest.mark.parametrize(
    ("trusted", "refused"),
    [
        ("", False),
        ("api.example", False),
        ("api.example:443, other.example", False),
        ("other.example", True),
    ],
)
def test_a_token_goes_only_to_an_api_of_the_environment_where_that_names_any(
    trusted: str, refused: bool
) -> None:
    """Somebody who probes at home names none; a pipeline does, and a setting of a pull request may
    lead anywhere."""
    own = read(
        apiUrls={
            "dosis": "https://api.example",
            "notificaties": "http://127.0.0.1:8512/products/v1",
        }
    ).platforms[Platform.ACMIDM]
    if not refused:
        require_trusted_apis(own, ("dosis", "notificaties"), {TRUSTED_HOSTS: trusted})
        return
    with pytest.raises(
        InvalidSettings,
        match=rf"^the API of dosis is at api\.example, which {TRUSTED_HOSTS} does not name",
    ):
        require_trusted_apis(own, ("dosis", "notificaties"), {TRUSTED_HOSTS: trusted})


def test_no_stacks_file_says_what_is_handed_to_a_program() -> None:
    """It would say what is at production's authority: commands refuse it there, as any setting that
    nobody knows."""
    (said,) = sentences_about_unknown_keys(["acmidm:handed", "acmidm:environment"])
    assert "handed" in said


MAIL = {
    "smtpUrl": "smtp://mail.example",
    "mailSender": "Digitaal Vlaanderen <noreply@mail.example>",
}


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        (
            {"smtpUrl": "https://mail.example"},
            "smtpUrl is no address of a mail server; write it as in smtp://smtp.example:587",
        ),
        ({"smtpUrl": "mail.example:587"}, "smtpUrl is no address of a mail server"),
        ({"smtpUrl": "smtp://"}, "smtpUrl is no address of a mail server"),
        ({"smtpUrl": "smtp://mail.example:0x19"}, "smtpUrl is no address such as"),
        (
            {"smtpUrl": "smtp://someone:very-private@mail.example"},
            "smtpUrl holds a user name or a password; leave it out, ACMIDM_SMTP_",
        ),
        ({"smtpUrl": "smtp://mail.example/path"}, "smtpUrl goes on behind the host and its port"),
        ({"mailSender": ""}, "mailSender is wanted where acmidm:smtpUrl is set"),
        (
            {"mailSender": "Digitaal Vlaanderen"},
            "mailSender is no mail address; write one as in noreply@vlaanderen.example, or Name <",
        ),
        (
            {"mailSender": "A <a@mail.example>\nBcc: <b@mail.example>"},
            "mailSender is no mail address",
        ),
        ({"mailReplyTo": "a@mail.example, b@mail.example"}, "mailReplyTo is no mail address"),
        ({"mailSender": f"a@{'x' * 64}.example"}, "mailSender is no mail address"),
        ({"mailSender": "=?utf-8?q?=0aBcc?=@mail.example"}, "mailSender is no mail address"),
    ],
)
def test_what_mail_cannot_be_sent_with_is_refused(changes: dict[str, object], ending: str) -> None:
    """One sentence, which repeats no value: it may be a password."""
    (said,) = sentences(**{**MAIL, **changes})
    assert said.startswith(f"setting acmidm:{ending}")
    assert "very-private" not in said


@pytest.mark.parametrize(
    ("host", "trusted", "is_sent"),
    [
        *(
            (host, "mail.example", True)
            for host in ("mail.example", "mail.example:587", "mail.example:465", "MAIL.example")
        ),
        *(("mail.example", trusted, False) for trusted in ("", "other.example", "mail.example:25")),
        ("mail.example:2525", "mail.example:2525", True),
        ("mail.example:2525", "mail.example", False),
        ("127.0.0.1:8513", "", True),
    ],
)
def test_mails_go_only_to_a_host_of_the_environment(host: str, trusted: str, is_sent: bool) -> None:
    """Whoever changes the setting in a pull request gets neither the mails nor the credentials. A
    port of its own has to be named."""
    found = read(**{**MAIL, "smtpUrl": f"smtp{'s' if host.endswith(':465') else ''}://{host}"})
    if is_sent:
        require_trusted_hosts(found, {TRUSTED_HOSTS: trusted})
    else:
        with pytest.raises(
            InvalidSettings,
            match=f"^setting acmidm:smtpUrl leads to {host}, which {TRUSTED_HOSTS} does not name",
        ):
            require_trusted_hosts(found, {TRUSTED_HOSTS: trusted})


def test_secrets_are_in_no_representation() -> None:
    """Settings may be logged by whoever debugs them."""
    for key in SECRET_KEYS:
        assert "very-private" not in repr(read(**{key: "very-private"}))
    lines = sentences(operatorClientSecret="very-private", environment="x")
    assert not any("very-private" in line for line in lines)


def test_stack_file_without_engine(tmp_path: Path) -> None:
    """Defaults come from the project, values from the stack, and an encrypted value is left out
    instead of misread."""
    (tmp_path / "Pulumi.yaml").write_text(
        "config:\n  formsFolder: {type: string, default: forms}\n"
    )
    config = {f"acmidm:{key}": value for key, value in COMPLETE.items()}
    config["acmidm:operatorClientSecret"] = {"secure": "v1:abc"}
    (tmp_path / "Pulumi.tni.yaml").write_text(yaml.safe_dump({"config": config}))
    settings = stack_settings("tni", tmp_path)
    assert settings.forms_folder == Path("forms")
    assert settings.platforms[Platform.ACMIDM].operator_client_secret is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, 'there is no stack "tni" here'),
        (b"a: [", "is not YAML"),
        (b"# caf\xe9", "is not UTF-8 text; save it as UTF-8"),
        (b"config: {acmidm:profile: 2026-13-45}", "is not YAML"),
        (b"config: {<<: {acmidm:environment: tni}}", "has YAML aliases"),
        (
            b"config: {acmidm:environment: tni, acmidm:environmnt: tni}",
            'environmnt is not known; did you mean "environment"',
        ),
    ],
)
def test_stack_file_that_is_no_use(tmp_path: Path, text: bytes | None, words: str) -> None:
    if text is not None:
        (tmp_path / "Pulumi.tni.yaml").write_bytes(text)
    with pytest.raises(InvalidSettings, match=words):
        stack_settings("tni", tmp_path)


def test_stack_file_that_leads_nowhere_is_a_file(tmp_path: Path) -> None:
    """Its stack is among those that are here: none with another name is meant."""
    (tmp_path / "Pulumi.tni.yaml").symlink_to("nowhere.yaml")
    with pytest.raises(InvalidSettings, match=r"Pulumi\.tni\.yaml cannot be read"):
        stack_settings("tni", tmp_path)


def test_name_that_no_file_can_have_is_of_no_stack(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no stack"):
        stack_settings("a" * 300, tmp_path)
