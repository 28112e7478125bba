#!/usr/bin/env python3
"""Measures training speed, in samples per second, of PyTorch on the CPU and of thumbnet, side by side.

    pip install torch numpy
    THUMBNET_DATA=folder/with/mnist python tests/against_pytorch.py --batch 1 10 100 500
    THUMBNET_DATA=folder/with/mnist python tests/against_pytorch.py --bench

The task: 784-100-10, sigmoid, cross-entropy, learning rate 0.1, L2 decay, real MNIST training images
in memory (float32 for PyTorch, as many as thumbnet trains on). PyTorch does it twice: as everybody
writes it (torch.nn, autograd, torch.optim.SGD, fused where there is such a kernel) and as fast as it can
be had (gradients by hand, in place, with addmm_). Both read consecutive slices: PyTorch pays nothing for
shuffling, thumbnet does.
thumbnet is `cargo run --release -- train --recipe book-100`, and its figure is the one it reports itself.

With --bench, thumbnet is `thumbnet bench host`, and every row of it is set beside PyTorch doing the same
with torch.nn: also 784-800-10, momentum, Adam, dropout, images that are distorted anew in every epoch
(whole mini-batches by affine_grid, a smooth random field and grid_sample), and inference.

Absolute figures say as much about the machine as about the program, and others may be at work on it:
the three take turns, round after round, and what counts is the ratio within one run. Each is shown at
the number of threads that suits it best.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    import torch
except ImportError as error:
    sys.exit(f"{error.name} is missing: type `pip install torch numpy`")

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
LEARNING_RATE = 0.1
# What thumbnet's recipe trains on; the other 10,000 validate.
SAMPLES = 50_000
# The book's lambda = 5, divided by the number of samples.
L2 = 5.0 / SAMPLES
THUMBNET_BATCH = 10


def read_idx(folder, name, header):
    """The bytes of an IDX file after its header, plain or compressed."""
    for path, opener in ((os.path.join(folder, name), open),
                         (os.path.join(folder, name + ".gz"), gzip.open)):
        if os.path.exists(path):
            with opener(path, "rb") as file:
                return np.frombuffer(file.read(), dtype=np.uint8)[header:]
    sys.exit(f"{folder} holds neither {name} nor {name}.gz: THUMBNET_DATA names the folder with MNIST")


def load(folder):
    """Images [samples][784] from 0 to 1, and one-hot targets [samples][10]."""
    images = read_idx(folder, "train-images-idx3-ubyte", 16).reshape(-1, 784)[:SAMPLES]
    labels = read_idx(folder, "train-labels-idx1-ubyte", 8)[:SAMPLES]
    x = torch.from_numpy(images.astype(np.float32) / np.float32(255))
    return x, torch.nn.functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 10).float()


class Autograd:
    """As in any tutorial."""

    name = "autograd"

    def __init__(self, batch):
        self.model = torch.nn.Sequential(
            torch.nn.Linear(784, 100), torch.nn.Sigmoid(), torch.nn.Linear(100, 10)
        )
        self.cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
        weights = [p for p in self.model.parameters() if p.dim() == 2]
        biases = [p for p in self.model.parameters() if p.dim() == 1]
        groups = [{"params": weights, "weight_decay": L2}, {"params": biases}]
        try:
            self.optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE, fused=True)
        except (RuntimeError, TypeError):  # older than 2.4: no such kernel for the CPU
            self.optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE)
        self.batch = batch

    def step(self, x, y):
        self.optimizer.zero_grad()
        (self.cost(self.model(x), y) / self.batch).backward()
        self.optimizer.step()

    def parameters(self):
        return [p.detach() for p in self.model.parameters()]


class Bench(Autograd):
    """A row of `thumbnet bench host`, named train_784_HIDDEN_10 or train_784_HIDDEN_10_EXTRA."""

    def __init__(self, name, batch):
        _, _, hidden, _, *extra = name.split("_")
        hidden, extra = int(hidden), extra[0] if extra else "none"
        dropout = [torch.nn.Dropout(0.5)] if extra == "dropout" else []
        self.model = torch.nn.Sequential(
            torch.nn.Linear(784, hidden), torch.nn.Sigmoid(), *dropout, torch.nn.Linear(hidden, 10)
        )
        self.cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
        # Decay of biases, too, is less work than two groups of parameters.
        options = {"weight_decay": L2, "fused": True}
        if extra == "adam":
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001, **options)
        else:
            momentum = 0.9 if extra == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(
                self.model.parameters(), lr=0.01, momentum=momentum, **options
            )
        self.batch = batch
        self.augments = extra == "augmentation"

    def step(self, x, y):
        super().step(distorted(x) if self.augments else x, y)


class Inference:
    """A row of `thumbnet bench host`, named infer_784_HIDDEN_10."""

    def __init__(self, name):
        hidden = int(name.split("_")[2])
        self.model = torch.nn.Sequential(
            torch.nn.Linear(784, hidden), torch.nn.Sigmoid(), torch.nn.Linear(hidden, 10)
        ).eval()

    def step(self, x, y):
        torch.sigmoid(self.model(x)).argmax(1)


def distorted(x):
    """A mini-batch shifted, turned, scaled, sheared and bent at random, as thumbnet's is."""
    count = len(x)
    angle, shear, wider, higher, right, down = torch.empty(6, count).uniform_(-1.0, 1.0)
    angle, shear = 0.15 * angle, 0.1 * shear
    wider, higher = 1.0 + 0.1 * wider, 1.0 + 0.1 * higher
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [wider * cos, shear - sin, right / 14.0, sin, higher * cos, down / 14.0]
    grid = torch.nn.functional.affine_grid(
        torch.stack(rows, 1).view(count, 2, 3), (count, 1, 28, 28), align_corners=False
    )
    # 0.7 pixels of the 14 from the middle to the edge.
    field = torch.randn(count, 2, 7, 7) * (0.7 / 14.0)
    field = torch.nn.functional.interpolate(field, 28, mode="bilinear", align_corners=False)
    grid = grid + field.permute(0, 2, 3, 1)
    images = torch.nn.functional.grid_sample(x.view(count, 1, 28, 28), grid, align_corners=False)
    return images.view(count, 784)


class ByHand:
    """The same step without autograd: nothing is allocated, updates are matrix products in place."""

    name = "by_hand"

    def __init__(self, batch, start):
        w1, b1, w2, b2 = (p.clone() for p in start)
        self.w1, self.w2 = w1.t().contiguous(), w2.t().contiguous()
        self.b1, self.b2 = b1, b2
        self.hidden, self.delta1 = torch.empty(batch, 100), torch.empty(batch, 100)
        self.delta2 = torch.empty(batch, 10)
        self.rate, self.keep = -LEARNING_RATE / batch, 1 - LEARNING_RATE * L2

    def step(self, x, y):
        a1, d1, d2 = self.hidden, self.delta1, self.delta2
        torch.addmm(self.b1, x, self.w1, out=a1).sigmoid_()
        torch.addmm(self.b2, a1, self.w2, out=d2).sigmoid_().sub_(y)
        torch.mm(d2, self.w2.t(), out=d1)
        # In place of d1 *= a1 * (1 - a1): one pass instead of three.
        torch.ops.aten.sigmoid_backward.grad_input(d1, a1, grad_input=d1)
        self.w2.addmm_(a1.t(), d2, beta=self.keep, alpha=self.rate)
        self.b2.add_(d2.sum(0), alpha=self.rate)
        self.w1.addmm_(x.t(), d1, beta=self.keep, alpha=self.rate)
        self.b1.add_(d1.sum(0), alpha=self.rate)

    def parameters(self):
        return [self.w1.t(), self.b1, self.w2.t(), self.b2]


def contestants(batch):
    torch.manual_seed(1)
    autograd = Autograd(batch)
    return autograd, ByHand(batch, autograd.parameters())


def check(x, y):
    """A race means something only if all run to the same place."""
    autograd, by_hand = contestants(10)
    for start in range(0, 200, 10):
        for runner in (autograd, by_hand):
            with torch.set_grad_enabled(runner is autograd):
                runner.step(x[start : start + 10], y[start : start + 10])
    for a, b in zip(autograd.parameters(), by_hand.parameters()):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5), "the two ways in PyTorch differ"


def pytorch(runner, batch, x, y, seconds):
    """Samples per second over about `seconds`."""
    starts = range(0, len(x) - batch + 1, batch)
    done, began = -20, 0.0
    with torch.set_grad_enabled(isinstance(runner, Autograd)):
        while True:
            for start in starts:
                if done == 0:
                    began = time.perf_counter()
                runner.step(x[start : start + batch], y[start : start + batch])
                done += 1
                # Looking at the clock costs something too.
                if done > 0 and done % 16 == 0 and time.perf_counter() - began > seconds:
                    return done * batch / (time.perf_counter() - began)


def build():
    """Compiles thumbnet, so that no turn has to. If that fails, so does the first turn, and says why."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--quiet"]
    try:
        subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    except OSError:
        pass


def thumbnet(batch, threads, data):
    """What thumbnet reports of three epochs of the same task."""
    with tempfile.TemporaryDirectory() as folder:
        command = [os.environ.get("CARGO", "cargo"), "run", "--release", "--quiet", "--", "train",
                   "--recipe", "book-100", "--epochs", "3", "--threads", str(threads), "--json",
                   "--out", os.path.join(folder, "run")]
        if batch != THUMBNET_BATCH:
            command += ["--batch-size", str(batch)]
        environment = {**os.environ, "THUMBNET_DATA": data}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    try:
        last = json.loads(done.stdout.strip().splitlines()[-1])
        return float(last["samples_per_second"])
    except (IndexError, KeyError, TypeError, ValueError):
        lines = done.stderr.strip().splitlines() or ["no last line with samples_per_second"]
        reason = next((line for line in lines if line.startswith("error")), lines[-1])
        raise RuntimeError(f"`{' '.join(command[:8])} ..` said: {reason}")


def bench(arguments, x, y, say):
    """Rows (name, batch, {threads: samples per second}) of thumbnet, and the same of PyTorch."""
    command = [os.environ.get("CARGO", "cargo"), "run", "--release", "--quiet", "--", "bench", "host",
               "--json"]
    say("thumbnet bench host")
    environment = {**os.environ, "THUMBNET_DATA": arguments.data}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command[1:])}` said: {done.stderr.strip()}")
    rows = {}
    for row in map(json.loads, done.stdout.splitlines()):
        ours, theirs = rows.setdefault((row["name"], row["batch"]), ({}, {}))
        ours[row["threads"]] = row["samples_per_second"]
    for (name, batch), (_, theirs) in rows.items():
        for threads in arguments.threads:
            say(f"PyTorch: {name}, batch {batch}, {threads} thread(s)")
            torch.set_num_threads(threads)
            trains = name.startswith("train")
            runner = Bench(name, batch) if trains else Inference(name)
            turns = (
                pytorch(runner, batch, x, y, arguments.seconds) for _ in range(arguments.rounds)
            )
            theirs[threads] = statistics.median(turns)
    return rows


def bench_table(rows, facts):
    lines = [
        "thumbnet bench host beside PyTorch (torch.nn, autograd): samples per second",
        f"{facts['cpu']}, {facts['cpus']} CPUs; PyTorch {facts['torch']}, Python {facts['python']}, "
        f"{facts['system']}",
        "each at the number of threads that suits it best, named after @",
        "",
        f"{'':<30}{'batch':>6}  {'PyTorch':>16}  {'thumbnet':>16}  {'thumbnet is':>12}",
    ]
    for (name, batch), both in rows.items():
        (our_threads, ours), (their_threads, theirs) = (
            max(speeds.items(), key=lambda row: row[1]) for speeds in both
        )
        cells = f"{f'{theirs:,.0f} @{their_threads}':>16}  {f'{ours:,.0f} @{our_threads}':>16}"
        lines.append(f"{name:<30}{batch:>6}  {cells}  {f'{ours / theirs:.1f}x':>12}")
    return "\n".join(lines)


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def measure(arguments, x, y, say):
    """{(batch, who, threads): [samples per second, ..]}, and why thumbnet is missing, if it is."""
    results, complaint = {}, None
    for round_ in range(arguments.rounds):
        for batch in arguments.batch:
            for threads in arguments.threads:
                say(f"round {round_ + 1} of {arguments.rounds}: batch {batch}, {threads} thread(s)")
                torch.set_num_threads(threads)
                for runner in contestants(batch):
                    speed = pytorch(runner, batch, x, y, arguments.seconds)
                    results.setdefault((batch, runner.name, threads), []).append(speed)
                if complaint is None and not arguments.pytorch_only:
                    try:
                        speed = thumbnet(batch, threads, arguments.data)
                        results.setdefault((batch, "thumbnet", threads), []).append(speed)
                    except (OSError, RuntimeError) as error:
                        complaint = str(error)
    return results, complaint


def best_threads(results, batch, who):
    """(threads, median, best) at the number of threads with the best median, or None."""
    found = [
        (threads, statistics.median(speeds), max(speeds))
        for (size, name, threads), speeds in results.items()
        if (size, name) == (batch, who)
    ]
    return max(found, key=lambda row: row[1], default=None)


def table(results, arguments, facts):
    lines = [
        "Training 784-100-10, sigmoid, cross-entropy, L2, on MNIST: samples per second",
        f"{facts['cpu']}, {facts['cpus']} CPUs; PyTorch {facts['torch']}, Python {facts['python']}, "
        f"{facts['system']}",
        f"median of {arguments.rounds} rounds (best), at the better of "
        f"{' and '.join(map(str, arguments.threads))} thread(s), named after @",
        "",
        f"{'batch':>5}  {'PyTorch, autograd':>24}  {'PyTorch, by hand':>24}  {'thumbnet':>24}"
        f"  {'thumbnet is':>13}",
    ]
    for batch in arguments.batch:
        rows = {who: best_threads(results, batch, who) for who in ("autograd", "by_hand", "thumbnet")}
        cells = [
            f"{row[1]:,.0f} ({row[2]:,.0f}) @{row[0]}" if row else "-" for row in rows.values()
        ]
        line = f"{batch:>5}  " + "  ".join(f"{cell:>24}" for cell in cells)
        if rows["thumbnet"]:
            ratio = {who: rows["thumbnet"][1] / rows[who][1] for who in ("autograd", "by_hand")}
            words = f"{ratio['autograd']:.1f}x, {ratio['by_hand']:.1f}x"
        else:
            words = "-"
        lines.append(f"{line}  {words:>13}")
    lines += ["", "thumbnet is: so many times as fast as autograd, as by hand"]
    return "\n".join(lines)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=positive, nargs="+", default=[10], help="mini-batch sizes (10)")
    parser.add_argument("--threads", type=positive, nargs="+", default=[1, 2], help="threads to try (1 2)")
    parser.add_argument("--rounds", type=positive, default=5, help="how often all take their turn (5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="for each turn of PyTorch (1.5)")
    parser.add_argument("--data", default=os.environ.get("THUMBNET_DATA"),
                        help="folder with MNIST's IDX files, plain or .gz ($THUMBNET_DATA)")
    parser.add_argument("--pytorch-only", action="store_true", help="leave thumbnet out")
    parser.add_argument("--bench", action="store_true", help="every row of `thumbnet bench host`")
    parser.add_argument("--json", action="store_true", help="print every measurement as one JSON object")
    arguments = parser.parse_args()
    if not arguments.data:
        sys.exit("where is MNIST? Set THUMBNET_DATA to the folder with its IDX files, or give --data")
    arguments.data = os.path.abspath(arguments.data)
    if max(arguments.batch) > SAMPLES:
        sys.exit(f"a mini-batch cannot hold more than the {SAMPLES} samples there are")

    x, y = load(arguments.data)
    check(x, y)
    if not arguments.pytorch_only:
        build()
    quiet = not sys.stderr.isatty()
    say = (lambda words: None) if quiet else (lambda words: print(words, file=sys.stderr))
    facts = {
        "cpu": processor(),
        "cpus": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if arguments.bench:
        rows = bench(arguments, x, y, say)
        if arguments.json:
            named = [
                {"name": name, "batch": batch, "thumbnet": ours, "pytorch": theirs}
                for (name, batch), (ours, theirs) in rows.items()
            ]
            print(json.dumps({**facts, "results": named}))
        else:
            print(bench_table(rows, facts))
        return
    results, complaint = measure(arguments, x, y, say)
    if arguments.json:
        rows = [
            {"batch": batch, "who": who, "threads": threads, "samples_per_second": speeds,
             "median": statistics.median(speeds), "best": max(speeds)}
            for (batch, who, threads), speeds in results.items()
        ]
        print(json.dumps({**facts, "rounds": arguments.rounds, "results": rows}))
    else:
        print(table(results, arguments, facts))
    if complaint:
        sys.exit(f"thumbnet could not be measured: {complaint}")


if __name__ == "__main__":
    main()
