"""Writes the two IDX files of this folder from scikit-learn's copy of the UCI digits.

    python -m pip install scikit-learn==1.9.1
    python make_digits.py

The pixels are counts from 0 to 16 there. They are stored here as round(value * 255 / 16), so that a
byte means value/255, as everywhere else in thumbnet. Samples keep the order of the original file.
"""

import struct
from pathlib import Path

from sklearn.datasets import load_digits

FOLDER = Path(__file__).parent

digits = load_digits()
count, height, width = digits.images.shape
# 8 * 255 / 16 = 127.5 is the only half among the 17 values: adding 0.5 and cutting off rounds it
# up.
pixels = bytes(int(value * 255 / 16 + 0.5) for value in digits.images.ravel())
labels = bytes(int(label) for label in digits.target)

# IDX: two zero bytes, the element type (8 = unsigned byte), the number of dimensions, then each
# dimension as a big-endian 32-bit number, then the elements.
(FOLDER / "digits-images-idx3-ubyte").write_bytes(
    struct.pack(">BBBBIII", 0, 0, 8, 3, count, height, width) + pixels
)
(FOLDER / "digits-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, count) + labels)
print(f"{count} images of {width} x {height}, labels {min(labels)} to {max(labels)}")
