#!/usr/bin/env python3
"""Times layerpress beside the tools of each ecosystem on this machine, in turns.

    benches/side_by_side.py [--runs 5] [--set science]... [--stage warm-resolve]... [--peer bun]...

Stages: cold-resolve, warm-resolve, cold-build, warm-build. What each tool does in each of them, and how
its cache is emptied, stands in peers/python.py and peers/node.py. Printed are medians of wall and
processor seconds, and the median over the turns of ours divided by theirs.

Needs a release build of layerpress (cargo build --release) and the other tools (see there).
"""
import argparse
import pathlib
import tempfile

from peers import measure, node, python

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGES = ["cold-resolve", "warm-resolve", "cold-build", "warm-build"]
SETS = {**{name: (python.Python, given) for name, given in python.SETS.items()},
        **{name: (node.Node, given) for name, given in node.SETS.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", action="append", dest="sets", choices=SETS)
    parser.add_argument("--stage", action="append", dest="stages", choices=STAGES)
    parser.add_argument("--peer", action="append", dest="peers", choices=python.Python.others + node.Node.others)
    parser.add_argument("--python", help="an interpreter for uv to name, so that it looks for none")
    parser.add_argument("--tools", help="a folder with npm packages of the peers installed")
    args = parser.parse_args()
    print(measure.head(args.runs))
    for name in args.sets or SETS:
        kind, given = SETS[name]
        with tempfile.TemporaryDirectory() as folder:
            peers = kind(args, folder, given)
            for stage in args.stages or STAGES:
                measure.tell(name, stage, peers.measure(stage))


if __name__ == "__main__":
    main()
