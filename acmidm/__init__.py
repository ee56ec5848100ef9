"""The command line, for people and pipelines, on six floors: commands, render, (desk, probe,
importing, edit), report, engine, and the edge.

The edge are the files of this folder: ``cli`` finds commands, ``terminal`` ends them,
``completion`` completes their words in a shell, ``project`` finds the project, ``git`` reads
revisions, ``form_text`` has texts of files, ``words`` shortens. A floor imports those below it.
The next command: ``commands``.
"""

import sys


def main() -> None:
    """Run the command line. Where only the module was installed, end the process with a sentence
    that names the missing package and the extra that has it."""
    try:
        from acmidm.cli import app
    except ModuleNotFoundError as error:
        sys.exit(
            f"acmidm needs the package {error.name}, which is not installed; run pip install"
            " 'acmidm-onboarding[cli]'"
        )
    app()
