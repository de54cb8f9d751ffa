"""Ingress: what people do in Slack becomes commands on the bus.

Reads: Slack's signed HTTP requests (slash commands, interactions, events), or the same over Socket Mode;
  `ops.q.identity` requests, which it answers with what Slack and the identity provider say of a person.
Emits: `ops.cmd.<verb>`, one message for each request that asks for something; Slack is told so once it is stored.
  Requests to `ops.q.modal.open` and `ops.q.modal.check`, which open and check forms, are never stored.
Owns: signatures, strict decoding, the allow-lists of workspaces and apps, who a Slack user is. It decides nothing and
words nothing.
"""
