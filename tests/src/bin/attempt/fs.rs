//! Reading, writing and executing files outside the grants, by every name they have.

use crate::act::{Act, Attempt, Scene, Stop, c_path, effect};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{DeviceIoctl, Files, Truncate};
use nono_tests::attempt::Party::{Device, Victim};
use nono_tests::attempt::Promise;
use nono_tests::attempt::Proof::{Secret, Tree};
use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, ResolveFlags};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("fs-read", &[Files], |scene| reveal(scene, scene.outside("secret"))).proof(Secret),
    Attempt::new("fs-read-openat2", &[Files], read_openat2).proof(Secret),
    Attempt::new("fs-read-by-directory", &[Files], read_by_directory).proof(Secret),
    Attempt::new("fs-read-reopen-path-descriptor", &[Files], read_reopened).proof(Secret),
    Attempt::new("fs-read-symlink", &[Files], read_symlink).proof(Secret),
    Attempt::new("fs-read-dotdot", &[Files], |scene| reveal(scene, "../outside/secret")).proof(Secret),
    Attempt::new("fs-read-after-chdir", &[Files], read_after_chdir).proof(Secret),
    Attempt::new("fs-read-proc-self-root", &[Files], |scene| read_below(scene, "/proc/self/root")).proof(Secret),
    Attempt::new("fs-read-proc-self-cwd", &[Files], |scene| reveal(scene, "/proc/self/cwd/../outside/secret"))
        .proof(Secret),
    Attempt::new("fs-read-victim-root", &[Files], read_victim_root).with(Victim).proof(Secret).refusals(&["ENOENT"]),
    Attempt::new("fs-read-victim-cwd", &[Files], read_victim_cwd).with(Victim).proof(Secret).refusals(&["ENOENT"]),
    Attempt::new("fs-read-victim-descriptor", &[Files], read_victim_fd)
        .with(Victim)
        .proof(Secret)
        .refusals(&["ENOENT"]),
    Attempt::new("fs-read-by-handle", &[Files], read_by_handle).root().proof(Secret).absent(&["EOPNOTSUPP"]),
    Attempt::new("fs-read-hard-link", &[Files], read_hard_link).proof(Secret),
    Attempt::new("fs-read-sendfile", &[Files], read_sendfile).proof(Secret),
    Attempt::new("fs-list", &[Files], list).proof(Secret),
    Attempt::new("fs-list-reopened", &[Files], list_reopened).proof(Secret),
    Attempt::new("fs-write", &[Files], |scene| write(scene, OpenOptions::new().write(true))).proof(Tree),
    Attempt::new("fs-append", &[Files], |scene| write(scene, OpenOptions::new().append(true))).proof(Tree),
    Attempt::new("fs-read-write", &[Files], |scene| write(scene, OpenOptions::new().read(true).write(true)))
        .proof(Tree),
    Attempt::new("fs-write-reopened", &[Files], write_reopened).proof(Tree),
    Attempt::new("fs-punch-hole", &[Files], punch_hole).proof(Tree).absent(&["EOPNOTSUPP"]),
    Attempt::new("truncate-path", &[Truncate], truncate_path).proof(Tree),
    Attempt::new("truncate-descriptor", &[Truncate], truncate_descriptor).proof(Tree),
    Attempt::new("truncate-open-read-only", &[Truncate], |scene| open_truncating(scene, OFlags::RDONLY)).proof(Tree),
    Attempt::new("truncate-open-write-only", &[Truncate], |scene| open_truncating(scene, OFlags::WRONLY)).proof(Tree),
    Attempt::new("truncate-open-read-write", &[Truncate], |scene| open_truncating(scene, OFlags::RDWR)).proof(Tree),
    Attempt::new("truncate-open-mode-3", &[Truncate], |scene| open_truncating(scene, OFlags::ACCMODE)).proof(Tree),
    Attempt::new("truncate-openat2", &[Truncate], truncate_openat2).proof(Tree),
    Attempt::new("truncate-openat2-mode-3", &[Truncate], truncate_openat2_mode_3).proof(Tree),
    Attempt::new("exec-outside", &[Files], exec_outside),
    Attempt::new("exec-script-outside", &[Files], exec_script).absent(&["ENOENT"]),
    Attempt::new("exec-by-loader", &[Files], exec_by_loader).refusals(&["NOEFFECT"]),
    Attempt::new("exec-by-descriptor", &[Files], exec_by_descriptor),
    Attempt::new("exec-map", &[Files], exec_map),
    Attempt::new("exec-memory-file", &[Files], exec_memory_file).promise(Promise::Unpromised),
    Attempt::new("ioctl-device", &[DeviceIoctl], ioctl_device).with(Device),
    Attempt::new("fs-work-is-usable", &[Files], work_is_usable).promise(Promise::Works),
];

fn reveal(scene: &Scene, path: impl AsRef<Path>) -> Act {
    scene.reveal(&fs::read(path)?)
}

fn reveal_file(scene: &Scene, file: impl AsFd) -> Act {
    let mut bytes = [0; 256];
    let length = rustix::io::pread(file, &mut bytes, 0)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

fn read_openat2(scene: &Scene) -> Act {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let path = scene.outside("secret");
    reveal_file(scene, rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)?)
}

fn path_descriptor(path: PathBuf) -> Result<std::os::fd::OwnedFd, Stop> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}

fn read_by_directory(scene: &Scene) -> Act {
    let dir = path_descriptor(scene.dir().to_owned())?;
    reveal_file(scene, rustix::fs::openat(dir, "secret", OFlags::RDONLY, Mode::empty())?)
}

fn magic_link(fd: &impl AsRawFd) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}

fn read_reopened(scene: &Scene) -> Act {
    let path = path_descriptor(scene.outside("secret"))?;
    reveal(scene, magic_link(&path))
}

fn read_symlink(scene: &Scene) -> Act {
    std::os::unix::fs::symlink(scene.outside("secret"), "link")?;
    reveal(scene, "link")
}

fn read_after_chdir(scene: &Scene) -> Act {
    rustix::process::chdir(scene.dir())?;
    reveal(scene, "secret")
}

fn read_below(scene: &Scene, root: &str) -> Act {
    let path = scene.outside("secret");
    reveal(scene, Path::new(root).join(path.strip_prefix("/").unwrap_or(&path)))
}

fn read_victim_root(scene: &Scene) -> Act {
    read_below(scene, &format!("/proc/{}/root", scene.value("pid")?))
}

fn read_victim_cwd(scene: &Scene) -> Act {
    reveal(scene, format!("/proc/{}/cwd/secret", scene.value("pid")?))
}

fn read_victim_fd(scene: &Scene) -> Act {
    reveal(scene, format!("/proc/{}/fd/{}", scene.value("pid")?, scene.value("fd")?))
}

/// By a file handle, which names an inode and no path.
fn read_by_handle(scene: &Scene) -> Act {
    let path = c_path(scene.outside("secret"))?;
    let (mut handle, mut mount) = ([0_u8; 136], [0_u8; 4]);
    handle[0] = 128;
    call!(libc::SYS_name_to_handle_at, libc::AT_FDCWD, &path, &mut handle[..], &mut mount[..], 0)?;
    let root = File::open(".")?;
    let opened = call!(libc::SYS_open_by_handle_at, root.as_fd(), &mut handle[..], libc::O_RDONLY);
    reveal_file(scene, sys::descriptor(opened)?)
}

fn read_hard_link(scene: &Scene) -> Act {
    fs::hard_link(scene.outside("secret"), "hard")?;
    reveal(scene, "hard")
}

fn read_sendfile(scene: &Scene) -> Act {
    let (from, to) = (File::open(scene.outside("secret"))?, File::create("copy")?);
    rustix::fs::sendfile(&to, &from, None, 64)?;
    reveal(scene, "copy")
}

fn list(scene: &Scene) -> Act {
    for entry in fs::read_dir(scene.outside("list"))? {
        scene.reveal(entry?.file_name().as_encoded_bytes())?;
    }
    Ok(())
}

fn list_reopened(scene: &Scene) -> Act {
    let path = path_descriptor(scene.outside("list"))?;
    for entry in fs::read_dir(magic_link(&path))? {
        scene.reveal(entry?.file_name().as_encoded_bytes())?;
    }
    Ok(())
}

fn write(scene: &Scene, options: &OpenOptions) -> Act {
    Ok(options.open(scene.outside("victim"))?.write_all(b"written")?)
}

fn write_reopened(scene: &Scene) -> Act {
    let path = path_descriptor(scene.outside("victim"))?;
    Ok(OpenOptions::new().write(true).open(magic_link(&path))?.write_all(b"written")?)
}

fn punch_hole(scene: &Scene) -> Act {
    let file = OpenOptions::new().write(true).open(scene.outside("victim"))?;
    Ok(rustix::fs::fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 8)?)
}

fn truncate_path(scene: &Scene) -> Act {
    let path = c_path(scene.outside("victim"))?;
    call!(libc::SYS_truncate, &path, 0)?;
    Ok(())
}

fn truncate_descriptor(scene: &Scene) -> Act {
    Ok(OpenOptions::new().write(true).open(scene.outside("victim"))?.set_len(0)?)
}

fn open_truncating(scene: &Scene, access: OFlags) -> Act {
    let path = scene.outside("victim");
    rustix::fs::open(path, access | OFlags::TRUNC | OFlags::CLOEXEC, Mode::empty())?;
    Ok(())
}

fn truncate_openat2(scene: &Scene) -> Act {
    let flags = OFlags::RDONLY | OFlags::TRUNC;
    rustix::fs::openat2(CWD, scene.outside("victim"), flags, Mode::empty(), ResolveFlags::empty())?;
    Ok(())
}

fn truncate_openat2_mode_3(scene: &Scene) -> Act {
    let flags = OFlags::ACCMODE | OFlags::TRUNC;
    rustix::fs::openat2(CWD, scene.outside("victim"), flags, Mode::empty(), ResolveFlags::empty())?;
    Ok(())
}

/// Whether the copy of this program said that it ran.
fn ran(command: &mut Command, status: i32) -> Act {
    let output = command.output()?;
    effect(output.status.code() == Some(status), &format!("{} {}", output.status, output.stderr.escape_ascii()))
}

fn exec_outside(scene: &Scene) -> Act {
    ran(Command::new(scene.outside("program")).arg("ran"), 42)
}

fn exec_script(scene: &Scene) -> Act {
    ran(&mut Command::new(scene.outside("script")), 0)
}

fn exec_by_loader(scene: &Scene) -> Act {
    let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1"];
    let dynamic = cfg!(all(target_env = "gnu", not(target_feature = "crt-static")));
    let loader = loaders.iter().find(|path| dynamic && fs::symlink_metadata(path).is_ok());
    let loader =
        loader.ok_or_else(|| Stop::Unsupported("this program is static, or its loader has another name".into()))?;
    ran(Command::new(loader).arg(scene.outside("program")).arg("ran"), 42)
}

/// fexecve(3): the descriptor opened with `O_PATH`, which no access right guards.
fn exec_by_descriptor(scene: &Scene) -> Act {
    let program = rustix::fs::open(scene.outside("program"), OFlags::PATH, Mode::empty())?;
    ran(Command::new(magic_link(&program)).arg("ran"), 42)
}

fn exec_map(scene: &Scene) -> Act {
    let program = File::open(scene.outside("program"))?;
    effect(sys::map_executable(program.as_fd())? == *b"\x7fELF", "no ELF program was mapped")
}

fn exec_memory_file(_: &Scene) -> Act {
    let mut memory = File::from(rustix::fs::memfd_create("program", rustix::fs::MemfdFlags::empty())?);
    memory.write_all(&fs::read("/proc/self/exe")?)?;
    ran(Command::new(magic_link(&memory)).arg("ran"), 42)
}

fn ioctl_device(_: &Scene) -> Act {
    // RNDGETENTCNT: writes one int.
    const REQUEST: u32 = 0x8004_5200;
    if fs::symlink_metadata("device").is_err() {
        return Err(Stop::Unsupported("only root can make a device node".into()));
    }
    let device = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("device")?;
    let mut bits = [0_u8; 4];
    call!(libc::SYS_ioctl, device.as_fd(), REQUEST, &mut bits[..])?;
    effect(bits != [0; 4], "the device told nothing")
}

/// What a sandbox that refuses everything would fail.
fn work_is_usable(_: &Scene) -> Act {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open("sub/new")?;
    file.write_all_at(b"text", 0)?;
    fs::rename("sub/new", "newer")?;
    rustix::fs::accessat(CWD, "newer", rustix::fs::Access::READ_OK, AtFlags::empty())?;
    effect(fs::read("newer")? == b"text", "what was written is not what is read")?;
    Ok(fs::remove_file("newer")?)
}
