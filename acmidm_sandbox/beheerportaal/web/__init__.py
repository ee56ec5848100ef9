"""The web interface: what people see of clients and do with them, as on the real Beheerportaal.

Server-rendered, in Dutch and English, under `/portaal`. It works without JavaScript; the one script
only refuses a private key before it leaves the browser.
"""
