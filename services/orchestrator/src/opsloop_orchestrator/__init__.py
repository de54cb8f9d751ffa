"""The orchestrator decides, runs tasks and emits progress.

Reads: commands, and the events it wrote itself.
Emits: events (it is their only writer) and log lines.
Owns: policy, task state, target records, running handlers.
"""
