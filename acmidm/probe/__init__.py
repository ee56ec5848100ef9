"""``acmidm probe``: whether a connection works, and if not, why. Run by the integrator, with the
form, the private key and the network.

What is wrong with an assertion or a token request is found by the table in ``mistakes.py``, which
requests nothing: the next mistake is a row there, with its sentences.
"""
