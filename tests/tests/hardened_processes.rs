//! Do threads and processes of every kind work under the filter, and does what it closes open again by name?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};

/// `nono run -q --allow-cwd FLAGS -- COMMAND`.
fn nono(jail: &Jail, flags: &[&str], command: &[&str]) -> Ran {
    jail.args(["run", "-q", "--allow-cwd"].iter().chain(flags).chain(&["--"])).cmd(command).run()
}

/// The command is refused, in these words, and works once the guarantee is accepted to be open.
#[track_caller]
fn opens(jail: &Jail, command: &[&str], refusal: &str, guarantee: &str) -> Ran {
    let refused = nono(jail, &[], command);
    assert!(refused.captured().status.code() != Some(0), "{command:?} is not refused: {}", refused.stdout());
    refused.stderr_has(refusal);
    let open = nono(jail, &["--accept-gap", guarantee], command);
    open.success();
    open
}

/// What the C library makes of processes and threads, one way after the other: each says its name when it has worked.
const WAYS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;

static void *add(void *one) {
    for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&lock); total += *(int *)one; pthread_mutex_unlock(&lock); }
    return NULL;
}

static void ended(const char *way, pid_t pid) {
    int status = -1;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7) puts(way);
    else printf("%s: pid %d, status %d, %s\n", way, (int)pid, status, strerror(errno));
}

int main(void) {
    pthread_t threads[8];
    int one = 1;
    setbuf(stdout, NULL);
    for (int i = 0; i < 8; i++) if (pthread_create(&threads[i], NULL, add, &one)) return 1;
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    if (total == 8000) puts("threads");
    pid_t pid = fork();
    if (pid == 0) _exit(7);
    ended("fork", pid);
    pid = vfork();
    if (pid == 0) { execl("/bin/sh", "sh", "-c", "exit 7", NULL); _exit(1); }
    ended("vfork", pid);
    char *args[] = {"sh", "-c", "exit 7", NULL};
    pid = -1;
    errno = posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ);
    ended("posix_spawn", pid);
    if (WEXITSTATUS(system("exit 7")) == 7) puts("system");
    FILE *pipe = popen("echo popen", "r");
    char said[16] = "";
    if (pipe && fgets(said, sizeof said, pipe) && pclose(pipe) == 0) fputs(said, stdout);
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && sched_setaffinity(0, sizeof set, &set) == 0) puts("own processors");
    printf("clone3: %s\n", syscall(SYS_clone3, NULL, 0) == -1 ? strerror(errno) : "made");
    printf("by thread: %s\n", strerror(pthread_setaffinity_np(pthread_self(), sizeof set, &set)));
    return 0;
}
"#;

#[test]
fn threads_and_processes_of_the_c_library() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("cc"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/ways.c", WAYS);
        nono(&jail, &[], &["cc", "-pthread", "-o", "ways", "ways.c"]).success();
        let all = "threads\nfork\nvfork\nposix_spawn\nsystem\npopen\nown processors\n";
        // Bad arguments, if it is asked at all.
        let outside = jail.program("/bin/sh").cmd(["-c", "./ways"]).run();
        outside.success().stdout_is(&format!("{all}clone3: Invalid argument\nby thread: Success\n"));
        // The C library goes on with clone(2); a thread that names itself by number could be anyone's.
        let refused = format!("{all}clone3: Function not implemented\nby thread: Operation not permitted\n");
        nono(&jail, &[], &["./ways"]).success().stdout_is(&refused);
        let open = nono(&jail, &["--accept-gap", "other-processes"], &["./ways"]);
        open.success().stdout_has(all).stdout_has("by thread: Success\n");
    }
}

#[test]
fn programs_that_set_their_own_priority_and_limits() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("taskset"), Need::Program("prlimit"));
    for user in User::all() {
        let jail = Jail::of(user);
        for command in [
            "taskset -c 0 true",
            "nice -n 5 true",
            "ionice -c 3 true",
            "chrt -o 0 true",
            "prlimit --nofile=100 true",
            "ulimit -n 100",
        ] {
            nono(&jail, &[], &["sh", "-c", command]).success().stderr_is("");
        }
        // By number, also of one's own child.
        let command = "sleep 60 & renice -n 5 -p $!; status=$?; kill $!; exit $status";
        opens(&jail, &["sh", "-c", command], "Operation not permitted", "other-processes");
    }
}

const PYTHON: &str = "/usr/bin/python3";

/// `multiprocessing` as far as it needs no semaphores: with both ways to start that need no unix socket.
const PROCESSES: &str = "
import multiprocessing, os, sys, threading
def double(pipe):
    pipe.send(pipe.recv() * 2)
if __name__ == '__main__':
    counted = []
    threads = [threading.Thread(target=counted.append, args=(n,)) for n in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert sorted(counted) == list(range(8))
    for way in 'fork', 'spawn':
        context = multiprocessing.get_context(way)
        ours, theirs = context.Pipe()
        process = context.Process(target=double, args=(theirs,))
        process.start(); ours.send(21); print(way, ours.recv()); process.join()
        assert process.exitcode == 0
";

/// What needs semaphores, which the C library keeps below /dev/shm.
const POOL: &str = "
import multiprocessing
def fill(queue): queue.put('queued')
if __name__ == '__main__':
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    process = context.Process(target=fill, args=(queue,))
    process.start(); print(queue.get()); process.join()
    with context.Pool(4) as pool: print(sum(pool.map(abs, range(-9, 0))))
";

#[test]
fn python_processes_pipes_and_pools() {
    nono_tests::need!(Need::Landlock(1), Need::Program(PYTHON));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/processes.py", PROCESSES);
        jail.file("work/pool.py", POOL);
        nono(&jail, &[], &[PYTHON, "processes.py"]).success().stdout_is("fork 42\nspawn 42\n").stderr_is("");
        nono(&jail, &[], &[PYTHON, "pool.py"]).status(1).stderr_has("SemLock").stderr_has("PermissionError");
        nono(&jail, &["--allow", "/dev/shm"], &[PYTHON, "pool.py"]).success().stdout_is("queued\n45\n").stderr_is("");
    }
}

/// A manager is a server on a unix socket below `TMPDIR`.
const MANAGER: &str = "
import multiprocessing, os, socket
if __name__ == '__main__':
    listener = socket.socket(socket.AF_UNIX); listener.bind('socket'); listener.listen(); os.unlink('socket')
    with multiprocessing.get_context('fork').Manager() as manager: print(manager.list([1, 2, 3])[2])
";

#[test]
fn servers_on_unix_sockets_need_abi_9_or_the_gap() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program(PYTHON));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/manager.py", MANAGER);
        let command = [PYTHON, "manager.py"];
        if need::landlock_abi() >= 9 {
            nono(&jail, &[], &command).success().stdout_is("3\n");
        } else {
            opens(&jail, &command, "Address family not supported", "unix-sockets").stdout_is("3\n");
        }
    }
}

#[test]
fn memory_shared_by_number() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("ipcmk"), Need::Program("ipcrm"));
    for user in User::all() {
        let jail = Jail::of(user);
        let script = "made=$(ipcmk -M 4096) && ipcrm -m \"${made##* }\" && echo made and removed";
        opens(&jail, &["sh", "-c", script], "Operation not permitted", "ipc").stdout_is("made and removed\n");
    }
}

#[test]
fn namespaces_of_a_programs_own() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::UserNamespaces, Need::Full("unshare"));
    for user in User::all() {
        let jail = Jail::of(user);
        nono(&jail, &[], &["unshare", "-r", "true"]).status(1).stderr_has("unshare failed: Operation not permitted");
        opens(&jail, &["unshare", "-U", "true"], "Operation not permitted", "user-namespaces");
        // To be root in it takes a write below /proc, which is granted for reading only.
        let flags = ["--accept-gap", "user-namespaces", "--allow", "/proc"];
        nono(&jail, &flags[..2], &["unshare", "-r", "true"]).status(1).stderr_has("/proc/self/uid_map");
        if user == User::Nobody || !need::is_root() {
            nono(&jail, &flags, &["unshare", "-r", "true"]).success().stderr_is("");
        }
    }
}

/// Each line is the work of another process or thread, or of code made at run time.
const NODE: &str = "
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { fork, execFileSync, spawnSync } = require('child_process');
const fs = require('fs');
if (process.argv[2] === 'child') {
  process.on('message', (word) => process.send(word.toUpperCase(), () => process.disconnect()));
} else if (!isMainThread) {
  parentPort.on('message', (word) => { parentPort.postMessage(word.length); parentPort.close(); });
} else {
  (async () => {
    await fs.promises.writeFile('made', 'file');
    console.log('fs', await fs.promises.readFile('made', 'utf8'));
    const worker = new Worker(__filename);
    worker.postMessage('worker');
    console.log('worker', await new Promise((done) => worker.once('message', done)));
    const child = fork(__filename, ['child']);
    child.send('ipc');
    console.log('child', await new Promise((done) => child.once('message', done)));
    console.log('exec', execFileSync('sh', ['-c', 'cat made']).toString(), spawnSync('true').status);
    const module = new WebAssembly.Module(Buffer.from(
      '0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex'));
    console.log('jit', new WebAssembly.Instance(module).exports.add(40, 2));
    process.emitWarning = () => {};
    fs.watch('.', (event, name) => { if (name === 'seen') { console.log('watch', name); process.exit(0); } });
    fs.writeFileSync('seen', '');
  })();
}
";

#[test]
fn node_workers_children_and_jit() {
    nono_tests::need!(Need::Landlock(1), Need::Program("node"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/all.js", NODE);
        let outside = jail.program("/bin/sh").cmd(["-c", "node all.js"]).run();
        if !outside.stdout().contains("jit") {
            return need::skip("hardened_processes::node", "node does not do all of this outside");
        }
        let inside = nono(&jail, &[], &["node", "all.js"]);
        inside.success().stderr_is("").stdout_is(&outside.stdout());
    }
}
