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
        self.away = 0
        self.peers = [self.ours] + [peer for peer in self.others if not args.peers or peer in args.peers]

    def place(self, peer):
        """The peer's own copy of the project."""
        return self.folder / peer

    def put_away(self, path):
        """Takes a file or folder out of the way; it is removed with everything else at the end.

        Removed here it would slow down what is measured next: ext4 looks one by one at the inodes that were
        freed lately before it gives a new one, up to a second for the files of a large cache.
        """
        if path.exists():
            self.away += 1
            path.rename(self.folder / f"away-{self.away}")

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


def head(runs):
    """The head of the table that `tell` fills."""
    return f"{'set':16} {'stage':13} {'tool':11} {'wall s':>9} {'cpu s':>9} {'ours/it':>9} {'cpu':>8}   (medians of {runs})"


def tell(name, stage, rows):
    """One line for each peer."""
    for peer, (wall, cpu, of_wall, of_cpu) in medians(rows).items():
        beside = "" if peer == Peers.ours else f"{of_wall:9.3f} {of_cpu:8.3f}"
        print(f"{name:16} {stage:13} {peer:11} {wall:9.3f} {cpu:9.3f} {beside}", flush=True)


def medians(rows):
    """Wall and processor seconds of each peer; and of both the ratios over the turns, ours to the peer's."""
    def ratio(row, column):
        return statistics.median(ours[column] / max(its[column], 1e-6) for ours, its in zip(rows[Peers.ours], row))

    return {peer: (*map(statistics.median, zip(*row)), ratio(row, 0), ratio(row, 1)) for peer, row in rows.items()}
