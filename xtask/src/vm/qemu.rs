//! Machines that guests run on: what is emulated, and how one is started.

use crate::fetch::Architecture;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use xshell::{Shell, cmd};

/// How long a guest may take that starts with the hardware's help; they take one second.
const TRIAL: Duration = Duration::from_secs(8);

/// A kind of machine that can be emulated here.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    architecture: Architecture,
    program: &'static str,
    /// The hardware helps (KVM); else every instruction is translated.
    pub(super) accelerated: bool,
}

/// What a guest is started with.
#[derive(Debug, Clone)]
pub(super) struct Boot<'a> {
    pub(super) kernel: &'a Path,
    pub(super) initramfs: &'a Path,
    /// More words on the kernel's command line; those it does not know become variables of its first process.
    pub(super) words: String,
}

impl Machine {
    /// Finds the emulator.
    pub(super) fn find(shell: &Shell, architecture: Architecture, install: bool) -> anyhow::Result<Machine> {
        let (program, package) = match architecture {
            Architecture::Amd64 => ("qemu-system-x86_64", "qemu-system-x86"),
            Architecture::Arm64 => ("qemu-system-aarch64", "qemu-system-arm"),
        };
        let is_there = || cmd!(shell, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
        if !is_there() {
            if !install {
                bail!("{program} is missing: install the package {package}, or say --install");
            }
            cmd!(shell, "apt-get update -q -q").run()?;
            let command = cmd!(shell, "apt-get install -y -q -q --no-install-recommends {package}");
            command.env("DEBIAN_FRONTEND", "noninteractive").ignore_stdout().run()?;
        }
        if !is_there() {
            bail!("{program} does not start");
        }
        Ok(Machine { architecture, program, accelerated: false })
    }

    /// Lets the hardware help (KVM) if a guest really starts that way: a device, and even a machine, may be there and guests
    /// fail all the same, as they do in some virtual machines.
    pub(super) fn accelerate(&mut self, boot: &Boot<'_>) -> anyhow::Result<()> {
        let own = match self.architecture {
            Architecture::Amd64 => cfg!(target_arch = "x86_64"),
            Architecture::Arm64 => cfg!(target_arch = "aarch64"),
        };
        if !own || File::options().read(true).write(true).open("/dev/kvm").is_err() {
            return Ok(());
        }
        let fast = Machine { accelerated: true, ..self.clone() };
        let mut child = fast.start(&Boot { words: "vm=trial".into(), ..boot.clone() }, Console::Pipe)?;
        let lines = lines(&mut child)?;
        let until = Instant::now() + TRIAL;
        // Ends with the guest, or when it has had its time.
        while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.accelerated |= line.starts_with("@@TRIAL");
        }
        let _ended = child.kill();
        child.wait()?;
        Ok(())
    }

    /// Starts a guest whose console is this process's, or a pipe.
    pub(super) fn start(&self, boot: &Boot<'_>, console: Console) -> anyhow::Result<Child> {
        let (machine, cpu, terminal) = match self.architecture {
            // Without these devices it starts in half the time.
            // Of `max`, wide vectors and tables of five levels take a third of the time. Without random numbers from the
            // processor, getrandom(2) on 5.10 may wait for minutes: an idle guest has few interrupts to gather them from.
            Architecture::Amd64 => ("q35,usb=off,smbus=off,sata=off", "Nehalem,+rdrand", "ttyS0,115200"),
            // Of `max`, pointer authentication alone takes half the time.
            Architecture::Arm64 => ("virt", "cortex-a72", "ttyAMA0"),
        };
        // Emulated processors wait for each other more than they help.
        let (accelerator, cpu, processors) = if self.accelerated { ("kvm", "host", "2") } else { ("tcg", cpu, "1") };
        // A qemu must not live longer than the thread that waits for it.
        let has_setpriv = Path::new("/usr/bin/setpriv").exists();
        let mut command = if has_setpriv {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--pdeathsig", "KILL", "--", self.program]);
            command
        } else {
            Command::new(self.program)
        };
        command.args(["-M", machine, "-accel", accelerator, "-cpu", cpu, "-smp", processors, "-m", "2048"]);
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot"]);
        command.arg("-kernel").arg(boot.kernel).arg("-initrd").arg(boot.initramfs);
        // A panic ends the guest at once; only what is fatal is said among the lines of the tests. What keeps processors from
        // guessing has no use where they are emulated, and costs most there.
        let fixed = "panic=-1 quiet loglevel=1 mitigations=off audit=0 random.trust_cpu=on";
        let words = format!("console={terminal} {fixed} {}", boot.words);
        command.args(["-append", &words]);
        match console {
            Console::Terminal => command.args(["-serial", "mon:stdio"]),
            Console::Pipe => {
                command.args(["-monitor", "none", "-serial", "stdio"]);
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())
            }
        };
        command.spawn().with_context(|| format!("cannot start {}", self.program))
    }
}

/// Where a guest's console is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Console {
    /// The terminal of whoever wants a shell in the guest.
    Terminal,
    /// For this program.
    Pipe,
}

/// What a guest with a piped console says, line by line, until it ends.
pub(super) fn lines(guest: &mut Child) -> anyhow::Result<Receiver<String>> {
    let console = guest.stdout.take().context("qemu has a console")?;
    let (sender, lines) = mpsc::channel();
    // Ends when the guest does, or when nobody listens.
    std::thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// Where the guests' consoles are kept.
pub(super) fn logs(target: &Path) -> anyhow::Result<PathBuf> {
    let logs = target.join("test-vm/logs");
    std::fs::create_dir_all(&logs)?;
    Ok(logs)
}
