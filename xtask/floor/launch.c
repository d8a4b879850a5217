/* A floor for start-up: a launcher that does nothing but what the kernel requires.
 *
 *   launch GRANT... -- COMMAND [ARG...]
 *
 * GRANT is a directory (read, list and execute), `+DIRECTORY` (everything below it) or `@FILE` (directories, one a
 * line). There are no checks, no messages and no resolution of paths: what a launcher costs above this is its own.
 * Numbers from <linux/landlock.h>, so that it builds with older headers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ruleset { uint64_t fs, net, scoped; };
struct rule { uint64_t access; int32_t fd; } __attribute__((packed));

static const uint64_t EVERYTHING = 0x7fff; /* all rights on files of ABI 3; ioctl is 0x8000 */
static const uint64_t READING = 0x0d;      /* EXECUTE | READ_FILE | READ_DIR */

static int failed(const char *what) { perror(what); return 125; }

static int grant(int ruleset, const char *path, uint64_t access) {
    struct rule rule = { access, open(path, O_PATH | O_CLOEXEC) };
    if (rule.fd < 0 || syscall(445, ruleset, 1, &rule, 0)) return failed(path);
    return close(rule.fd);
}

int main(int count, char **arguments) {
    struct ruleset handled = { EVERYTHING, 0, 0 };
    char line[4097];
    int at, ruleset = syscall(444, &handled, sizeof handled.fs, 0);
    if (ruleset < 0) return failed("landlock_create_ruleset");
    for (at = 1; at < count && strcmp(arguments[at], "--"); at++) {
        char *given = arguments[at];
        if (*given == '@') {
            FILE *list = fopen(given + 1, "re");
            if (!list) return failed(given);
            while (fgets(line, sizeof line, list)) {
                line[strcspn(line, "\n")] = 0;
                if (grant(ruleset, line, READING)) return 125;
            }
            fclose(list);
        } else if (grant(ruleset, given + (*given == '+'), *given == '+' ? EVERYTHING : READING)) {
            return 125;
        }
    }
    if (at + 1 >= count) return failed("usage: launch GRANT... -- COMMAND");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(446, ruleset, 0)) return failed("landlock_restrict_self");
    execvp(arguments[at + 1], arguments + at + 1);
    return failed(arguments[at + 1]);
}
