"""What is in a mail: the same words in text and HTML, in each language; and no value of anybody's
becomes more than a value."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st

from acmidm_onboarding.mail import Mail, compose
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.settings import read

SETTINGS = read(
    smtpUrl="smtp://127.0.0.1:1",
    mailSender="Digitaal Vlaanderen <noreply@dv.example>",
    mailReplyTo="help@dv.example",
)
KEY = "acmidm/tni/OVO002067/loket"
VALUES: dict[str, Any] = {
    "application": "loket",
    "organisation": "Stad Gent",
    "platform": "acmidm",
    "environment": "tni",
    "client_id": "0f3c",
    "scopes": ["scope_a", "scope_b"],
    "added": ["scope_b"],
    "portal": "https://beheer.example/portaal",
    "keys": "portal",
    "jwks_uri": None,
    "issuer": "https://acm.example/op",
    "token_endpoint": "https://acm.example/op/v1/token",
    "discovery": "https://acm.example/op/.well-known/openid-configuration",
    "apis": {"notificaties": "api-1"},
    "afterwards": "De eigenaar registreert de client-ID.",
}
HEADERS = {
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Language",
}
HEADERS |= {"X-Acmidm-Connection", "X-Acmidm-Step", "MIME-Version", "Content-Type"}


def made(
    template: str = "made",
    *,
    language: Language = Language.NL,
    to: tuple[str, ...] = ("a@stad.example",),
    **changes: Any,
) -> Mail:
    given: dict[str, Any] = {
        "key": KEY,
        "step": "3",
        "settings": SETTINGS,
        **{name: changes.pop(name) for name in ("key", "step") if name in changes},
    }
    one = {**VALUES, **changes}
    values = {
        "application": one["application"],
        "environment": one.pop("environment"),
        "made": [],
        "added": [],
        template: [one],
    }
    return compose("hand-over", values, language=language, to=to, **given)


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


class Words(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)
        self.is_style = tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.is_style = self.is_style and tag not in ("style", "title")

    def handle_data(self, data: str) -> None:
        self.words += [] if self.is_style else data.split()


def page_of(mail: Any) -> Words:
    found = Words()
    found.feed(mail.get_body(("html",)).get_content())
    return found


CASES = list(
    product(
        ("made", "added"),
        Language,
        Platform,
        Environment,
        ("portal", "form", "jwks_uri", "secret", "nowhere"),
    )
)


@pytest.mark.parametrize("template", ["made", "added"])
@pytest.mark.parametrize("language", Language)
def test_text_and_html_say_the_same(template: str, language: Language) -> None:
    """On every platform, in each environment, wherever the keys come from. A number or a bullet is
    the page's own."""
    for _, _, platform, environment, keys in (
        case for case in CASES if case[:2] == (template, language)
    ):
        address: dict[str, Any] = (
            {"jwks_uri": "https://stad.example/jwks"} if keys == "jwks_uri" else {}
        )
        portal: dict[str, Any] = {"portal": None} if keys == "nowhere" else {}
        mail = made(
            template,
            language=language,
            platform=platform.value,
            environment=environment.value,
            keys=keys,
            **address,
            **portal,
        )
        bare = re.sub(r"^(\d\.|-|-- )\s", "", text_of(mail), flags=re.MULTILINE)
        assert f"{mail['Subject']} {bare}".split() == page_of(mail).words
        assert "{" not in bare
        assert "secret" not in re.sub("client secret", "", bare)


def test_dutch_comes_first_and_has_the_guides_words() -> None:
    said = text_of(made())
    for word in (
        "OAuth-client",
        "Client-ID: 0f3c",
        "Beheerportaal",
        "Lokale Beheerder",
        "1700",
        "keuze 5",
        "publieke sleutel",
        "testomgeving (TNI)",
    ):
        assert word in said
    assert "API-beheerder" in text_of(made(environment="prod"))
    assert "Servicedesk Informatiekanalen" in text_of(made(environment="prod"))


@pytest.mark.parametrize("template", ["made", "added"])
def test_what_a_token_request_needs_is_in_the_mail(template: str) -> None:
    """Issuer, token endpoint and the client-ID of each API; a link to all addresses. A token
    endpoint that no rule has is behind that link."""
    said = text_of(made(template))
    for line in (
        "Issuer: https://acm.example/op",
        "Token-endpoint: https://acm.example/op/v1/token",
        "Client-ID van de API notificaties (audience): api-1",
        "Alle adressen: https://acm.example/op/.well-known/openid-configuration",
        "De eigenaar registreert de client-ID.",
    ):
        assert line in said.splitlines()
    assert "Token-endpoint" not in text_of(made(template, token_endpoint=None))


@pytest.mark.parametrize("language", Language)
def test_who_proves_that_it_works_is_said_on_tni(language: Language) -> None:
    """A town without Git has people who can; a client with a secret can prove nothing."""
    said = text_of(made(language=language))
    assert "acmidm probe" in said
    assert (
        language.tr(
            "Whoever has the private key proves with acmidm probe that it works, in a copy of the"
            " repository of the forms. That is your developer or your supplier. Without Git, mail"
            " the file of evidence to the onboarding team of Digitaal Vlaanderen. Nothing in it is"
            " confidential. If nobody can do that, agree on an exemption with that team."
        )
        in said
    )
    neither: list[dict[str, Any]] = [{"keys": "secret"}, {"environment": "prod"}]
    for changes in neither:
        assert "acmidm probe" not in text_of(made(language=language, **changes))


@pytest.mark.parametrize(
    ("language", "keys", "said"),
    [
        (
            Language.NL,
            "form",
            "Uw client-ID blijft dezelfde. Een nieuwe scope vraagt geen nieuwe sleutel.",
        ),
        (
            Language.NL,
            "secret",
            "Uw client-ID blijft dezelfde. Een nieuwe scope vraagt geen nieuw client secret.",
        ),
        (
            Language.EN,
            "form",
            "Your client-ID stays the same. A new scope needs no new key.",
        ),
        (
            Language.EN,
            "secret",
            "Your client-ID stays the same. A new scope needs no new client secret.",
        ),
    ],
)
def test_a_mail_about_scopes_does_not_say_that_keys_stayed(
    language: Language, keys: str, said: str
) -> None:
    """The same run, or one since the last mail that was taken, may have changed them."""
    mail = text_of(made("added", language=language, keys=keys))
    assert [line for line in mail.splitlines() if "client-ID" in line and "scope" in line] == [
        f"{said} {language.tr('From now on, request tokens with the new scope too.')}"
    ]


def test_the_id_is_of_connection_step_and_content_alone() -> None:
    """The same whenever, and to whomever, it is sent; another for whatever is said otherwise."""
    same = {made().message_id, made(to=("b@stad.example", "c@stad.example")).message_id}
    others = [
        made(key=KEY + "2"),
        made(step="7"),
        made(client_id="other"),
        made(language=Language.EN),
        made("added"),
    ]
    assert len(same) == 1
    assert len(same | {mail.message_id for mail in others}) == 1 + len(others)


hostile = st.text(max_size=60) | st.sampled_from(
    [
        "x\r\nBcc: victim@evil.example",
        "x\n\nbody",
        "\r\n.\r\n",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }}{% raw %}",
        "{application.__class__}",
        "\u202egnp.exe",
        "\ud800",
        "\0",
        "=?utf-8?q?x=0aBcc:=20y?=",
        "=?utf-8?q?=0d=0aBcc:_x=40y.example?=",
        "a" * 2000,
        "é" * 500,
    ]
)
contacts = (
    st.builds(
        "{}@{}".format,
        hostile,
        st.sampled_from(["stad.example", "bücher.example", "x.example>,<y.example", "a\nb", ""]),
    )
    | hostile
)


@fuzzing(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.fixed_dictionaries(
        dict.fromkeys(("application", "organisation", "client_id", "jwks_uri"), hostile)
    ),
    st.lists(hostile, min_size=1, max_size=3),
    st.lists(contacts, max_size=4),
    hostile,
    hostile,
)
def test_whatever_anybody_is_called_it_stays_one_mail(
    values: dict[str, Any], scopes: list[str], to: list[str], key: str, step: str
) -> None:
    """Written out and read again: the same headers, two parts, no tag that is not ours, no address
    that was not given."""
    plain = page_of(made("added", jwks_uri="x", added=["x"] * len(scopes))).tags
    mail = made(
        "added",
        to=("a@stad.example", *to),
        key=key,
        step=step,
        scopes=scopes,
        added=scopes,
        **values,
    )
    written = mail.as_bytes()
    assert written.isascii()
    found: Any = message_from_bytes(written, policy=policy.default)
    assert set(found.keys()) == HEADERS
    assert len(found.keys()) == len(HEADERS)
    assert [part.get_content_type() for part in found.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert page_of(found).tags == plain
    assert all(char.isprintable() for line in text_of(found).splitlines() for char in line)
    assert [address.addr_spec for address in found["To"].addresses] == list(
        mail.recipients.values()
    )
    assert mail.recipients.keys() | mail.unusable.keys() == {"a@stad.example", *to}
    assert all("\r" not in wire and "\n" not in wire for wire in mail.recipients.values())


@pytest.mark.parametrize(
    "address",
    [
        ".b@stad.example",
        "b.@stad.example",
        "b..c@stad.example",
        '"b"@stad.example',
        "b c@stad.example",
    ],
)
def test_an_address_that_would_have_to_be_quoted_is_none(address: str) -> None:
    """Behind another one, the parser of the standard library falls over it."""
    mail = made(to=("-a@stad.example", address))
    assert mail.as_bytes()
    assert (list(mail.recipients), list(mail.unusable)) == (["-a@stad.example"], [address])


def test_a_contact_writes_no_header_of_its_own() -> None:
    """What is encoded in an address is decoded when the mail is written out: a form takes such a
    contact."""
    mail = made(to=("=?utf-8?q?=0d=0aBcc:_x=40y.example?=@stad.example", "a@stad.example"))
    assert b"Bcc" not in mail.as_bytes()
    assert list(mail.recipients) == ["a@stad.example"]
    assert len(mail.unusable) == 1
