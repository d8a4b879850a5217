/* What a system call costs here: run bare and in a sandbox, the difference is what the sandbox adds.
 *
 *   calls FILE BATCHES CALLS
 *
 * Prints how this process is filtered (`seccomp 0`: not at all; `seccomp 2`: by a filter), then a line for each kind of
 * call: its name and, for each batch of CALLS, how many nanoseconds one call took on average. A kind that makes several
 * calls in a row prints the time of all of them. One that fails ends the program: a refusal takes no time.
 *
 * Batches of the kinds alternate, so that what else the machine does hits all of them alike. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *file;
static int ends[2];    /* of a pipe */
static int sockets[2]; /* connected to each other */
static pid_t myself;

/* Nothing but a system call: what a filter adds shows best. Allowed by its number alone, as most calls are. */
static int number_only(void) { return syscall(SYS_getppid) < 0; }

/* The call that programs make most of those that Landlock decides. Allowed by number too. */
static int open_close(void) {
    int opened = openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    return opened < 0 || close(opened);
}

/* Each request is looked at, since some type into a terminal or change files: the filter runs to its end. */
static int request(void) {
    int waiting;
    return ioctl(ends[0], FIONREAD, &waiting);
}

/* Two arguments are looked at, if the first is not 0: here both. */
static int limits(void) {
    struct rlimit64 found;
    return prlimit64(myself, RLIMIT_NOFILE, NULL, &found);
}

/* Family and type are looked at. Three calls. */
static int pair(void) {
    int made[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made)) return 1;
    return close(made[0]) | close(made[1]);
}

/* A byte to itself; the flags of sending are looked at where TCP ports are granted. Two calls. */
static int message(void) {
    char byte = 0;
    return sendto(sockets[0], &byte, 1, 0, NULL, 0) != 1 || recvfrom(sockets[1], &byte, 1, 0, NULL, NULL) != 1;
}

static const struct kind { const char *name; int (*call)(void); } kinds[] = {
    { "getppid", number_only },
    { "openat,close", open_close },
    { "ioctl(FIONREAD)", request },
    { "prlimit64", limits },
    { "socketpair,close,close", pair },
    { "sendto,recvfrom", message },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Nanoseconds for one call of a batch. */
static double batch(const struct kind *kind, long calls) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long made = 0; made < calls; made++) {
        if (kind->call()) { perror(kind->name); exit(1); }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / calls;
}

int main(int count, char **arguments) {
    long batches = count == 4 ? atol(arguments[2]) : 0, calls = count == 4 ? atol(arguments[3]) : 0;
    double *times = calloc(KINDS * (batches > 0 ? batches : 1), sizeof *times);
    if (batches < 1 || calls < 1 || !times) { fputs("usage: calls FILE BATCHES CALLS\n", stderr); return 2; }
    file = arguments[1];
    myself = getpid();
    if (pipe(ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)) { perror("calls"); return 1; }
    for (int kind = 0; kind < KINDS; kind++) batch(&kinds[kind], calls); /* to warm up */
    for (long made = 0; made < batches; made++)
        for (int kind = 0; kind < KINDS; kind++) times[kind * batches + made] = batch(&kinds[kind], calls);
    printf("seccomp %d\n", prctl(PR_GET_SECCOMP));
    for (int kind = 0; kind < KINDS; kind++) {
        fputs(kinds[kind].name, stdout);
        for (long made = 0; made < batches; made++) printf(" %.1f", times[kind * batches + made]);
        putchar('\n');
    }
    return 0;
}
