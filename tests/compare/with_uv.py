#!/usr/bin/env python3
"""Resolves every set of sets.txt with layerpress and with uv, and lists the versions that differ.

    tests/compare/with_uv.py [--runtime python3.13] [--arch x86_64] [--set NAME]... [--jobs N]

Both get the same index, target and cut-off date, wheels only; with `--sdists` also source
distributions, from the sets of sdists.txt, built by the same interpreter (`--python`). With
`--before DATE` both first lock what was there at that date, then get the requirement of `--also` and the
later date: what the first lock holds must stay. Needs a built layerpress (or --bin) and uv on PATH
(`pip install uv`). Exit 0 when no version differs.
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
# Of the older base image; the newer one has 2.34.
GLIBC = {"python3.9": "2.26", "python3.10": "2.26", "python3.11": "2.26"}


def read_sets(file, only):
    for line in (HERE / file).read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, requirements = line.partition(":")
            if not only or name in only:
                yield name, [r.strip() for r in requirements.split("|")]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def stand_in(args, folder):
    """A Python that tells uv the runtime's machine and glibc: uv's own names for platforms leave out 2.26."""
    subprocess.run([args.python, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(pathlib.Path(folder).glob("lib/python*/site-packages"))
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[args.arch]
    (packages / "sitecustomize.py").write_text(
        "import os, platform, sysconfig\n"
        f"os.confstr = lambda _: 'glibc {GLIBC.get(args.runtime, '2.34')}'\n"
        f"sysconfig.get_platform = lambda: 'linux-{machine}'\n"
        f"platform.machine = lambda: '{machine}'\n")
    return str(pathlib.Path(folder) / "bin/python")


def by_uv(args, manifest, date):
    pinned = manifest.with_name("pins.txt")
    command = ["uv", "pip", "compile", str(manifest), "--python-version", FULL[args.runtime],
               "--no-header", "--no-annotate", "--no-strip-extras", "-q", "--no-python-downloads",
               "--exclude-newer", date, "--resolution", args.resolution, "-o", str(pinned)]
    command += ["--prerelease", "allow"] if args.pre else []
    if args.sdists:
        command += ["-p", args.python, "--python-platform", "x86_64-manylinux_2_34"]
    else:
        command += ["-p", args.stand_in, "--only-binary", ":all:"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr
    pins = (line.split(" ;")[0].strip() for line in pinned.read_text().splitlines() if "==" in line)
    return {canonical(n.partition("[")[0]): v for n, _, v in (p.partition("==") for p in pins)}, ""


def by_layerpress(args, manifest, date):
    lock = manifest.with_name("pylock.toml")
    command = [args.bin, "lock", str(manifest), "-o", str(lock), "--runtime", args.runtime, "--arch",
               args.arch, "--exclude-newer", date, "--resolution", args.resolution, "-q"]
    command += ["--pre"] if args.pre else []
    command += [] if args.sdists else ["--only-binary", ":all:"]
    command += ["--python", args.python] if args.sdists else []
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
    parser.add_argument("--exclude-newer", default="2026-11-01T00:00:00Z")
    parser.add_argument("--before", help="lock at this date first, and keep what that chose")
    parser.add_argument("--also", default="boto3", help="the requirement that comes with the later date")
    parser.add_argument("--resolution", default="highest", choices=["highest", "lowest", "lowest-direct"])
    parser.add_argument("--pre", action="store_true", help="take prereleases of every package")
    parser.add_argument("--sdists", action="store_true", help="take source distributions too: sdists.txt")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that uv asks and both build with")
    parser.add_argument("--set", action="append", dest="only")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    differing = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        args.stand_in = stand_in(args, folder)
        sets = list(read_sets("sdists.txt" if args.sdists else "sets.txt", args.only))
        for name, verdict, text in pool.map(lambda s: compare(args, *s), sets):
            differing += verdict != "same"
            print(f"{verdict:8} {name}: {text}", flush=True)
    print(f"{len(sets) - differing} of {len(sets)} sets resolve to the same versions")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
