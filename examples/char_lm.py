"""A character-level language model that reads Shakespeare's sonnets and then writes: `python examples/char_lm.py`.

The text is cut into a few long streams that are read side by side. Truncated backpropagation through time (Williams and
Peng 1990): every `--bptt` characters the optimizer takes a step, and the states are carried over to the next ones. The
loss in bits per character is what the model needs to tell the next one; guessing by frequency alone needs the entropy
of the letters. To write, a stream takes one character at a time, and the next is drawn from the softmax of what it
says, made bolder or more timid by a temperature (Graves 2013, arXiv:1308.0850; Karpathy 2015, "The unreasonable
effectiveness of recurrent neural networks"). Any text of your own will do: `--text my.txt`.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

SONNETS = Path(__file__).parent / "data" / "sonnets.txt"


def streams(tokens, rows):
    """The text as `rows` streams side by side, and what follows each character: x and y, both (rows, T)."""
    steps = (len(tokens) - 1) // rows
    return tokens[: rows * steps].reshape(rows, steps), tokens[1 : rows * steps + 1].reshape(rows, steps)


def write(model, alphabet, start, length, temperature, rng):
    """`length` characters after `start`, drawn one by one."""
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
    """Bits per character over the epochs, beside what frequencies alone need."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(learned) + 1)
    axes.plot(epochs, learned, label="text that it learns from")
    axes.plot(epochs, unseen, label="text that it has not seen")
    axes.axhline(entropy, color="gray", linestyle=":", label="frequencies of characters alone")
    axes.set(xlabel="epoch", ylabel="bits per character", title="A language model of the sonnets")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    """Train, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=SONNETS, help="a file of text (default: the sonnets)")
    parser.add_argument("--hidden", type=int, default=128, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the text")
    parser.add_argument("--bptt", type=int, default=64, help="characters between two steps of the optimizer")
    parser.add_argument("--temperature", type=float, default=0.6, help="of the writing")
    parser.add_argument("--small", action="store_true", help="a small network and few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("char_lm.png"), help="where the picture goes")
    options = parser.parse_args()
    if options.small:
        options.hidden, options.epochs = 32, 3

    text = options.text.read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    tokens = np.array([alphabet.index(character) for character in text])
    last = len(tokens) // 10  # the last tenth is for validation
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
    print(f"\nbits per character: {unseen[-1]:.3f} on unseen text, {entropy:.3f} by frequency alone")


if __name__ == "__main__":
    main()
