#!/usr/bin/env python3
"""Runs the programs of a Raspberry Pi Pico, as they are, in an emulator of its chip.

    pip install -r tests/requirements.txt
    cargo build --release --package thumbnet-pico --target thumbv6m-none-eabi
    python tests/pico.py target/thumbv6m-none-eabi/release
"""

import pathlib
import re
import sys
import tempfile

from rp2040 import Pico, PowerCut

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


def main():
    programs = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        learns_and_survives_power_cuts(programs / "pico-digits", pathlib.Path(folder) / "flash")


if __name__ == "__main__":
    main()
