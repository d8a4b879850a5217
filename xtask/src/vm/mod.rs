//! `cargo xtask test-vm`: the tests of this repository on many kernels, each in a virtual machine of its own.
//!
//! Kernels and the guests' few programs come from Debian's packages, through an apt with a state of its own. The test
//! programs are built static once, and lie in one archive that every guest begins with; nothing is written to a disk.

mod archive;
mod console;
mod guest;
mod guests;
mod image;
mod kernels;
mod programs;
mod qemu;
mod table;

use crate::ci::Went;
use crate::cross;
use crate::fetch::{Apt, Architecture, cache};
use crate::tests_run::target_dir;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use guests::Guests;
use image::{USER, Work};
use kernels::Kernel;
use programs::{Programs, TestProgram};
use qemu::{Boot, Machine};
use std::path::PathBuf;
use std::time::Instant;
use table::Tested;
use xshell::{Shell, cmd};

/// Arguments of `cargo xtask test-vm`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "a flag of the command line is a bool")]
pub(crate) struct TestVm {
    /// Which kernels: all, quick (three), or versions such as 6.12 or 6.1,7.0
    #[arg(long, default_value = "quick", value_name = "VERSIONS")]
    kernel: String,
    /// For which processors
    #[arg(long, value_enum, default_value = "x86_64", value_name = "NAME")]
    arch: Machines,
    /// Only test programs whose name contains NAME; `NAME::TEST` runs one test of them
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Only as one user
    #[arg(long, value_name = "NAME", value_parser = ["root", USER])]
    user: Option<String>,
    /// How many guests run at once; each has two processors, or one that is emulated
    #[arg(long, default_value = "3")]
    jobs: usize,
    /// Keep the archive that guests begin with
    #[arg(long)]
    keep: bool,
    /// A shell in a guest instead of the tests
    #[arg(long)]
    shell: bool,
    /// Install qemu if it is missing
    #[arg(long)]
    install: bool,
    /// Write the page docs/kernels.md; needs all kernels, and all tests
    #[arg(long, conflicts_with_all = ["filter", "user", "shell"])]
    write: bool,
}

/// Machines that guests can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Machines {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
}

impl Machines {
    /// The target that programs are built for: the one of this machine's own C library, if it is of this kind.
    fn target(self) -> &'static str {
        match self {
            Machines::X86_64 if cfg!(target_arch = "x86_64") => "x86_64-unknown-linux-gnu",
            Machines::X86_64 => "x86_64-unknown-linux-musl",
            Machines::Aarch64 if cfg!(target_arch = "aarch64") => "aarch64-unknown-linux-gnu",
            Machines::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }

    fn packages(self) -> Architecture {
        match self {
            Machines::X86_64 => Architecture::Amd64,
            Machines::Aarch64 => Architecture::Arm64,
        }
    }
}

impl TestVm {
    /// Without any flag.
    fn quick() -> TestVm {
        TestVm {
            kernel: "quick".into(),
            arch: Machines::X86_64,
            filter: None,
            user: None,
            jobs: 3,
            keep: false,
            shell: false,
            install: false,
            write: false,
        }
    }

    fn is_quick(&self) -> bool {
        self.kernel == "quick" && self.filter.is_none()
    }

    /// Test programs that are not run, and why.
    fn left_out(&self) -> Vec<(&'static str, &'static str)> {
        let long = NOT_QUICK.iter().filter(|_| self.is_quick()).map(|name| (*name, "not in the quick set"));
        LEFT_OUT.into_iter().chain(long).collect()
    }

    /// Mass tests are made in parts, a part a kernel; whole when they are asked for by name.
    fn samples(&self) -> Vec<(&'static str, usize)> {
        let parts = SAMPLED.iter().map(|(suite, all, few)| (*suite, if self.is_quick() { *few } else { *all }));
        parts.filter(|(_, parts)| *parts > 1 && self.filter.is_none()).collect()
    }
}

/// How long one test program may take in a guest; without help from the hardware, the longest takes a tenth of it.
const LIMIT: &str = "900";

/// Test programs that are not run in guests, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("older_kernels", "it pretends to be what other guests are"),
    ("attempts_outside", "escape makes the same attempts, outside as well as inside"),
];

/// Test programs that are run as one user, unless they are asked for by name: they ask nothing of a kernel that differs by user
/// and that no other suite asks.
const ONCE: [&str; 9] = [
    "completions",
    "nono-cli",
    "nono-macos",
    "nono-macos/golden",
    "nono-macos/handover",
    "nono-macos/model",
    "profiles",
    "seatbelt",
    "words",
];

/// What the quick set leaves out besides: what takes longest, and asks little of the kernel that other suites do not ask.
const NOT_QUICK: [&str; 26] = [
    "answers",
    "bad_input",
    "completions",
    "deputy",
    "explain",
    "explain_supervised",
    "faults",
    "first_steps",
    "learn",
    "nono-cli",
    "nono-macos",
    "nono-macos/golden",
    "nono-macos/handover",
    "nono-macos/model",
    "profiles",
    "races",
    "seatbelt",
    "shell",
    "supervised",
    "supervised_jobs",
    "supervised_programs",
    "supervised_terminal",
    "terminal",
    "users",
    "why",
    "words",
];

/// Suites whose parts are made by one kernel each, and how many parts there are: of all kernels, and of the quick ones.
const SAMPLED: [(&str, usize, usize); 4] =
    [("deny", 96, 96), ("deputy", 192, 192), ("escape", 48, 96), ("faults", 96, 192)];

/// Cases of mass tests, for emulation is slow: less than a tenth; and in the quick set.
const CASES: [(&str, &str, &str); 3] =
    [("NONO_TEST_CASES", "800", "800"), ("NONO_TEST_MODEL_CASES", "400", "150"), ("NONO_TEST_WHY_CASES", "70", "70")];

/// What guests need from elsewhere: an emulator, and kernels.
#[derive(Debug)]
struct Fetched {
    machine: Machine,
    /// Each kernel, and the file that a machine boots.
    booted: Vec<(Kernel, PathBuf)>,
    /// Kernels that cannot be had any more.
    gone: Vec<String>,
}

/// Runs the tests in guests. Whether all passed.
pub(crate) fn run(shell: &Shell, options: &TestVm) -> anyhow::Result<bool> {
    let began = Instant::now();
    if options.write && options.kernel != "all" {
        bail!("--write needs --kernel all: the page tells of every kernel");
    }
    test(shell, options, fetch(shell, options)?, began)
}

/// The quick set, as part of `cargo xtask ci`. Without an emulator, or kernels to be had, it is skipped.
pub(crate) fn quick(shell: &Shell) -> anyhow::Result<Went> {
    let began = Instant::now();
    let options = TestVm::quick();
    match fetch(shell, &options) {
        Ok(fetched) => test(shell, &options, fetched, began).map(Went::from),
        Err(error) => {
            println!("skipped: tests on other kernels: {error:#}");
            Ok(Went::Skipped)
        }
    }
}

fn fetch(shell: &Shell, options: &TestVm) -> anyhow::Result<Fetched> {
    let architecture = options.arch.packages();
    let machine = Machine::find(shell, architecture, options.install)?;
    let cache = cache()?;
    let apt = Apt::open(shell, architecture)?;
    let (kernels, gone) = kernels::choose(&apt, architecture, &options.kernel)?;
    let images = kernels.into_iter().map(|kernel| {
        let image = kernels::image(&apt, &kernel, &cache)?;
        Ok((kernel, image))
    });
    Ok(Fetched { machine, booted: images.collect::<anyhow::Result<_>>()?, gone })
}

fn test(shell: &Shell, options: &TestVm, fetched: Fetched, began: Instant) -> anyhow::Result<bool> {
    let Fetched { mut machine, booted, gone } = fetched;
    let architecture = options.arch.packages();
    let environment = cross::environment(shell, options.arch.target(), true)?;
    println!("building the tests for {}", environment.target);
    let programs = programs::build(shell, &environment)?;
    let work = work(options, &programs)?;
    let target = target_dir(shell)?;
    let logs = qemu::logs(&target)?;
    let initramfs = target.join(format!("test-vm/initramfs-{}", architecture.debian()));
    image::write(shell, &Apt::open(shell, architecture)?, &work, &cache()?, &initramfs)?;
    if let Some((_, image)) = booted.first() {
        machine.accelerate(&Boot { kernel: image, initramfs: &initramfs, words: String::new() })?;
    }
    let help = if machine.accelerated { "with KVM" } else { "emulated, for KVM does not work here" };
    println!(
        "{} kernels, {} test programs on each, {help}; {} s so far",
        booted.len(),
        work.runs.len(),
        began.elapsed().as_secs()
    );
    let guests = Guests { machine, initramfs, logs, expected: work.runs.len(), samples: options.samples() };
    if options.shell {
        let (kernel, image) = booted.first().context("no kernel was chosen")?;
        return guests.shell(kernel, image);
    }
    let tested = guests.all(&booted, options.jobs.max(1))?;
    if !options.keep {
        shell.remove_path(&guests.initramfs)?;
    }
    report(shell, options, &tested, &gone)?;
    let good = tested.iter().filter(|one| one.is_good()).count();
    println!("{good} of {} kernels good, {} skipped, in {} s", tested.len(), gone.len(), began.elapsed().as_secs());
    Ok(good == tested.len() && !tested.is_empty())
}

/// The tables, for the terminal and for programs, and the page if it is asked for.
fn report(shell: &Shell, options: &TestVm, tested: &[Tested], gone: &[String]) -> anyhow::Result<()> {
    let date = cmd!(shell, "date -u +%Y-%m-%d").quiet().read()?;
    let name = options.arch.packages().debian();
    let json = table::json(tested, gone, name, &date);
    let place = target_dir(shell)?.join(format!("test-vm/kernels-{name}.json"));
    shell.write_file(place, format!("{json:#}\n"))?;
    println!("{}", table::text(tested, gone));
    if options.write {
        shell.write_file("docs/kernels.md", table::page(tested, gone, name, &date, &partly(options)))?;
    }
    for (name, why) in options.left_out() {
        println!("skipped: {name}: {why}");
    }
    Ok(())
}

/// What guests do not run, or not all of it, in words.
fn partly(options: &TestVm) -> String {
    let left_out = options.left_out().into_iter().map(|(name, why)| format!("Left out: {name} ({why})."));
    let samples = options.samples().into_iter().map(|(suite, parts)| {
        format!("Of {suite} each kernel makes another part of {parts}; `cargo xtask test` makes all, on one kernel.")
    });
    let once = format!(
        "As an ordinary user only, for they ask nothing that differs by user and that no other suite asks: {}.",
        ONCE.join(", ")
    );
    left_out.chain([once]).chain(samples).collect::<Vec<_>>().join("\n")
}

/// What is run: everything, or what the filter names.
fn work<'a>(options: &'a TestVm, programs: &'a Programs) -> anyhow::Result<Work<'a>> {
    let filter = options.filter.as_deref().unwrap_or_default();
    let (group, tests) = filter.split_once("::").map_or((filter, None), |(group, test)| (group, Some(test)));
    let left_out = options.left_out();
    let is_left_out = |test: &&TestProgram| left_out.iter().any(|(name, _)| *name == test.group);
    let wanted = programs.tests.iter().filter(|test| test.group.contains(group));
    let wanted: Vec<&TestProgram> = wanted.filter(|test| !is_left_out(test)).collect();
    let users = ["root", USER].into_iter().filter(|user| options.user.as_deref().is_none_or(|only| only == *user));
    let whole = options.filter.is_some() || options.user.is_some();
    let twice = |group: &str| whole || !ONCE.contains(&group);
    let runs = users.flat_map(|user| wanted.iter().map(move |test| (user, *test)));
    let runs: Vec<_> = runs.filter(|(user, test)| *user == USER || twice(&test.group)).collect();
    if runs.is_empty() {
        let names: Vec<_> = programs.tests.iter().map(|test| test.group.as_str()).collect();
        bail!("no test program is called so; there are {}", names.join(", "));
    }
    let cases = CASES.iter().map(|(name, all, few)| (*name, if options.is_quick() { *few } else { *all }.to_owned()));
    let mut variables: Vec<(&str, String)> = cases.collect();
    // The ABI is stated, kernel by kernel; programs that guests do not have are left out by name.
    variables.push(("NONO_TEST_REQUIRE", "seccomp,userns".into()));
    // An ordinary user runs all of it besides.
    variables.push(("NONO_TEST_USERS", "own".into()));
    variables.push(("vm_limit", LIMIT.into()));
    Ok(Work { programs, runs, tests, variables })
}
