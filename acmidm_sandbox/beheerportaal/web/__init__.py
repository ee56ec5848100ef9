"""The web interface: what people see of clients and do with them, as on the real Beheerportaal.

Server-rendered, in Dutch and English, under `/portaal`, without JavaScript.
"""
