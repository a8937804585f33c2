"""Trading rules: one file a rule, registered by name, pure and deterministic."""
