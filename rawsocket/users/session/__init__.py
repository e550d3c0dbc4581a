"""How a session runs: its generator, what each step does, the grid of its slots."""
