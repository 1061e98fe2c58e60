"""The engine track, optional: what lies under every deep-learning library."""
