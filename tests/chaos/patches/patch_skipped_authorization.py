"""A bug: everybody may run everything."""

from opsloop_orchestrator import rights

rights.may_run = lambda *about: None
