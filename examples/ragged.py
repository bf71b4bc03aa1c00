"""Classify utterances of different lengths by their speaker, with a GRU: `python examples/ragged.py`.

Nine speakers said the Japanese vowels /ae/. Each utterance is a sequence of 7 to 29 steps with 12 features (Kudo,
Toyama and Shimbo 1999; see examples/data/README.md). You give the sequences as a list of arrays. `fit` puts sequences
of similar lengths into a batch, pads them, and passes the lengths to the model, so the padding is never read.

The script checks this: it pads with NaN, and compares each sequence's result in the batch with its result alone. They
are bit-identical.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

DATA = Path(__file__).parent / "data" / "japanese_vowels.npz"


def load(part):
    """Load the sequences, a list of arrays (steps, 12), and their speakers (N,), from 0 to 8."""
    with np.load(DATA) as file:
        values = (file[f"{part}_values"] / 1e4).astype(np.float32)
        ends = np.cumsum(file[f"{part}_lengths"])
        return np.split(values, ends[:-1]), file[f"{part}_speakers"].astype(int) - 1


def padded(sequences, filling):
    """Pad the sequences to x (N, longest, 12); return it and the lengths (N,)."""
    lengths = np.array([len(sequence) for sequence in sequences])
    x = np.full((len(sequences), lengths.max(), sequences[0].shape[1]), filling, np.float32)
    for row, sequence in zip(x, sequences, strict=True):
        row[: len(sequence)] = sequence
    return x, lengths


def bits_that_padding_changes(gru, sequences):
    """Count the numbers in the final states that differ between each sequence alone and all in a NaN-padded batch."""
    x, lengths = padded(sequences, filling=np.nan)
    _, together = gru(x, lengths=lengths)  # (layers, N, hidden)
    alone = np.concatenate([gru(sequence[None])[1] for sequence in sequences], axis=1)
    return np.count_nonzero(together.view(np.uint32) != alone.view(np.uint32))


def plot(history, confusion, accuracy, path):
    """Plot the losses and the confusion matrix."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    history.plot(axes=left)
    left.set_title("Loss")
    right.imshow(np.sqrt(confusion), cmap="Blues")  # the square root makes single errors visible
    for (true, predicted), count in np.ndenumerate(confusion):
        if count:
            right.text(predicted, true, count, ha="center", va="center", color="white" if count > 12 else "black")
    places, speakers = range(len(confusion)), range(1, len(confusion) + 1)
    right.set_xticks(places, speakers)
    right.set_yticks(places, speakers)
    right.set(xlabel="predicted speaker", ylabel="speaker", title=f"Test utterances: accuracy {accuracy:.1%}")
    figure.savefig(path)


def main():
    """Train, test and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=48, help="units per direction")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training utterances")
    parser.add_argument("--small", action="store_true", help="a small network and few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("ragged.png"), help="file for the plot")
    options = parser.parse_args()
    if options.small:
        options.hidden, options.epochs = 16, 15

    x, y = load("train")
    x_test, y_test = load("test")
    gru = gw.GRU(12, options.hidden, bidirectional=True, batch_first=True)
    model = gw.Sequential(
        gru,
        gw.MeanOverSteps(),
        gw.Dropout(0.3),
        gw.Linear(2 * options.hidden, 9),
        seed=0,
    )
    history = model.fit(
        x,
        y,
        epochs=options.epochs,
        batch_size=16,
        loss="cross_entropy",
        optimizer=gw.optimizers.AdamW(lr=5e-3, weight_decay=0.01),
    )

    predicted = model.predict(x_test).argmax(axis=1)
    confusion = np.zeros((9, 9), int)
    np.add.at(confusion, (y_test, predicted), 1)
    accuracy = np.mean(predicted == y_test)
    plot(history, confusion, accuracy, options.out)
    print(f"utterances of {min(map(len, x_test))} to {max(map(len, x_test))} steps")
    print(f"accuracy on {len(y_test)} test utterances: {accuracy:.3f}")
    print(f"numbers changed by padding: {bits_that_padding_changes(gru, x_test)}")


if __name__ == "__main__":
    main()
