"""Where the products' APIs are, and what a token request names them by: of the stack's file, with a
default for the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm.sandbox.portals import api_client_id, apis
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.probed_api import TestMessage
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.offered import catalogue_folder
from tests.support.settings import read
from tests.support.workspace import CATALOGUE, Workspace

ROOT = Path(__file__).parents[2]


def test_an_api_is_on_the_host_of_the_products_unless_a_setting_says_where() -> None:
    platform = read(
        apiUrls={
            "dosis": "https://dosis.example:8443/base/",
            "notificaties": "https://notificaties.example",
        },
        apiClientIds='{"dosis": "123"}',  # as the engine hands a map on
    ).platforms[Platform.ACMIDM]
    assert platform.api_url("dosis") == "https://dosis.example:8443/base"
    assert platform.api_url("notificaties") == "https://notificaties.example:443"
    assert platform.api_url("another") == "https://producten.example:443"
    assert (platform.api_client_id("dosis"), platform.api_client_id("another")) == ("123", None)
    assert platform.product_of_api == {"123": "dosis"}


def test_a_portal_that_people_change_needs_no_address_of_products() -> None:
    """What it has is confirmed in Git: the probe alone calls an API, and where is a setting."""
    by_hand = {"authority": "by_hand", "managementUrl": "", "productsUrl": ""}
    platform = read(
        **by_hand, confirmedFolder="confirmed", apiUrls={"dosis": "https://dosis.example"}
    ).platforms[Platform.ACMIDM]
    assert platform.api_url("dosis") == "https://dosis.example:443"
    assert platform.api_url("notificaties") is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"apiUrls": {"dosis": "http://elsewhere.example"}},
            "setting acmidm:apiUrls.dosis is plain http, which goes to loopback only; use https;"
            " set it with pulumi config set --path acmidm:apiUrls.dosis",
        ),
        (
            {"apiUrls": {"dosis": "https://user:very-private@dosis.example"}},
            "setting acmidm:apiUrls.dosis holds a user name or a password",
        ),
        (
            {"apiUrls": "dosis=https://dosis.example"},
            "setting acmidm:apiUrls is no map; write a line for each product below it, as in"
            " dosis: value; set it with pulumi config set --path acmidm:apiUrls.PRODUCT",
        ),
        ({"apiClientIds": {"dosis": ""}}, "setting acmidm:apiClientIds.dosis is empty"),
        ({"geosecure:apiUrls": []}, "setting geosecure:apiUrls is no map"),
    ],
)
def test_mistakes(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read(**settings)
    assert said in str(refused.value)
    assert "very-private" not in str(refused.value)


@pytest.mark.parametrize("stack", ["tni", "prod"])
def test_the_sample_stacks_name_the_apis_of_their_sandbox(stack: str) -> None:
    platform = stack_settings(stack, ROOT).platforms[Platform.ACMIDM]
    for product in ("notificaties", "dosis"):
        assert platform.api_client_id(product) == api_client_id(stack, "acmidm", product)


def test_a_client_is_coupled_to_the_apis_of_the_catalogue() -> None:
    """Under the names that the platform has; what is not offered there, or is everybody's, can not
    be granted."""
    catalogue = load_catalogue(catalogue_folder())
    acmidm, geosecure = (
        apis(catalogue, Environment.TNI, platform)
        for platform in (Platform.ACMIDM, Platform.GEOSECURE)
    )
    title = catalogue.products["dosis"].title
    assert acmidm[title]["scopes"] == ["dv_dosis_schrijven"]
    assert len(str(acmidm[title]["client_id"])) == 36
    assert geosecure[title]["scopes"] == ["DosisImport"]
    assert "eLys (Digitale Aangifte Overlijden) API beta" in acmidm, "which is public"
    assert "Wegenregister" in acmidm
    assert "Wegenregister" not in geosecure
    assert ["vo"] in [api["scopes"] for api in acmidm.values()], (
        "vo_info is assigned in the tests' catalogue"
    )


def test_a_test_message_has_the_forms_values() -> None:
    """In any depth, the first of several; what it cannot have is nothing."""
    message = TestMessage(
        path="/api", document={"a": [{"b": "x {bron_uri} {product_ids}"}], "c": 1, "d": "{absent}"}
    )
    assert message.filled({"bron_uri": "urn://gent", "product_ids": ["1", "2"]}) == {
        "a": [{"b": "x urn://gent 1"}],
        "c": 1,
        "d": "",
    }


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ("{source: the tests, reads: [../secret]}", '"../secret" is no path of an API'),
        ("{source: the tests, reads: [/a/../b]}", '"/a/../b" is no path of an API'),
        ("{source: the tests, reads: ['/a?b=c']}", '"/a?b=c" is no path of an API'),
        (
            "{source: the tests, test_message: {path: /a, document: {a: '{bron_url}'}}}",
            "the test message has {bron_url}",
        ),
    ],
)
def test_mistakes_in_the_catalogue(workspace: Workspace, api: str, said: str) -> None:
    workspace.write("catalogue/dosis.yaml", CATALOGUE["dosis.yaml"] + f"api: {api}\n")
    [sentence] = workspace.sentences()
    assert said in sentence
