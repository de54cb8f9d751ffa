"""`opsloop doctor`: looks at everything a deployment depends on, and says of each finding what mends it."""
