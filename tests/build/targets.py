"""What the tests of workers have called in them."""

import os
import subprocess
import sys
import time


def echo(payload):
    return {"got": payload}


def pid(payload):
    return {"pid": os.getpid()}


def leave_a_child_and_hang(payload):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(payload["note"], "w") as file:
        file.write(str(child.pid))
    time.sleep(60)


def grow_in_a_child(payload):
    code = "import time; x = b'x' * (300 << 20); time.sleep(60)"
    subprocess.run([sys.executable, "-c", code], check=True)


def map_a_file(payload):
    import mmap

    with open(payload["path"], "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with mapped:
        total = sum(mapped[i] for i in range(0, len(mapped), 4096))
        time.sleep(0.3)
    return {"total": total}


def reserve(payload):
    import mmap

    with mmap.mmap(-1, 8 << 30) as mapped:  # address space, of which one page is used
        mapped[0] = 1
        time.sleep(0.3)
    return {}


def out_of_memory(payload):
    raise MemoryError


def disk_full(payload):
    raise OSError(28, "No space left on device")


def print_much(payload):
    print("x" * 100_000)
    print("the end")
    os.write(1, b"from C\n")
    return {}


def read_standard_input(payload):
    return {"read": sys.stdin.read()}


def describe(payload):
    import signal

    files = {int(name) for name in os.listdir("/dev/fd")}
    return {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "files": sorted(fd for fd in files if os.path.exists(f"/dev/fd/{fd}")),
        "inherited": payload.get("fd") in files,
        "mge": "mgeconvert.frontends.mge" in sys.modules,
        "default": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    }
