#!/usr/bin/env python3
"""Resolves every set of sets.txt with layerpress and with uv, and lists the versions that differ.

    tests/compare/with_uv.py [--runtime python3.13] [--arch x86_64] [--set NAME]... [--jobs N]

Both get the same index, target and cut-off date, wheels only. With `--before DATE` both first lock what
was there at that date, then get the requirement of `--also` and the later date: what the first lock
holds must stay. Needs a built layerpress (or --bin) and uv on PATH (`pip install uv`). Exit 0 when no
version differs.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The newest patch release that layerpress knows of each runtime, as it states it in its markers.
FULL = {"python3.9": "3.9.25", "python3.10": "3.10.20", "python3.11": "3.11.15",
        "python3.12": "3.12.13", "python3.13": "3.13.12", "python3.14": "3.14.3"}


def read_sets(only):
    for line in (HERE / "sets.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, requirements = line.partition(":")
            if not only or name in only:
                yield name, [r.strip() for r in requirements.split("|")]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def by_uv(args, manifest, date):
    arch = {"x86_64": "x86_64", "arm64": "aarch64"}[args.arch]
    pinned = manifest.with_name("pins.txt")
    command = ["uv", "pip", "compile", str(manifest), "--python-version", FULL[args.runtime],
               "--python-platform", f"{arch}-manylinux_{args.glibc}", "--only-binary", ":all:",
               "--no-header", "--no-annotate", "--no-strip-extras", "-q", "--no-python-downloads",
               "--exclude-newer", date, "-o", str(pinned)]
    if args.python:
        command += ["-p", args.python]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr
    pins = (line.split(" ;")[0].strip() for line in pinned.read_text().splitlines() if "==" in line)
    return {canonical(n.partition("[")[0]): v for n, _, v in (p.partition("==") for p in pins)}, ""


def by_layerpress(args, manifest, date):
    lock = manifest.with_name("pylock.toml")
    command = [args.bin, "lock", str(manifest), "-o", str(lock), "--runtime", args.runtime, "--arch",
               args.arch, "--only-binary", ":all:", "--exclude-newer", date, "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr
    packages = tomllib.loads(lock.read_text())["packages"]
    return {canonical(p["name"]): p["version"] for p in packages}, ""


def compare(args, name, requirements):
    with tempfile.TemporaryDirectory() as folder:
        manifest = pathlib.Path(folder) / "requirements.txt"
        steps = [(args.exclude_newer, requirements)]
        if args.before:
            steps = [(args.before, requirements), (args.exclude_newer, requirements + [args.also])]
        for date, lines in steps:
            manifest.write_text("\n".join(lines) + "\n")
            uv, uv_says = by_uv(args, manifest, date)
            ours, we_say = by_layerpress(args, manifest, date)
            if uv is None or uv != ours:
                break
    if uv is None and ours is None:
        return name, "same", "neither finds a solution"
    if uv is None or ours is None:
        return name, "DIFFERS", f"uv: {uv_says.strip()[-300:] or 'solved'}\n  layerpress: {we_say.strip()[-300:] or 'solved'}"
    rows = [f"  {p}: uv {uv.get(p)}, layerpress {ours.get(p)}"
            for p in sorted(uv.keys() | ours.keys()) if uv.get(p) != ours.get(p)]
    return name, "DIFFERS" if rows else "same", f"{len(uv)} packages" + "".join("\n" + r for r in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--runtime", default="python3.13", choices=FULL)
    parser.add_argument("--arch", default="x86_64", choices=["x86_64", "arm64"])
    parser.add_argument("--glibc", default="2_34", help="uv's manylinux level nearest to the runtime's glibc")
    parser.add_argument("--exclude-newer", default="2026-11-01T00:00:00Z")
    parser.add_argument("--before", help="lock at this date first, and keep what that chose")
    parser.add_argument("--also", default="boto3", help="the requirement that comes with the later date")
    parser.add_argument("--python", help="an interpreter for uv to name, so that it looks for none")
    parser.add_argument("--set", action="append", dest="only")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    differing = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        sets = list(read_sets(args.only))
        for name, verdict, text in pool.map(lambda s: compare(args, *s), sets):
            differing += verdict != "same"
            print(f"{verdict:8} {name}: {text}", flush=True)
    print(f"{len(sets) - differing} of {len(sets)} sets resolve to the same versions")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
