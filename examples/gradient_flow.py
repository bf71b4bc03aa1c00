"""Show vanishing and exploding gradients, and how gates prevent them: `python examples/gradient_flow.py`.

The gradient at step t of a loss at the last step is a product of step Jacobians. If their norms stay below 1, it
vanishes; if they stay above 1, it may explode (Hochreiter 1991; Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and
Bengio 2013). `gw.gradient_flow` measures this in five untrained layers: an RNN, an RNN with larger recurrent weights, a
GRU, an LSTM, and an LSTM whose forget gates are initially open (a bias of 2: Gers, Schmidhuber and Cummins 2000).
"""

import argparse
from pathlib import Path

import numpy as np

import gatewise as gw


def layers(hidden):
    """Make the untrained layers, by name."""
    exploding = gw.RNN(4, hidden, nonlinearity="relu", seed=0)
    exploding.params["weight_hh_l0"] = 3 * exploding.params["weight_hh_l0"]
    remembering = gw.LSTM(4, hidden, seed=0)
    bias = np.array(remembering.params["bias_hh_l0"])
    bias[hidden : 2 * hidden] = 2.0  # the gate order is i, f, g, o
    remembering.params["bias_hh_l0"] = bias
    return {
        "RNN": gw.RNN(4, hidden, seed=0),
        "RNN, larger": exploding,
        "GRU": gw.GRU(4, hidden, seed=0),
        "LSTM": gw.LSTM(4, hidden, seed=0),
        "LSTM, f open": remembering,
    }


def main():
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="length of the sequences")
    parser.add_argument("--hidden", type=int, default=32, help="units of each layer")
    parser.add_argument("--small", action="store_true", help="short sequences and few units, for a first look")
    parser.add_argument("--out", type=Path, default=Path("gradient_flow.png"), help="file for the plot")
    options = parser.parse_args()
    if options.small:
        options.steps, options.hidden = 40, 16

    x = np.random.default_rng(0).standard_normal((options.steps, 4, 4))  # (T, B, I)
    flow = gw.gradient_flow(layers(options.hidden), x)
    for name, one in flow.items():
        reaching = one.h[0, 0] / one.h[-1, 0]  # norms, (T, layers)
        jacobian = np.median(one.jacobian[:, 0])
        print(f"{name:13s} gradient at the first step / at the last: {reaching:8.1e}; step Jacobian: {jacobian:.2f}")
    axes = flow.plot()
    axes[0].figure.savefig(options.out)


if __name__ == "__main__":
    main()
