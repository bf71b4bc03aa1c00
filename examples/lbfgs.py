"""Train an LSTM with SciPy's L-BFGS: `python examples/lbfgs.py`.

SciPy's optimizers work on one vector. `params.flat` is the vector of all parameters, and `grads.flat` of all gradients.
"""

import numpy as np
from scipy.optimize import minimize

import gatewise as gw

# Sines of several frequencies and phases; the target is the value one step later. Both are (T, B, 1).
rng = np.random.default_rng(0)
frequency, phase = rng.uniform(0.1, 0.4, 16), rng.uniform(0, 2 * np.pi, 16)
wave = np.sin(frequency * np.arange(61)[:, None] + phase)[:, :, None]
x, target = wave[:-1], wave[1:]

# The projection serves as the output layer. L-BFGS compares losses that differ little, so we use float64.
lstm = gw.LSTM(input_size=1, hidden_size=16, proj_size=1, dtype=np.float64, seed=0)


def loss_and_gradient(vector):
    """Return the mean squared error at these parameters, and its gradient as one vector."""
    lstm.params.flat = vector
    y, _, tape = lstm.forward(x)
    error = y - target
    return np.mean(error**2), lstm.backward(tape, dy=2 * error / error.size, wrt_x=False).flat


def main():
    """Print and return the loss before and after training."""
    start = lstm.params.flat
    before, _ = loss_and_gradient(start)
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": 40})
    lstm.params.flat = found.x
    print(f"mean squared error: {before:.4f} before, {found.fun:.6f} after {found.nit} iterations")
    return before, found.fun


if __name__ == "__main__":
    main()
