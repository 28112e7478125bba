#!/usr/bin/env python3
"""Runs the programs of a Raspberry Pi Pico, as they are, in an emulator of its chip.

    pip install -r tests/requirements.txt
    cargo build --release --package thumbnet-pico --target thumbv6m-none-eabi
    cargo build --release
    python tests/pico.py target/thumbv6m-none-eabi/release target/release/thumbnet
"""

import json
import math
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

from rp2040 import Pico, PowerCut

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What a test of firmware/src/digits.rs says that a desktop computes.
WEIGHTS = ["661fc8ad", "d3c05b38", "abc6ead7"]


def until(pico, word):
    """What the board says up to a line with the word in it."""
    said = ""
    while not re.search(rf"{word}.*\n", said):
        said += pico.run().decode()
    return said


def checksums(said):
    return re.findall(r"epoch (\d+): .* CRC-32 of weights (\w{8})\r\n", said)


def learns_and_survives_power_cuts(program, flash):
    """Trains with the desktop's bits, and goes on from its flash after a power cut."""
    pico = Pico(program, flash)
    said = until(pico, "epoch 1:")
    assert said.startswith("thumbnet on Raspberry Pi Pico: 64-32-10 learns 190 digits\r\n"), said
    # In the middle of the first checkpoint: there is none before it.
    pico.cut = pico.changes + 50
    try:
        while True:
            said += pico.run().decode()
    except PowerCut:
        pass
    assert checksums(said) == [("1", WEIGHTS[0])], said

    pico = Pico(program, flash)
    said = until(pico, "epoch 2:")
    assert "goes on" not in said and checksums(said)[0] == ("1", WEIGHTS[0]), said
    one = pico.changes
    # In the middle of the second, in the other slot: the first is whole.
    pico.cut = one + one // 2
    try:
        while True:
            said += pico.run().decode()
    except PowerCut:
        pass
    assert checksums(said) == [("1", WEIGHTS[0]), ("2", WEIGHTS[1])], said

    pico = Pico(program, flash)
    said = until(pico, "epoch 3:")
    assert "goes on behind epoch 1\r\n" in said, said
    assert checksums(said) == [("2", WEIGHTS[1]), ("3", WEIGHTS[2])], said
    print(f"measured: a checkpoint changes the Pico's flash {one} times")


def trains_beside_a_blinking_light(program):
    """Trains with the same bits, a mini-batch at a time, and the light blinks meanwhile."""
    pico = Pico(program)
    changes = []
    pico.chip.gpio[25].add_listener(lambda *_: changes.append(pico.chip.clock.nanos))
    said = until(pico, "epoch 1:")
    crc32, step, late = re.fullmatch(
        r"epoch 1: CRC-32 of weights (\w{8}), at most (\d+) us without a break, "
        r"light (\d+) us late\r\n", said).groups()
    assert crc32 == WEIGHTS[0], said
    # 19 mini-batches of at most 45 ms: the light has changed every 250 ms, give or take two of them.
    assert 20_000 < int(step) < 45_000 and int(late) < 2 * int(step), said
    assert 2 <= len(changes) <= 4, changes
    print(f"measured: a mini-batch of 10 takes a Pico {step} us at most; the light is {late} us late")


def predicts(program):
    """Reads images that it is sent as the network's formulas do, computed here."""
    model = (ROOT / "firmware/models/784-32-10.thumbnet").read_bytes()[256:]
    numbers = struct.unpack(f"<{len(model) // 4}f", model)

    def layer(inputs, start, units):
        biases = numbers[start + len(inputs) * units:][:units]
        sums = list(biases)
        for i, value in enumerate(inputs):
            if value:
                row = numbers[start + i * units:][:units]
                sums = [total + value * weight for total, weight in zip(sums, row)]
        return [1 / (1 + math.exp(-total)) for total in sums]

    digits = (ROOT / "host/data/digits-images-idx3-ubyte").read_bytes()[16:]
    pico = Pico(program)
    for sample in range(8):
        small = digits[64 * sample:][:64]
        # Three times as large, in the middle.
        image = bytearray(784)
        for row in range(24):
            for column in range(24):
                image[(row + 2) * 28 + column + 2] = small[row // 3 * 8 + column // 3]
        hidden = layer([pixel / 255 for pixel in image], 0, 32)
        scores = layer(hidden, 784 * 32 + 32, 10)
        said = pico.run(image).decode()
        while not said.endswith("\n"):
            said += pico.run().decode()
        assert said == f"{scores.index(max(scores))}\r\n", (said, scores)


def trains_what_a_desktop_sends(program, thumbnet, folder):
    """Ends with the desktop's weights, however it trains."""
    run = ["--model", "784-32-10", "--activation", "sigmoid", "--output", "sigmoid", "--l2", "0",
           "--dropout", "0", "--learning-rate", "0.1", "--batch-size", "10", "--epochs", "1",
           "--train-samples", "30", "--seed", "11", "--json", "--out"]

    def crc32(name, command, flags):
        done = subprocess.run([thumbnet, *command, *flags, *run, folder / name],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])["weights_crc32"]

    emulator = subprocess.Popen(
        [sys.executable, ROOT / "tests/rp2040.py", program, "--flash", folder / "serve"],
        stdout=subprocess.PIPE, text=True)
    try:
        port = emulator.stdout.readline().strip()
        for name, flags in [("descent", ["--momentum", "0"]),
                            ("nesterov", ["--momentum", "0.9", "--nesterov"])]:
            there = crc32(f"{name}-there", ["board", "train", "--port", port], flags)
            here = crc32(f"{name}-here", ["train"], flags)
            assert there == here, (name, there, here)
            print(f"measured: {name}: CRC-32 of weights {there} on the Pico and here")

        def checkpoint(what):
            done = subprocess.run([thumbnet, "board", "checkpoint", what, "--port", port],
                                  check=True, capture_output=True, text=True)
            return re.search(r"CRC-32 (\w{8}) of the weights", done.stdout)[1]

        # What it has learned comes back, whatever it has learned since.
        assert checkpoint("save") == there
        other = crc32("descent-again", ["board", "train", "--port", port], ["--momentum", "0"])
        assert other != there
        assert checkpoint("restore") == there
    finally:
        emulator.kill()
        emulator.wait()


def main():
    programs, thumbnet = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    predicts(programs / "pico-predict")
    trains_beside_a_blinking_light(programs / "pico-async")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        trains_what_a_desktop_sends(programs / "pico-serve", thumbnet, folder)
        learns_and_survives_power_cuts(programs / "pico-digits", folder / "flash")


if __name__ == "__main__":
    main()
