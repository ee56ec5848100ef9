"""What pyproject.toml cannot say: the catalogue of this repository goes into the wheel, beside the
code that reads it, and so do the translations, compiled."""

from pathlib import Path
from shutil import copytree

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py

DUTCH = Path("components/acmidm_onboarding/texts/nl.po")


class WithCatalogue(build_py):
    """An editable installation reads it where it is."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            copytree(
                "catalogue",
                Path(self.build_lib) / "acmidm_onboarding" / "catalogue",
                dirs_exist_ok=True,
            )
            compiled = Path(self.build_lib) / "acmidm_onboarding" / "texts" / "nl.mo"
            with DUTCH.open("rb") as written, compiled.open("wb") as target:
                write_mo(target, read_po(written, locale="nl"))


setup(cmdclass={"build_py": WithCatalogue})
