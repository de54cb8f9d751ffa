"""Tasks of other systems: admitted, kept, watched. Nothing of them runs here, and no target waits for them."""
