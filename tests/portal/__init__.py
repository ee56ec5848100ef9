"""The embedded authority, driven as its users do: a real process, over HTTP."""
