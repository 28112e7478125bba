"""A client of the board's protocol in plain Python, written from docs/protocol.md alone.

    tests/protocol.py HOST:PORT

Trains the network of a board that answers on a TCP port on samples made up here, and prints what came
of it as JSON. tests/line.rs holds that to what the desktop computes.
"""

import json
import socket
import struct
import sys
import zlib

VERSION = 1


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def cobs(data):
    out = bytearray()
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out.append(255)
            out += block[:254]
            block = block[254:]
        out.append(len(block) + 1)
        out += block
    return bytes(out)


def uncobs(data):
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        out += data[at + 1 : at + code]
        at += code
        if code < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def frame(message):
    return cobs(message + struct.pack("<I", zlib.crc32(message))) + b"\0"


class Reader:
    """Takes the fields of a message apart."""

    def __init__(self, message):
        self.message, self.at = message, 0

    def take(self, count):
        self.at += count
        return self.message[self.at - count : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def bytes(self):
        return self.take(self.varint())

    def text(self):
        return self.bytes().decode()

    def boolean(self):
        return self.take(1) == b"\1"

    def f64(self):
        return struct.unpack("<d", self.take(8))[0]


class Board:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.received = b""
        self.number = 1
        # A zero ends whatever was on the line.
        self.socket.sendall(b"\0")

    def ask(self, command):
        self.number += 1
        self.socket.sendall(frame(varint(self.number) + command))
        while True:
            while b"\0" not in self.received:
                more = self.socket.recv(65536)
                if not more:
                    raise SystemExit("the board has closed the line")
                self.received += more
            one, self.received = self.received.split(b"\0", 1)
            message = uncobs(one)
            if len(message) < 6 or zlib.crc32(message[:-4]) != struct.unpack("<I", message[-4:])[0]:
                continue
            answer = Reader(message[:-4])
            if answer.varint() == self.number:
                return answer.varint(), answer

    def hello(self):
        reply, answer = self.ask(varint(0) + varint(VERSION))
        assert reply == 0, f"reply {reply} to hello"
        return {
            "version": answer.varint(),
            "board": answer.text(),
            "clock_hz": answer.varint(),
            "free_ram": answer.varint(),
            "frame": answer.varint(),
            "credit": answer.varint(),
            "batch": answer.varint(),
            "optimizers": answer.take(1)[0],
            "checkpoints": answer.boolean(),
            "unit": answer.text(),
            "fault": answer.text(),
            "widths": [answer.varint() for _ in range(17)],
            "weights_crc32": answer.varint(),
        }


    def done(self, command):
        reply, answer = self.ask(command)
        assert reply == 2, f"reply {reply}, refusal {answer.message.hex()}"

    def stream(self, kind, data):
        """Sends a whole stream, one frame at a time, and returns the fields of the last answer."""
        self.done(varint(3) + varint(kind))
        offset, taken = 0, None
        while offset < len(data):
            piece = data[offset : offset + 300]
            reply, answer = self.ask(varint(4) + varint(offset) + varint(len(piece)) + piece)
            assert reply == 3, f"reply {reply}, refusal {answer.message.hex()}"
            taken = [answer.varint() for _ in range(3)]
            offset = taken[0]
        return taken

    def read(self, what, length):
        data = b""
        while len(data) < length:
            reply, answer = self.ask(
                varint(5) + varint(what) + varint(len(data)) + varint(min(300, length - len(data)))
            )
            assert reply == 4, f"reply {reply}"
            assert answer.varint() == len(data)
            data += answer.bytes()
        return data

    def status(self):
        reply, answer = self.ask(varint(1))
        assert reply == 1, f"reply {reply}"
        names = ["offset", "steps", "costs_crc32"]
        status = {name: answer.varint() for name in names}
        status["weights"] = answer.boolean()
        for name in ["weights_crc32", "samples", "right", "class"]:
            status[name] = answer.varint()
        status["cost"] = answer.f64()
        for name in ["scores_crc32", "classes_crc32", "work", "stack", "damaged", "repeated"]:
            status[name] = answer.varint()
        return status


def runs(inputs):
    """Codes a sample: runs of zeros where there are several, everything else as it is."""
    out, at = bytearray(), 0
    while at < len(inputs):
        end = at
        while end < len(inputs) and inputs[end] == 0 and end - at < 128:
            end += 1
        if end - at >= 2:
            out.append(127 + end - at)
        else:
            end = at + 1
            while end < len(inputs) and end - at < 128 and inputs[end : end + 2] != b"\0\0":
                end += 1
            out.append(end - at - 1)
            out += inputs[at:end]
        at = end
    return bytes(out)


def made_up(index, inputs):
    pixels = [(index * 7 + place * 5) % 11 for place in range(inputs)]
    return bytes(far * 20 if far >= 6 else 0 for far in pixels)


def main():
    board = Board(sys.argv[1])
    hello = board.hello()
    inputs, classes = hello["widths"][0], [width for width in hello["widths"] if width][-1]

    # Cross-entropy, momentum 0.5, no clipping, L2 decay of 0.01, no dropout.
    momentum = varint(1) + struct.pack("<f", 0.5)
    decay = varint(1) + struct.pack("<f", 0.01)
    board.done(varint(2) + varint(0) + momentum + b"\0" + decay + b"\0")
    steps = bytearray()
    for step in range(25):
        steps += struct.pack("<Hf", 4, 0.5)
        for index in range(4 * step, 4 * step + 4):
            steps += bytes([index % classes]) + runs(made_up(index, inputs))
    trained = board.stream(0, bytes(steps))

    samples = bytearray()
    for index in range(50):
        samples += bytes([index % classes]) + runs(made_up(index, inputs))
    board.stream(1, bytes(samples))
    evaluated = board.status()

    board.stream(2, runs(made_up(3, inputs)))
    predicted = board.status()
    scores = struct.unpack(f"<{classes}f", board.read(1, 4 * classes))

    widths = [width for width in hello["widths"] if width]
    parameters = sum((a + 1) * b for a, b in zip(widths, widths[1:]))
    weights = board.read(0, 256 + 4 * parameters)[256:]
    result = {
        "board": hello["board"],
        "steps": trained[1],
        "costs_crc32": trained[2],
        "weights_crc32": evaluated["weights_crc32"],
        "right": evaluated["right"],
        "class": predicted["class"],
        "scores": scores,
        "read_crc32": zlib.crc32(weights),
    }
    print(json.dumps(result))


main()
