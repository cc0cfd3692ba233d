#!/usr/bin/env python3
"""Weighs layers beside what uv or npm and `zip -9` make of the same pins, and shows that they still work.

    benches/sizes.py [--set boto3]... [--profile small]... [--suites] [--table] [--python PYTHON] [--node NODE]

For each set of packages: layerpress locks it and builds a layer per column, and the peer installs the pins of
that lock (uv pip install --target --no-deps, or npm ci --ignore-scripts), which `zip -9 -X -D` zips.

  none          --profile none --compression fast: the packages' files as they are
  safe, fast    the default
  safe, best    --profile safe --compression best
  small         --profile small, which stands for --compression best
  named         small with --aws-services, for boto3
  machine code  what of `small` no rule and no pass may touch: the streams of shared libraries and programs, stripped of
                what no loader reads. A layer cannot come below that without losing some of them

Told are bytes, zipped, and what they are less than the peer's; below them the bytes unzipped. Each layer is then
unpacked and the lines in tests/corpus run on it that do what a function would (--python and --node: the interpreters, of the
same minor version as the layers; without, none is run). --suites puts the test folders of numpy and pandas back
beside their pressed layers and runs a part of them with pytest. Releases are those up to a fixed day.

Needs a release build of layerpress (cargo build --release); uv, npm and zip on PATH.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CUTOFF = "2026-11-01"
RUNTIMES = {"requirements.txt": "python3.13", "package.json": "nodejs22.x"}
COLUMNS = {
    "none": ["--profile", "none", "--compression", "fast"],
    "safe, fast": ["--profile", "safe", "--compression", "fast"],
    "safe, best": ["--profile", "safe", "--compression", "best"],
    "small": ["--profile", "small"],
    "named": ["--profile", "small", "--aws-services", "s3,dynamodb"],
}

# Each folder holds what is asked for and lines that must run on its layer.
CORPUS = {folder.name: folder for folder in sorted((ROOT / "tests/corpus").iterdir()) if folder.is_dir()}
SUITES = {"numpy-pandas": {
    "numpy": ["numpy/_core/tests/test_numeric.py", "numpy/ma/tests/test_core.py", "numpy/linalg/tests/test_linalg.py"],
    "pandas": ["pandas/tests/reshape/merge/test_merge.py", "pandas/tests/io/parser/test_header.py",
               "pandas/tests/frame/test_constructors.py", "pandas/tests/indexes/datetimes/test_date_range.py"],
}}


def run(command, folder, **variables):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, **variables})
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class Set:
    """A set of packages: its layers, and what the peer makes of the same pins."""

    def __init__(self, args, name, folder):
        self.args, self.name, self.folder = args, name, pathlib.Path(folder)
        self.is_node = (CORPUS[name] / "package.json").exists()
        self.manifest = "package.json" if self.is_node else "requirements.txt"
        self.smoke = (CORPUS[name] / ("smoke.js" if self.is_node else "smoke.py")).read_text()
        shutil.copy(CORPUS[name] / self.manifest, folder)
        more = [] if self.is_node else ["--only-binary", ":all:"]
        self.layerpress("lock", self.manifest, "--exclude-newer", CUTOFF, *more)

    def layerpress(self, command, *arguments):
        """What it says as JSON; a layer over Lambda's limit is no end of the script."""
        cache = ["--cache-dir", self.args.cache] if self.args.cache else []
        command = [self.args.bin, command, *arguments, "--json", "--runtime", RUNTIMES[self.manifest], *cache]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        said = json.loads(done.stdout)
        if done.returncode and said["error"]["code"] != "over-limit":
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return said

    def layer(self, column):
        """The layer of a column: zipped and unzipped bytes, and its account."""
        lock = "package-lock.json" if self.is_node else "pylock.toml"
        zipped = f"{column.replace(', ', '-')}.zip"
        built = self.layerpress("build", lock, *COLUMNS[column], "-o", zipped)
        return self.folder / zipped, built.get("layers", [None])[0]

    def machine_code(self, zipped):
        """Bytes of a layer's machine code, in the zip and out of it."""
        with zipfile.ZipFile(zipped) as layer:
            code = [entry for entry in layer.infolist() if layer.open(entry).read(4) == b"\x7fELF"]
        return sum(entry.compress_size for entry in code), sum(entry.file_size for entry in code)

    def peer(self):
        """Bytes of the peer's zip, and of what it holds."""
        target, what = self.folder / "peer", "node_modules" if self.is_node else "python"
        if not (target / "peer.zip").exists():
            self.make_peer(target)
            run(["zip", "-q", "-9", "-X", "-D", "-r", "peer.zip", what], target)
        unzipped = sum(file.stat().st_size for file in (target / what).rglob("*")
                       if file.is_file() and not file.is_symlink())
        return (target / "peer.zip").stat().st_size, unzipped

    def make_peer(self, target):
        if self.is_node:
            target.mkdir(exist_ok=True)
            for file in ["package.json", "package-lock.json"]:
                shutil.copy(self.folder / file, target)
            run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--os=linux", "--cpu=x64",
                 "--libc=glibc"], target, npm_config_update_notifier="false")
        else:
            lock = tomllib.loads((self.folder / "pylock.toml").read_text())
            pins = "".join(f"{it['name']}=={it['version']}\n" for it in lock["packages"])
            (self.folder / "pins.txt").write_text(pins)
            named = ["-p", self.args.python] if self.args.python else []
            run(["uv", "pip", "install", "-r", "pins.txt", "--no-deps", "--target", "peer/python", "-q", "--no-build",
                 "--python-version", "3.13.12", "--python-platform", "x86_64-manylinux_2_34",
                 "--no-python-downloads", *named], self.folder)

    def unpacked(self, zipped):
        place = self.folder / "opt"
        shutil.rmtree(place, ignore_errors=True)
        run(["unzip", "-q", zipped, "-d", place], self.folder)
        return place

    def works(self, zipped):
        """Runs the set's lines on the layer; an error ends the script."""
        interpreter = self.args.node if self.is_node else self.args.python
        if not interpreter:
            return
        place = self.unpacked(zipped)
        if self.is_node:
            run([interpreter, "-e", self.smoke], self.folder, NODE_PATH=str(place / "nodejs/node_modules"))
        else:
            run([interpreter, "-s", "-B", "-c", self.smoke], self.folder, PYTHONPATH=str(place / "python"))

    def suites(self, zipped):
        """Puts the peer's test folders back beside the pressed layer: a part of them must end as beside the peer's."""
        self.peer()
        pressed, whole = self.unpacked(zipped) / "python", self.folder / "peer/python"
        run(["uv", "pip", "install", "--target", self.folder / "side", "-q", "-p", self.args.python,
             "--no-python-downloads", "pytest", "hypothesis"], self.folder)
        for package, files in SUITES[self.name].items():
            for tests in (whole / package).rglob("tests"):
                shutil.copytree(tests, pressed / tests.relative_to(whole), dirs_exist_ok=True)
            shutil.copy(whole / package / "conftest.py", pressed / package)
            expected, found = self.suite(whole, files), self.suite(pressed, files)
            if found != expected:
                raise SystemExit(f"{self.name}: {package}: {zipped.name}: {found}\nunpressed: {expected}")
            print(f"{self.name}: {package}: {zipped.name}, as unpressed: {found[-1]}", flush=True)

    def suite(self, place, files):
        """What failed, and the sums."""
        done = subprocess.run([self.args.python, "-s", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE",
                               "--no-header", "--tb=no", "--durations=0", "--durations-min=1000", *files],
                              capture_output=True, text=True, cwd=place,
                              env={**os.environ, "PYTHONPATH": f"{place}:{self.folder / 'side'}"})
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")) or " passed" in line]
        return sorted(lines[:-1]) + [lines[-1].split(" in ")[0]] if lines else [done.stdout + done.stderr]


def place(args, name):
    """The set's folder, kept if that is wished."""
    if not args.keep:
        return tempfile.TemporaryDirectory()
    folder = pathlib.Path(args.keep).resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    return contextlib.nullcontext(folder)


def told(zipped, peer):
    return f"{zipped / 1e6:8.2f} {100 * (zipped / peer - 1):+6.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--set", action="append", dest="sets", choices=CORPUS)
    parser.add_argument("--profile", action="append", dest="columns", choices=COLUMNS, metavar="COLUMN",
                        help=f"one of: {'; '.join(COLUMNS)}")
    parser.add_argument("--suites", action="store_true", help="run a part of numpy's and pandas' own tests too")
    parser.add_argument("--python", help="an interpreter of python3.13, for uv and for running the layers")
    parser.add_argument("--node", help="a Node.js 22, for running the layer")
    parser.add_argument("--cache", help="layerpress's cache folder, to be used again")
    parser.add_argument("--keep", help="a folder for layers and the peers' zips, which another run uses again")
    parser.add_argument("--table", action="store_true", help="print Markdown, as in the README")
    args = parser.parse_args()
    args.bin = str(pathlib.Path(args.bin).resolve())
    columns = args.columns or list(COLUMNS)
    shown = [*columns, *(["machine code"] if "small" in columns else [])]
    rule = "|" if args.table else " "
    print(f"{rule} ".join([f"{'layer, MB':17}", f"{'peer':>8}", *(f"{name:>17}" for name in shown)]), flush=True)
    if args.table:
        print("|".join(["---"] * (len(shown) + 2)))
    rows = []
    for name in args.sets or CORPUS:
        with place(args, name) as folder:
            packages, sizes = Set(args, name, folder), {}
            for column in columns:
                zipped, account = (None, None) if column == "named" and name != "boto3" else packages.layer(column)
                if not account:
                    continue
                sizes[column] = (account["zipped_bytes"], account["unzipped_bytes"])
                if column == "small":
                    sizes["machine code"] = packages.machine_code(zipped)
                if column != "named":
                    packages.works(zipped)
                if args.suites and name in SUITES:
                    packages.suites(zipped)
            peer = packages.peer()
            tell(rule, name, peer, sizes, shown)
            if not packages.is_node:
                rows.append({"peer": peer, **sizes})
    if len(rows) > 1:
        # A column without one of the layers is no sum of all.
        whole = [column for column in rows[0] if all(column in row for row in rows)]
        sums = {column: tuple(map(sum, zip(*(row[column] for row in rows)))) for column in whole}
        tell(rule, "Python, together", sums.pop("peer"), sums, shown)


def tell(rule, name, peer, sizes, columns):
    """Two lines: zipped, and unzipped."""
    for line, what in [(0, name), (1, "  unzipped")]:
        cells = [told(sizes[it][line], peer[line]) if it in sizes else " " * 17 for it in columns]
        print(f"{rule} ".join([f"{what:17}", f"{peer[line] / 1e6:8.2f}", *cells]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
