#!/usr/bin/env python3
"""Sets thumbnet beside its peers: on a microcontroller AIfES, genann and CMSIS-NN, on a desktop PyTorch.

    pip install torch numpy
    THUMBNET_DATA=folder/with/mnist python tests/against_peers.py
    python tests/against_peers.py --device tests/device-counts.json --desktop earlier.json

Instructions per sample are counted by `thumbnet bench device` or taken from an output of it with --json;
samples per second are measured by tests/against_pytorch.py, which takes minutes, on a machine
that should have nothing else to do, or taken from an output of that with --json.

What the libraries for microcontrollers need is quoted, not measured here: see QUOTED.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, ".."))

QUOTED = """\
Counts of peers were taken in November 2026, as thumbnet's are: QEMU's mps2-an386, one count per
instruction (-icount shift=0), the average of the first 16 training images of MNIST. AIfES 2
(Fraunhofer, C), genann (C) and CMSIS-NN's arm_fully_connected_s8 were built by gcc 12.2 with -O3,
for M4F with -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard. genann trains a quadratic cost;
CMSIS-NN computes in int8, where thumbnet has floats. 64-32-10 is for 8 x 8 digits."""

# Work of `thumbnet bench device`, its processor, the peer, the peer's instructions, what is to be reached.
BOARD = [
    ("infer_f32_784_32_10", "cortex-m4f", "AIfES 2", 156_817, 15_000),
    ("sgd_step_784_32_10", "cortex-m4f", "AIfES 2", 2_933_780, 35_000),
    ("sgd_batch16_784_32_10", "cortex-m4f", "AIfES 2", 1_072_700, 38_000),
    ("momentum_step_784_32_10", "cortex-m4f", "AIfES 2", 3_774_332, None),
    ("momentum_batch16_784_32_10", "cortex-m4f", "AIfES 2", 1_125_792, 50_000),
    ("infer_f32_64_32_10", "cortex-m4f", "AIfES 2", 18_577, None),
    ("sgd_step_64_32_10", "cortex-m4f", "AIfES 2", 287_695, None),
    ("sgd_batch16_64_32_10", "cortex-m4f", "AIfES 2", 111_262, 12_000),
    ("momentum_step_64_32_10", "cortex-m4f", "AIfES 2", 367_487, None),
    ("momentum_batch16_64_32_10", "cortex-m4f", "AIfES 2", 116_397, None),
    ("infer_f32_784_32_10", "cortex-m4f", "genann, double", 1_827_520, None),
    ("sgd_step_784_32_10", "cortex-m4f", "genann, double", 5_000_320, None),
    ("infer_f32_784_32_10", "cortex-m4f", "genann, float", 133_930, None),
    ("sgd_step_784_32_10", "cortex-m4f", "genann, float", 347_450, None),
    ("infer_f32_784_32_10", "cortex-m4f", "CMSIS-NN, int8", 49_980, None),
    ("infer_f32_784_32_10", "cortex-m3", "CMSIS-NN, int8", 90_847, 450_000),
    ("sgd_step_784_32_10", "cortex-m3", None, None, 900_000),
    ("infer_f32_784_32_10", "cortex-m0", "CMSIS-NN, int8", 160_262, 450_000),
    ("sgd_step_784_32_10", "cortex-m0", None, None, 900_000),
]

# Mini-batch, and so many times as fast as autograd, and as the faster of autograd and by hand, as is to
# be reached.
DESKTOP = [(1, 100, 30), (10, 30, 10), (100, 10, 6), (500, 5, 4)]


def lines_of(text, source):
    """The JSON objects in a text, one a line."""
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        sys.exit(f"{source}: expected a JSON object a line, found something else ({error})")


def given(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{path}: cannot be read ({error})")


def output_of(command, environment=None):
    """What a command prints, or the end; its progress is seen."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        sys.exit(f"{command[0]} does not start: {error}")
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command)}` failed with exit code {done.returncode}")
    return done.stdout


def counts(path):
    """{(work, processor): instructions per sample} of thumbnet."""
    source = path or "thumbnet bench device"
    if path:
        text = given(path)
    else:
        command = [os.environ.get("CARGO", "cargo"), "run", "--release", "--quiet", "--", "bench",
                   "device", "--json"]
        for processor in ("m4f", "m3", "m0"):
            command += ["--target", f"cortex-{processor}"]
        text = output_of(command)
    try:
        found = {(row["name"], row["target"]): row["instructions_per_sample"]
                 for row in lines_of(text, source)}
    except (KeyError, TypeError):
        found = {}
    for name, target, *_ in BOARD:
        if (name, target) not in found:
            sys.exit(f"{source}: expected an output of `thumbnet bench device --json`, found no line "
                     f"with {name} and {target}")
    return found


def speeds(path, data):
    """What tests/against_pytorch.py found, as its --json has it."""
    source = path or "against_pytorch.py"
    if path:
        text = given(path)
    else:
        command = [sys.executable, os.path.join(HERE, "against_pytorch.py"), "--json", "--data", data,
                   "--batch", *(str(batch) for batch, *_ in DESKTOP)]
        text = output_of(command)
    found = lines_of(text, source)
    if len(found) != 1 or not isinstance(found[0], dict) or "results" not in found[0]:
        sys.exit(f"{source}: expected an output of against_pytorch.py --json, found something else")
    return found[0]


def verdict(reached):
    return "reached" if reached else "missed"


def board_table(found):
    lines = [
        "On a microcontroller: instructions per sample",
        "",
        f"{'work':<27}{'processor':<11}{'peer':<15}{'needs':>10}{'thumbnet':>11}{'times':>7}"
        f"{'aim':>9}",
    ]
    for name, target, peer, theirs, aim in BOARD:
        ours = found[name, target]
        line = f"{name:<27}{target:<11}{peer or '-':<15}"
        line += f"{theirs:>10,}" if theirs else f"{'-':>10}"
        line += f"{ours:>11,}" + (f"{theirs / ours:>7.1f}" if theirs else f"{'-':>7}")
        if aim:
            line += f"{aim:>9,}  {verdict(ours <= aim)}"
        lines.append(line)
    return "\n".join([*lines, "", QUOTED])


def desktop_table(found):
    best = {}
    for row in found["results"]:
        key = (row["batch"], row["who"])
        best[key] = max(best.get(key, 0.0), row["median"])
    lines = [
        "On a desktop: 784-100-10, samples trained per second",
        "",
        f"{'batch':>5}{'autograd':>11}{'by hand':>11}{'thumbnet':>11}"
        f"  {'times autograd':<26}times PyTorch's best",
    ]
    for batch, *aims in DESKTOP:
        try:
            autograd, by_hand, ours = (
                best[batch, who] for who in ("autograd", "by_hand", "thumbnet")
            )
        except KeyError as missing:
            sys.exit(f"expected batch {batch} of autograd, by_hand and thumbnet, found no {missing}: "
                     "give against_pytorch.py --batch 1 10 100 500")
        line = f"{batch:>5}{autograd:>11,.0f}{by_hand:>11,.0f}{ours:>11,.0f}  "
        times = (ours / autograd, ours / max(autograd, by_hand))
        cells = (f"{ratio:>5.1f} of {aim:>3} {verdict(ratio >= aim)}" for ratio, aim in zip(times, aims))
        lines.append((line + "".join(f"{cell:<26}" for cell in cells)).rstrip())
    lines += [
        "",
        f"{found['cpu']}, {found['cpus']} CPUs; PyTorch {found['torch']}, Python {found['python']}, "
        f"{found['system']};",
        f"medians of {found['rounds']} rounds in one run, each at the number of threads that suits it best",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", metavar="FILE", help="what `thumbnet bench device --json` printed")
    parser.add_argument("--desktop", metavar="FILE",
                        help="what `tests/against_pytorch.py --batch 1 10 100 500 --json` printed")
    parser.add_argument("--data", default=os.environ.get("THUMBNET_DATA"),
                        help="folder with MNIST's IDX files, plain or .gz ($THUMBNET_DATA)")
    arguments = parser.parse_args()
    if not arguments.desktop and not arguments.data:
        sys.exit("where is MNIST? Set THUMBNET_DATA to the folder with its IDX files, or give --data")
    print(board_table(counts(arguments.device)), flush=True)
    print()
    print(desktop_table(speeds(arguments.desktop, arguments.data and os.path.abspath(arguments.data))))


if __name__ == "__main__":
    main()
