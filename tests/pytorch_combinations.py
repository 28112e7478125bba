#!/usr/bin/env python3
"""Writes core/tests/data/pytorch_combinations.txt: where 20 steps of training end in PyTorch, for every
combination of hidden activation, outputs with their cost, optimiser, weight decay, dropout and clipping.

    pip install torch numpy
    python tests/pytorch_combinations.py            writes the file
    python tests/pytorch_combinations.py --check    says whether the file still agrees with PyTorch

`pytorch_vectors.py` looks closely at a few techniques, step by step; this looks at all of them together,
at the end. Everything is computed twice in float64: by the formulas below, written out by hand, and by
torch's own functions, autograd, `torch.optim` and `clip_grad_norm_`. The two must agree before anything
is saved. Hyper-parameters are sums of few powers of two, and numbers multiples of 2^-24, so float32 holds
them exactly: what an implementation in float32 is off by is its own rounding.

What is computed
----------------
The network is 4-4-3-3, both hidden layers with the same activation, on mini-batches of 4 samples.
g(w) is the gradient of the mini-batch's mean cost at the parameters w.

  quadratic  1/2 sum of (a - y)^2      cross-entropy  sum of -(y ln a + (1 - y) ln(1 - a))
  softmax-cross-entropy  -ln a_label   with y = 1 for the label's output and 0 elsewhere

  clipping   g <- g min(1, c / |g|), |g| over all parameters together, before decay is added
  l2         g <- g + r w              weights only: biases never decay
  l1         g <- g + r sgn(w)         sgn(0) = 0
  truncated  after the whole step w <- sgn(w) max(0, |w| - eta r): the proximal step of Duchi and Singer,
             "Efficient Online and Batch Learning Using Forward Backward Splitting" (2009)

  sgd        w <- w - eta g
  momentum   v <- mu v - eta g(w);             w <- w + v
  nesterov   v <- mu v - eta g(w + mu v);      w <- w + v       as in Nielsen's book and Sutskever (2013)
             torch's `nesterov=True` holds w + mu v in place of w: seen so, it is the same
  rmsprop    s <- rho s + (1 - rho) g^2;       w <- w - eta g / (sqrt(s) + epsilon)
  adam       m <- beta1 m + (1 - beta1) g;     s <- beta2 s + (1 - beta2) g^2
             w <- w - eta (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon) in step t = 1, 2, ..

epsilon is 2^-10 and not 1e-8, because where a gradient is nearly 0, g / sqrt(s) would compare the
rounding errors of g rather than g.

  dropout    `batch`: units of the hidden layers, the same for all samples of a mini-batch;
             `sample`: units of the hidden layers and inputs, others for each sample.
             What is kept is multiplied by 1 / (1 - rate of its layer).

The file
--------
A line for each combination: hidden activation, output activation, cost, optimiser, decay, dropout,
clipping norm or `none`, seed, and the parameters after 20 steps: for each layer its weights, input-major
(w[i * fan_out + j] leads from input i to unit j), then its biases. Words, and then numbers with 8
significant digits, all parted by spaces; lines with # are remarks.

Parameters before the first step, inputs, labels and masks follow from the seed, by SplitMix64 (Steele,
Lea and Flood 2014): see `word` and what calls it. Seeds are such that no weighted input of a ReLU and no
weight with an l1 decay comes so close to its kink at 0 that float32 may stand on the other side, and
that an error of the initial parameters is hardly larger at the end.
"""

import argparse
import itertools
import os
import sys

try:
    import numpy as np
    import torch
except ImportError as error:
    sys.exit(f"{error.name} is missing: type `pip install torch numpy`")

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.normpath(os.path.join(HERE, "..", "core/tests/data/pytorch_combinations.txt"))

SIZES = (4, 4, 3, 3)
BATCH = 4
STEPS = 20
HIDDEN = ("sigmoid", "tanh", "relu", "identity")
# With a norm that some gradients of theirs are above, and some below.
OUTPUTS = {
    ("sigmoid", "cross-entropy"): 0.75,
    ("sigmoid", "quadratic"): 0.1875,
    ("tanh", "quadratic"): 1.0,
    ("relu", "quadratic"): 0.5,
    ("identity", "quadratic"): 1.0,
    ("softmax", "softmax-cross-entropy"): 0.75,
}
LEARNING_RATES = {"sgd": 2**-3, "momentum": 2**-5, "nesterov": 2**-5, "rmsprop": 2**-6, "adam": 2**-6}
MU = 1 - 2**-3
RHO = 1 - 2**-4
BETA1, BETA2 = 1 - 2**-3, 1 - 2**-6
EPSILON = 2**-10
DECAYS = {"none": 0, "l2": 2**-4, "l1": 2**-5, "truncated": 2**-5}
# Of inputs and of the two hidden layers.
DROPOUTS = {"none": (0, 0, 0), "batch": (0, 1 / 2, 1 / 4), "sample": (1 / 4, 1 / 4, 1 / 2)}
KINK = 2**-15


class Unsuitable(Exception):
    """Numbers that would make a comparison useless, or a matter of luck."""


def word(seed, what, index):
    """Output of SplitMix64 that a seed, a kind of number (0 .. 255) and an index (below 2^24) choose."""
    z = (seed << 32 | what << 24 | index) * 0x9E3779B97F4A7C15 % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def uniform(seed, what, index):
    """In 0 <= u < 1, a multiple of 2^-24."""
    return (word(seed, what, index) >> 40) / 2**24


def signed(seed, what, index):
    """In -1 <= u < 1, and exactly 0 one time in 8."""
    return 0.0 if word(seed, what, index) % 8 == 0 else 2 * uniform(seed, what, index) - 1


PARAMETER, INPUT, LABEL, MASK = range(4)


def layers(flat):
    """[(weights, biases) of each layer], views of one row of parameters."""
    found, at = [], 0
    for fan_in, fan_out in zip(SIZES, SIZES[1:]):
        weights, at = flat[at : at + fan_in * fan_out].reshape(fan_in, fan_out), at + fan_in * fan_out
        biases, at = flat[at : at + fan_out], at + fan_out
        found.append((weights, biases))
    assert at == len(flat)
    return found


PARAMETERS = sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(SIZES, SIZES[1:]))
IS_WEIGHT = np.zeros(PARAMETERS)
for weights, _ in layers(IS_WEIGHT):
    weights[:] = 1
# An error of the initial parameters, and how many times larger it may be after all steps.
ASIDE = 1e-9 * np.resize([1, -1], PARAMETERS)
GROWTH = 4


class Samples:
    """Everything that follows from a seed, and the masks that a kind of dropout makes of it."""

    def __init__(self, seed, dropout):
        self.initial = np.array([signed(seed, PARAMETER, index) for index in range(PARAMETERS)])
        rows = [(step * BATCH + sample) for step in range(STEPS) for sample in range(BATCH)]
        inputs = [[signed(seed, INPUT, row * SIZES[0] + i) for i in range(SIZES[0])] for row in rows]
        self.inputs = np.array(inputs).reshape(STEPS, BATCH, SIZES[0])
        self.labels = np.array([word(seed, LABEL, row) % SIZES[-1] for row in rows]).reshape(STEPS, BATCH)
        # What inputs and hidden units are multiplied by: [step][layer][sample][unit].
        self.factors = [[self.factor(seed, dropout, step, layer) for layer in range(len(SIZES) - 1)]
                        for step in range(STEPS)]

    def factor(self, seed, dropout, step, layer):
        rate = DROPOUTS[dropout][layer]
        of_sample = 1 if dropout == "sample" else 0
        dropped = [[uniform(seed, MASK, ((step * BATCH + sample * of_sample) * 3 + layer) * 4 + unit) < rate
                    for unit in range(SIZES[layer])] for sample in range(BATCH)]
        return np.where(dropped, 0, 1 / (1 - rate))


# ---- by hand ----

def activate(name, z):
    if name == "softmax":
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return {"sigmoid": lambda: 1 / (1 + np.exp(-z)), "tanh": lambda: np.tanh(z),
            "relu": lambda: np.maximum(z, 0), "identity": lambda: z}[name]()


def slope(name, z, a):
    """da/dz"""
    return {"sigmoid": lambda: a * (1 - a), "tanh": lambda: 1 - a * a,
            "relu": lambda: (z > 0) * 1.0, "identity": lambda: np.ones_like(z)}[name]()


def gradient_by_hand(case, w, samples, step):
    """Of the mini-batch's mean cost, by backpropagation."""
    hidden, output, cost = case[:3]
    activations = (hidden, hidden, output)
    factors = samples.factors[step]
    a = samples.inputs[step]
    fed, seen = [], []
    for (weights, biases), activation, factor in zip(layers(w), activations, factors):
        fed.append(a * factor)
        z = fed[-1] @ weights + biases
        a = activate(activation, z)
        seen.append((z, a))
        if activation == "relu" and np.abs(z).min() < KINK:
            raise Unsuitable("a weighted input too close to 0")
    delta = a - np.eye(SIZES[-1])[samples.labels[step]]
    # The costs with a logarithm are those for which a - y is all.
    if cost == "quadratic":
        delta = delta * slope(output, *seen[-1])
    delta = delta / BATCH
    gradient = np.empty_like(w)
    into = layers(gradient)
    for k in reversed(range(len(into))):
        into[k][0][:] = fed[k].T @ delta
        into[k][1][:] = delta.sum(0)
        if k > 0:
            delta = (delta @ layers(w)[k][0].T) * factors[k] * slope(hidden, *seen[k - 1])
    return gradient


def by_hand(case, samples, initial):
    """The parameters after all steps."""
    optimizer, decay, _, clipping = case[3:]
    eta, r = LEARNING_RATES[optimizer], DECAYS[decay]
    w = initial
    v, m, s = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    clipped, zeroed, steepest = 0, 0, np.zeros_like(w)
    for step in range(STEPS):
        at = w + MU * v if optimizer == "nesterov" else w
        g = gradient_by_hand(case, at, samples, step)
        steepest = np.maximum(steepest, np.abs(g))
        if clipping is not None:
            norm = np.sqrt((g * g).sum())
            # Where torch's 1e-6 would decide.
            assert abs(norm - clipping) > 1e-6
            if norm > clipping:
                clipped += 1
                g = g * clipping / norm
        if decay == "l2":
            g = g + r * IS_WEIGHT * at
        if decay == "l1":
            near = (np.abs(at) < KINK) & (at != 0) & (IS_WEIGHT == 1)
            if near.any():
                raise Unsuitable("a weight too close to 0")
            g = g + r * IS_WEIGHT * np.sign(at)
        if optimizer == "sgd":
            w = w - eta * g
        elif optimizer in ("momentum", "nesterov"):
            v = MU * v - eta * g
            w = w + v
        elif optimizer == "rmsprop":
            s = RHO * s + (1 - RHO) * g**2
            w = w - eta * g / (np.sqrt(s) + EPSILON)
        else:
            m = BETA1 * m + (1 - BETA1) * g
            s = BETA2 * s + (1 - BETA2) * g**2
            t = step + 1
            w = w - eta * (m / (1 - BETA1**t)) / (np.sqrt(s / (1 - BETA2**t)) + EPSILON)
        if decay == "truncated":
            before = w
            w = np.where(IS_WEIGHT == 1, np.sign(w) * np.maximum(0, np.abs(w) - eta * r), w)
            zeroed += ((w == 0) & (before != 0)).sum()
        if np.abs(w).max() > 4:
            raise Unsuitable("far too much to learn")
    if not all((np.abs(part) > 2e-3).any() for layer in layers(steepest) for part in layer):
        raise Unsuitable("a layer that has nothing to learn")
    if clipping is not None and not STEPS / 4 <= clipped < STEPS:
        raise Unsuitable("hardly any step that is clipped, or none that is not")
    if decay == "truncated" and zeroed == 0:
        raise Unsuitable("no weight that lands on 0")
    return w


# ---- with torch ----

def with_torch(case, samples):
    """The same by torch's own functions, autograd, optimisers and clipping."""
    hidden, output, cost, optimizer, decay, _, clipping = case
    functional = torch.nn.functional
    own = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "identity": lambda z: z}
    parameters = [torch.tensor(part).requires_grad_() for layer in layers(samples.initial) for part in layer]
    weights, biases = parameters[0::2], parameters[1::2]
    eta, r = LEARNING_RATES[optimizer], DECAYS[decay]
    groups = [{"params": weights, "weight_decay": r if decay == "l2" else 0}, {"params": biases}]
    stepper = {
        "sgd": lambda: torch.optim.SGD(groups, lr=eta),
        "momentum": lambda: torch.optim.SGD(groups, lr=eta, momentum=MU),
        "nesterov": lambda: torch.optim.SGD(groups, lr=eta, momentum=MU, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(groups, lr=eta, alpha=RHO, eps=EPSILON),
        "adam": lambda: torch.optim.Adam(groups, lr=eta, betas=(BETA1, BETA2), eps=EPSILON),
    }[optimizer]()

    def ahead(p):
        """mu v, by which torch's parameters are ahead of w; its buffer is -v / eta."""
        return -eta * MU * stepper.state[p]["momentum_buffer"] if optimizer == "nesterov" else 0

    for step in range(STEPS):
        a = torch.tensor(samples.inputs[step])
        for k, (weight, bias) in enumerate(zip(weights, biases)):
            z = functional.linear(a * torch.tensor(samples.factors[step][k]), weight.T, bias)
            a = own[hidden](z) if k + 1 < len(weights) else z
        labels = torch.tensor(samples.labels[step])
        target = functional.one_hot(labels, SIZES[-1]).double()
        if cost == "cross-entropy":
            loss = functional.binary_cross_entropy_with_logits(z, target, reduction="sum") / BATCH
        elif cost == "quadratic":
            loss = functional.mse_loss(own[output](z), target, reduction="sum") / 2 / BATCH
        else:
            loss = functional.cross_entropy(z, labels)
        stepper.zero_grad()
        loss.backward()
        with torch.no_grad():
            if clipping is not None:
                norm = torch.nn.utils.clip_grad_norm_(parameters, clipping)
                if norm > clipping:
                    # torch divides by norm + 1e-6.
                    for p in parameters:
                        p.grad *= (norm + 1e-6) / norm
            if decay == "l1":
                for p in weights:
                    p.grad += r * p.sign()
        stepper.step()
        if decay == "truncated":
            with torch.no_grad():
                for p in weights:
                    p.copy_(functional.softshrink(p - ahead(p), eta * r) + ahead(p))
    return np.concatenate([(p.detach() - ahead(p)).numpy().ravel() for p in parameters])


# ---- the file ----

def combinations():
    for hidden, (outputs, norm), *techniques in itertools.product(
            HIDDEN, OUTPUTS.items(), LEARNING_RATES, DECAYS, DROPOUTS):
        for clipping in (None, norm):
            yield hidden, *outputs, *techniques, clipping


def words(case):
    return " ".join("none" if word is None else str(word) for word in case)


def solve(case, seeds):
    """The first seed that is suitable, with the parameters that it leads to."""
    for seed in seeds:
        samples = Samples(seed, case[5])
        try:
            w = by_hand(case, samples, samples.initial)
            aside = by_hand(case, samples, samples.initial * (1 + ASIDE))
            if np.abs(aside - w).max() > GROWTH * np.abs(ASIDE).max():
                raise Unsuitable("a path that errors grow on")
        except Unsuitable:
            continue
        error = np.abs(w - with_torch(case, samples)).max()
        assert error < 1e-12, f"{words(case)}, seed {seed}: torch is {error:.1e} away from the formulas"
        return seed, w
    sys.exit(f"no suitable seed for {words(case)}")


def read():
    """{combination: (seed, parameters)} of the file."""
    found = {}
    with open(FILE, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                *case, seed = (fields := line.split())[:8]
                found[" ".join(case)] = int(seed), np.array(fields[8:], dtype=float)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    check = parser.parse_args().check
    torch.set_num_threads(1)
    cases = list(combinations())
    if check:
        old = read()
        if list(old) != [words(case) for case in cases]:
            sys.exit(f"{FILE} is not of these {len(cases)} combinations in this order")
        for case in cases:
            seed, parameters = old[words(case)]
            _, found = solve(case, [seed])
            if not np.allclose(found, parameters, rtol=6e-8, atol=0):
                sys.exit(f"{FILE} disagrees with torch {torch.__version__} at {words(case)}")
        print(f"{FILE}: {len(cases)} combinations agree with torch {torch.__version__}")
        return
    lines = [f"# Written by tests/pytorch_combinations.py with torch {torch.__version__}, "
             f"numpy {np.__version__}"]
    for number, case in enumerate(cases):
        first = 1000 * number
        seed, w = solve(case, range(first, first + 1000))
        lines.append(f"{words(case)} {seed} " + " ".join(f"{x:.8g}" for x in w))
    with open(FILE + ".new", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(FILE + ".new", FILE)
    print(f"{FILE}: {len(cases)} combinations, {os.path.getsize(FILE)} bytes")


if __name__ == "__main__":
    main()
