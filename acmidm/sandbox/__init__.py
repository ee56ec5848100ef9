"""The sandbox of a stack: which portals its settings place on this machine, the file that each
starts from, and the processes that run them.

The sandbox itself is another program, ``acmidm_sandbox``, of which nothing is imported here.
"""
