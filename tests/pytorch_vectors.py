#!/usr/bin/env python3
"""Writes core/tests/data/pytorch.json: what PyTorch computes for small networks, to compare with.

    pip install torch numpy
    python tests/pytorch_vectors.py            writes the file
    python tests/pytorch_vectors.py --check    says whether the file still agrees with PyTorch

Everything is computed in float64, from inputs, parameters and hyper-parameters that float32 represents
exactly (rounding rates and factors are powers of two for that reason). So what an implementation in
float32 is off by is its own rounding, and nothing else. Costs come from torch's own functions,
gradients from autograd, steps from torch.optim.SGD; each is checked here against formulas written out by
hand before anything is saved.

The file
--------
`functions`: points `x` with `exp`, `sigmoid` and `tanh` (beyond float32's range where they are).
`schedules`, each with its `name`, the steps of its `warm_up`, its `last` factor, and the `factors` of the
learning rate in each step; `plateau`: what ReduceLROnPlateau makes of `costs`, epoch by epoch, with its
`patience` (of the epoch that it ends with, where torch's is of the one before), `factor` and `scales`.
`cases`, each with
  `layers`         fan_in, fan_out, activation (of "sigmoid", "tanh", "relu", "identity",
                   "softmax") in order
  `cost`           of one sample, with y = 1 for the label's output and 0 elsewhere:
                   "cross-entropy"          sum of -(y ln a + (1 - y) ln(1 - a))
                   "quadratic"              1/2 sum of (a - y)^2
                   "softmax-cross-entropy"  -ln a_label
                   and of a mini-batch: the mean of its samples
  `learning_rate`, `momentum`, `l2`
                   C = cost of the mini-batch + l2/2 * sum of w^2 (weights only, not biases);
                   v = momentum * v - learning_rate * dC/dw, from v = 0;  w = w + v
  `dropout`        null, or {`rate`, `keep`}; keep[step][hidden layer][unit] says whether a unit takes
                   part in that step's mini-batch; those that do are multiplied by 1 / (1 - rate)
  `initial`        parameters: for each layer the weights, input-major (w[i * fan_out + j] leads from
                   input i to unit j), then the biases
  `steps`          one {`inputs`, `labels`} for each step
  `scores`         activations of the outputs for the inputs of the first step, before training and
                   without dropout
  `costs`          cost of each step's mini-batch before the step, without the l2 term
  `gradient`       of the first step's mini-batch cost, without the l2 term, in the order of `initial`
  `after`          parameters after each step
"""

import argparse
import json
import math
import os
import platform
import sys

try:
    import numpy as np
    import torch
except ImportError as error:
    sys.exit(f"{error.name} is missing: type `pip install torch numpy`")

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "..", "core", "tests", "data", "pytorch.json")

SHALLOW = (6, 5, 3)
DEEP = (5, 4, 4, 3)
OUTPUTS = (
    ("sigmoid", "cross-entropy"),
    ("sigmoid", "quadratic"),
    ("tanh", "quadratic"),
    ("relu", "quadratic"),
    ("identity", "quadratic"),
    ("softmax", "softmax-cross-entropy"),
)
HIDDEN = ("sigmoid", "tanh", "relu", "identity")


class Unsuitable(Exception):
    """Random numbers that would make a case useless, or its comparison a matter of luck."""


def activation(name, z):
    if name == "softmax":
        return torch.softmax(z, 1)
    return {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
            "identity": lambda z: z}[name](z)


def forward(case, parameters, inputs, keep):
    """Weighted inputs and activations of the last layer; `keep` as in the file, or None."""
    a = inputs
    last = len(case["layers"]) - 1
    for k, layer in enumerate(case["layers"]):
        z = a @ parameters[2 * k] + parameters[2 * k + 1]
        a = activation(layer["activation"], z)
        if layer["activation"] == "relu":
            # Near the kink, float32 and float64 may stand on different sides.
            if z.abs().min() < 1e-3:
                raise Unsuitable("a weighted input too close to 0")
            if (z > 0).double().mean() < 0.25:
                raise Unsuitable("hardly any unit active")
        if keep is not None and k < last:
            a = a * torch.tensor(keep[k], dtype=torch.float64) / (1 - case["dropout"]["rate"])
    return z, a


def batch_cost(case, z, a, labels):
    functional = torch.nn.functional
    target = functional.one_hot(labels, a.shape[1]).double()
    if case["cost"] == "cross-entropy":
        terms = functional.binary_cross_entropy_with_logits(z, target, reduction="none")
        by_hand = -(target * a.log() + (1 - target) * (1 - a).log())
    elif case["cost"] == "quadratic":
        terms = functional.mse_loss(a, target, reduction="none") / 2
        by_hand = (a - target) ** 2 / 2
    else:
        terms = functional.cross_entropy(z, labels, reduction="none")
        by_hand = -a[torch.arange(len(labels)), labels].log()
    cost, by_hand = terms.sum() / len(labels), by_hand.sum() / len(labels)
    # Saturated outputs are beyond the formulas as written: 1 - a is 0 long before it should be.
    if not case["name"].endswith("saturated"):
        assert math.isclose(cost.item(), by_hand.item(), rel_tol=1e-12), case["name"]
    return cost


def flat(tensors):
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def significant(values, digits):
    """The same, rounded to so many significant digits; lists of any depth."""
    if isinstance(values, (list, tuple, np.ndarray)):
        return [significant(value, digits) for value in values]
    assert math.isfinite(values)
    return float(f"{values:.{digits}g}")


def solve(case, initial, steps):
    """Adds what PyTorch computes to `case`."""
    parameters, at = [], 0
    for layer in case["layers"]:
        for shape in ((layer["fan_in"], layer["fan_out"]), (layer["fan_out"],)):
            size = math.prod(shape)
            values = torch.tensor(initial[at : at + size].reshape(shape))
            parameters.append(values.requires_grad_())
            at += size
    weights, biases = parameters[0::2], parameters[1::2]
    optimizer = torch.optim.SGD(
        [{"params": weights, "weight_decay": case["l2"]}, {"params": biases}],
        lr=case["learning_rate"],
        momentum=case["momentum"],
    )
    # The same steps by hand.
    is_weight = flat([torch.full_like(p, float(p.dim() == 2)) for p in parameters])
    w, v = initial.copy(), np.zeros_like(initial)

    inputs = [torch.tensor(step["inputs"], dtype=torch.float64) for step in steps]
    with torch.no_grad():
        scores = forward(case, parameters, inputs[0], None)[1]
    costs, after, gradient = [], [], None
    for number, step in enumerate(steps):
        keep = case["dropout"]["keep"][number] if case["dropout"] else None
        z, a = forward(case, parameters, inputs[number], keep)
        cost = batch_cost(case, z, a, torch.tensor(step["labels"]))
        optimizer.zero_grad()
        cost.backward()
        slope = flat([p.grad for p in parameters])
        gradient = slope if gradient is None else gradient
        optimizer.step()
        v = case["momentum"] * v - case["learning_rate"] * (slope + case["l2"] * is_weight * w)
        w = w + v
        assert np.abs(w - flat(parameters)).max() < 1e-13, case["name"]
        costs.append(cost.item())
        after.append(flat(parameters))
    if np.abs(gradient).max() < 1e-3 or not np.isfinite(after[-1]).all():
        raise Unsuitable("nothing to learn, or far too much")
    case.update(
        initial=significant(initial, 9),
        steps=[{"inputs": significant(s["inputs"], 9), "labels": s["labels"]} for s in steps],
        scores=significant(scores.numpy(), 10),
        costs=significant(costs, 10),
        gradient=significant(gradient, 10),
        after=significant(after, 10),
    )
    return case


def float32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def make(name, sizes, hidden, output, cost, *, count, rate=0.25, momentum=0.0, l2=0.0,
         dropout=None, batch=4, spread=1.0):
    """A case; `hidden` is one activation for all hidden layers, or one for each."""
    activations = [hidden] * (len(sizes) - 2) if isinstance(hidden, str) else list(hidden)
    layers = [
        {"fan_in": fan_in, "fan_out": fan_out, "activation": activation}
        for fan_in, fan_out, activation in zip(sizes, sizes[1:], activations + [output])
    ]
    for attempt in range(1_000):
        # One stream for each case: adding a case leaves the others as they are.
        random = np.random.default_rng([attempt, *name.encode()])
        initial = []
        for layer in layers:
            shape = (layer["fan_in"], layer["fan_out"])
            initial.append(random.normal(0, spread / math.sqrt(shape[0]), shape).ravel())
            initial.append(random.normal(0, 0.5, shape[1]))
        steps = []
        for _ in range(count):
            # Pixels: about half of them 0, some full, as in pictures of digits.
            pixels = random.integers(0, 256, (batch, sizes[0])) * random.integers(0, 2, sizes[0])
            pixels[random.random(pixels.shape) < 0.1] = 255
            labels = random.integers(0, sizes[-1], batch).tolist()
            steps.append({"inputs": float32(pixels.astype(np.float32) / np.float32(255)),
                          "labels": labels})
        case = {"name": name, "layers": layers, "cost": cost, "learning_rate": rate,
                "momentum": momentum, "l2": l2, "dropout": None}
        if dropout is not None:
            keep = [[(random.random(size) >= dropout).tolist() for size in sizes[1:-1]]
                    for _ in range(count)]
            if not all(any(mask) and not all(mask) for masks in keep for mask in masks):
                continue
            case["dropout"] = {"rate": dropout, "keep": keep}
        try:
            return solve(case, float32(np.concatenate(initial)), steps)
        except Unsuitable:
            continue
    sys.exit(f"no suitable random numbers found for {name}")


def cases():
    """Every pair of hidden and output layer in both depths, then one technique after the other."""
    techniques = (
        {"l2": 2.0**-6},
        {"momentum": 0.875},
        {"l2": 2.0**-6, "momentum": 0.875},
        {},
    )
    made = []
    for hidden in HIDDEN:
        for output, cost in OUTPUTS:
            pair = f"{hidden}, {output}, {cost}"
            made.append(make(f"one hidden layer: {pair}", SHALLOW, hidden, output, cost, count=3))
            technique = techniques[len(made) // 2 % len(techniques)]
            words = "".join(f", {key}" for key in technique)
            made.append(make(f"two hidden layers: {pair}{words}", DEEP, hidden, output, cost,
                             count=4, **technique))
    book = ("sigmoid", "sigmoid", "cross-entropy")
    modern = ("relu", "softmax", "softmax-cross-entropy")
    both = techniques[2]
    made += [
        make("l2", SHALLOW, *book, count=5, l2=2.0**-5),
        make("momentum", SHALLOW, *modern, count=5, momentum=0.75),
        make("l2 and momentum", SHALLOW, *book, count=5, **both),
        make("dropout", SHALLOW, *book, count=5, dropout=0.5),
        make("dropout, two hidden layers", DEEP, *modern, count=5, dropout=0.25),
        make("dropout, l2 and momentum", SHALLOW, *modern, count=5, dropout=0.5, **both),
        make("one sample at a time", SHALLOW, *book, count=5, batch=1),
        make("one sample at a time, l2 and momentum", SHALLOW, *modern, count=5, batch=1, **both),
        make("different hidden layers", DEEP, ("relu", "sigmoid"), *modern[1:], count=4),
        make("no hidden layer", (6, 3), (), *modern[1:], count=4, **both),
        make("no hidden layer: sigmoid", (6, 3), (), *book[1:], count=4, l2=2.0**-6),
        # Outputs so close to 0 and 1 that the logarithms of the formulas are of no use.
        make("cross-entropy, saturated", SHALLOW, *book, count=3, spread=100.0),
        make("softmax, saturated", SHALLOW, *modern, count=3, spread=8.0),
    ]
    assert len({case["name"] for case in made}) == len(made)
    return made


def functions():
    """Points over [-100, 100]: whole numbers, the edges of float32, and what lies close to 0."""
    random = np.random.default_rng(20)
    points = [float(x) for x in range(-100, 101, 4)]
    points += [sign * x for sign in (1, -1) for x in (
        # exp leaves the normal numbers of float32 at -87.34, all of them at -103.97 and tops at 88.72.
        87.33, 87.34, 88.0, 88.72, 88.73, 99.99,
        # The halves between the powers of two that exp is usually split at.
        0.34657359, 0.34657360, 0.69314718, 1.03972077, 16.63553233,
        # The last float32 that sigmoid tells from 1, and the first that it does not.
        16.6, 17.4,
        0.5, 0.25, 1e-2, 1e-4, 6e-8, 1e-10, 1e-38)]
    points += [*random.uniform(-100, 100, 50), *random.uniform(-5, 5, 50)]
    points = sorted(set(float32(points).tolist()))
    # Python's math and torch agree on float64 to the last digit or nearly.
    x = torch.tensor(points, dtype=torch.float64)
    exp, sigmoid, tanh = torch.exp(x), torch.sigmoid(x), torch.tanh(x)
    for value, e, s, t in zip(points, exp.tolist(), sigmoid.tolist(), tanh.tolist()):
        assert math.isclose(e, math.exp(value), rel_tol=4e-16)
        assert math.isclose(s, 1 / (1 + math.exp(-value)), rel_tol=1e-15)
        assert math.isclose(t, math.tanh(value), rel_tol=1e-15)
    return {"x": significant(points, 9), "exp": significant(exp.tolist(), 14),
            "sigmoid": significant(sigmoid.tolist(), 14), "tanh": significant(tanh.tolist(), 14)}


def rates(make, steps):
    """The learning rate in each step, from 1 at its highest, of the scheduler that `make` makes."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def schedules():
    """A cosine with and without a rise before it, and one cycle."""
    schedulers = torch.optim.lr_scheduler

    def cosine(steps, last):
        return lambda optimizer: schedulers.CosineAnnealingLR(optimizer, steps - 1, eta_min=last)

    def warm_up(steps, rise, last):
        return lambda optimizer: schedulers.SequentialLR(optimizer, [
            schedulers.LinearLR(optimizer, start_factor=1 / (rise + 1), total_iters=rise),
            cosine(steps - rise, last)(optimizer),
        ], milestones=[rise])

    def cycle(steps, shape):
        return rates(lambda optimizer: schedulers.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=steps, anneal_strategy=shape,
            cycle_momentum=False), steps)

    # A straight rise, then a cosine.
    steps = 60
    rise = steps * 3 // 10 - 1
    one_cycle = cycle(steps, "linear")[:rise] + cycle(steps, "cos")[rise:]
    made = [
        ("cosine", 0, 2**-7, rates(cosine(50, 2**-7), 50)),
        ("cosine", 0, 0.0, rates(cosine(11, 0.0), 11)),
        ("cosine", 12, 2**-4, rates(warm_up(50, 12, 2**-4), 50)),
        ("one-cycle", rise, 4e-6, one_cycle),
    ]
    for name, w, last, found in made:
        first = 1 / 25 if name == "one-cycle" else 1 / (w + 1)
        for k, factor in enumerate(found):
            c = (1 + math.cos(math.pi * (k - w) / (len(found) - 1 - w))) / 2
            by_hand = first + (1 - first) * k / w if k < w else c + (1 - c) * last
            assert math.isclose(factor, by_hand, rel_tol=1e-12, abs_tol=1e-15), (name, k)
    return [{"name": name, "warm_up": w, "last": last, "factors": significant(found, 12)}
            for name, w, last, found in made]


def plateau():
    """Costs that fall, stay, tie and rise."""
    random = np.random.default_rng(21)
    costs = [max(8 - epoch, 0) + int(random.integers(0, 6)) for epoch in range(60)]
    patience, factor = 4, 0.5
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience - 1, threshold=0.0, eps=0.0)
    scales = []
    for cost in costs:
        scheduler.step(cost)
        scales.append(optimizer.param_groups[0]["lr"])
    best, bad, scale = math.inf, 0, 1.0
    for cost, found in zip(costs, scales):
        best, bad = (cost, 0) if cost < best else (best, bad + 1)
        if bad == patience:
            bad, scale = 0, scale * factor
        assert found == scale
    assert 3 < -math.log2(scale) < 20
    return {"costs": [float(cost) for cost in costs], "patience": patience, "factor": factor,
            "scales": scales}


def text(content):
    """JSON with one case a line, so that differences between versions can be read."""
    compact = {"separators": (",", ":")}
    lines = ",\n".join(json.dumps(case, **compact) for case in content["cases"])
    head = ",\n".join(
        f"{json.dumps(key)}:{json.dumps(content[key], **compact)}" for key in content if key != "cases"
    )
    return f'{{{head},\n"cases":[\n{lines}\n]}}\n'


def disagreement(old, new, where=""):
    """Where the two differ by more than rounding, or None."""
    if isinstance(new, dict) and isinstance(old, dict) and old.keys() == new.keys():
        parts = [(f"{where}/{key}", old[key], new[key]) for key in new]
    elif isinstance(new, list) and isinstance(old, list) and len(old) == len(new):
        parts = [(f"{where}/{index}", a, b) for index, (a, b) in enumerate(zip(old, new))]
    elif isinstance(new, float) and isinstance(old, float):
        return None if math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-12) else where
    else:
        return None if old == new else where
    found = (disagreement(a, b, place) for place, a, b in parts)
    return next((place for place in found if place), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    check = parser.parse_args().check
    torch.set_num_threads(1)
    content = {
        "made_with": {
            "script": "tests/pytorch_vectors.py",
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "functions": functions(),
        "schedules": schedules(),
        "plateau": plateau(),
        "cases": cases(),
    }
    path = os.path.normpath(FILE)
    if check:
        with open(path, encoding="utf-8") as file:
            old = json.load(file)
        made_with = old.pop("made_with"), content.pop("made_with")
        # Through JSON, for what is read from a file knows no tuples.
        place = disagreement(old, json.loads(json.dumps(content)))
        if place:
            sys.exit(f"{path} disagrees with torch {torch.__version__} at {place}")
        print(f"{path}, made with torch {made_with[0]['torch']}, agrees with {torch.__version__}")
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text(content))
    os.replace(path + ".new", path)
    print(f"{path}: {len(content['cases'])} cases, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
