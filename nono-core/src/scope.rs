//! How far a program reaches beyond its own sandbox by means that have no path and no port.

/// Whom the processes of a sandbox can reach by a means such as signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Reach {
    /// Each other. The default.
    #[default]
    Inside,
    /// Every process the user could reach without a sandbox.
    Anywhere,
}
