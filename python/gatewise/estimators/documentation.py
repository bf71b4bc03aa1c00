"""The passages that the docstrings of both estimators have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from .. import optimizers
from ..models.building import READOUTS, RECURRENT_LAYERS

Estimator = TypeVar("Estimator", bound=type)

SEQUENCES = """X is one of these:

    - an array (N, T, features): N sequences of T steps;
    - a table or an array (N, T): each row is a sequence, whose columns are T steps of a single feature. To have one
      step of T features instead, pass ``X[:, None]``;
    - a list of N sequences (T, features) or (T,), which may differ in length."""

PARAMETERS = """cell : {cells}, default "lstm"
        The recurrent layer.
    hidden_size : int, default 32
        The number of hidden units in a layer.
    num_layers : int, default 1
        The number of recurrent layers.
    bidirectional : bool, default False
        Whether the network reads each sequence in both directions.
    dropout : float, default 0.0
        The probability with which an output of a recurrent layer, the last one included, is dropped in training.
    readout : {readouts}, default "last"
        What the prediction is made from: the last output of the recurrent layer, or the mean of all.
    solver : {solvers}, default "adam"
        The optimizer.
    learning_rate_init : float, default 0.01
        The learning rate. It stays constant. The default is ten times scikit-learn's, because an epoch of few
        sequences has few optimizer steps.
    momentum : float, default 0.9
        The momentum of solver "sgd".
    nesterovs_momentum : bool, default True
        Whether solver "sgd" uses Nesterov's momentum.
    weight_decay : float, default 0.0
        The weight decay of the solver, as in PyTorch. Unlike scikit-learn's ``alpha``, it is not divided by the number
        of sequences.
    clip_norm : float or None, default 1.0
        The largest norm of the gradient. A larger gradient is scaled down to it. None means no limit.
    batch_size : int or "auto", default "auto"
        The number of sequences in a batch; "auto" is ``min(200, N)``.
    max_iter : int, default 200
        The largest number of epochs. You can end training early with Ctrl-C.
    tol : float, default 1e-4
        The smallest improvement that counts as one.
    n_iter_no_change : int, default 10
        Training stops after this many epochs without an improvement of the loss, or of the validation score with
        `early_stopping`.
    early_stopping : bool, default False
        Whether to hold out a random validation set{stratified}, stop on its score and restore the best weights.
    validation_fraction : float, default 0.1
        The share of the sequences in the validation set.
    warm_start : bool, default False
        Whether `fit` continues with the network and the state of the solver that an earlier `fit` left. With
        `set_params` between the two you can change how the network is trained, but not the network itself.
    shuffle : bool, default True
        Whether to shuffle the sequences before each epoch.
    random_state : int, RandomState instance or None, default None
        The source of all randomness: initial weights, order, dropout and the validation set. Pass an integer for
        bit-identical results.
    verbose : bool, default False
        Whether to show a progress bar, which needs tqdm."""

ATTRIBUTES = """loss_curve_ : list of float
        The loss of each epoch.
    validation_scores_ : list of float or None
        The {score} of the validation set in each epoch; None without `early_stopping`.
    best_validation_score_ : float or None
        The best of these scores.
    n_iter_ : int
        The number of epochs done.
    n_features_in_ : int
        The number of features; for a table the number of its columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns; only if X is a table whose columns all have text as names."""


def choices(names: Iterable[str]) -> str:
    """The type of a parameter that accepts these strings."""
    return "{" + ", ".join(f'"{name}"' for name in names) + "}"


def complete_docstring(**words: str) -> Callable[[Estimator], Estimator]:
    """Put the common passages, and then `words`, into the docstring of a class, in place of their names in braces."""
    texts = {"sequences": SEQUENCES, "parameters": PARAMETERS, "attributes": ATTRIBUTES, **words}
    texts |= {"cells": choices(RECURRENT_LAYERS), "readouts": choices(READOUTS), "solvers": choices(optimizers.KINDS)}

    def filled(kind: Estimator) -> Estimator:
        for name, text in texts.items():
            kind.__doc__ = (kind.__doc__ or "").replace("{" + name + "}", text)  # python -OO leaves none
        return kind

    return filled
