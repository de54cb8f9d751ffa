"""Who a Slack user is: Slack knows the e-mail address, an identity provider or a list knows who has it.

Pure: `address` (which addresses are the same), `member` (what Slack says of a person), `match` (what Clerk says of an
address). Adapters: `slack_users`, `clerk`, `allow_list`. `desk` answers the questions, `memory` keeps the answers.
"""
