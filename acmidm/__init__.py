"""The command line, for people and pipelines."""

import sys


def main() -> None:
    """Run the command line; one sentence where its own packages are not installed, for the module alone needs none of
    them."""
    try:
        from acmidm.cli import app
    except ModuleNotFoundError as error:
        sys.exit(
            f"acmidm needs the package {error.name}, which is not installed; run pip install 'acmidm-onboarding[cli]'"
        )
    app()
