"""Metrics: Prometheus series about tasks and about what people ask, and numbers about targets from Prometheus.

Reads: `ops.evt` and `ops.cmd` (durable "metrics"); questions on `ops.q.metrics.*`; the Prometheus at PROMETHEUS_URL.
Emits: answers to the questions; series on `/metrics`.
Owns: the counters of this process's life. Nothing waits for it: a task finishes without it, and every question is
answered within a deadline, if only by "unavailable".
"""
