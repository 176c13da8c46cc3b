#!/usr/bin/env bash
# Pillow 13.0.0: of an RGB PNG of 16 bits another colour is made transparent than the file says.
#
# Guessed: the colour of tRNS, cut to 8 bits as the pixels are.
# Seen: pixels keep their upper bytes, that colour its lower ones. With 0x8001 as the transparent colour convert("RGBA")
# leaves 0x8001 opaque and makes 0x0100 transparent. Nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import struct
import zlib

import numpy as np
import PIL
from PIL import Image


def png(value, key):
    """A PNG of 4 × 4 pixels, RGB of 16 bits, all of this grey; transparent is another one."""
    row = b"\0" + struct.pack(">3H", value, value, value) * 4
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"tRNS", struct.pack(">3H", key, key, key)),
        (b"IDAT", zlib.compress(row * 4)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


print("Pillow", PIL.__version__)
alpha = {}
for value in (0x8001, 0x0100):
    with open("a.png", "wb") as file:
        file.write(png(value, key=0x8001))
    image = Image.open("a.png")
    alpha[value] = int(np.asarray(image.convert("RGBA"))[0, 0, 3])
    print(f"pixels {value:#06x}, {image.info}: alpha {alpha[value]}")
assert alpha == {0x8001: 255, 0x0100: 0}
END
