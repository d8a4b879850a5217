//! Limits, priorities and processors of a process outside, which the kernel guards by user only; and what root keeps.

use crate::act::{Act, Attempt, Scene, Stop, effect, reached};
use crate::sys::call;
use nono_tests::attempt::Guarantee::{Capabilities, CoreDumps, Files, OtherProcesses};
use nono_tests::attempt::Party::Victim as Outside;
use nono_tests::attempt::Proof::Victim;
use rustix::io::Errno;
use std::fs;

const HIDDEN: &[&str] = &["ESRCH", "ENOENT"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("prlimit-outside", &[OtherProcesses], prlimit).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("priority-outside", &[OtherProcesses], priority).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("affinity-outside", &[OtherProcesses], affinity).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("scheduler-outside", &[OtherProcesses], scheduler).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("schedattr-outside", &[OtherProcesses], attributes).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("ioprio-outside", &[OtherProcesses], ioprio).with(Outside).refusals(HIDDEN),
    Attempt::new("oom-score-outside", &[Files, OtherProcesses], oom_score).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("coredump-filter-outside", &[Files, OtherProcesses], coredump_filter).with(Outside).refusals(HIDDEN),
    Attempt::new("capabilities-effective", &[Capabilities], |_| has_capabilities("CapEff")).root().refusals(NONE),
    Attempt::new("capabilities-permitted", &[Capabilities], |_| has_capabilities("CapPrm")).root().refusals(NONE),
    Attempt::new("capabilities-bounding", &[Capabilities], |_| has_capabilities("CapBnd")).root().refusals(NONE),
    Attempt::new("capabilities-new-privileges", &[Capabilities], new_privileges).refusals(NONE),
    Attempt::new("capabilities-change-user", &[Capabilities], change_user).root(),
    Attempt::new("capabilities-change-groups", &[Capabilities], change_groups).root(),
    // A container's root may lack CAP_SYS_RESOURCE.
    Attempt::new("capabilities-raise-limit", &[Capabilities], raise_limit).root().absent(&["EPERM"]),
    Attempt::new("capabilities-negative-nice", &[Capabilities], negative_nice).root(),
    Attempt::new("core-limit", &[CoreDumps], core_limit).refusals(NONE).absent(NONE),
];

/// The effect is looked for, and is not there.
const NONE: &[&str] = &["NOEFFECT"];

fn pid(scene: &Scene) -> Result<i32, Stop> {
    scene.number("pid")
}

fn prlimit(scene: &Scene) -> Act {
    const RLIMIT_NOFILE: i32 = 7;
    let mut limit = [0_u64; 2];
    call!(libc::SYS_prlimit64, pid(scene)?, RLIMIT_NOFILE, 0, &mut limit)?;
    limit[0] = limit[0].saturating_sub(1);
    call!(libc::SYS_prlimit64, pid(scene)?, RLIMIT_NOFILE, &mut limit, 0)?;
    Ok(())
}

fn priority(scene: &Scene) -> Act {
    const PRIO_PROCESS: i32 = 0;
    call!(libc::SYS_setpriority, PRIO_PROCESS, pid(scene)?, 7)?;
    Ok(())
}

fn affinity(scene: &Scene) -> Act {
    let mut mask = [0_u64; 16];
    call!(libc::SYS_sched_getaffinity, pid(scene)?, 128, &mut mask)?;
    let allowed: u32 = mask.iter().map(|word| word.count_ones()).sum();
    if allowed < 2 {
        return Err(Stop::Unsupported("one processor".into()));
    }
    if let Some(word) = mask.iter_mut().find(|word| **word != 0) {
        *word &= *word - 1;
    }
    call!(libc::SYS_sched_setaffinity, pid(scene)?, 128, &mut mask)?;
    Ok(())
}

fn scheduler(scene: &Scene) -> Act {
    let mut priority = [0_u64; 1];
    call!(libc::SYS_sched_setscheduler, pid(scene)?, libc::SCHED_BATCH, &mut priority)?;
    Ok(())
}

fn attributes(scene: &Scene) -> Act {
    // struct sched_attr: size and policy (SCHED_IDLE) in the first word.
    let mut attributes = [0_u64; 6];
    attributes[0] = 0x30 | 5 << 32;
    call!(libc::SYS_sched_setattr, pid(scene)?, &mut attributes, 0)?;
    Ok(())
}

fn ioprio(scene: &Scene) -> Act {
    const WHO_PROCESS: i32 = 1;
    const BEST_EFFORT_LAST: i32 = 2 << 13 | 7;
    call!(libc::SYS_ioprio_set, WHO_PROCESS, pid(scene)?, BEST_EFFORT_LAST)?;
    let now = call!(libc::SYS_ioprio_get, WHO_PROCESS, pid(scene)?)?;
    effect(now == i64::from(BEST_EFFORT_LAST), "it has another one")
}

fn oom_score(scene: &Scene) -> Act {
    Ok(fs::write(format!("/proc/{}/oom_score_adj", pid(scene)?), "900")?)
}

fn coredump_filter(scene: &Scene) -> Act {
    let file = format!("/proc/{}/coredump_filter", pid(scene)?);
    fs::write(&file, "0x1")?;
    effect(fs::read_to_string(&file)?.trim().ends_with('1'), "it has another one")
}

fn status(field: &str) -> Result<u64, Stop> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let value = value.and_then(|value| u64::from_str_radix(value.trim(), 16).ok());
    value.ok_or_else(|| Stop::Unsupported(format!("no {field} in /proc/self/status")))
}

fn has_capabilities(field: &str) -> Act {
    effect(status(field)? != 0, "no capabilities")
}

/// Whether executing a set-user-id program gives its user's rights.
fn new_privileges(_: &Scene) -> Act {
    effect(status("NoNewPrivs")? == 0, "no_new_privs is set")
}

fn change_user(_: &Scene) -> Act {
    call!(libc::SYS_setresuid, 4711, 4711, 4711)?;
    Ok(())
}

fn change_groups(_: &Scene) -> Act {
    let groups = 4711_u32.to_ne_bytes();
    call!(libc::SYS_setgroups, 1, &groups[..])?;
    Ok(())
}

/// Above the hard limit: of memory that may be locked, for this process only.
fn raise_limit(_: &Scene) -> Act {
    const RLIMIT_MEMLOCK: i32 = 8;
    let mut limit = [4096, 8192];
    call!(libc::SYS_prlimit64, 0, RLIMIT_MEMLOCK, &mut limit, 0)?;
    limit[1] = 16384;
    call!(libc::SYS_prlimit64, 0, RLIMIT_MEMLOCK, &mut limit, 0)?;
    Ok(())
}

fn negative_nice(_: &Scene) -> Act {
    let answer = call!(libc::SYS_setpriority, 0, 0, -1);
    reached(&answer, &[Errno::SRCH])
}

/// Whether a crash could still start the handler that `core_pattern` names, outside and as root: any limit but 0 and 1.
fn core_limit(_: &Scene) -> Act {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    effect(limit.maximum.is_none_or(|maximum| maximum > 1), "no core files")
}
