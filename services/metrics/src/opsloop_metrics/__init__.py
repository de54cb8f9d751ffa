"""Metrics: Prometheus series about tasks and about what people ask.

Reads: `ops.evt` and `ops.cmd` (durable "metrics").
Emits: nothing on the bus; series on `/metrics`.
Owns: the counters of this process's life. Nothing waits for it: a task finishes without it.
"""
