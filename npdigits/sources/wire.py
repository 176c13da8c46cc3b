"""The fields of a protobuf message, without its schema.

https://protobuf.dev/programming-guides/encoding: a message is a sequence of fields. Each begins with a varint, the
field's number times 8 plus the form of its value: a varint (0), 8 bytes (1), bytes with their length before them (2),
or 4 bytes (5). Of TensorBoard's and W&B's records a handful of numbers is needed; protobuf itself would need the
generated code of either program, which comes with TensorBoard and W&B alone.
"""

import struct

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
_FIXED = {EIGHT: 8, FOUR: 4}

# (number, form, value): a whole number for VARINT, else the bytes.
Fields = list[tuple[int, int, int | bytes]]


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the whole number from 0 that begins at a place, and the place behind it.

    Raises:
        ValueError: it is cut off, or longer than 64 bits.
    """
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    raise ValueError("a number in a record is cut off")


def read_fields(data: bytes) -> Fields:
    """Return the fields of a message in their order.

    Raises:
        ValueError: it is cut off, or of no known form.
    """
    fields: Fields = []
    at, end = 0, len(data)
    while at < end:
        key = data[at]
        at += 1
        if key > 127:
            key, at = read_varint(data, at - 1)
        form = key & 7
        if form == VARINT:
            value, at = read_varint(data, at)
            fields.append((key >> 3, form, value))
            continue
        if form == BYTES:
            length = data[at] if at < end else 0
            at += 1
            if length > 127 or at > end:
                length, at = read_varint(data, at - 1)
        elif form in _FIXED:
            length = _FIXED[form]
        else:
            raise ValueError(f"a record has a field of the unknown form {form}")
        if at + length > end:
            raise ValueError("a field of a record is cut off")
        fields.append((key >> 3, form, data[at : at + length]))
        at += length
    return fields


def signed(value: int) -> int:
    """Return a varint as an int64."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def as_double(value: bytes) -> float:
    """Return the number that 8 bytes (a double) or 4 (a float) are."""
    return float(struct.unpack("<d" if len(value) == 8 else "<f", value)[0])


def read_map(fields: Fields, number: int) -> dict[str, bytes]:
    """Return the entries of a map from texts to messages: of each, 1 is the key and 2 the message."""
    entries = {}
    for found, form, value in fields:
        if found == number and form == BYTES:
            entry = only_bytes(bytes_of(value))
            entries[text_of(entry.get(1, b""))] = entry.get(2, b"")
    return entries


def only_bytes(data: bytes) -> dict[int, bytes]:
    """Return the fields of a message that are bytes, by their numbers; of a repeated one the last."""
    return {number: bytes_of(value) for number, form, value in read_fields(data) if form == BYTES}


def bytes_of(value: int | bytes) -> bytes:
    """Return the value of a field that is not a varint."""
    assert isinstance(value, bytes)
    return value


def text_of(value: int | bytes) -> str:
    """Return the text of a field; what is no UTF-8 is shown by its bytes."""
    return bytes_of(value).decode("utf-8", "backslashreplace")
