//! Reading and writing capabilities (feature `serde`). Paths keep every byte: `"path"` where they are UTF-8, else
//! `"path_bytes"` in base64.
//!
//! What is read is as trustworthy as its source; it is checked and normalised like any other set. The identity of
//! objects is not written: a set that was read means its paths, whatever is there when it is applied.

use crate::Guarantee;
use crate::access::FsAccess;
use crate::net::{NetworkMode, Port};
use crate::order::is_resolved;
use crate::path::{FsCapability, PathKind, Source};
use crate::resolve::Resolved;
use crate::scope::Reach;
use crate::set::{Builder, CapabilitySet};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A path in one of its two forms. Flattened into the object that has the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LosslessPath {
    /// UTF-8, as it is.
    Path(String),
    /// Any bytes, in base64.
    PathBytes(String),
}

impl From<&Path> for LosslessPath {
    fn from(path: &Path) -> LosslessPath {
        match path.to_str() {
            Some(text) => LosslessPath::Path(text.to_owned()),
            None => LosslessPath::PathBytes(STANDARD.encode(path.as_os_str().as_bytes())),
        }
    }
}

impl TryFrom<LosslessPath> for PathBuf {
    type Error = base64::DecodeError;
    fn try_from(path: LosslessPath) -> Result<PathBuf, base64::DecodeError> {
        match path {
            LosslessPath::Path(text) => Ok(PathBuf::from(text)),
            LosslessPath::PathBytes(text) => Ok(PathBuf::from(OsString::from_vec(STANDARD.decode(text)?))),
        }
    }
}

/// `#[serde(flatten, with = "nono_core::serial::path")]` on a `PathBuf`, or what is made of one.
pub mod path {
    use super::{Deserialize, Deserializer, LosslessPath, Path, PathBuf, Serialize, Serializer};
    use serde::de::Error as _;

    /// Writes `"path"` or `"path_bytes"`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        LosslessPath::from(path).serialize(serializer)
    }

    /// Reads `"path"` or `"path_bytes"`.
    ///
    /// # Errors
    /// Those of the deserializer; bytes that are not base64.
    pub fn deserialize<'de, D: Deserializer<'de>, P: From<PathBuf>>(deserializer: D) -> Result<P, D::Error> {
        let path: Result<PathBuf, _> = LosslessPath::deserialize(deserializer)?.try_into();
        path.map(P::from).map_err(D::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Whole(#[serde(with = "path")] PathBuf);

#[derive(Serialize, Deserialize)]
struct Grant {
    #[serde(flatten, with = "path")]
    resolved: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<Whole>,
    kind: PathKind,
    access: Vec<String>,
    #[serde(default)]
    source: Source,
}

impl Serialize for FsCapability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let original = (self.original != self.resolved).then(|| Whole(self.original.to_path_buf()));
        let (resolved, source) = (self.resolved.to_path_buf(), self.source.clone());
        Grant { resolved, original, kind: self.kind, access: names(self.access), source }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FsCapability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FsCapability, D::Error> {
        let Grant { resolved, original, kind, access, source } = Grant::deserialize(deserializer)?;
        let original = original.map_or_else(|| resolved.clone(), |whole| whole.0);
        let access = rights(&access).map_err(D::Error::custom)?;
        let found = Resolved { path: resolved, kind, identity: None, is_device: false };
        let made = FsCapability::from_resolved(original, found, access).map_err(D::Error::custom)?;
        Ok(made.with_source(source))
    }
}

/// The names of access rights in lower case, as reports and profiles write them.
pub fn names(access: FsAccess) -> Vec<String> {
    access.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect()
}

fn rights(names: &[String]) -> Result<FsAccess, String> {
    let one = |name: &String| {
        FsAccess::from_name(&name.to_ascii_uppercase()).ok_or_else(|| format!("no access right is called {name:?}"))
    };
    names.iter().map(one).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    version: u32,
    grants: Vec<FsCapability>,
    #[serde(default)]
    denies: Vec<Whole>,
    #[serde(default)]
    network: NetworkMode,
    #[serde(default)]
    tcp_connect: BTreeSet<Port>,
    #[serde(default)]
    tcp_bind: BTreeSet<Port>,
    #[serde(default)]
    localhost_ports: BTreeSet<Port>,
    #[serde(default)]
    name_lookups: bool,
    #[serde(default)]
    signals: Reach,
    #[serde(default)]
    abstract_sockets: Reach,
    #[serde(default)]
    required: BTreeSet<Guarantee>,
}

impl Serialize for CapabilitySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = self.clone();
        Set {
            version: 1,
            grants: set.fs,
            denies: set.denies.into_iter().map(Whole).collect(),
            network: set.network,
            tcp_connect: set.tcp_connect,
            tcp_bind: set.tcp_bind,
            localhost_ports: set.localhost,
            name_lookups: set.name_lookups,
            signals: set.signals,
            abstract_sockets: set.abstract_sockets,
            required: set.required,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CapabilitySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CapabilitySet, D::Error> {
        let read = Set::deserialize(deserializer)?;
        if read.version != 1 {
            return Err(D::Error::custom(format!("version {} is not known; this is version 1", read.version)));
        }
        let denies: Vec<PathBuf> = read.denies.into_iter().map(|whole| whole.0).collect();
        if let Some(deny) = denies.iter().find(|deny| !is_resolved(deny)) {
            return Err(D::Error::custom(crate::CapabilityError::NotResolved { path: deny.clone() }));
        }
        Builder::from(CapabilitySet {
            fs: read.grants,
            redundant: Vec::new(),
            denies,
            network: read.network,
            tcp_connect: read.tcp_connect,
            tcp_bind: read.tcp_bind,
            localhost: read.localhost_ports,
            name_lookups: read.name_lookups,
            signals: read.signals,
            abstract_sockets: read.abstract_sockets,
            required: read.required,
        })
        .build()
        .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(set: &CapabilitySet) -> CapabilitySet {
        serde_json::from_str(&serde_json::to_string(set).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn a_set_survives_json_whatever_its_paths(names in prop::collection::vec(prop::collection::vec(1u8..=255, 1..20), 0..6)) {
            let mut builder = CapabilitySet::builder().allow_tcp_connect(Port::try_from(443).unwrap());
            for name in names {
                let path = Path::new("/").join(OsString::from_vec(name));
                let found = Resolved { path: path.clone(), kind: PathKind::Directory, identity: None, is_device: false };
                // Names with '/' can hold "..", which no resolved path has.
                let Ok(one) = FsCapability::from_resolved(path, found, FsAccess::READ_DIR) else { continue };
                builder = builder.grant(one);
            }
            let set = builder.build().unwrap();
            prop_assert_eq!(&round_trip(&set), &set);
        }
    }

    #[test]
    fn paths_are_text_where_they_are_utf8_and_base64_where_not() {
        let json = |bytes: &[u8]| {
            serde_json::to_string(&LosslessPath::from(Path::new(std::ffi::OsStr::from_bytes(bytes)))).unwrap()
        };
        assert_eq!(json("/ä".as_bytes()), r#"{"path":"/ä"}"#);
        assert_eq!(json(b"/\xff"), r#"{"path_bytes":"L/8="}"#);
    }

    #[test]
    fn what_is_read_is_checked() {
        let read = |text: &str| serde_json::from_str::<CapabilitySet>(text).map_err(|error| error.to_string());
        let grant = |path: &str, access: &str| {
            format!(r#"{{"version":1,"grants":[{{"path":"{path}","kind":"file","access":["{access}"]}}]}}"#)
        };
        assert!(read(&grant("/a", "read_file")).is_ok());
        for (text, expected) in [
            (grant("/a/../b", "read_file"), "not a resolved path"),
            (grant("a", "read_file"), "not a resolved path"),
            (grant("/a", "read_dir"), "directories only"),
            (grant("/a", "fly"), "no access right is called"),
            (r#"{"version":2,"grants":[]}"#.to_owned(), "version 2 is not known"),
            (r#"{"version":1,"grants":[],"denies":[{"path":"/a/.."}]}"#.to_owned(), "not a resolved path"),
            (r#"{"version":1,"grants":[],"tcp_bind":[0]}"#.to_owned(), "zero"),
            (r#"{"version":1,"grants":[],"extra":1}"#.to_owned(), "unknown field"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
