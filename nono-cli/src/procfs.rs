//! Paths of single processes below `/proc` (proc(5)): next time the number is another one, or another process's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// What `path` would be called for any process: `/proc/PID/comm`. None if it is of no single process.
pub(crate) fn of_any_process(path: &Path) -> Option<PathBuf> {
    let mut names = path.strip_prefix("/proc").ok()?.components();
    let Some(Component::Normal(first)) = names.next() else { return None };
    let is_number = |name: &OsStr| name.as_bytes().iter().all(u8::is_ascii_digit);
    if !is_number(first) {
        return None;
    }
    let mut any = PathBuf::from("/proc/PID");
    let mut before = first;
    for name in names {
        let name = name.as_os_str();
        // Threads have numbers too.
        any.push(if before == "task" && is_number(name) { OsStr::new("TID") } else { name });
        before = name;
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_processes_are_of_one() {
        let any = |path: &str| of_any_process(Path::new(path)).map(|path| path.to_str().unwrap().to_owned());
        assert_eq!(any("/proc/12/comm").as_deref(), Some("/proc/PID/comm"));
        assert_eq!(any("/proc/12").as_deref(), Some("/proc/PID"));
        assert_eq!(any("/proc/12/task/13/comm").as_deref(), Some("/proc/PID/task/TID/comm"));
        assert_eq!(any("/proc/12/fd/3").as_deref(), Some("/proc/PID/fd/3"));
        for other in ["/proc", "/proc/sys/kernel", "/proc/self/comm", "/proc/12a/comm", "/srv/12", "proc/12", ""] {
            assert_eq!(any(other), None, "{other}");
        }
    }
}
