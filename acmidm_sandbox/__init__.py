"""The sandbox: a portal with a token endpoint that behaves as ACM/IDM does, to try clients with.

``file`` is what it starts from, ``start`` starts it, ``beheerportaal`` is the portal. It knows
nothing of the module and the command line beside it: ``acmidm sandbox`` writes its file.
"""

import sys


def main() -> None:
    """Start the portal; one sentence where its own packages are not installed."""
    try:
        from acmidm_sandbox.start import main as start
    except ModuleNotFoundError as error:
        sys.exit(
            f"acmidm-sandbox needs the package {error.name}, which is not installed; run pip"
            " install 'acmidm-onboarding[sandbox]'"
        )
    start()
