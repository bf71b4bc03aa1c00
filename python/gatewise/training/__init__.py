"""Training of models: data in batches, losses, callbacks, and the loop. `Sequential.fit` is the door to it."""
