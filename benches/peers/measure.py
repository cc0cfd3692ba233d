"""Runs commands in turns and tells medians, ratios and processor time."""
import pathlib
import resource
import statistics
import subprocess
import time


class Peers:
    """Tools that do the same to one project. A subclass knows the commands.

    `command(peer, stage)` removes what the run must not find, and returns the command and its variables;
    `prepare(stage)` brings about what a stage presupposes.
    """

    ours = "layerpress"

    def __init__(self, args, folder):
        self.args, self.folder = args, pathlib.Path(folder)
        self.peers = [self.ours] + [peer for peer in self.others if not args.peers or peer in args.peers]

    def place(self, peer):
        """The peer's own copy of the project."""
        return self.folder / peer

    def run(self, peer, stage):
        command, variables = self.command(peer, stage)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.place(peer), env=variables)
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def measure(self, stage):
        """(wall, processor) seconds of each run of each peer, taken in turns."""
        self.prepare(stage)
        rows = {peer: [] for peer in self.peers}
        for _ in range(self.args.runs):
            for peer in rows:
                rows[peer].append(self.run(peer, stage))
        return rows


def tell(name, stage, rows):
    """One line for each peer; ratios are medians over the turns, ours to the peer's."""
    ours = rows[Peers.ours]
    for peer, row in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*row))
        ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, row))
        beside = "" if peer == Peers.ours else f"{ratio:8.3f}"
        print(f"{name:16} {stage:13} {peer:11} {wall:9.3f} {cpu:9.2f} {beside}", flush=True)
