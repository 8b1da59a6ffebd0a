"""How likely each label is wrong, from out-of-fold scores, neighbours, and what the labels say of one another.

Each label is taken for a noisy copy of a true class that is not seen: ``given ~ noise[true]``, ``true ~ clean(image)``.
The noise is estimated from the labels themselves, the model is fitted again to what is believed of the true classes,
and so on in turns (expectation maximisation; the idea is Dawid and Skene's, 1979). Two kinds of noise are tried: any
class mistaken for any other alike, and a rate for each pair. The second explains much more where it is true, and a
little more where classes are merely hard to tell apart, so it has to explain clearly more to be taken.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Scores = Callable[[Floats], Floats]

ROUNDS = 4
VOTE = 0.3  # weight of the neighbours' vote beside the model's scores; 0.3 to 0.5 served photographs best
CLEARLY = 0.11  # share of the loss that noise by pairs has to explain away (benchmarks/suspicion.py)
_STRAY = 0.05  # share of a vote that is spread by class frequency: neighbours are few
_USUAL_SHARPNESS = float(np.log(8.0))  # as the head has it: holds a handful of samples back from certainty
_FIRST_RATE = 0.05
_PAIR_PRIOR = 5.0  # samples a class: noise by pairs starts from the rate of all pairs
_RATE_PRIOR = 20.0  # samples: a small dataset has no errors until they show
_INNER = 8
_SETTLED = 0.002  # change of a rate that is none
_FITTED_ON = 3000  # samples that the sharpness is fitted on; more only cost time


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """For each sample the rows of its nearest others (samples, k), -1 for none, and how much each counts."""

    rows: Ints
    weights: Floats

    def votes(self, belief: Floats, usual: Floats) -> Floats:
        """Log-shares of the classes among the neighbours, (samples, classes), of their ``belief``."""
        shares = np.zeros((len(self.rows), belief.shape[1]), dtype=np.float32)
        for row, weight in zip(self.rows.T, self.weights.T, strict=True):
            shares += weight[:, None] * belief[row]
        return np.log(np.maximum((1 - _STRAY) * shares + _STRAY * usual, 1e-6, dtype=np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What is believed of a set of labels.

    ``chance`` is how likely each label is wrong, ``belief`` the chance of each class (samples, classes), ``noise`` the
    chance of each label given the true class (true, label), ``by_pair`` whether it differs from pair to pair.
    """

    chance: Floats
    belief: Floats
    noise: Floats
    sharpness: float
    by_pair: bool

    def suggestions(self, given: Ints) -> Ints:
        """The likeliest class of each sample other than the one it has."""
        return other_than(self.belief, given)


def judge(
    given: Ints, classes: int, scores: Scores, *, neighbours: Neighbourhood | None = None, trusted: Mask | None = None
) -> Judgement:
    """Judge labels.

    ``given`` are class indices; ``scores(targets)`` fits a model to soft targets (samples, classes) and returns what
    models that had not seen them say of the samples; ``trusted`` marks labels that a person has confirmed.
    """
    trusted = np.zeros(len(given), dtype=bool) if trusted is None else trusted
    labels = np.eye(classes, dtype=np.float32)[given]
    loss, best = _alternate(given, scores, trusted, labels, by_pair=False)
    if classes > 1 and not trusted.all():
        with_pairs, pairs = _alternate(given, scores, trusted, labels, by_pair=True)
        if (loss - with_pairs) / max(loss, 1e-9) >= min(CLEARLY, CLEARLY / 2 * (classes - 1)):
            best = pairs
    if neighbours is not None and not best.by_pair:  # noise that neighbours share looks like truth to their votes
        best = _alternate(given, scores, trusted, labels, by_pair=False, neighbours=neighbours, start=best)[1]
    return best


def judge_unseen(judged: Judgement, given: Ints, scores: Floats, votes: Floats | None = None) -> Judgement:
    """Judge labels that the models were not fitted to (val, test) under the noise found in those that they were."""
    clean = _clean(scores, votes, judged.sharpness)
    belief, chance, _ = _posterior(clean, judged.noise, given)
    return Judgement(chance, belief, judged.noise, judged.sharpness, judged.by_pair)


def other_than(belief: Floats, given: Ints) -> Ints:
    """The likeliest class of each row that is not the given one."""
    rest = belief.copy()
    rest[np.arange(len(given)), given] = -1
    return np.asarray(rest.argmax(axis=1), dtype=np.intp)


def _alternate(
    given: Ints,
    scores: Scores,
    trusted: Mask,
    labels: Floats,
    *,
    by_pair: bool,
    neighbours: Neighbourhood | None = None,
    start: Judgement | None = None,
) -> tuple[float, Judgement]:
    """Rounds of belief and model, as many as explain the labels better; with the loss on those that are not trusted.

    From a ``start``, two rounds.
    """
    classes = labels.shape[1]
    usual = labels.mean(axis=0)
    belief = labels if start is None else start.belief
    noise = _alike(_FIRST_RATE, classes) if start is None else start.noise
    found: list[tuple[float, Judgement]] = []
    for _ in range(ROUNDS if start is None else 2):
        said = scores(belief)
        votes = neighbours.votes(belief, usual) if neighbours is not None else None
        for _ in range(_INNER):
            sharpness = _sharpness(said, votes, noise, given)
            belief, chance, loss = _posterior(_clean(said, votes, sharpness), noise, given)
            before, noise = noise, _noise(belief[~trusted], given[~trusted], classes, by_pair=by_pair)
            if np.abs(noise - before).max() < _SETTLED:
                break
        belief = np.where(trusted[:, None], labels, belief)
        chance = np.where(trusted, np.float32(0), chance)
        mean = float(loss[~trusted].mean()) if not trusted.all() else 0.0
        found.append((mean, Judgement(chance, belief, noise, sharpness, by_pair)))
    # the first models learned the labels as they are: their loss is not comparable
    return found[-1] if start is not None else min(found[1:], key=lambda one: one[0])


def _clean(scores: Floats, votes: Floats | None, sharpness: float) -> Floats:
    logits = scores * np.float32(sharpness)
    if votes is not None:
        logits = logits + np.float32(VOTE) * votes
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _posterior(clean: Floats, noise: Floats, given: Ints) -> tuple[Floats, Floats, Floats]:
    """Belief in each class, chance of a wrong label, and the loss (-log of the label's probability) of each sample."""
    joint = clean * noise.T[given]
    likelihood = np.maximum(joint.sum(axis=1), 1e-9)
    belief = (joint / likelihood[:, None]).astype(np.float32)
    own = np.arange(len(given)), given
    others = likelihood - joint[own]
    return belief, np.asarray(others / likelihood, dtype=np.float32), -np.log(likelihood)


def _noise(belief: Floats, given: Ints, classes: int, *, by_pair: bool) -> Floats:
    """The noise under which the beliefs are likeliest, held back towards few errors, spread evenly."""
    counts = np.zeros((classes, classes))
    np.add.at(counts.T, given, belief)
    wrong = counts.sum() - np.trace(counts)
    even = _alike((wrong + 1) / (counts.sum() + _RATE_PRIOR), classes)
    if not by_pair:
        return even
    pulled = counts + _PAIR_PRIOR * even
    return np.asarray(pulled / pulled.sum(axis=1, keepdims=True), dtype=np.float32)


def _alike(rate: float, classes: int) -> Floats:
    if classes < 2:
        return np.ones((classes, classes), dtype=np.float32)
    noise = np.full((classes, classes), rate / (classes - 1), dtype=np.float32)
    np.fill_diagonal(noise, 1 - rate)
    return noise


def _sharpness(scores: Floats, votes: Floats | None, noise: Floats, given: Ints) -> float:
    """How sharply the scores tell classes apart, under which the labels are likeliest."""
    step = max(1, len(given) // _FITTED_ON)
    part = slice(None, None, step)
    some = scores[part], (None if votes is None else votes[part]), given[part]

    def cost(logarithm: float) -> float:
        loss = _posterior(_clean(some[0], some[1], float(np.exp(logarithm))), noise, some[2])[2]
        return float(loss.sum() + (logarithm - _USUAL_SHARPNESS) ** 2)

    best = minimize_scalar(cost, bounds=(-1.0, 5.0), method="bounded", options={"xatol": 0.03})
    return float(np.exp(best.x))
