"""A struct that C fills, declared as in its header."""

import time

from loadstone import Library

libc = Library("c", version=6)
clock = libc.declare("""
struct timeval { time_t tv_sec; suseconds_t tv_usec; };
int gettimeofday(struct timeval *now, void *zone);
""")
now = clock.timeval()
assert clock.gettimeofday(now, None) == 0
print("C and Python agree on the time:", abs(now.tv_sec - time.time()) < 2)
