/*
 * What the system says differently each time, for this program the same in every run of one seed:
 * random numbers (hash maps, tokio's select!, ids, back-off), drawn from the seed, and its clocks,
 * which stand still: simulated time moves by itself. No code under test needs to know. Each thread
 * draws from a row of its own, in the order in which they began to: what the log draws is not missing
 * in the simulation. Without a seed the system says what it says.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong threads;
static _Thread_local uint64_t state;
static _Thread_local int seeded = -1;

static int is_seeded(void) {
    if (seeded < 0) {
        const char *text = getenv("GSS_SIM_ENTROPY");
        seeded = text != NULL;
    }
    return seeded;
}

static uint64_t next(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    if (!is_seeded()) {
        return syscall(SYS_getrandom, buffer, length, flags);
    }
    if (state == 0) {
        uint64_t thread = atomic_fetch_add(&threads, 1) + 1;
        state = strtoull(getenv("GSS_SIM_ENTROPY"), NULL, 10) ^ (thread << 48);
    }
    unsigned char *bytes = buffer;
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (unsigned char)next();
    }
    return (ssize_t)length;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!is_seeded() || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)) {
        return (int)syscall(SYS_clock_gettime, clock, now);
    }
    now->tv_sec = clock == CLOCK_REALTIME ? 1795132800 : 1000000;
    now->tv_nsec = 0;
    return 0;
}
