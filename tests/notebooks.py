#!/usr/bin/env python3
"""Runs the code of docs/notebooks.md on the files of real runs, and checks what pandas makes of them.

    pip install -r tests/requirements.txt
    python tests/notebooks.py target/release/thumbnet
"""

import csv
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def train(thumbnet, *flags):
    command = [thumbnet, "train", "--data", "digits", "--recipe", "book-30", "--json", *flags]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def same(found, expected):
    """Whether numbers are the same: pandas may miss the last digit of one, in favour of speed."""
    return len(found) == len(expected) and all(
        a == b if isinstance(b, str) else math.isclose(a, b, rel_tol=1e-14)
        for a, b in zip(found, expected))


def check(thumbnet):
    pathlib.Path("run.jsonl").write_text(train(thumbnet, "--epochs", "12"))
    train(thumbnet, "--epochs", "7", "--seed", "8")
    code = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/notebooks.md").read_text(), re.M | re.S)
    assert len(code) == 4, len(code)
    found = {}
    for block in code:
        exec(block, found)

    # The same without pandas.
    with open("runs/book-30-1/history.csv", newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in pathlib.Path("run.jsonl").read_text().splitlines()]
    record = tomllib.loads(pathlib.Path("runs/book-30-1/run.toml").read_text())

    history = found["history"]
    assert list(history.index) == list(range(1, 13))
    for name in rows[0].keys() - {"epoch"}:
        assert history[name].dtype == float, history.dtypes
        assert same(history[name], [float(row[name]) for row in rows]), name
        assert same(found["epochs"][name], [line[name] for line in lines[:-1]]), name
    assert found["best_epoch"] <= record["result"]["best_epoch"] == lines[-1]["best_epoch"]
    best = history["validation_accuracy"].max()
    assert history["validation_accuracy"][lines[-1]["best_epoch"]] == best

    histories = found["histories"]
    assert set(histories.index.get_level_values("run")) == {"book-30-1", "book-30-2"}
    assert len(histories) == 12 + 7
    runs = found["runs"]
    assert runs.loc["book-30-1", "result.test_accuracy"] == record["result"]["test_accuracy"]
    assert runs.loc["book-30-1", "network.shape"] == "64-30-10"

    end = found["end"]
    assert list(end.index) == [name for name in found["lines"] if name in lines[-1]]
    assert same(end, [lines[-1][name] for name in end.index]), end
    assert len(end) == len(lines[-1])

    # What is not finite is read as such.
    train(thumbnet, "--activation", "identity", "--learning-rate", "1e30", "--out", "diverged")
    cost = found["pd"].read_csv("diverged/history.csv")["train_cost"]
    assert cost.dtype == float and not math.isfinite(cost.iloc[-1]), cost
    print(f"measured: {len(code)} pieces of code ran, on {len(histories)} epochs")


def main():
    thumbnet = os.path.abspath(sys.argv[1])
    # Plots are drawn, and shown to nobody.
    os.environ["MPLBACKEND"] = "Agg"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        check(thumbnet)


if __name__ == "__main__":
    main()
