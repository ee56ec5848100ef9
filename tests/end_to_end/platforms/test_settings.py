"""Settings of the second platform, of which Pulumi.yaml declares none: the engine hands them on as
they are, and the program knows them."""

from __future__ import annotations

from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.yaml_files import read_yaml, write_yaml


def test_settings_of_the_second_platform(project: Project) -> None:
    """They work, a misspelt one is refused, and a stack without them has no second platform."""
    form = write_form(project.forms, platforms=["acmidm", "geosecure"])
    assert not any(":" in key for key in read_yaml(project.folder / "Pulumi.yaml")["config"])
    assert len([step for step in project.steps() if "OAuthClient" in step["urn"]]) == 2

    project.configure({"geosecure:isuer": "https://op.example"})
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        'setting geosecure:isuer is not known; did you mean "geosecure:issuer"?'
    ]

    file = project.folder / "Pulumi.tni.yaml"
    document = read_yaml(file)
    of_one = {key: value for key, value in document["config"].items() if "geosecure:" not in key}
    write_yaml(file, {**document, "config": of_one})
    (sentence,) = project.preview().errors
    assert "set geosecure:managementUrl" in sentence
    form.document["platforms"] = ["acmidm"]
    form.save()
    assert len([step for step in project.steps() if "OAuthClient" in step["urn"]]) == 1
