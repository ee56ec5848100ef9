"""Build actionlint, which checks the workflows: `make actionlint`."""

import shutil

from toolchain import go
from toolchain.common import ENGINE, in_pipeline, locked, main, say

VERSION = go.required_version("actionlint", "github.com/rhysd/actionlint")
BINARY = ENGINE / "actionlint"
STAMP = ENGINE / "actionlint.version"


def install() -> None:
    """Build this version of it, unless it is there.

    Raises ToolchainError in a pipeline without Go. Elsewhere that is a line on the screen: `make
    checks` then leaves the workflows out.
    """
    if STAMP.is_file() and STAMP.read_text() == VERSION:
        return
    if not shutil.which("go") and not in_pipeline():
        BINARY.unlink(missing_ok=True)
        say("actionlint: needs Go, and there is none on PATH; the workflows are checked without it")
        return
    with locked("actionlint"):
        (ENGINE / "build").mkdir(parents=True, exist_ok=True)
        go.require_compiler("actionlint", "actionlint")
        package = "github.com/rhysd/actionlint/cmd/actionlint"
        go.build(
            "actionlint",
            "actionlint",
            package,
            "actionlint",
            f"github.com/rhysd/actionlint.version={VERSION}",
        ).replace(BINARY)
        STAMP.write_text(VERSION)


if __name__ == "__main__":
    main(install)
