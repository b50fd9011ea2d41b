"""The runtimes that a check asks, each served from a process of its own."""
