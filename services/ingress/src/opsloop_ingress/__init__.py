"""Ingress: what people do in Slack becomes commands on the bus.

Reads: Slack's signed HTTP requests (slash commands, interactions, events).
Emits: `ops.cmd.<verb>`, one message for each request that asks for something; Slack gets its 200 once it is stored.
Owns: signatures, strict decoding, the allow-lists of workspaces and apps. It decides nothing and words nothing.
"""
