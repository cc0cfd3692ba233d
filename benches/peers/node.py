"""Node: layerpress, npm, pnpm and bun, for nodejs22.x on x86_64, scripts off.

  cold-resolve   manifest to lock, empty cache         npm install --package-lock-only, pnpm and bun install
                                                       --lockfile-only
  warm-resolve   the same with a warm cache            npm and pnpm with --prefer-offline
  cold-build     lock, empty cache to a finished zip   npm ci, pnpm and bun install --frozen-lockfile (no zip)
  warm-build     the same with a warm cache            the same with --prefer-offline

Each tool has its own copy of the project. Before each run its lock (resolve), node_modules and dist are
removed; before a cold one its caches too, all of which lie in one folder of its own: --cache of npm; the
store, cache and state folders of pnpm; BUN_INSTALL_CACHE_DIR of bun; --cache-dir of layerpress. A warm
layerpress, like bun, takes a packument that came without freshness headers as fresh for some minutes.

Needs npm on PATH; pnpm and bun on PATH or below --tools (`npm install --prefix DIR pnpm bun`). A peer
that is missing is left out, and that is said.
"""
import json
import os
import pathlib
import shutil
import sys

from .measure import Peers

# About 31, 133 and 850 packages.
SETS = {
    "small": {"@aws-sdk/client-dynamodb": "^3.600.0", "uuid": "^11.0.0", "zod": "^3.23.0"},
    "api": {"express": "^4.21.0", "@aws-sdk/client-s3": "^3.600.0", "@aws-sdk/client-dynamodb": "^3.600.0",
            "sharp": "^0.33.0", "zod": "^3.23.0"},
    "large": {"webpack": "^4.47.0", "webpack-cli": "^3.3.12", "webpack-dev-server": "^3.11.3",
              "babel-loader": "^8.3.0", "@babel/core": "^7.20.0", "@babel/preset-env": "^7.20.0",
              "css-loader": "^3.6.0", "sass-loader": "^8.0.2", "html-webpack-plugin": "^4.5.2"},
}
LOCKS = {"layerpress": "package-lock.json", "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock"}


class Node(Peers):
    others = ["npm", "pnpm", "bun"]

    def __init__(self, args, folder, dependencies):
        super().__init__(args, folder)
        self.programs = {self.ours: args.bin}
        for peer in self.peers[1:]:
            below = pathlib.Path(args.tools or ".") / "node_modules/.bin" / peer
            found = str(below.resolve()) if args.tools and below.exists() else shutil.which(peer)
            if not found:
                print(f"{peer} is left out: neither on PATH nor below --tools", file=sys.stderr)
            self.programs[peer] = found
        self.peers = [peer for peer in self.peers if self.programs[peer]]
        for peer in self.peers:
            manifest = {"name": "app", "version": "1.0.0", "dependencies": dependencies}
            self.place(peer).mkdir()
            (self.place(peer) / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")

    def command(self, peer, stage):
        resolve, warm, place = stage.endswith("resolve"), stage.startswith("warm"), self.place(peer)
        cache = self.folder / f"cache-{peer}"
        for name in ["dist", "node_modules"]:
            self.put_away(place / name)
        if resolve:
            (place / LOCKS[peer]).unlink(missing_ok=True)
        if not warm:
            self.put_away(cache)
        program = self.programs[peer]
        variables = {**os.environ, "BUN_INSTALL_CACHE_DIR": str(cache), "npm_config_update_notifier": "false"}
        if peer == self.ours:
            return [program, "lock" if resolve else "build", "package.json", "--runtime", "nodejs22.x", "-q",
                    "--cache-dir", str(cache)], None
        if peer == "npm":
            what = ["install", "--package-lock-only"] if resolve else ["ci"]
            return [program, *what, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error",
                    "--cache", str(cache), *(["--prefer-offline"] if warm else [])], variables
        what = ["install", "--lockfile-only" if resolve else "--frozen-lockfile", "--ignore-scripts"]
        if peer == "pnpm":
            folders = [f"--config.{name}-dir={cache / name}" for name in ["store", "cache", "state"]]
            return [program, *what, *folders, "--reporter=silent", *(["--prefer-offline"] if warm else [])], variables
        return [program, *what, "--silent"], variables

    def prepare(self, stage):
        for peer in self.peers:
            if stage != "cold-resolve":
                self.run(peer, "cold-resolve")
            if stage == "warm-build":
                self.run(peer, "cold-build")
