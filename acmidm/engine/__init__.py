"""The Pulumi engine, by its command line: its runs, its state, and what a run that was cut off left
behind.

It imports the module and the edge of the command line (``terminal``, ``project``, ``git``,
``files``, ``words``). The next call of the engine goes into ``pulumi.py``; no other file starts the
engine.
"""
