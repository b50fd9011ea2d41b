"""TracedModules (`.tm`): read without MegEngine into records, then lifted to the IR."""
