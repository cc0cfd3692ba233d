# Compiles Python source for another program: on standard input, for each module, the length of its name
# (4 bytes, the least first), the name, the length of its source, the source; on standard output, in the
# same order, the length of its .pyc and the .pyc, of length 0 for what does not compile. Nothing of a
# module is run.
import sys

# The first place to import from is the folder this runs in, whoever's that is.
sys.path = [place for place in sys.path if place]

import marshal  # noqa: E402

WANTED = tuple(int(part) for part in sys.argv[1].split("."))
external = sys.modules["_frozen_importlib_external"]
MAGIC = int.from_bytes(external.MAGIC_NUMBER, "little")


def fits():
    return (
        sys.implementation.name == "cpython"
        and sys.version_info[:2] == WANTED
        # Until then the form of bytecode moves.
        and sys.version_info.releaselevel == "final"
        # Free threads have bytecode of their own.
        and "t" not in getattr(sys, "abiflags", "")
        and sys.implementation.cache_tag == "cpython-%d%d" % WANTED
    )


def pyc(name, source):
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
        marshal.dumps(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return b""
    digest = external._imp.source_hash(MAGIC, source)
    return bytes(external._code_to_hash_pyc(code, digest, False))


def main():
    if not fits():
        return 3
    given, out = sys.stdin.buffer, sys.stdout.buffer
    out.write(b"fits")
    out.flush()
    part = lambda: given.read(int.from_bytes(given.read(4), "little"))  # noqa: E731
    while True:
        length = given.read(4)
        if not length:
            break
        name = given.read(int.from_bytes(length, "little")).decode()
        made = pyc(name, part())
        out.write(len(made).to_bytes(4, "little") + made)
    out.flush()
    return 0


sys.exit(main())
