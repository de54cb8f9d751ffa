"""A local Slack workspace and dealer web sites, to develop, demonstrate and test against.

Reads: Web API calls at `/api/<method>`, answers at `/response/<token>`, what its users do at `/control/…`.
Emits: signed slash commands, clicks and events to the app's three URLs.
Owns: the workspace, the sites' content and the log of every call, in memory and in journals under `<data>/sandbox/`.
"""
