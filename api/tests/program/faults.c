/* Faults for a program under test: a clock that is off, a disk that is full, a sync that fails. Preloaded before the C
 * library. The file that MILEPOST_FAULTS names is shared with the test, which switches the faults on and off in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t clock_offset_seconds;
    int32_t disk_is_full;
    int32_t sync_fails;
    int32_t log_is_full;
};

static const struct faults none;

static const struct faults *faults(void) {
    static const struct faults *shared;
    if (!shared) {
        const struct faults *found = &none;
        const char *path = getenv("MILEPOST_FAULTS");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) {
            void *map = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, fd, 0);
            if (map != MAP_FAILED) found = map;
            close(fd);
        }
        shared = found;
    }
    return shared;
}

static int is_file(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static int has_no_room(int fd) {
    const struct faults *now = faults();
    if (fd == 2) return now->log_is_full;
    return now->disk_is_full && is_file(fd);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FULL_OR(name, returns, parameters, ...)       \
    returns name parameters {                         \
        static __typeof__(&name) next;                \
        if (!next) next = NEXT(name);                 \
        if (has_no_room(fd)) {                        \
            errno = ENOSPC;                           \
            return -1;                                \
        }                                             \
        return next(__VA_ARGS__);                     \
    }

FULL_OR(write, ssize_t, (int fd, const void *from, size_t bytes), fd, from, bytes)
FULL_OR(pwrite, ssize_t, (int fd, const void *from, size_t bytes, off_t at), fd, from, bytes, at)
FULL_OR(pwrite64, ssize_t, (int fd, const void *from, size_t bytes, off64_t at), fd, from, bytes, at)
FULL_OR(fallocate, int, (int fd, int mode, off_t at, off_t bytes), fd, mode, at, bytes)

#define SYNC(name)                                    \
    int name(int fd) {                                \
        static __typeof__(&name) next;                \
        if (!next) next = NEXT(name);                 \
        if (faults()->sync_fails && is_file(fd)) {    \
            errno = EIO;                              \
            return -1;                                \
        }                                             \
        return next(fd);                              \
    }

SYNC(fsync)
SYNC(fdatasync)

int clock_gettime(clockid_t which, struct timespec *at) {
    static __typeof__(&clock_gettime) next;
    if (!next) next = NEXT(clock_gettime);
    int outcome = next(which, at);
    if (outcome == 0 && which == CLOCK_REALTIME) at->tv_sec += faults()->clock_offset_seconds;
    return outcome;
}
