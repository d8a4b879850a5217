/* A floor for supervised opens: a broker that does nothing but what the kernel and safety require.
 *
 *   broker continue|inject GRANTED APPROVED COMMAND [ARG...]
 *
 * COMMAND runs under Landlock with reading of GRANTED and of what programs need to start. Its opens are notified. Below
 * GRANTED they go on; with `inject`, what is below APPROVED is pinned by O_PATH below the caller's own root or working
 * directory, looked at, opened anew and handed over in one step. Everything else goes on, and Landlock answers. One thread,
 * reading alone, no questions, no log, no check of who asks: what a supervisor costs above this is its own. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH AUDIT_ARCH_RISCV64
#endif
#define SET_FLAGS _IOW('!', 4, uint64_t) /* Linux 6.6 */
#define WAIT_KILLABLE_RECV (1u << 5)     /* Linux 5.19 */

struct rule { uint64_t access; int32_t fd; } __attribute__((packed));

static void fail(const char *what) { perror(what); exit(125); }

static void grant(int ruleset, const char *path) {
    struct rule rule = { 0, open(path, O_PATH | O_CLOEXEC) };
    struct stat found;
    if (rule.fd < 0) return;
    rule.access = fstat(rule.fd, &found) || !S_ISDIR(found.st_mode) ? 0x05 : 0x0d; /* EXECUTE, READ_FILE; READ_DIR */
    if (syscall(445, ruleset, 1, &rule, 0)) fail(path);
    close(rule.fd);
}

/* Sends `fd`, or receives one if it is negative. */
static int pass(int socket, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (fd < 0) {
        if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 1) fail("recvmsg");
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        return fd;
    }
    *header = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(socket, &message, 0) < 1) fail("sendmsg");
    return 0;
}

static void confine(const char *granted, char **command, int socket) {
    const char *needed[] = { "/usr", "/bin", "/lib", "/lib64", "/etc", granted, command[0] };
    uint64_t handled = 0x7fff;
    int ruleset = syscall(444, &handled, sizeof handled, 0), listener;
    for (unsigned at = 0; at < sizeof needed / sizeof *needed; at++) grant(ruleset, needed[at]);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(446, ruleset, 0)) fail("landlock_restrict_self");
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE_RECV;
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener < 0) listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) fail("seccomp");
    pass(socket, listener);
    close(listener);
    execv(command[0], command);
    fail(command[0]);
}

static int below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return !strncmp(path, directory, length) && path[length] == '/' && !strstr(path, "/.");
}

/* Reads to the end of the page, then one page more. */
static int read_path(pid_t thread, uint64_t address, char *path) {
    size_t first = 4096 - address % 4096;
    struct iovec to = { path, first }, from = { (void *)(uintptr_t)address, first };
    if (process_vm_readv(thread, &to, 1, &from, 1, 0) < 1) return -1;
    if (memchr(path, 0, first)) return 0;
    to = (struct iovec){ path + first, 4096 - first };
    from = (struct iovec){ (void *)(uintptr_t)(address + first), 4096 - first };
    return process_vm_readv(thread, &to, 1, &from, 1, 0) > 0 && memchr(path, 0, 4096) ? 0 : -1;
}

/* What is handed over; negative: the kernel answers. */
static int broker(int listener, struct seccomp_notif *call, const char *path, const char *approved) {
    char name[64], real[4096];
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS | (*path == '/' ? RESOLVE_IN_ROOT : 0) };
    struct stat pinned, opened;
    struct statfs system;
    int process, base, pin = -1, out = -1;
    snprintf(name, sizeof name, "/proc/%u", call->pid);
    process = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    base = openat(process, *path == '/' ? "root" : "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base >= 0 && !ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id)) pin = syscall(SYS_openat2, base, path, &how, sizeof how);
    if (pin >= 0 && !fstat(pin, &pinned) && S_ISREG(pinned.st_mode) && !fstatfs(pin, &system) && system.f_type != 0x9fa0) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", pin);
        ssize_t length = readlink(name, real, sizeof real - 1);
        real[length < 0 ? 0 : length] = 0;
        if (below(real, approved)) out = open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (out >= 0 && (fstat(out, &opened) || opened.st_ino != pinned.st_ino || opened.st_dev != pinned.st_dev)) out = (close(out), -1);
    }
    close(pin), close(base), close(process);
    return out;
}

int main(int count, char **arguments) {
    int ends[2], listener, status, inject;
    if (count < 5) return fputs("usage: broker continue|inject GRANTED APPROVED COMMAND...\n", stderr), 125;
    inject = !strcmp(arguments[1], "inject");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fail("socketpair");
    pid_t child = fork();
    if (!child) confine(arguments[2], arguments + 4, ends[1]);
    listener = pass(ends[0], -1);
    ioctl(listener, SET_FLAGS, (uint64_t)1); /* SYNC_WAKE_UP */
    for (struct pollfd ready = { listener, POLLIN, 0 }; poll(&ready, 1, -1) > 0 && !(ready.revents & POLLHUP);) {
        struct seccomp_notif call = { 0 };
        char path[4097] = { 0 };
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) continue;
        int known = !read_path(call.pid, call.data.args[1], path), out = -1;
        if (known && inject && !below(path, arguments[2])) out = broker(listener, &call, path, arguments[3]);
        if (out >= 0) {
            struct seccomp_notif_addfd add = { call.id, SECCOMP_ADDFD_FLAG_SEND, out, 0, O_CLOEXEC };
            ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
            close(out);
        } else {
            struct seccomp_notif_resp answer = { .id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        }
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
