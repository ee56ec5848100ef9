"""What pyproject.toml cannot say: the catalogue of this repository goes into the wheel, beside the
code that reads it."""

from pathlib import Path
from shutil import copytree

from setuptools import setup
from setuptools.command.build_py import build_py


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


setup(cmdclass={"build_py": WithCatalogue})
