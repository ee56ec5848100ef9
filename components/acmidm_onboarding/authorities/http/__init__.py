"""What adapters over HTTP share: requests with the operator's token, deadlines, retries, and
lists.

It imports the port's errors, settings and values, and no adapter. The next thing that two adapters
need is a file here.
"""
