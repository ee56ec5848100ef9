"""Make `.local/lowest`, an environment of the lowest versions that pyproject.toml allows: for `make
test-lowest`."""

from toolchain.common import LOCAL, ROOT, main
from toolchain.install_venv import install_into


def install() -> None:
    """Do what is missing in it."""
    install_into(LOCAL / "lowest", ROOT / "requirements-lowest.txt", "lowest")


if __name__ == "__main__":
    main(install)
