"""Picture files as other programs write them, byte by byte: forms that Pillow reads but does not write."""

import struct
import zlib

import numpy as np


def png(samples, bits=8, colours=0, palette=None, transparent=None):
    """Return a PNG of samples, shape (height, width) or (height, width, channels).

    Args:
        samples: whole numbers.
        bits: of each.
        colours: PNG's colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        palette, transparent: bytes of PLTE and tRNS.
    """
    samples = np.atleast_3d(samples)
    height, width = samples.shape[:2]
    if bits >= 8:
        rows = samples.astype(f">u{bits // 8}").reshape(height, -1).view(np.uint8)
    else:
        rows = np.packbits(
            np.unpackbits(samples.astype(np.uint8), axis=2)[:, :, 8 - bits :].reshape(height, -1), axis=1
        )
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))]
    parts += [(name, bytes(one)) for name, one in ((b"PLTE", palette), (b"tRNS", transparent)) if one is not None]
    parts += [(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def bmp(bgra, masks, header=108):
    """Return a BMP of 32 bits a pixel, bytes of shape (height, width, 4), with these masks of R, G, B and alpha."""
    height, width = bgra.shape[:2]
    data = bgra[::-1].tobytes()
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, 3, len(data), 2835, 2835, 0, 0)
    info += struct.pack("<IIII", *masks) + bytes(header - 56)
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(data), 0, 0, 14 + len(info)) + info + data


def tiff(samples, photometric=1, order="<", separate=False, deflate=False, orientation=1, extra=None):
    """Return a TIFF of samples, shape (height, width) or (height, width, channels), of their own type, in one strip.

    Args:
        samples: numbers.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK.
        order: of the bytes.
        separate: whether each channel has a plane of its own.
        deflate: whether it is packed.
        orientation: of the tag.
        extra: what the last channel is, where it is no colour: 1 alpha multiplied into the colours, 2 alpha.
    """
    samples = np.atleast_3d(samples)
    height, width, channels = samples.shape
    planes = list(np.moveaxis(samples, 2, 0)) if separate else [samples]
    strips = [plane.astype(plane.dtype.newbyteorder(order)).tobytes() for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if deflate else strips
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    offsets = np.cumsum([8, *map(len, strips)]).tolist()
    tags = {256: width, 257: height, 258: [8 * samples.itemsize] * channels, 259: 8 if deflate else 1, 262: photometric}
    tags |= {273: offsets[:-1], 274: orientation, 277: channels, 278: height, 279: [len(strip) for strip in strips]}
    tags |= {284: 2 if separate else 1, **({} if extra is None else {338: extra}), 339: [kind] * channels}
    entries, outside = b"", b""
    after = offsets[-1] + 2 + 12 * len(tags) + 4
    for tag, value in tags.items():
        values = value if isinstance(value, list) else [value]
        data = struct.pack(f"{order}{len(values)}I", *values)
        if len(data) > 4:
            outside, data = outside + data, struct.pack(f"{order}I", after + len(outside))
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + data
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, offsets[-1])
    return head + b"".join(strips) + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + outside
