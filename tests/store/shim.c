/* Between the journal and the disk: at the Nth call that writes, something goes wrong.
   Loaded with LD_PRELOAD; armed by the process itself: shim_arm(which, after, action, error).
   which: bit mask of the calls that count; action: 0 fail with `error`, 1 die, 2 write half and die,
   3 write half and say all was written (a disk that lies), 4 write a part, garbage after it, and die: `error` is the seed of
   both. shim_calls() tells how many were counted, shim_fired() whether it happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, UNLINK = 8, LOCK = 16 };
static int which, after = -1, action, error, calls, fired;

void shim_arm(int mask, int nth, int what, int code) { which = mask; after = nth; action = what; error = code; calls = fired = 0; }
int shim_calls(void) { return calls; }
int shim_fired(void) { return fired; }

static int now(int call) {
    if (!(which & call) || ++calls != after) return 0;
    fired = 1;
    if (action == 1) kill(getpid(), SIGKILL);
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t wrong_write(int file, const void *bytes, size_t size, off64_t at) {
    if (action == 0) { errno = error; return -1; }
    if (action == 4) {
        srand(error);
        size_t whole = size ? rand() % size : 0, torn = size - whole;
        unsigned char *garbage = malloc(torn);
        for (size_t place = 0; place < torn; place++) garbage[place] = rand();
        REAL(pwrite64)(file, bytes, whole, at);
        REAL(pwrite64)(file, garbage, torn, at + whole);
        kill(getpid(), SIGKILL);
    }
    REAL(pwrite64)(file, bytes, size / 2, at);
    if (action == 2) kill(getpid(), SIGKILL);
    return size;
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
    return now(WRITE) ? wrong_write(file, bytes, size, at) : REAL(pwrite64)(file, bytes, size, at);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    return now(WRITE) ? wrong_write(file, bytes, size, at) : REAL(pwrite)(file, bytes, size, at);
}
#define WRONG(call) if (now(call)) { if (action == 0) { errno = error; return -1; } kill(getpid(), SIGKILL); }
int fdatasync(int file) { WRONG(SYNC) return REAL(fdatasync)(file); }
int fsync(int file) { WRONG(SYNC) return REAL(fsync)(file); }
int ftruncate64(int file, off64_t size) { WRONG(TRUNCATE) return REAL(ftruncate64)(file, size); }
int ftruncate(int file, off_t size) { WRONG(TRUNCATE) return REAL(ftruncate)(file, size); }
static int locks(int command) { return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK; }
#define LOCKING(name) \
    int name(int file, int command, ...) { \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        if (locks(command)) WRONG(LOCK) \
        return REAL(name)(file, command, argument); \
    }
LOCKING(fcntl)
LOCKING(fcntl64)
int unlink(const char *path) { WRONG(UNLINK) return REAL(unlink)(path); }
