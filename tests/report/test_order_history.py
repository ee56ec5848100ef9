"""The orders that versions of the forms gave: since when one is open, and what one said that is
open no more."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from acmidm.orders.writing import attestation, confirm, require_not_overtaken
from acmidm.report.revisions.order_history import OrderHistory, ordered_by_name
from acmidm_onboarding.rules.orders import Act, Order, Rules, orders
from acmidm_onboarding.values.problems import Failure
from tests.support.by_hand_stack import carry_out, opened, order_of, set_by_hand
from tests.support.confirmed import BY, CLIENT_ID
from tests.support.forms import PLAIN, FormFile
from tests.support.portal import new_key, public_jwk
from tests.support.repository import Repository, repository

__all__ = ["repository"]

MORE = "dvl_dcbaas_info"
DAYS = [datetime(2026, 11, day, 9, tzinfo=UTC) for day in range(1, 11)]


@pytest.fixture
def form(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> FormFile:
    """A form of the stack, merged on the first day; each later merge is a day later."""
    days = iter(DAYS)

    def tick() -> None:
        at = next(days).isoformat()
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            monkeypatch.setenv(name, at)

    commit = repository.commit

    def commit_later() -> None:
        tick()
        commit()

    monkeypatch.setattr(repository, "commit", commit_later)
    set_by_hand(repository)
    repository.form.path.unlink()
    made = repository.write("mijn-app", environment="tni")
    repository.commit()
    return made


def ask(form: FormFile, *scopes: str) -> None:
    form.request()["scopes"] = {scope: {} for scope in scopes}
    form.save()


def since(part: str) -> datetime | None:
    stack = opened()
    return OrderHistory(stack).since(order_of(stack, part))


def said(name: str) -> Order:
    return OrderHistory(opened()).find(*ordered_by_name(name))


def sentence(name: str) -> str:
    with pytest.raises(Failure) as raised:
        said(name)
    return str(raised.value)


def test_since_the_merge_that_brought_it(repository: Repository, form: FormFile) -> None:
    """Not since a later change that says the same of it, nor since one that said it before and took
    it back."""
    assert since("create") == DAYS[0]
    carry_out(opened())
    ask(form, PLAIN, MORE)
    repository.commit()
    ask(form, PLAIN)
    repository.commit()
    ask(form, PLAIN, MORE)
    repository.commit()
    form.document["contacts"].append("b@stad-gent.example")
    form.save()
    repository.commit()
    repository.write("ander", environment="tni", keys=())
    repository.commit()
    stack = opened()
    assert [one.part for one in stack.orders if one.client_key[0] == form.key] == [
        "client",
        "scopes",
    ]
    assert since("scopes") == DAYS[3]
    assert since("client") == DAYS[4]


def test_a_version_with_a_suppliers_key_and_the_catalogue_of_before(
    repository: Repository, form: FormFile
) -> None:
    """What a version names beside its own folder is read as it was then."""
    carry_out(opened())
    form.use_supplier("supplier")
    repository.commit()
    assert since("keys") == DAYS[1]
    with (repository.folder / "catalogue" / "notificaties.yaml").open("a") as catalogue:
        catalogue.write("# a comment\n")
    assert since("keys") == DAYS[1]
    repository.commit()
    assert since("keys") == DAYS[1]


def test_since_a_supplier_has_another_key(repository: Repository, form: FormFile) -> None:
    """Which changes nothing in the folder of the form."""
    names = []
    for kid in ("key-1", "key-2", "key-3"):
        keys = form.use_supplier("key-1")
        keys.with_name("key-1.jwk.json").write_text(json.dumps(public_jwk(new_key(kid))))
        repository.commit()
        if kid == "key-1":
            carry_out(opened())
            continue
        order = order_of(opened(), "keys")
        names.append(f"{order.resource_name} keys @{order.full_digest[:8]}")
        assert since("keys") == DAYS[1 + len(names)]
    assert said(names[0]).part == "keys"


@pytest.mark.parametrize("written", ["{folder}/{name}", "./{name}/", "{name}/../{name}"])
def test_folders_however_they_are_written(
    repository: Repository, form: FormFile, written: str
) -> None:
    carry_out(opened())
    ask(form, PLAIN, MORE)
    repository.commit()
    folders = {"formsFolder": "onboardings", "catalogueFolder": "catalogue"}
    set_by_hand(
        repository,
        **{
            key: written.format(folder=repository.folder, name=name)
            for key, name in folders.items()
        },
    )
    assert since("scopes") == DAYS[1]


def test_a_catalogue_outside_the_repository(
    repository: Repository, form: FormFile, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As that of the module is: it is read as it is today."""
    elsewhere = tmp_path_factory.mktemp("module") / "catalogue"
    shutil.copytree(repository.folder / "catalogue", elsewhere)
    set_by_hand(repository, catalogueFolder=str(elsewhere))
    carry_out(opened())
    ask(form, PLAIN, MORE)
    repository.commit()
    assert since("scopes") == DAYS[1]


def test_a_branch_counts_from_its_merge(repository: Repository, form: FormFile) -> None:
    carry_out(opened())
    repository.git("switch", "--quiet", "--create", "branch")
    ask(form, PLAIN, MORE)
    repository.commit()
    repository.git("switch", "--quiet", "change")
    repository.add("README.md")
    repository.commit()
    repository.git("merge", "--quiet", "--no-ff", "--message=merge", "branch")
    assert since("scopes") == DAYS[2]


def test_what_is_not_committed_has_no_since(repository: Repository, form: FormFile) -> None:
    """Nor is anything known outside a repository."""
    carry_out(opened())
    ask(form, PLAIN, MORE)
    assert since("scopes") is None
    (repository.folder / ".git").rename(repository.folder / "git")
    assert since("scopes") is None


def test_an_order_of_an_earlier_version(repository: Repository, form: FormFile) -> None:
    """It says what that version said, whatever the form says by now, also before there was a
    client."""
    first = order_of(opened(), "create")
    carry_out(opened())
    ask(form, PLAIN, MORE)
    repository.commit()
    earlier = order_of(opened(), "scopes")
    ask(form, MORE)
    repository.commit()
    for order in (first, earlier):
        found = said(order.name)
        assert (found.says, found.full_digest) == (order.says, order.full_digest)
    assert set(said(earlier.name).says) == {PLAIN, MORE}
    assert said(earlier.name.replace(earlier.digest, earlier.full_digest)) == earlier, (
        "by any length of the digest"
    )


def test_an_order_that_a_later_one_overtook(repository: Repository, form: FormFile) -> None:
    """It was carried out before the one that is confirmed; one that the form took back before
    anybody confirmed its successor can be confirmed afterwards."""
    carry_out(opened(), by=attestation(BY.by, DAYS[0]))
    ask(form, PLAIN, MORE)
    repository.commit()
    first = order_of(opened(), "scopes")
    ask(form, MORE)
    repository.commit()
    second = order_of(opened(), "scopes")
    assert (until(first), until(second)) == (DAYS[2], None)
    by = attestation("ander@vlaanderen.example", DAYS[3])

    assert not is_overtaken(first)
    confirm(opened(), first, by)
    assert not is_overtaken(first), "it is confirmed"
    assert not is_overtaken(second), "it is open"
    confirm(opened(), second, by)
    assert is_overtaken(first)
    ask(form, PLAIN)
    assert is_overtaken(first), "though another order is open"


def test_an_order_that_the_newest_version_in_git_still_gives(
    repository: Repository, form: FormFile
) -> None:
    """What follows it is not committed: it is overtaken once nothing is open."""
    carry_out(opened())
    ask(form, PLAIN, MORE)
    repository.commit()
    first = order_of(opened(), "scopes")
    carry_out(opened())
    ask(form, PLAIN)
    assert not is_overtaken(first), "it is confirmed"
    carry_out(opened())
    assert is_overtaken(first)


def until(order: Order) -> datetime | None:
    return OrderHistory(opened()).until(order)


def is_overtaken(order: Order) -> bool:
    """Whether what people type is refused."""
    stack = opened()
    try:
        require_not_overtaken(stack, said(order.whole_name), OrderHistory(stack).until)
    except Failure:
        return True
    return False


def test_an_order_of_a_form_that_is_gone(repository: Repository, form: FormFile) -> None:
    """What was carried out can be confirmed afterwards; its removal is ordered since its form
    went."""
    repository.write("ander", environment="tni", keys=())
    repository.commit()
    stack = opened()
    for order in [one for one in stack.orders if one.client_key[0] == form.key]:
        confirm(stack, order, BY, client_id=CLIENT_ID)
    ask(form, PLAIN, MORE)
    repository.commit()
    earlier = order_of(opened(), "scopes")
    form.path.unlink()
    repository.commit()
    assert order_of(opened(), "remove").act is Act.REMOVE
    assert since("remove") == DAYS[3]
    assert said(earlier.name).says == earlier.says


def test_a_removal_that_was_ordered_before(repository: Repository, form: FormFile) -> None:
    """Of a client that is gone by now, or whose form came back; and letting one go is another."""
    carry_out(opened())
    text = form.path.read_text()
    form.remove()
    removal = order_of(opened(), "remove")
    form.path.write_text(text)
    assert said(removal.name) == removal, "somebody may have carried it out since"
    confirm(opened(), removal, BY)
    assert said(removal.name) == removal
    assert "is mistyped" in sentence(removal.name.replace(removal.digest, "00000000"))
    assert repository.folder.exists()


@pytest.mark.usefixtures("form")
def test_a_client_that_was_let_go_before() -> None:
    carry_out(opened())
    ((key, confirmed),) = opened().confirmations.items()
    (order,) = orders(key, None, confirmed, None, Rules(DAYS[0]), keeps=True)
    confirm(opened(), order, BY)
    assert said(order.name).act is Act.LET_GO


@pytest.mark.usefixtures("form")
def test_an_order_that_the_catalogue_brought(repository: Repository) -> None:
    """A name that an API's owner prescribes is ordered since the catalogue has it; what was ordered
    before is found by the catalogue of then."""
    before = order_of(opened(), "create")
    carry_out(opened())
    file = repository.folder / "catalogue" / "organisatieregister.yaml"
    file.write_text(
        file.read_text()
        + "\ncoupling: {source: the tests, client_name: {tni: 'OR {organisation}'}}\n"
    )
    repository.commit()
    assert order_of(opened(), "client").says["client_name"] == "OR Stad Gent"
    assert since("client") == DAYS[1]
    assert said(before.name).says == before.says


def test_what_no_version_said(
    repository: Repository, form: FormFile, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A digest that was mistyped, another part, another client; of a shallow clone nobody can
    know."""
    name = order_of(opened(), "create").name
    for wrong in (
        f"{form.key} create @00000000",
        name.replace("create", "scopes"),
        name.replace("mijn-app", "ander"),
    ):
        assert (
            sentence(wrong)
            == f"{wrong} is not open, and no version of the forms in Git gives it: it was carried"
            " out already, or is mistyped; see acmidm orders list"
        )
    repository.add("README.md")
    repository.commit()
    clone = tmp_path_factory.mktemp("clone") / "clone"
    command = ["git", "clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as context:
        context.chdir(clone)
        assert "this clone lacks older history: fetch it with git fetch --unshallow" in sentence(
            f"{form.key} create @00000000"
        )
        assert since("create") is None
        assert "write the whole digest" in sentence(name), "another version may have it too"
        whole = order_of(opened(), "create").whole_name
        assert said(whole).name == name, "what is open is known all the same"


def test_two_orders_of_one_digest(repository: Repository, form: FormFile) -> None:
    """A beginning of it is no name where two versions have it, whichever of them is there now: what
    was done at the portal must not be confirmed as something else."""
    (connection,) = opened().forms.connections
    by_beginning = defaultdict[str, dict[str, str]](dict)
    for number in count():
        contact = f"a{number}@stad-gent.example"
        metadata = connection.metadata.model_copy(update={"contacts": (contact,)})
        (order,) = orders(
            connection.client_key,
            replace(connection, metadata=metadata),
            None,
            None,
            Rules(DAYS[0]),
        )
        same = by_beginning[order.full_digest[:4]]
        same[contact] = order.full_digest
        if len(same) == 2:
            break
    for contact in same:
        form.document["contacts"] = [contact]
        form.save()
        repository.commit()
    one, other = same.values()
    name = f"{form.key} create @{one[:4]}"
    refusal = (
        f"versions of the forms have an order {name} that say different things: write the whole"
        " digest, as its page has it"
    )
    assert order_of(opened(), "create").full_digest == other
    assert sentence(name) == refusal
    form.document["contacts"] = ["c@stad-gent.example"]
    form.save()
    repository.commit()
    assert sentence(name) == refusal
    for full in (one, other):
        assert said(f"{form.key} create @{full}").full_digest == full


def test_a_version_with_mistakes_orders_nothing(repository: Repository, form: FormFile) -> None:
    """One that was merged all the same ends no order, and is no trap to who looks behind it."""
    name = order_of(opened(), "create").name
    text = form.path.read_text()
    form.path.write_text(text + "nonsense: 1\n")
    repository.commit()
    form.path.write_text(text)
    repository.commit()
    assert since("create") == DAYS[2]
    form.document["contacts"] = ["c@stad-gent.example"]
    form.save()
    repository.commit()
    assert said(name).name == name


NAMES = {
    "OVO002067/mijn-gent scopes @3fa14c02": ("OVO002067/mijn-gent", "scopes", "3fa14c02"),
    "OVO002067/mijn-gent scopes@3FA1": ("OVO002067/mijn-gent", "scopes", "3fa1"),
    "OVO002067/x/geosecure  product/dosis  @3fa14c02": (
        "OVO002067/x/geosecure",
        "product/dosis",
        "3fa14c02",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_an_order_is_named_as_people_write_it(name: str) -> None:
    assert ordered_by_name(name) == NAMES[name]


@pytest.mark.parametrize(
    "name", ["", "scopes @3fa1", "a b 3fa1", "a b @3fa", "a b @@3fa1", "a b @3fa1 c", "a b @"]
)
def test_what_is_no_name_of_an_order(name: str) -> None:
    with pytest.raises(
        Failure, match="is no name of an order; write it as OVO002067/mijn-gent scopes @3fa14c02"
    ):
        ordered_by_name(name)
