"""The sandbox: authorities on this machine that behave as the real ones, for trying and for tests.

``beheerportaal`` is the embedded authority; ``keycloak`` starts a real Keycloak. They know nothing
of this project. ``servers`` finds those of a stack by its settings, ``people`` who logs on there,
``processes`` starts and stops them; ``commands`` calls these. Nothing here needs the command line,
which finds the commands by their files.
"""

import sys


def main() -> None:
    """Start the portal alone; one sentence where its own packages are not installed."""
    try:
        from acmidm_sandbox.__main__ import main as start
    except ModuleNotFoundError as error:
        sys.exit(
            f"acmidm-sandbox needs the package {error.name}, which is not installed; run pip"
            " install 'acmidm-onboarding[sandbox]'"
        )
    start()
