"""What a clone needs before the project itself can run: an engine and a virtual environment.

Standard library only, since all of this runs before any package is installed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older one gets a sentence
    sys.exit(
        "error: Python 3.11 or newer is needed, this is {}.{}: install it (Debian 12, Ubuntu: "
        "apt install python3.11 python3.11-venv), or name yours, as in "
        "`make up PYTHON=python3.12`".format(*sys.version_info)
    )
