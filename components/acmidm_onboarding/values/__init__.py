"""The values of all rooms: clients, keys, codes of organisations, problems. Frozen, without I/O.

``client.py`` has the one shape of a client. It imports ``texts`` alone; neither Pulumi nor HTTP.
The next value that forms, states and authorities share is a file here.
"""
