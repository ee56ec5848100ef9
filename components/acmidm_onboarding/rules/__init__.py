"""What is decided: the gate to production, rotation, retirement, policies, and from these what is
desired of a stack.

Pure functions: no clock, no file, no network. It imports values alone. The next rule is a file
here, called by ``desired.py`` or by the resource that it holds back. A mistake in a form is none:
``forms/requirements.py`` has those.
"""
