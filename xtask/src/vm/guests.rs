//! All guests: what they have in common, what each begins with, and several at once.

use super::guest;
use super::kernels::Kernel;
use super::qemu::{Boot, Console, Machine};
use super::table::Tested;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all guests have in common.
pub(super) struct Guests {
    pub(super) machine: Machine,
    pub(super) initramfs: PathBuf,
    pub(super) logs: PathBuf,
    /// Test programs that each runs.
    pub(super) expected: usize,
    /// Suites, and in how many parts they are made.
    pub(super) samples: Vec<(&'static str, usize)>,
}

impl Guests {
    /// What guest number `at` begins with. What differs between guests is on the kernel's command line, which hands what it
    /// does not know to the first process as variables.
    fn boot<'a>(&'a self, at: usize, kernel: &Kernel, image: &'a Path, more: &str) -> Boot<'a> {
        let abi = kernel.series.abi.map(|abi| format!("NONO_TEST_ABI={abi} ")).unwrap_or_default();
        let part = |(suite, parts): &(&str, usize)| format!("{suite}:{}/{parts}", at.checked_rem(*parts).unwrap_or(0));
        let parts: Vec<String> = self.samples.iter().map(part).collect();
        let sample = if parts.is_empty() { String::new() } else { format!("NONO_TEST_SAMPLE={} ", parts.join(",")) };
        Boot { kernel: image, initramfs: &self.initramfs, words: format!("{abi}{sample}{more}") }
    }

    pub(super) fn shell(&self, kernel: &Kernel, image: &Path) -> anyhow::Result<bool> {
        println!("{} {}: a shell; Ctrl-A X ends the guest", kernel.package.name, kernel.package.version.as_str());
        let mut child = self.machine.start(&self.boot(0, kernel, image, "vm=shell"), Console::Terminal)?;
        Ok(child.wait()?.success())
    }

    /// Runs a guest of each kernel, `jobs` at a time.
    pub(super) fn all(&self, kernels: &[(Kernel, PathBuf)], jobs: usize) -> anyhow::Result<Vec<Tested>> {
        let next = AtomicUsize::new(0);
        let work = || -> anyhow::Result<Vec<(usize, Tested)>> {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((kernel, image)) = kernels.get(at) else { return Ok(done) };
                done.push((at, self.one(at, kernel, image)?));
            }
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.min(kernels.len())).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let mut done = Vec::new();
        for result in results {
            done.extend(result?);
        }
        done.sort_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, tested)| tested).collect())
    }

    /// One guest, and a second one if the first hangs.
    fn one(&self, at: usize, kernel: &Kernel, image: &Path) -> anyhow::Result<Tested> {
        let name = format!("{}.{}", kernel.series.number.0, kernel.series.number.1);
        let mut retries = 0;
        loop {
            let log = self.logs.join(format!("{name}.{retries}.log"));
            let boot = self.boot(at, kernel, image, "");
            let ending = guest::follow(&self.machine, &boot, self.expected, &log, |run| {
                let failed = if run.failed > 0 { format!(", {} FAILED", run.failed) } else { String::new() };
                let skipped = if run.skipped > 0 { format!(", {} skipped", run.skipped) } else { String::new() };
                println!(
                    "{name:<5} {} ({}): {} passed{failed}{skipped}, {:.1} s",
                    run.group, run.user, run.passed, run.seconds
                );
            })?;
            if !ending.hung || retries > 0 {
                return Ok(Tested { kernel: kernel.clone(), ending, retries });
            }
            println!("{name:<5} hangs, and is started once more: {}", ending.fault.unwrap_or_default());
            retries += 1;
        }
    }
}
