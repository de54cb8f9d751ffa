"""What a user sees in a channel, as text, and what the tour expects of it."""
