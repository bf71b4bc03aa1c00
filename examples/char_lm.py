"""Train a character-level language model on Shakespeare's sonnets and let it write: `python examples/char_lm.py`.

The text is cut into 16 long sequences that form one batch. Training is truncated backpropagation through time (Williams
and Peng 1990): every `--bptt` characters the optimizer takes a step, and the states are carried over to the next
characters. The loss is shown in bits per character. Guessing by character frequencies alone needs the entropy of the
frequencies.

To write, a stream reads one character per step, and the next character is drawn from the softmax of its output. The
`--temperature` divides the logits: a lower one makes the text less random (Graves 2013, arXiv:1308.0850; Karpathy 2015,
"The unreasonable effectiveness of recurrent neural networks"). Use `--text my.txt` for your own text.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

SONNETS = Path(__file__).parent / "data" / "sonnets.txt"


def streams(tokens, rows):
    """Cut the text into `rows` sequences; return them and the character after each, both (rows, T)."""
    steps = (len(tokens) - 1) // rows
    return tokens[: rows * steps].reshape(rows, steps), tokens[1 : rows * steps + 1].reshape(rows, steps)


def write(model, alphabet, start, length, temperature, rng):
    """Return `start` followed by `length` characters that are drawn one at a time."""
    stream = model.stream(batch_size=None)
    for character in start:
        logits = stream.step(alphabet.index(character))
    text = start
    for _ in range(length):
        token = rng.choice(len(alphabet), p=gw.losses.softmax(logits.astype(float) / temperature))
        text += alphabet[token]
        logits = stream.step(token)
    return text


def plot(learned, unseen, entropy, path):
    """Plot the bits per character of each epoch, and the entropy of the character frequencies."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(learned) + 1)
    axes.plot(epochs, learned, label="training text")
    axes.plot(epochs, unseen, label="unseen text")
    axes.axhline(entropy, color="gray", linestyle=":", label="character frequencies alone")
    axes.set(xlabel="epoch", ylabel="bits per character", title="A language model of the sonnets")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    """Train, plot and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=SONNETS, help="a file of text (default: the sonnets)")
    parser.add_argument("--hidden", type=int, default=128, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the text")
    parser.add_argument("--bptt", type=int, default=64, help="characters per step of the optimizer")
    parser.add_argument("--temperature", type=float, default=0.6, help="how random the written text is")
    parser.add_argument("--small", action="store_true", help="a small network and few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("char_lm.png"), help="file for the plot")
    options = parser.parse_args()
    if options.small:
        options.hidden, options.epochs = 32, 3

    text = options.text.read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    tokens = np.array([alphabet.index(character) for character in text])
    last = len(tokens) // 10  # the last tenth is the validation set
    x, y = streams(tokens[:-last], rows=16)

    hidden = options.hidden
    model = gw.Sequential(
        gw.Embedding(len(alphabet), 32),
        gw.LSTM(32, hidden, batch_first=True),
        gw.Dropout(0.3),
        gw.Linear(hidden, len(alphabet)),
        seed=0,
    )
    history = model.fit(
        x,
        y,
        epochs=options.epochs,
        batch_size=16,
        bptt=options.bptt,
        shuffle=False,
        loss="cross_entropy",
        optimizer=gw.optimizers.Adam(lr=4e-3, clip_norm=1.0),
        validation_data=streams(tokens[-last:], rows=1),
    )
    learned, unseen = (np.array(history.history[name]) / np.log(2) for name in ("loss", "val_loss"))
    share = np.unique(tokens, return_counts=True)[1] / len(tokens)
    entropy = -np.sum(share * np.log2(share))
    plot(learned, unseen, entropy, options.out)

    print(write(model, alphabet, "\n\n", 600, options.temperature, np.random.default_rng(0)).strip())
    print(f"\nbits per character: {unseen[-1]:.3f} on unseen text, {entropy:.3f} by character frequencies alone")


if __name__ == "__main__":
    main()
