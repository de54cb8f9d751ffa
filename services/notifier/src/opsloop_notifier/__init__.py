"""The notifier: every word and block in Slack.

Reads: `ops.evt.>` (durable consumer `notifier`), `ops.log.<id>` for log tails; `ops.q.modal.open` and
  `ops.q.modal.check` requests, which it answers while a person waits for a form.
Emits: Slack Web API calls and private answers over response URLs; nothing on the bus but dead letters.
Owns: wording, threading, the rate budget, and KV `LEDGER`, which says which message belongs to which task.

It decides nothing about a task.
"""
