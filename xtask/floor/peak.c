/* peak COMMAND...: runs COMMAND and prints the most memory it had, in KB, over all programs it became.
 *
 * wait4(2) counts what a process had before execve(2) as well, even what it shared with the parent: so this parent
 * has next to nothing, and the last COMMAND of the chain should have as little. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child == 0 && count > 1) execv(arguments[1], arguments + 1);
    if (child <= 0) _exit(125);
    if (wait4(child, &status, 0, &usage) != child || status) return 1;
    return printf("%ld\n", usage.ru_maxrss) < 0;
}
