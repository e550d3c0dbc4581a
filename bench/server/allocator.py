"""The C library's memory allocator, set alike for every server that is measured.

asyncio allocates a receive buffer of 256 KB for each `recv`. By default glibc maps and unmaps a block of that size each
time, or keeps it, depending on what the process freed before: the same server then costs 9 or 27 µs a message. With
these variables (mallopt(3)) it keeps the block. So each server is measured at its best, and runs can be compared.
Other C libraries ignore the variables.
"""

ENVIRON = {
    "MALLOC_MMAP_THRESHOLD_": "1048576",  # bytes: smaller blocks come from the heap
    "MALLOC_TRIM_THRESHOLD_": "4194304",  # bytes of free memory at its end that the heap keeps
    "MALLOC_TOP_PAD_": "1048576",  # bytes by which it grows beyond what is asked for
}
NOTE = "each server runs with " + " ".join(f"{name}={value}" for name, value in ENVIRON.items())
