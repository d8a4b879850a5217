//! A small tree below the working directory, flags about it, and questions.

use crate::random::Random;
use nono_tests::jail::{Jail, User};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

const DIRECTORIES: [&str; 6] = ["a", "a/d", "a/d/g", "b", "b/it's $e", "c"];

/// What there is, by its path from the working directory.
pub(crate) struct Tree {
    pub(crate) directories: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) links: Vec<String>,
    pub(crate) socket: Option<String>,
    /// Two that somebody listens on, and two that are free.
    pub(crate) ports: [u16; 4],
    _servers: Vec<TcpListener>,
    _unix: Option<UnixListener>,
}

impl Tree {
    pub(crate) fn make(jail: &Jail, user: User, random: &mut Random) -> Tree {
        let work = jail.work();
        fs::remove_file(work.join("file.txt")).unwrap();
        let mut directories = Vec::new();
        for name in DIRECTORIES {
            if !random.one_in(6) {
                fs::create_dir_all(work.join(name)).unwrap();
            }
        }
        for name in DIRECTORIES {
            if fs::metadata(work.join(name)).is_ok() {
                directories.push(name.to_owned());
            }
        }
        directories.push(".".to_owned());
        let (mut files, mut links) = (Vec::new(), Vec::new());
        for number in 0..4 + random.below(4) {
            let name = format!("{}/f{number}", random.pick(&directories));
            fs::write(work.join(&name), "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(work.join(&name), fs::Permissions::from_mode(0o755)).unwrap();
            files.push(plain(&name));
        }
        for number in 0..random.below(3) {
            let name = plain(&format!("{}/h{number}", random.pick(&directories)));
            fs::hard_link(work.join(random.pick(&files)), work.join(&name)).unwrap();
            files.push(name);
        }
        for number in 0..=random.below(4) {
            let name = plain(&format!("{}/l{number}", random.pick(&directories)));
            let target = if random.one_in(2) { random.pick(&files).clone() } else { random.pick(&directories).clone() };
            let up = "../".repeat(name.matches('/').count());
            let absolute = work.join(&target);
            let target = if random.one_in(3) { absolute } else { format!("{up}{target}").into() };
            symlink(target, work.join(&name)).unwrap();
            links.push(name);
        }
        let socket = random.one_in(3).then(|| plain(&format!("{}/s", random.pick(&directories))));
        let unix = socket.as_ref().map(|name| UnixListener::bind(work.join(name)).unwrap());
        user.own(&jail.root()).unwrap();
        let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut servers: Vec<TcpListener> = (0..4).map(listen).collect();
        let ports = [0, 1, 2, 3].map(|at: usize| servers[at].local_addr().unwrap().port());
        servers.truncate(2);
        Tree { directories, files, links, socket, ports, _servers: servers, _unix: unix }
    }

    fn any(&self, random: &mut Random) -> String {
        let directory = random.one_in(3);
        random.pick(if directory { &self.directories } else { &self.files }).clone()
    }

    /// Flags about files, as words; and as a profile's lists, if `profile`.
    pub(crate) fn grants(&self, random: &mut Random) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        for _ in 0..=random.below(3) {
            let flag = *random.pick(&["--allow", "--read", "--read", "--write"]);
            let whole = random.one_in(3);
            all.push((flag, if whole { ".".to_owned() } else { self.any(random) }));
        }
        for _ in 0..random.below(3) {
            let missing = random.one_in(6);
            let path =
                if missing { plain(&format!("{}/new", random.pick(&self.directories))) } else { self.any(random) };
            if path != "." {
                all.push(("--deny", path));
            }
        }
        all
    }

    /// Flags about the network. Those that take a supervisor only if `supervised`: where `unshare(2)` is refused altogether, it
    /// cannot look at its own descriptors.
    pub(crate) fn network(&self, random: &mut Random, supervised: bool) -> Vec<String> {
        let port = |at: usize| self.ports[at].to_string();
        let pair = |flag: &str, value: String| vec![flag.to_owned(), value];
        let mut flags = match random.below(9) {
            0 => vec!["--net".to_owned()],
            1 => vec!["--net-block".to_owned()],
            2 => pair("--allow-connect", port(0)),
            3 if supervised => pair("--allow-port", port(0)),
            4 if supervised => pair("--allow-bind", port(2)),
            _ => Vec::new(),
        };
        if let Some(socket) =
            self.socket.as_ref().filter(|_| supervised && random.one_in(3) && !flags.iter().any(|one| one == "--net"))
        {
            flags.extend(pair("--allow-unix", socket.clone()));
        }
        flags
    }

    /// What is done, and with what.
    pub(crate) fn question(&self, random: &mut Random) -> Vec<String> {
        let words = |op: &str, path: String| vec![op.to_owned(), path];
        match random.below(20) {
            0..4 => words("read", self.spelled(random)),
            4..7 => words("write", self.spelled_file(random)),
            7..9 => words("exec", self.spelled_file(random)),
            9..11 => words("list", self.spelled_directory(random)),
            11..13 => words("create", plain(&format!("{}/n{}", self.spelled_directory(random), random.below(3)))),
            // Directories are removed in `answers`: a new one in the place of an old one has no rule.
            13..15 => {
                let link = random.one_in(4);
                words("delete", random.pick(if link { &self.links } else { &self.files }).clone())
            }
            15..18 => {
                let to = plain(&format!("{}/m{}", self.spelled_directory(random), random.below(3)));
                vec!["rename".to_owned(), self.any(random), to]
            }
            18 => match random.below(2) {
                0 => words("connect", random.pick(&self.ports[..2]).to_string()),
                _ => words("bind", random.pick(&self.ports[2..]).to_string()),
            },
            _ => match &self.socket {
                Some(socket) => words("unix", socket.clone()),
                None => words("read", self.spelled(random)),
            },
        }
    }

    fn spelled(&self, random: &mut Random) -> String {
        if random.one_in(3) { self.spelled_directory(random) } else { self.spelled_file(random) }
    }

    /// By its name, by a link, or around by another directory.
    fn spelled_file(&self, random: &mut Random) -> String {
        match random.below(5) {
            0 => random.pick(&self.links).clone(),
            1 => self.around(random.pick(&self.files).clone(), random),
            _ => random.pick(&self.files).clone(),
        }
    }

    fn spelled_directory(&self, random: &mut Random) -> String {
        match random.below(6) {
            0 => random.pick(&self.links).clone(),
            1 => self.around(random.pick(&self.directories).clone(), random),
            _ => random.pick(&self.directories).clone(),
        }
    }

    fn around(&self, path: String, random: &mut Random) -> String {
        let by = random.pick(&self.directories);
        if by == "." { path } else { format!("{by}/{}{path}", "../".repeat(by.matches('/').count() + 1)) }
    }
}

fn plain(path: &str) -> String {
    path.strip_prefix("./").unwrap_or(path).to_owned()
}
