//! Which kernels there are, which are asked for, and how one is had.

use crate::fetch::{Apt, Architecture, Package, Version, put};
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A series of kernels, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) number: (u64, u64),
    /// The Landlock ABI that its kernels have, as Debian builds them. None: newer than what was looked at.
    pub(super) abi: Option<u32>,
}

/// Series that Debian has packages of, and the ABI of each: `landlock_create_ruleset(2)` with
/// `LANDLOCK_CREATE_RULESET_VERSION` in a guest. Those without a package are left out by name.
const KNOWN: [((u64, u64), u32); 11] = [
    ((5, 10), 0),
    ((6, 1), 2),
    ((6, 12), 6),
    ((6, 16), 7),
    ((6, 17), 7),
    ((6, 18), 7),
    ((6, 19), 7),
    ((7, 0), 8),
    ((7, 1), 9),
    ((7, 2), 10),
    ((7, 3), 11),
];

/// Without Landlock's network rights; of long-term support; and, with it, the newest.
const QUICK: [(u64, u64); 2] = [(6, 1), (6, 12)];

/// A kernel to boot.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) series: Series,
    pub(super) package: Package,
}

/// What was asked for and cannot be had.
pub(super) type Gone = Vec<String>;

/// The newest package of each series that `wanted` names: `all`, `quick`, or versions such as `6.12` or `6.12,7.0`.
pub(super) fn choose(apt: &Apt<'_>, architecture: Architecture, wanted: &str) -> anyhow::Result<(Vec<Kernel>, Gone)> {
    let packages = packages(apt, architecture)?;
    let newest = packages.iter().filter_map(|name| name.1.series()).max();
    let known = KNOWN.iter().map(|(number, abi)| Series { number: *number, abi: Some(*abi) });
    let newer =
        packages.iter().filter_map(|name| name.1.series()).filter(|number| KNOWN.iter().all(|one| one.0 < *number));
    let mut all: Vec<Series> = known.chain(newer.map(|number| Series { number, abi: None })).collect();
    all.sort();
    all.dedup();
    let series: Vec<Series> = match wanted {
        "all" => all,
        "quick" => all.into_iter().filter(|one| QUICK.contains(&one.number) || Some(one.number) == newest).collect(),
        list => list.split(',').map(|version| named(&all, version)).collect::<Result<_, _>>()?,
    };
    let (mut kernels, mut gone) = (Vec::new(), Gone::new());
    for series in series {
        match newest_of(apt, &packages, series.number)? {
            Some(package) => kernels.push(Kernel { series, package }),
            None => gone.push(format!("{}.{}: Debian has no package of it any more", series.number.0, series.number.1)),
        }
    }
    Ok((kernels, gone))
}

fn named(all: &[Series], version: &str) -> anyhow::Result<Series> {
    let number =
        Version::new(version).series().with_context(|| format!("{version} is no version: 6.12, all or quick"))?;
    let numbers = || all.iter().map(|one| format!("{}.{}", one.number.0, one.number.1)).collect::<Vec<_>>().join(", ");
    let found = all.iter().find(|one| one.number == number).copied();
    found.with_context(|| format!("there is no kernel {version}; there are {}", numbers()))
}

/// Names of packages with a small kernel for guests, and the version in the name.
fn packages(apt: &Apt<'_>, architecture: Architecture) -> anyhow::Result<Vec<(String, Version)>> {
    let end = format!("-cloud-{}", architecture.debian());
    let mut packages = Vec::new();
    // From 6.19 on the kernel is in linux-binary, and linux-image of that name is empty.
    for prefix in ["linux-image-", "linux-binary-"] {
        let names = apt.names(prefix)?;
        let versions = names.into_iter().filter_map(|name| {
            let version = Version::new(name.strip_prefix(prefix)?.strip_suffix(&end)?);
            (version.as_str().matches('.').count() > 1).then_some((name, version))
        });
        packages.extend(versions);
    }
    if packages.is_empty() {
        bail!("Debian's lists have no kernel for guests ({end}): is a suite missing there?");
    }
    Ok(packages)
}

fn newest_of(apt: &Apt<'_>, packages: &[(String, Version)], series: (u64, u64)) -> anyhow::Result<Option<Package>> {
    let of_series = || packages.iter().filter(|(_, version)| version.series() == Some(series));
    let binary = of_series().any(|(name, _)| name.starts_with("linux-binary"));
    let fitting = of_series().filter(|(name, _)| name.starts_with("linux-binary") == binary);
    // Backports to an older release carry a lower number in their name only.
    let mut found: Vec<Package> = Vec::new();
    for (name, _) in fitting {
        found.extend(apt.versions(name)?.into_iter().next());
    }
    Ok(found.into_iter().max_by(|one, other| one.version.cmp(&other.version)))
}

/// The file that a machine boots, taken out of its package once.
pub(super) fn image(apt: &Apt<'_>, kernel: &Kernel, cache: &Path) -> anyhow::Result<PathBuf> {
    let place = cache.join("kernels");
    fs::create_dir_all(&place)?;
    let name = &kernel.package.name;
    let image = place.join(format!("{name}_{}", kernel.package.version.as_str()));
    let package = apt.fetch(&kernel.package)?;
    if !image.is_file() {
        let unpacked = place.join("unpacked");
        apt.extract(&package, "vmlinu[zx]*", &unpacked)?;
        let found = find(&unpacked)?.with_context(|| format!("the package {name} holds no kernel"))?;
        put(&found, &image)?;
        fs::remove_dir_all(&unpacked)?;
    }
    Ok(image)
}

/// The first regular file below `directory`.
fn find(directory: &Path) -> anyhow::Result<Option<PathBuf>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            return Ok(Some(entry.path()));
        }
        if kind.is_dir()
            && let Some(found) = find(&entry.path())?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
