"""Training: the engine, the step, the data adapters and the callbacks."""
