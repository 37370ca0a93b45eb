"""Seals and parity made by hand, from the texts of RFC 8439 and of docs/wire-format.md alone: no library that weft uses."""
import struct

from weft_e2e import SEALED, crc32c, datagram

# -- ChaCha20-Poly1305, RFC 8439 -------------------------------------------------------------------------------------


def rotated(value, bits):
    return (value << bits | value >> 32 - bits) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = s[x] + s[y] & 0xFFFFFFFF
        s[z] = rotated(s[z] ^ s[x], bits)


def chacha_block(key, counter, nonce):
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    s = list(start)
    for _ in range(10):
        for places in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                       (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(s, *places)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def chacha(key, nonce, data):
    out = bytearray()
    for block in range(0, len(data), 64):
        stream = chacha_block(key, 1 + block // 64, nonce)
        out += bytes(a ^ b for a, b in zip(data[block:block + 64], stream))
    return bytes(out)


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at:at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def aead(key, nonce, text, associated):
    cipher = chacha(key, nonce, text)
    signed = padded(associated) + padded(cipher) + struct.pack("<QQ", len(associated), len(cipher))
    return cipher + poly1305(chacha_block(key, 0, nonce)[:32], signed)


def rfc_8439_agrees():
    """The example of its section 2.8.2."""
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            b"sunscreen would be it.")
    made = aead(bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647"), text, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    return made[:16].hex() == "d31a8d34648e60db7b86afbc53ef7ec2" and made[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


def sealed(plain, key, epoch):
    """An unsealed datagram, sealed."""
    body = plain[48:]
    head = bytearray(plain[:48])
    head[6] |= SEALED
    head[14:16] = struct.pack("<H", epoch)
    head[32:36] = struct.pack("<I", len(body) + 16)
    head[36:40] = bytes(4)
    body = aead(key, bytes(4) + bytes(head[16:24]), body, bytes(head))
    head[36:40] = struct.pack("<I", crc32c(bytes(head) + body))
    return bytes(head) + body


# -- Reed-Solomon over GF(2^8), polynomial 0x11d, Cauchy matrix ------------------------------------------------------

POWERS = [1]
for _ in range(254):
    POWERS.append(POWERS[-1] << 1 ^ (0x11D if POWERS[-1] & 0x80 else 0))
LOGS = {value: power for power, value in enumerate(POWERS)}


def times_inverse(value, divisor):
    return 0 if value == 0 else POWERS[(LOGS[value] - LOGS[divisor]) % 255]


def parity_rows(datagrams, m):
    """(L, the m rows of parity of these datagrams)."""
    rows = [struct.pack("<H", len(one)) + one for one in datagrams]
    length, k = max(map(len, rows)), len(rows)
    rows = [row + bytes(length - len(row)) for row in rows]
    out = []
    for j in range(m):
        total = bytearray(length)
        for i, row in enumerate(rows):
            table = bytes(times_inverse(value, (k + j) ^ i) for value in range(256))
            total = bytearray(a ^ b for a, b in zip(total, row.translate(table)))
        out.append(bytes(total))
    return length, out


def parity_datagrams(sensor, first, datagrams, m, sequence, **options):
    """The unsealed parity datagrams of a group, numbered from `sequence` on."""
    length, rows = parity_rows(datagrams, m)
    return [datagram(sensor, sequence + j, [], kind=3, count=0, **options,
                     body=struct.pack("<QBBBBI", first, len(datagrams), m, j, 0, length) + row) for j, row in enumerate(rows)]
