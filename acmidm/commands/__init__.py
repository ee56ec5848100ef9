"""The commands, one file each: ``acmidm review`` is ``review.py``. ``acmidm.cli`` finds them by
listing this folder.

A file has a function of its own name with an ``EPILOG``, or a group as ``app``; its first line is
its line in ``acmidm --help``. It reads options, calls rooms below and ends with an exit code. It
may import every room of the command line. The next command is a file here and its texts, which
``--language`` chooses; ``docs/cli.md`` has an example of it.
"""
