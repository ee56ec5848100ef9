"""The one table of mistakes that people make in a token request: how each is found, and in which
words.

``acmidm probe`` finds them in what somebody's software sends, ``acmidm refusals`` and the pages of
the embedded authority in what an authority refused. Pure: nothing is requested. It imports values
and texts alone; the next mistake is a row in ``table.py``, and its texts in ``texts/probe.*``.
"""
