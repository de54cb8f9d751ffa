"""The scopes that the bot token needs, as in deploy/slack, and what does not work without each."""

SCOPES = {
    "commands": "nobody can type the command",
    "chat:write": "nothing can be shown",
    "channels:history": "in a public channel a post whose answer was lost is not found again",
    "groups:history": "in a private channel a post whose answer was lost is not found again",
    "im:history": "in a direct message a post whose answer was lost is not found again",
    "mpim:history": "in a group message a post whose answer was lost is not found again",
    "im:write": "nobody can be told in a direct message",
    "users:read": "people are shown by their ids, and nobody counts as verified",
    "users:read.email": "nobody counts as verified",
}
