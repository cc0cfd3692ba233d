#!/usr/bin/env python3
"""Times the rebuild of a layer from its lock, everything in the cache, beside a plain copy and other tools.

    benches/rebuild.py [--runs 9] [--set aws]... [--peer cp]... [--memory] [--tools DIR] [--table]

  layerpress    build LOCK: the finished zip, its bytes proved and its SHA-256 known
  cp            cp of that zip, then sha256sum of the copy: what no tool can do without
  uv + zip      uv pip install --target of the same pins (hard links), then zip -6
  sam           sam build of a layer of the same pins, pip's cache warm (no zip)
  npm           npm ci --prefer-offline (no zip)
  bun + zip     bun install --frozen-lockfile, then zip -6

All are taken in turns after a round that is not counted, each into a place that was removed before. Printed
are medians of wall and processor seconds (user and system, child processes included), and medians over the
turns of ours divided by theirs. With --memory also our peak of anonymous memory, sampled once a
millisecond. Releases are those up to a fixed day, so that the layers stay the same.

Needs a release build of layerpress (cargo build --release); uv, zip, sam (aws-sam-cli, and the pip of a
python3.13) and npm on PATH; bun on PATH or below --tools (`npm install --prefix DIR bun`). Python's own
zipfile stands in for a zip that is not there. A peer that is missing is left out, and that is said.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from peers import measure, node, python

ROOT = pathlib.Path(__file__).resolve().parent.parent
CUTOFF = "2026-11-01"
# Unzipped about 34, 100 and 250 MB; 130 and 850 packages.
PYTHON = {"aws": ["requests", "boto3", "aws-lambda-powertools", "pydantic"],
          **{name: python.SETS[name] for name in ["requests-pandas", "science"]}}
NODE = {"api": node.SETS["api"], "large": node.SETS["large"]}
ZIP = (["zip", "-q", "-6", "-r"] if shutil.which("zip") else
       [sys.executable, "-c", "import shutil, sys; shutil.make_archive(sys.argv[1][:-4], 'zip', sys.argv[2])"])


class Rebuild(measure.Peers):
    """A lock that layerpress has built from once, and the other ways to its files."""

    def __init__(self, args, folder):
        super().__init__(args, folder)
        for peer in self.peers:
            self.place(peer).mkdir()
        place = self.place(self.ours)
        self.given(place)
        more = ["--only-binary", ":all:"] if isinstance(self, Python) else []
        self.layerpress("lock", self.manifest, "--runtime", self.runtime, "--exclude-newer", CUTOFF, *more)
        built = self.layerpress("build", self.lock, "--runtime", self.runtime, "-o", "layer.zip", "--json")
        self.layer = json.loads(built)["layers"][0]
        self.zip = self.folder / "layer.zip"
        shutil.copy(place / "layer.zip", self.zip)
        self.peers = [peer for peer in self.peers if self.is_there(peer)]

    def layerpress(self, *arguments):
        command = [self.args.bin, *arguments, "--cache-dir", str(self.folder / "cache-layerpress")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.place(self.ours))
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def is_there(self, peer):
        program = {self.ours: self.args.bin, "uv + zip": "uv", "bun + zip": self.bun()}.get(peer, peer)
        found = program and shutil.which(program)
        if not found:
            print(f"{peer} is left out: it is not on PATH", file=sys.stderr)
        return bool(found)

    def bun(self):
        below = pathlib.Path(self.args.tools or ".").resolve() / "node_modules/.bin/bun"
        return str(below) if self.args.tools and below.exists() else "bun"

    def command(self, peer, stage):
        place = self.place(peer)
        for made in self.made:
            path = place / made
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if peer == self.ours:
            return [self.args.bin, "build", self.lock, "--runtime", self.runtime, "-o", "layer.zip", "-q",
                    "--cache-dir", str(self.folder / "cache-layerpress")], None
        if peer == "cp":
            return ["sh", "-c", f"cp --reflink=never {self.zip} layer.zip && sha256sum layer.zip"], None
        return self.of_peer(peer)

    def prepare(self, stage):
        for peer in self.peers:
            self.run(peer, stage)

    def peak_memory(self):
        """The largest RssAnon that a run of ours was seen with, in bytes."""
        command, _ = self.command(self.ours, "rebuild")
        running = subprocess.Popen(command, cwd=self.place(self.ours), stdout=subprocess.DEVNULL)
        peak = 0
        while running.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{running.pid}/status").read_text()
            except OSError:
                break
            found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
            peak = max([peak, *(int(it) * 1024 for it in found)])
            time.sleep(0.001)
        running.wait()
        return peak


class Python(Rebuild):
    manifest, lock, runtime = "requirements.txt", "pylock.toml", "python3.13"
    others = ["cp", "uv + zip", "sam"]
    made = ["layer.zip", "target", ".aws-sam"]

    def __init__(self, args, folder, requirements):
        self.given = lambda place: (place / self.manifest).write_text("\n".join(requirements) + "\n")
        super().__init__(args, folder)
        pins = "".join(f"{it['name']}=={it['version']}\n" for it in self.layer["packages"])
        if "uv + zip" in self.peers:
            (self.place("uv + zip") / "pins.txt").write_text(pins)
        if "sam" in self.peers:
            (self.place("sam") / "layer").mkdir()
            (self.place("sam") / "layer/requirements.txt").write_text(pins)
            resource = {"Type": "AWS::Serverless::LayerVersion",
                        "Properties": {"ContentUri": "layer", "CompatibleRuntimes": [self.runtime]},
                        "Metadata": {"BuildMethod": self.runtime, "BuildArchitecture": "x86_64"}}
            template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Layer": resource}}
            (self.place("sam") / "template.yaml").write_text(json.dumps(template))

    def of_peer(self, peer):
        if peer == "sam":
            return ["sam", "build"], {**os.environ, "SAM_CLI_TELEMETRY": "0"}
        named = ["-p", self.args.python] if self.args.python else []
        cache = self.folder / "cache-uv"
        install = ["uv", "pip", "install", "-r", "pins.txt", "--no-deps", "--target", "target", "-q", "--no-build",
                   "--python-version", "3.13.12", "--python-platform", "x86_64-manylinux_2_34", "--link-mode",
                   "hardlink", "--no-python-downloads", *named, "--cache-dir", str(cache)]
        if cache.exists():
            install.append("--offline")
        return and_zip(install, "target"), None


class Node(Rebuild):
    manifest, lock, runtime = "package.json", "package-lock.json", "nodejs22.x"
    others = ["cp", "npm", "bun + zip"]
    made = ["layer.zip", "node_modules"]

    def __init__(self, args, folder, dependencies):
        self.project = json.dumps({"name": "app", "version": "1.0.0", "dependencies": dependencies}) + "\n"
        self.given = lambda place: (place / self.manifest).write_text(self.project)
        super().__init__(args, folder)
        self.bun_variables = {**os.environ, "BUN_INSTALL_CACHE_DIR": str(self.folder / "cache-bun")}
        if "npm" in self.peers:
            self.given(self.place("npm"))
            shutil.copy(self.place(self.ours) / self.lock, self.place("npm"))
        if "bun + zip" in self.peers:
            self.given(self.place("bun + zip"))
            subprocess.run([self.bun(), "install", "--lockfile-only", "--ignore-scripts", "--silent"], check=True,
                           cwd=self.place("bun + zip"), env=self.bun_variables)

    def of_peer(self, peer):
        if peer == "npm":
            return ["npm", "ci", "--prefer-offline", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund",
                    "--loglevel", "error", "--cache", str(self.folder / "cache-npm")], \
                {**os.environ, "npm_config_update_notifier": "false"}
        install = [self.bun(), "install", "--frozen-lockfile", "--ignore-scripts", "--silent"]
        return and_zip(install, "node_modules"), self.bun_variables


def and_zip(install, folder):
    """The command that installs and then zips what was installed."""
    quoted = [f"'{word}'" if not word.replace("-", "").isalnum() else word for word in install]
    pack = [f"'{word}'" if " " in word else word for word in ZIP]
    return ["sh", "-c", f"{' '.join(quoted)} && {' '.join(pack)} layer.zip {folder}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--set", action="append", dest="sets", choices=[*PYTHON, *NODE])
    parser.add_argument("--peer", action="append", dest="peers", choices=[*Python.others, *Node.others[1:]])
    parser.add_argument("--python", help="an interpreter for uv to name, so that it looks for none")
    parser.add_argument("--tools", help="a folder with npm packages of the peers installed")
    parser.add_argument("--memory", action="store_true", help="tell our peak of anonymous memory too")
    parser.add_argument("--table", action="store_true", help="print Markdown, as in the README")
    args = parser.parse_args()
    args.bin = str(pathlib.Path(args.bin).resolve())
    print(HEAD if args.table else measure.head(args.runs), flush=True)
    for name in args.sets or [*PYTHON, *NODE]:
        kind, given = (Python, PYTHON[name]) if name in PYTHON else (Node, NODE[name])
        with tempfile.TemporaryDirectory() as folder:
            peers = kind(args, folder, given)
            rows, layer = peers.measure("rebuild"), peers.layer
            size = f"{layer['unzipped_bytes'] / 1e6:.0f} MB in {layer['files']} files of {len(layer['packages'])} " \
                   f"packages, zipped {layer['zipped_bytes'] / 1e6:.1f} MB"
            if args.table:
                markdown(name, size, rows)
            else:
                print(f"{name}: {size}")
                measure.tell(name, "rebuild", rows)
            if args.memory:
                print(f"{name}: {peers.peak_memory() / 1e6:.1f} MB of anonymous memory at most", flush=True)


HEAD = "| layer | | wall s | cpu s | ours / it, wall | cpu |\n|---|---|---|---|---|---|"


def markdown(name, size, rows):
    for peer, (wall, cpu, of_wall, of_cpu) in measure.medians(rows).items():
        what = f"{name}: {size}" if peer == measure.Peers.ours else ""
        ratios = f"{of_wall:.2g} | {of_cpu:.2g}" if peer != measure.Peers.ours else "|"
        print(f"| {what} | {peer} | {wall:.3f} | {cpu:.2f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
