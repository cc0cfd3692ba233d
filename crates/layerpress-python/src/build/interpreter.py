# Says what the interpreter is, as one line of JSON. Runs under every Python from 2.7 on.
import json
import os
import platform
import sys
import sysconfig

version = "%d.%d.%d" % sys.version_info[:3]
level = sys.version_info[3]
if level != "final":
    version += {"alpha": "a", "beta": "b", "candidate": "rc"}.get(level, level)
    version += str(sys.version_info[4])
implementation = getattr(sys, "implementation", None)
try:
    libc, libc_version = os.confstr("CS_GNU_LIBC_VERSION").split()
except (AttributeError, ValueError, OSError):
    libc, libc_version = "", ""
print(
    json.dumps(
        {
            "executable": os.path.realpath(
                getattr(sys, "_base_executable", None) or sys.executable
            ),
            "version": version,
            "implementation": implementation.name if implementation else "",
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "bits": 64 if sys.maxsize > 2**32 else 32,
            "platform": sysconfig.get_platform(),
            "libc": libc,
            "libc_version": libc_version,
            "os_name": os.name,
            "sys_platform": sys.platform,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": platform.release(),
            "platform_system": platform.system(),
            "platform_version": platform.version(),
        }
    )
)
