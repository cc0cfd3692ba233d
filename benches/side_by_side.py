#!/usr/bin/env python3
"""Times layerpress and uv side by side on this machine, in turns, and prints medians and ratios.

    benches/side_by_side.py [--runs 5] [--set science]... [--stage warm-resolve]...

Stages, all for python3.13 on x86_64, wheels only:
  cold-resolve   manifest to lock, empty cache           uv pip compile
  warm-resolve   the same with a warm cache              uv pip compile --offline
  cold-build     empty cache to a finished zip           uv pip install --target (no zip)
  warm-build     lock and cache warm to a finished zip   uv pip install --target (hard links, no zip)
A warm uv resolve is measured offline, because an index that sends no freshness headers makes uv ask it
again each time; layerpress takes such a page as fresh for ten minutes.
Needs: a release build of layerpress (cargo build --release), uv on PATH (`pip install uv`).
"""
import argparse
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SETS = {
    "boto3": ["requests", "boto3"],
    "requests-pandas": ["requests", "pandas"],
    "science": ["pandas", "numpy", "scipy", "scikit-learn"],
    "airflow": ["apache-airflow"],
    "airflow-extras": ["apache-airflow[amazon,google,postgres,celery]"],
}
STAGES = ["cold-resolve", "warm-resolve", "cold-build", "warm-build"]


class Bench:
    def __init__(self, args, folder, requirements):
        self.args, self.folder = args, pathlib.Path(folder)
        self.manifest = self.folder / "requirements.txt"
        self.manifest.write_text("\n".join(requirements) + "\n")
        self.caches = {peer: self.folder / f"cache-{peer}" for peer in ("layerpress", "uv")}

    def command(self, peer, stage):
        """The command of one run, after what it must not find has been removed."""
        resolve = stage.endswith("resolve")
        if stage.startswith("cold"):
            shutil.rmtree(self.caches[peer], ignore_errors=True)
            if peer == "layerpress":
                (self.folder / "pylock.toml").unlink(missing_ok=True)
        if peer == "layerpress":
            shutil.rmtree(self.folder / "dist", ignore_errors=True)
            if resolve:
                (self.folder / "pylock.toml").unlink(missing_ok=True)
            command = [self.args.bin, "lock" if resolve else "build", str(self.manifest)]
            return command + ["--runtime", "python3.13", "--only-binary", ":all:", "-q",
                              "--cache-dir", str(self.caches[peer])]
        shutil.rmtree(self.folder / "target", ignore_errors=True)
        platform = ["--python-version", "3.13.12", "--python-platform", "x86_64-manylinux_2_34",
                    "--only-binary", ":all:", "-q", "--no-python-downloads", "--cache-dir", str(self.caches[peer])]
        if self.args.python:
            platform += ["-p", self.args.python]
        if resolve:
            offline = ["--offline"] if stage == "warm-resolve" else []
            return ["uv", "pip", "compile", str(self.manifest), "-o", str(self.folder / "uv.txt"), *platform, *offline]
        offline = ["--offline"] if stage == "warm-build" else []
        return ["uv", "pip", "install", "-r", str(self.folder / "uv.txt"), "--no-deps",
                "--target", str(self.folder / "target"), *platform, *offline]

    def run(self, peer, stage):
        command = self.command(peer, stage)
        (self.folder / "uv.txt").touch()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall, cpu

    def measure(self, stage):
        # What a stage presupposes: uv's pins for its installs, warm caches for the warm ones.
        if stage == "cold-build" and not (self.folder / "uv.txt").exists():
            self.run("uv", "cold-resolve")
        if stage.startswith("warm"):
            for peer in self.caches:
                self.run(peer, "cold-resolve")
                if stage == "warm-build":
                    self.run(peer, "cold-build")
        rows = {peer: [] for peer in self.caches}
        for _ in range(self.args.runs):
            for peer in rows:
                rows[peer].append(self.run(peer, stage))
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", action="append", dest="sets", choices=SETS)
    parser.add_argument("--stage", action="append", dest="stages", choices=STAGES)
    parser.add_argument("--python", help="an interpreter for uv to name, so that it looks for none")
    args = parser.parse_args()
    print(f"{'set':16} {'stage':13} {'layerpress':>11} {'uv':>9} {'ratio':>6}   (median wall seconds of {args.runs}; CPU seconds in brackets)")
    for name in args.sets or SETS:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(args, folder, SETS[name])
            for stage in args.stages or STAGES:
                rows = bench.measure(stage)
                wall = {p: statistics.median(w for w, _ in r) for p, r in rows.items()}
                cpu = {p: statistics.median(c for _, c in r) for p, r in rows.items()}
                ratio = statistics.median(a[0] / b[0] for a, b in zip(rows["layerpress"], rows["uv"]))
                print(f"{name:16} {stage:13} {wall['layerpress']:6.3f} ({cpu['layerpress']:.2f}) "
                      f"{wall['uv']:6.3f} ({cpu['uv']:.2f}) {ratio:6.2f}", flush=True)


if __name__ == "__main__":
    main()
