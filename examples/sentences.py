"""Classify sentences, and tag every word with its part of speech: `python examples/sentences.py`.

Sentences come from two small grammars. The first task is to predict whether a sentence says that somebody likes
something; for this the network must count negations. The second is to predict the part of speech of every word; this
depends on the neighbouring words, as in "the can can watch a watch".

In both models, an embedding maps each word to a vector. In the first, an LSTM and a sigmoid predict once, after the
last word. In the second, a bidirectional LSTM and a softmax predict at every word. Sentences differ in length; padding
does not affect the results.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

NAMES, THINGS = ["anna", "tom", "lucy", "ben", "ella"], ["tea", "rain", "music", "the sea", "old books", "cats"]
DENIALS = ["it is not true that", "nobody says that", "it is a lie that"]
TAGS = ["determiner", "adjective", "noun", "modal", "verb"]
NOUNS, VERBS = ["can", "watch", "fish", "light", "dog", "girl"], ["watch", "fish", "light", "can", "see", "hear"]
MODALS, DETERMINERS = ["can", "will", "must"], ["the", "a", "her"]
ADJECTIVES = ["light", "old", "red"]


def opinion(rng):
    """Draw a sentence, and whether it says that somebody likes something; each negation inverts this."""
    words, negations = [], 0
    while rng.random() < 0.5 and negations < 3:
        words += rng.choice(DENIALS).split()
        negations += 1
    words.append(rng.choice(NAMES))
    if rng.random() < 0.5:
        words += ["does", "not"]
        negations += 1
    verb = rng.choice(["like", "dislike"])
    words += [verb, *rng.choice(THINGS).split()]
    return words, int((negations + (verb == "dislike")) % 2 == 0)


def phrase(rng):
    """Draw a noun phrase: its words and their tags."""
    words, tags = [rng.choice(DETERMINERS)], ["determiner"]
    while rng.random() < 0.4:
        words.append(rng.choice(ADJECTIVES))
        tags.append("adjective")
    return [*words, rng.choice(NOUNS)], [*tags, "noun"]


def clause(rng):
    """Draw a sentence of subject, verb and object: its words and the indices of their tags."""
    words, tags = phrase(rng)
    if rng.random() < 0.5:
        words.append(rng.choice(MODALS))
        tags.append("modal")
    words.append(rng.choice(VERBS))
    tags.append("verb")
    what, kinds = phrase(rng)
    return words + what, [TAGS.index(tag) for tag in tags + kinds]


def distinct(make, rng, count):
    """Draw `count` distinct sentences and their targets.

    As no sentence occurs twice, the validation set has no sentence of the training set.
    """
    found = {}
    while len(found) < count:
        words, target = make(rng)
        found[tuple(words)] = target
    return list(found), list(found.values())


def tokens(sentences, words):
    """Convert words to their indices."""
    number = {word: index for index, word in enumerate(words)}
    return [np.array([number[word] for word in sentence]) for sentence in sentences]


def learn(layer, loss, targets, *last, sentences, epochs):
    """Train an embedding, the layer and the `last` layers to predict the targets from the sentences."""
    words = sorted({word for sentence in sentences for word in sentence})
    model = gw.Sequential(gw.Embedding(len(words), layer.input_size), layer, *last, seed=0)
    history = model.fit(
        tokens(sentences, words), targets, epochs=epochs, validation_split=0.2, loss=loss, metrics=["accuracy"],
        optimizer=gw.optimizers.Adam(0.01), verbose=False,
    )  # fmt: skip
    return model, words, history.history["val_accuracy"]


def most_frequent(sentences, tags):
    """Return the accuracy of tagging each word with its most frequent tag, ignoring its neighbours."""
    counts = Counter(pair for pairs in map(zip, sentences, tags) for pair in pairs)
    best = Counter()
    for (word, _), count in counts.items():
        best[word] = max(best[word], count)
    return best.total() / counts.total()


def draw(sentence_accuracy, tag_accuracy, baseline, sentence, probabilities, path):
    """Plot the accuracy of each epoch, and the predicted tags of one sentence."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    curves, picture = figure.subplots(1, 2, width_ratios=(1, 1.3))
    for name, values in (("yes or no", sentence_accuracy), ("tags", tag_accuracy)):
        curves.plot(range(1, len(values) + 1), values, label=name)
    curves.axhline(baseline, color="gray", linestyle=":", label="tags, each word's\nmost frequent")
    curves.set(xlabel="epoch", title="Accuracy on new sentences", ylim=(0.25, 1.02))
    curves.legend(loc="lower right", fontsize="small")
    curves.grid(alpha=0.3)
    picture.imshow(probabilities.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    picture.set_xticks(range(len(sentence)), sentence)
    picture.set_yticks(range(len(TAGS)), TAGS)
    picture.set_title("Probability of each tag")
    figure.savefig(path)


def main():
    """Train both models, print the results and plot them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=2000, help="sentences per task")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the sentences")
    parser.add_argument("--hidden", type=int, default=32, help="units per direction")
    parser.add_argument("--out", type=Path, default=Path("sentences.png"), help="file for the plot")
    options = parser.parse_args()
    rng = np.random.default_rng(0)

    sentences, targets = distinct(opinion, rng, options.sentences)
    lstm, last = gw.LSTM(8, options.hidden, batch_first=True), (gw.LastStep(), gw.Linear(options.hidden, 1))
    _, _, sentence_accuracy = learn(lstm, "bce", np.array(targets), *last, sentences=sentences, epochs=options.epochs)
    print(f"yes or no: accuracy {sentence_accuracy[-1]:.3f} on new sentences")

    sentences, tags = distinct(clause, rng, options.sentences)
    lstm, last = (
        gw.LSTM(8, options.hidden, bidirectional=True, batch_first=True),
        gw.Linear(2 * options.hidden, len(TAGS)),
    )
    numbers = [np.array(one) for one in tags]
    model, words, tag_accuracy = learn(lstm, "cross_entropy", numbers, last, sentences=sentences, epochs=options.epochs)
    baseline = most_frequent(sentences, tags)
    print(f"tags: accuracy {tag_accuracy[-1]:.3f}; with each word's most frequent tag: {baseline:.3f}")
    sentence = ["the", "can", "can", "watch", "her", "light", "fish"]
    probabilities = gw.losses.softmax(model.predict(tokens([sentence], words)[0][None])[0])
    for word, row in zip(sentence, probabilities, strict=True):
        print(f"  {word:<8}{TAGS[row.argmax()]:<12}{row.max():.2f}")
    draw(sentence_accuracy, tag_accuracy, baseline, sentence, probabilities, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
