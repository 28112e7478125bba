#!/usr/bin/env python3
"""Runs a Raspberry Pi Pico's program in rp2040py, with its serial line on a TCP port.

    pip install -r tests/requirements.txt
    python tests/rp2040.py target/thumbv6m-none-eabi/release/pico-digits --flash pico.flash

The emulator has the RP2040's own boot ROM and the board's flash chip: the program is the very file
that a board gets. With --flash what the chip holds is kept in a file at every moment, so that
killing this script is a power cut; --cut 7 is one in the middle of the seventh erasure or page.
"""

import argparse
import os
import pathlib
import socket
import sys
from collections import deque

from elftools.elf.elffile import ELFFile
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.execute_batch import execute_batch
from rp2040py.simulator import Simulator
from rp2040py.utils.logging import ConsoleLogger, LogLevel

FLASH_START = 0x1000_0000
FLASH_BYTES = 2 * 1024 * 1024
# Commands of the flash chip that change it, and the bytes that each may change.
CHANGES = {0x02: 256, 0x20: 4096, 0xD8: 65536}
# Instructions between two looks at the emulator's timers.
TICKS = 64
# The exit code of a power cut.
POWER_CUT = 75
# A register that the emulator does not have: its key, and the bit that starts the chip anew.
AIRCR, RESET = 0xD0C, 0x05FA_0004


class PowerCut(Exception):
    """There is no power any more."""


class Received(deque):
    """The UART's receiving FIFO, which here is as deep as it has to be: it never overruns."""

    full = False

    @property
    def empty(self):
        return not self

    def push(self, byte):
        self.append(byte)

    def pull(self):
        return self.popleft() if self else 0

    def reset(self):
        self.clear()


class Pico:
    """A board with a program, and a file behind its flash if there is one."""

    def __init__(self, program, flash=None, cut=None):
        self.simulator = Simulator()
        self.chip = self.simulator.rp2040
        self.chip.logger = ConsoleLogger(LogLevel.ERROR)
        self.chip.load_bootrom(BOOTROM_B1)
        self.sent = bytearray()
        self.uart = self.chip.uart[0]
        self.uart.rx_fifo = Received()
        self.uart.on_byte = self.sent.append
        self.file = None
        self.cut = cut
        self.changes = 0
        self.load(program, flash)
        self.write_ppb = self.chip.ppb.write_uint32
        self.chip.ppb.write_uint32 = self.write_ppb_or_reset
        self.chip.core.pc = FLASH_START
        self.simulator.stopped = False

    def load(self, program, flash):
        if flash is not None:
            path = pathlib.Path(flash)
            if path.exists():
                assert path.stat().st_size == FLASH_BYTES, f"{flash} is no flash of {FLASH_BYTES} bytes"
                self.chip.flash[:FLASH_BYTES] = path.read_bytes()
        with open(program, "rb") as file:
            for segment in ELFFile(file).iter_segments("PT_LOAD"):
                start, data = segment["p_paddr"] - FLASH_START, segment.data()
                if data and 0 <= start < FLASH_BYTES:
                    self.chip.flash[start:start + len(data)] = data
        if flash is not None:
            path.write_bytes(self.chip.flash[:FLASH_BYTES])
            self.file = open(path, "r+b", buffering=0)
        self.apply = self.chip.ssi._apply_command
        self.chip.ssi._apply_command = self.apply_and_keep

    def write_ppb_or_reset(self, offset, value):
        if offset == AIRCR and value & 0xFFFF_0004 == RESET:
            self.chip.enter_reset()
            self.chip.leave_reset()
        else:
            self.write_ppb(offset, value)

    def apply_and_keep(self):
        """One command of the flash chip, which is in the file as soon as it is done."""
        command = bytes(self.chip.ssi._tx_buffer)
        length = CHANGES.get(command[0], 0) if len(command) >= 4 else 0
        if not length:
            return self.apply()
        self.changes += 1
        start = int.from_bytes(command[1:4], "big") // length * length
        before = bytes(self.chip.flash[start:start + length])
        self.apply()
        cut = self.changes == self.cut
        if cut:
            middle = start + length // 2
            self.chip.flash[middle:start + length] = before[length // 2:]
        if self.file:
            os.pwrite(self.file.fileno(), self.chip.flash[start:start + length], start)
        if cut:
            raise PowerCut

    def run(self, received=b""):
        """Runs for some milliseconds; takes bytes of the line, and returns what came out of it."""
        for byte in received:
            self.uart.feed_byte(byte)
        execute_batch(self.simulator, TICKS)
        sent = bytes(self.sent)
        self.sent.clear()
        return sent


def serve(pico, listener):
    """Lets one program after another have the line; what nobody reads is lost, as with a plug."""
    listener.setblocking(False)
    line = None
    while True:
        received = b""
        try:
            if line is None:
                line, _ = listener.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setblocking(False)
            received = line.recv(65536)
            if not received:
                line.close()
                line = None
        except BlockingIOError:
            pass
        except ConnectionError:
            line = None
        sent = pico.run(received)
        if line is not None and sent:
            try:
                line.setblocking(True)
                line.sendall(sent)
            except ConnectionError:
                line = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="an ELF file for the Raspberry Pi Pico")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; any that is free if left out")
    parser.add_argument("--flash", help="the file of what the flash chip holds, made if there is none")
    parser.add_argument("--cut", type=int, help="cut the power in the middle of this change of the flash")
    arguments = parser.parse_args()
    pico = Pico(arguments.program, arguments.flash, arguments.cut)
    with socket.create_server(("127.0.0.1", arguments.port)) as listener:
        print(f"tcp:127.0.0.1:{listener.getsockname()[1]}", flush=True)
        try:
            serve(pico, listener)
        except PowerCut:
            sys.exit(POWER_CUT)


if __name__ == "__main__":
    main()
