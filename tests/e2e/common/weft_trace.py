"""Stopping one thread of a running program, as a debugger does, while its others go on."""
import ctypes
import os

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def trace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def thread_named(process, name):
    """The id of the oldest thread of that name."""
    for thread in sorted(map(int, os.listdir(f"/proc/{process}/task"))):
        with open(f"/proc/{process}/task/{thread}/comm") as file:
            if file.read().strip() == name:
                return thread
    raise LookupError(f"process {process} has no thread {name}")


def stop(thread):
    """It has stopped when this returns. PermissionError where the kernel doesn't let us."""
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    os.waitpid(thread, WAIT_ALL)


def bury(thread):
    """Its process was killed while it was stopped, and can end only when whoever stopped it has taken note."""
    os.waitpid(thread, WAIT_ALL)


def resume(thread):
    trace(DETACH, thread)
