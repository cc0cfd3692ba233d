"""Python: layerpress and uv, for python3.13 on x86_64, wheels only.

  cold-resolve   manifest to lock, empty cache           uv pip compile
  warm-resolve   the same with a warm cache              uv pip compile --offline
  cold-build     empty cache to a finished zip           uv pip install --target (no zip)
  warm-build     lock and cache warm to a finished zip   uv pip install --target (hard links, no zip)

A warm uv resolve is measured offline, because an index that sends no freshness headers makes uv ask it
again each time; layerpress takes such a page as fresh for ten minutes. Each tool has a cache folder of
its own, a new one for a cold run. Needs uv on PATH (`pip install uv`).
"""
from .measure import Peers

SETS = {
    "boto3": ["requests", "boto3"],
    "requests-pandas": ["requests", "pandas"],
    "science": ["pandas", "numpy", "scipy", "scikit-learn"],
    "airflow": ["apache-airflow"],
    "airflow-extras": ["apache-airflow[amazon,google,postgres,celery]"],
}


class Python(Peers):
    others = ["uv"]

    def __init__(self, args, folder, requirements):
        super().__init__(args, folder)
        for peer in self.peers:
            self.place(peer).mkdir()
            (self.place(peer) / "requirements.txt").write_text("\n".join(requirements) + "\n")

    def command(self, peer, stage):
        resolve, place = stage.endswith("resolve"), self.place(peer)
        cache = self.folder / f"cache-{peer}"
        if stage.startswith("cold"):
            self.put_away(cache)
        if peer == self.ours:
            self.put_away(place / "dist")
            if resolve:
                (place / "pylock.toml").unlink(missing_ok=True)
            return [self.args.bin, "lock" if resolve else "build", "requirements.txt", "--runtime", "python3.13",
                    "--only-binary", ":all:", "-q", "--cache-dir", str(cache)], None
        self.put_away(place / "target")
        platform = ["--python-version", "3.13.12", "--python-platform", "x86_64-manylinux_2_34",
                    "--only-binary", ":all:", "-q", "--no-python-downloads", "--cache-dir", str(cache)]
        if self.args.python:
            platform += ["-p", self.args.python]
        offline = ["--offline"] if stage.startswith("warm") else []
        if resolve:
            # uv takes what an earlier output holds for preferences, as we do a lock.
            (place / "uv.txt").unlink(missing_ok=True)
            return ["uv", "pip", "compile", "requirements.txt", "-o", "uv.txt", *platform, *offline], None
        return ["uv", "pip", "install", "-r", "uv.txt", "--no-deps", "--target", "target", *platform, *offline], None

    def prepare(self, stage):
        for peer in self.peers:
            if stage != "cold-resolve":
                self.run(peer, "cold-resolve")
            if stage == "warm-build":
                self.run(peer, "cold-build")
