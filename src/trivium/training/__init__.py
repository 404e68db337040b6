"""Training: the engine, the step and the callbacks."""
