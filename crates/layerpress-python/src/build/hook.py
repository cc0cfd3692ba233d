# Calls one hook of a build backend (PEP 517): what to call stands in one JSON file, what came of it
# goes into another. Everything that the hook prints goes where the process prints.
import importlib
import json
import os
import sys


def load(call):
    sys.path[:0] = call["backend_path"]
    module_name, _, attributes = call["backend"].partition(":")
    backend = importlib.import_module(module_name)
    if call["backend_path"]:
        # An in-tree backend must come from the source tree, not from what is installed.
        origin = os.path.realpath(getattr(backend, "__file__", None) or "")
        folders = [os.path.realpath(folder) + os.sep for folder in call["backend_path"]]
        if not any(origin.startswith(folder) for folder in folders):
            raise ImportError(
                "the build backend %r was not found in `backend-path`" % module_name
            )
    for attribute in attributes.split("."):
        if attribute:
            backend = getattr(backend, attribute)
    return backend


def main():
    # The folder of this file is no place to import from.
    del sys.path[0]
    # Backends read and change the arguments.
    request, reply = sys.argv[1:]
    del sys.argv[1:]
    with open(request) as file:
        call = json.load(file)
    hook = getattr(load(call), call["hook"], None)
    if hook is None:
        answer = {"missing": True}
    else:
        answer = {"value": hook(*call["arguments"])}
    with open(reply, "w") as file:
        json.dump(answer, file)


main()
