"""Training of models: data in batches, losses, callbacks, and the loop. You reach it through `Sequential.fit`."""
