//! `cargo xtask bench open`: what an open costs under supervision, against the least that a broker can cost.
//!
//! Three comparisons, in turns: a file that is granted (it goes on, and the kernel opens it), a file that a rule approves (it
//! is opened on behalf), and two threads that open approved files, served by one thread of nono and by two. Then the memory
//! of a supervisor that has served a million opens.

use super::{build_floor, build_nono, can_measure, figures, words};
use crate::tests_run::target_dir;
use anyhow::{Context, bail, ensure};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use xshell::{Shell, cmd};

/// Batches of 200 opens in a run.
const BATCHES: &str = "50";

/// A way to open files.
struct Candidate {
    name: &'static str,
    command: Vec<OsString>,
    /// Nanoseconds an open: of the best batch, the median batch, and of all by the time that passed.
    runs: Vec<[f64; 3]>,
}

/// Measures each `runs` times.
pub(crate) fn run(shell: &Shell, runs: usize, opens: usize) -> anyhow::Result<()> {
    if !can_measure(shell, "open", runs)? {
        return Ok(());
    }
    let target = target_dir(shell)?;
    let (nono, broker) = (build_nono(shell, &target)?, build_floor(shell, &target, "broker")?);
    let program = target.join("floor-opens");
    cmd!(shell, "cc -O2 -pthread -o {program} xtask/floor/opens.c").quiet().run()?;
    let place = Place::new(shell, &target.join("bench/open"))?;
    let mut all = place.candidates(&nono, &broker, &program);
    for round in 0..=runs {
        for candidate in &mut all {
            let measured = candidate.measure(shell)?;
            // The first round finds cold caches.
            if round > 0 {
                candidate.runs.push(measured);
            }
        }
    }
    report(&all, runs)?;
    memory(shell, &place, &nono, &program, opens)
}

/// Where the files are.
struct Place {
    granted: OsString,
    approved: OsString,
    rules: OsString,
}

impl Place {
    fn new(shell: &Shell, root: &Path) -> anyhow::Result<Place> {
        let (granted, approved) = (root.join("granted"), root.join("approved"));
        for directory in [&granted, &approved] {
            shell.create_dir(directory.join("a/b"))?;
            shell.write_file(directory.join("a/b/file"), "")?;
        }
        let rules = root.join("rules.toml");
        let path = approved.canonicalize()?;
        shell.write_file(&rules, format!("[approve]\nread = [{:?}]\n", path.to_str().context("a path in UTF-8")?))?;
        Ok(Place { granted: granted.canonicalize()?.into(), approved: path.into(), rules: rules.into() })
    }

    fn nono(&self, nono: &Path, program: &Path, threads: &str) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![nono.into()];
        command.extend(words(["run", "-q", "--broker-threads", threads, "--read"]));
        command.extend([self.granted.clone(), "--read".into(), program.into(), "--approve-rules".into()]);
        command.extend([self.rules.clone(), "--".into(), program.into()]);
        command
    }

    fn candidates(&self, nono: &Path, broker: &Path, program: &Path) -> Vec<Candidate> {
        let file = |directory: &OsString| Path::new(directory).join("a/b/file").into_os_string();
        let (granted, approved) = (file(&self.granted), file(&self.approved));
        let floor = |mode: &str, file: &OsString| {
            let mut command = vec![broker.into(), mode.into(), self.granted.clone(), self.approved.clone()];
            command.extend([program.into(), file.clone(), BATCHES.into(), "1".into()]);
            command
        };
        let ours = |served_by: &str, file: &OsString, threads: &str| {
            let mut command = self.nono(nono, program, served_by);
            command.extend([file.clone(), BATCHES.into(), threads.into()]);
            command
        };
        let candidate = |name, command| Candidate { name, command, runs: Vec::new() };
        vec![
            candidate("floor: broker continue", floor("continue", &granted)),
            candidate("nono, granted", ours("2", &granted, "1")),
            candidate("floor: broker inject", floor("inject", &approved)),
            candidate("nono, approved", ours("2", &approved, "1")),
            candidate("two threads, one broker thread", ours("1", &approved, "2")),
            candidate("two threads, two broker threads", ours("2", &approved, "2")),
        ]
    }
}

impl Candidate {
    fn measure(&self, shell: &Shell) -> anyhow::Result<[f64; 3]> {
        let [program, arguments @ ..] = self.command.as_slice() else { bail!("an empty command") };
        let said = cmd!(shell, "{program} {arguments...}").quiet().read()?;
        let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        numbers.try_into().ok().with_context(|| format!("{}: {said:?}", self.name))
    }

    /// The best batch of all runs, the median of the runs' medians, and of their whole times.
    fn figures(&self) -> anyhow::Result<[f64; 3]> {
        let of = |which: usize| {
            let all: Vec<f64> = self.runs.iter().filter_map(|run| run.get(which).copied()).collect();
            figures(&all).context("nothing was measured")
        };
        Ok([of(0)?.best, of(1)?.median, of(2)?.median])
    }
}

fn report(all: &[Candidate], runs: usize) -> anyhow::Result<()> {
    println!("\nopens, {runs} alternating runs of 50 batches of 200      best  median   whole   (ns an open)");
    for candidate in all {
        let [best, median, whole] = candidate.figures()?;
        println!("  {:<44} {best:>8.0} {median:>7.0} {whole:>7.0}", candidate.name);
    }
    let [granted_floor, granted, approved_floor, approved, one, two] = all else { bail!("six are compared") };
    let ratio = |ours: &Candidate, floor: &Candidate, which: usize| -> anyhow::Result<f64> {
        let (ours, floor) = (ours.figures()?, floor.figures()?);
        ours.get(which).zip(floor.get(which)).map(|(ours, floor)| ours / floor).context("three figures")
    };
    for (what, ours, floor) in
        [("granted to the floor", granted, granted_floor), ("approved to the floor", approved, approved_floor)]
    {
        let (best, median) = (ratio(ours, floor, 0)?, ratio(ours, floor, 1)?);
        println!("  {what:<30} best {best:.2}, median {median:.2}   (limit 1.3)");
    }
    println!("  two broker threads to one        {:.2} times the opens   (at least 1.4)", ratio(one, two, 2)?);
    Ok(())
}

/// What a supervisor holds after so many opens: the most that was resident, of `VmHWM` in `proc_pid_status(5)`.
fn memory(shell: &Shell, place: &Place, nono: &Path, program: &Path, opens: usize) -> anyhow::Result<()> {
    let mut command = place.nono(nono, program, "2");
    command.extend([Path::new(&place.approved).join("a/b/file").into(), (opens / 200).max(1).to_string().into()]);
    let [program, arguments @ ..] = command.as_slice() else { bail!("an empty command") };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(shell.current_dir())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program:?}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0_u64;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    ensure!(ended.success(), "nono: {ended}");
    println!("  memory of a supervisor, {opens} approved opens: {most} KB at most (limit 8192)");
    Ok(())
}
