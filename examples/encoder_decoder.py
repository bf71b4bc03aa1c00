"""Translate written dates to ISO 8601 with an encoder and a decoder: `python examples/encoder_decoder.py`.

This is sequence-to-sequence learning (Sutskever, Vinyals and Le 2014, arXiv:1409.3215; Cho et al. 2014,
arXiv:1406.1078), built from two LSTM layers, an optimizer and a loss. The encoder reads "March 3, 2021". The decoder
starts from the encoder's final state and writes "2021-03-03".

In training, the decoder reads the correct previous character at each step (teacher forcing). The gradient of its
initial state, `grads.state`, is passed to the encoder's backward as `d_state`. To translate, a stream starts from the
encoder's state and reads its own predictions, one at a time.
"""

import argparse
import datetime
import string
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

FORMATS = "{d} {B} {Y}", "{B} {d}, {Y}", "{d} {b} {Y}", "{b} {d} {Y}", "{d}.{m}.{Y}", "{A}, {d} {B} {Y}"
READS = " ,." + string.digits + string.ascii_letters
WRITES = "0123456789-" + "^"  # ^ marks the start
START = WRITES.index("^")


def draw_dates(count, years, rng):
    """Draw pairs of a written date and its ISO form, such as ("Sunday, 1 March 2020", "2020-03-01")."""
    pairs = []
    for days, form in zip(rng.integers(0, 365 * years, count), rng.choice(FORMATS, count), strict=True):
        date = datetime.date(1950, 1, 1) + datetime.timedelta(days=int(days))
        names = {"b": f"{date:%b}", "B": f"{date:%B}", "A": f"{date:%A}"}
        pairs.append((form.format(d=date.day, m=date.month, Y=date.year, **names), date.isoformat()))
    return pairs


class Translator:
    """An encoder, a decoder, and a linear layer that turns each decoder output into logits of the next character."""

    def __init__(self, hidden, dtype=np.float32):
        self.encoder = gw.LSTM(len(READS), hidden, dtype=dtype, seed=1)
        self.decoder = gw.LSTM(len(WRITES), hidden, dtype=dtype, seed=2)
        self.head = np.random.default_rng(3).normal(0, hidden**-0.5, (hidden, len(WRITES))).astype(dtype)
        self.read, self.written = np.eye(len(READS), dtype=dtype), np.eye(len(WRITES), dtype=dtype)

    def texts(self, texts):
        """Return the encoder's input, one-hot and padded (T, B, characters), and the lengths (B,)."""
        lengths = np.array([len(text) for text in texts])
        tokens = [[READS.index(character) for character in text.ljust(lengths.max())] for text in texts]
        return self.read[np.array(tokens).T], lengths

    def loss_and_gradients(self, pairs):
        """Return the mean cross-entropy per target character, and the gradient of all parameters as one vector."""
        x, lengths = self.texts([text for text, _ in pairs])
        targets = np.array([[WRITES.index(character) for character in target] for _, target in pairs]).T  # (10, B)
        previous = np.vstack([np.full_like(targets[:1], START), targets[:-1]])

        _, state, encoder_tape = self.encoder.forward(x, lengths=lengths)
        y, _, decoder_tape = self.decoder.forward(self.written[previous], state)
        loss, d_logits, _ = gw.losses.CrossEntropy()(y @ self.head, targets)

        decoder = self.decoder.backward(decoder_tape, dy=d_logits @ self.head.T, wrt_x=False)
        encoder = self.encoder.backward(encoder_tape, d_state=decoder.state, wrt_x=False)
        d_head = np.tensordot(y, d_logits, axes=((0, 1), (0, 1)))
        return loss, np.concatenate([encoder.flat, decoder.flat, d_head.ravel()])

    @property
    def flat(self):
        """All parameters, as one vector."""
        return np.concatenate([self.encoder.params.flat, self.decoder.params.flat, self.head.ravel()])

    @flat.setter
    def flat(self, vector):
        ends = np.cumsum([self.encoder.params.flat.size, self.decoder.params.flat.size])
        self.encoder.params.flat, self.decoder.params.flat, head = np.split(vector, ends)
        self.head = head.reshape(self.head.shape)

    def translate(self, texts):
        """Translate the texts, taking the most likely character at each step."""
        x, lengths = self.texts(texts)
        stream = self.decoder.stream(batch_size=len(texts))
        _, stream.state = self.encoder(x, lengths=lengths)
        token, predicted = np.full(len(texts), START), []
        for _ in range(10):
            token = (stream.step(self.written[token]) @ self.head).argmax(axis=1)
            predicted.append(token)
        return ["".join(WRITES[token] for token in tokens) for tokens in np.array(predicted).T]


def plot(losses, blind, steps, right, path):
    """Plot the loss of every step, and the share of unseen dates that are translated correctly."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(losses, color="0.7")
    axes.axhline(blind, color="0.4", linestyle=":")
    axes.text(len(losses), blind, "best without reading the date ", ha="right", va="bottom", color="0.4")
    axes.set(xlabel="step", ylabel="cross-entropy per character", title="Translating dates")
    share = axes.twinx()
    share.plot(steps, right, "o-", color="tab:blue")
    share.set_ylim(0, 1.02)
    share.set_ylabel("unseen dates translated correctly", color="tab:blue")
    figure.savefig(path)


def main():
    """Train, test and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=96, help="units of each LSTM")
    parser.add_argument("--steps", type=int, default=1500, help="steps of the optimizer, with 64 dates each")
    parser.add_argument("--years", type=int, default=100, help="number of years to draw dates from, starting in 1950")
    parser.add_argument(
        "--small", action="store_true", help="a small network, few steps and ten years, for a first look"
    )
    parser.add_argument("--out", type=Path, default=Path("encoder_decoder.png"), help="file for the plot")
    options = parser.parse_args()
    if options.small:
        options.hidden, options.steps, options.years = 64, 200, 10

    rng = np.random.default_rng(0)
    model = Translator(options.hidden)
    adam = gw.optimizers.Adam(lr=gw.schedules.Cosine(1e-2, steps=options.steps), clip_norm=1.0)
    unseen = draw_dates(500, options.years, np.random.default_rng(1))
    losses, steps, right = [], [], []
    parameters = model.flat
    for step in range(1, options.steps + 1):
        loss, gradients = model.loss_and_gradients(draw_dates(64, options.years, rng))
        adam.update(parameters, gradients)
        model.flat = parameters
        losses.append(loss)
        if step % (options.steps // 10) == 0:
            predicted = model.translate([text for text, _ in unseen])
            steps.append(step)
            right.append(np.mean([date == target for date, (_, target) in zip(predicted, unseen, strict=True)]))
            print(f"step {step}: loss {loss:.4f}, {right[-1]:.1%} of unseen dates correct")

    blind = np.log(365 * options.years) / 10  # the lowest loss of a decoder that gets nothing from the encoder
    print(f"cross-entropy {np.mean(losses[-10:]):.4f}; lowest possible without reading the date {blind:.4f}")
    texts = ["Wednesday, 25 November 2026", "3 Feb 1989", "July 20, 1969", "9.11.1989"]
    print("\n".join(f"{text} -> {date}" for text, date in zip(texts, model.translate(texts), strict=True)))
    plot(losses, blind, steps, right, options.out)


if __name__ == "__main__":
    main()
