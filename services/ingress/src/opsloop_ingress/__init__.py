"""Ingress: what people do in Slack becomes commands on the bus.

Reads: Slack's signed HTTP requests (slash commands, interactions, events), or the same over Socket Mode.
Emits: `ops.cmd.<verb>`, one message for each request that asks for something; Slack is told so once it is stored.
Owns: signatures, strict decoding, the allow-lists of workspaces and apps. It decides nothing and words nothing.
"""
