#!/usr/bin/env python3
"""Builds layers from the locks of pnpm, Yarn and bun, and holds what Node.js finds in each against what
it finds in the folder that the tool itself installs.

    tests/compare/with_lock_tools.py [--tool pnpm=PATH] [--tool yarn=PATH] [--tool berry=PATH] [--tool bun=PATH] [--set NAME]...

A tool's PATH is its script or program (pnpm.cjs, yarn.js of either Yarn, bun). Every set of
npm_sets.json is locked and installed by the tool, for production and without scripts, and the layer is
built from the lock. From the project on, every dependency of every package is looked up as Node.js
does: the same names have to lead to the same versions, and nothing may be missing that the tool has.

Needs a built layerpress (or --bin), node on PATH and a machine that is the layer's target. Exit 0 when
nothing differs.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOCKS = {"pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "berry": "yarn.lock", "bun": "bun.lock"}


def install(kind, path, folder):
    """Runs a tool so that it locks, then installs what production needs."""
    env = {**os.environ, "CI": "", "YARN_ENABLE_TELEMETRY": "0", "YARN_ENABLE_IMMUTABLE_INSTALLS": "false"}
    script = ["node", path]
    commands = {
        "pnpm": [script + ["install", "--lockfile-only"],
                 script + ["install", "--frozen-lockfile", "--prod", "--ignore-scripts"]],
        "yarn": [script + ["install", "--production", "--ignore-scripts", "--non-interactive"]],
        "berry": [script + ["install"], script + ["workspaces", "focus", "--production"]],
        "bun": [[path, "install", "--save-text-lockfile", "--lockfile-only"],
                [path, "install", "--frozen-lockfile", "--production", "--ignore-scripts", "--linker", "hoisted"]],
    }
    if kind == "berry":
        (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\nenableScripts: false\n")
    for command in commands[kind]:
        run = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")


def manifest_of(folder):
    try:
        return json.loads((folder / "package.json").read_text("utf-8-sig"))
    except (OSError, ValueError):
        return {}


def lookup(start, name):
    """The folder that Node.js finds by a name from a folder, links followed."""
    folder = start
    while True:
        found = folder / "node_modules" / name
        if folder.name != "node_modules" and (found / "package.json").is_file():
            return found.resolve()
        if folder.parent == folder:
            return None
        folder = folder.parent


def edges(root, manifest):
    """What every name leads to: (package, name) -> versions, of all that the project leads to."""
    found = {}
    root = root.resolve()
    wanted = {**manifest.get("dependencies", {}), **manifest.get("optionalDependencies", {})}
    seen, waiting = {root}, [(root, "project", wanted)]
    while waiting:
        folder, label, names = waiting.pop()
        for name in names:
            place = lookup(folder, name)
            package = manifest_of(place) if place else {}
            version = f"{package.get('name')}@{package.get('version')}" if place else "nothing"
            found.setdefault((label, name), set()).add(version)
            if place and place not in seen:
                seen.add(place)
                lists = ("dependencies", "optionalDependencies")
                below = {name for field in lists for name in package.get(field) or {}}
                # What comes along with a package is its own business.
                below -= set(package.get("bundleDependencies") or package.get("bundledDependencies") or [])
                waiting.append((place, version, sorted(below)))
    return found


def compare(kind, path, manifest, binary, scratch):
    project, layer = scratch / "project", scratch / "layer"
    project.mkdir()
    (project / "package.json").write_text(json.dumps(manifest, indent=2))
    install(kind, path, project)
    theirs = edges(project, manifest)
    bare = scratch / "bare"
    bare.mkdir()
    for name in ("package.json", LOCKS[kind], ".yarnrc.yml"):
        if (project / name).is_file():
            shutil.copy(project / name, bare / name)
    node = subprocess.run(["node", "-p", "process.versions.node.split('.')[0]"], capture_output=True, text=True)
    command = [binary, "build", LOCKS[kind], "--runtime", f"nodejs{node.stdout.strip()}.x", "--profile", "none",
               "-o", str(scratch / "layer.zip")]
    environment = {**os.environ, "npm_config_ignore_scripts": "true"}
    run = subprocess.run(command, cwd=bare, env=environment, capture_output=True, text=True)
    if run.returncode not in (0, 1) or not (scratch / "layer.zip").is_file():
        raise RuntimeError(run.stderr)
    with zipfile.ZipFile(scratch / "layer.zip") as archive:
        archive.extractall(layer)
    ours = edges(layer / "nodejs", manifest)
    different = []
    for key in sorted(theirs.keys() | ours.keys()):
        there, here = theirs.get(key, set()), ours.get(key, set())
        # A name may lead to several versions where a package lies in several places.
        if not here <= there and not there <= here or bool(there - {"nothing"}) != bool(here - {"nothing"}):
            different.append(f"{key[0]} -> {key[1]}: {kind} {sorted(there)}, layerpress {sorted(here)}")
    return len(theirs), different


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", action="append", required=True, metavar="KIND=PATH", help="pnpm, yarn, berry, bun")
    parser.add_argument("--set", action="append", dest="sets")
    parser.add_argument("--bin", default=str(ROOT / "target/release/layerpress"))
    options = parser.parse_args()
    sets = json.loads((HERE / "npm_sets.json").read_text())
    failed = False
    for name in options.sets or ["express", "lambda-api", "middy", "react-peers", "nest", "graphql"]:
        manifest = {"name": "app", "version": "1.0.0", "private": True, **sets[name]}
        for tool in options.tool:
            kind, _, path = tool.partition("=")
            with tempfile.TemporaryDirectory() as scratch:
                try:
                    binary = str(pathlib.Path(options.bin).resolve())
                    count, different = compare(kind, path, manifest, binary, pathlib.Path(scratch))
                except RuntimeError as error:
                    count, different = 0, [str(error)]
            failed |= bool(different)
            print(f"{name}, {kind}: {count} names, {len(different)} differ", flush=True)
            for line in different:
                print(f"  {line}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
