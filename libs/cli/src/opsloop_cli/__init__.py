"""The `opsloop` command: everything on one machine, and the checks of it.

It starts the services as processes and imports none of them.
"""
