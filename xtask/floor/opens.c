/* Opens a file again and again: opens FILE BATCHES THREADS. Each thread makes BATCHES batches of 200 opens at the same
 * time. Prints nanoseconds an open: of the fastest batch, of the median batch, and of all opens of all threads by the time
 * that passed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 200, MOST = 64 };
static const char *file;
static int batches;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static int rising(const void *one, const void *other) {
    double first = *(const double *)one, second = *(const double *)other;
    return (first > second) - (first < second);
}

static void *work(void *room) {
    double *times = room;
    for (int batch = 0; batch < batches; batch++) {
        double start = now();
        for (int at = 0; at < BATCH; at++) {
            int opened = openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
            if (opened < 0) perror(file), exit(1);
            close(opened);
        }
        times[batch] = (now() - start) / BATCH;
    }
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t threads[MOST];
    int number = count > 3 ? atoi(arguments[3]) : 1;
    if (count < 3 || number < 1 || number > MOST || (batches = atoi(arguments[2])) < 1)
        return fputs("usage: opens FILE BATCHES [THREADS]\n", stderr), 2;
    file = arguments[1];
    double *times = calloc((size_t)batches * number, sizeof *times), start = now();
    for (int at = 0; at < number; at++)
        if (pthread_create(&threads[at], NULL, work, times + (size_t)at * batches)) return perror("pthread_create"), 1;
    for (int at = 0; at < number; at++) pthread_join(threads[at], NULL);
    double all = (now() - start) / ((double)batches * number * BATCH);
    qsort(times, (size_t)batches * number, sizeof *times, rising);
    printf("%.0f %.0f %.0f\n", times[0], times[(size_t)batches * number / 2], all);
    return 0;
}
