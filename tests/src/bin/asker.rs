//! Does what it is asked to, for real: a request a line on standard input, what came of it a line on standard output. Words are
//! parted by tabs: what is done, and with what.
#![expect(clippy::print_stdout, reason = "this is how it answers")]

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect, listen, socket};
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["self", nono, question @ ..] => println!("{}", own(nono, question)),
            words => match act(words) {
                Ok(()) => println!("ok"),
                Err(error) => println!("errno {}", error.raw_os_error().unwrap_or(0)),
            },
        }
        io::stdout().flush()?;
    }
    Ok(())
}

fn act(words: &[&str]) -> io::Result<()> {
    match words {
        ["read", path] if fs::metadata(path).is_ok_and(|found| found.is_dir()) => list(path),
        ["read", path] => File::open(path).map(drop),
        ["list", path] => list(path),
        ["write", path] => File::options().write(true).open(path).map(drop),
        ["create", path] => File::options().write(true).create_new(true).open(path).map(drop),
        ["delete", path] if fs::symlink_metadata(path)?.is_dir() => fs::remove_dir(path),
        ["delete", path] => fs::remove_file(path),
        ["exec", path] => execute(path),
        ["rename", from, to] => fs::rename(from, to),
        ["connect", port] => {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
            Ok(connect(&socket, &address(port)?)?)
        }
        ["bind", port] => {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
            bind(&socket, &address(port)?)?;
            Ok(listen(&socket, 1)?)
        }
        ["unix", path] => UnixStream::connect(path).map(drop),
        _ => Err(Errno::NOSYS.into()),
    }
}

fn list(path: &str) -> io::Result<()> {
    fs::read_dir(path).map(drop)
}

fn execute(path: &str) -> io::Result<()> {
    let quiet = Command::new(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if quiet.success() { Ok(()) } else { Err(Errno::CHILD.into()) }
}

fn address(port: &str) -> io::Result<SocketAddrV4> {
    let port = port.parse().map_err(io::Error::other)?;
    Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// What `nono why --self` says, from in here: its exit status, and its line.
fn own(nono: &str, question: &[&str]) -> String {
    let ran = Command::new(nono).args(["why", "--self", "--json"]).args(question).stdin(Stdio::null()).output();
    let Ok(ran) = ran else { return "exit - not started".to_owned() };
    let said = if ran.status.code() == Some(2) { ran.stderr } else { ran.stdout };
    let said = String::from_utf8(said).unwrap_or_default();
    format!("exit {} {}", ran.status.code().unwrap_or(-1), said.trim().replace('\n', " "))
}
