//! Which network a program may use: a mode, and ports.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// A TCP port that can be connected to or bound: 1 to 65535.
///
/// Port 0 is not one: to the kernel it means "any free port", which is the opposite of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Port(NonZeroU16);

impl Port {
    /// Name lookups (RFC 1035).
    pub const DNS: Port = Port(NonZeroU16::MIN.saturating_add(52));

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// A number or text that is not a [`Port`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a port; ports are the numbers 1 to 65535")]
pub struct PortError {
    given: String,
}

impl TryFrom<u16> for Port {
    type Error = PortError;
    fn try_from(number: u16) -> Result<Port, PortError> {
        NonZeroU16::new(number).map(Port).ok_or_else(|| PortError { given: number.to_string() })
    }
}

impl FromStr for Port {
    type Err = PortError;
    fn from_str(text: &str) -> Result<Port, PortError> {
        // NonZeroU16 takes a leading '+'; a port is digits alone.
        match text.parse() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Port(number)),
            _ => Err(PortError { given: text.to_owned() }),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What of the network a program may use. Single ports are granted beside the mode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", tag = "mode", deny_unknown_fields))]
pub enum NetworkMode {
    /// The network, all of it.
    AllowAll,
    /// Nothing but ports granted one by one. The default.
    #[default]
    Blocked,
    /// TCP to `port` on this machine, where a proxy listens, and listening on `bind_ports`; else nothing.
    ProxyOnly {
        /// The proxy's port.
        port: Port,
        /// Ports the program may listen on.
        bind_ports: Vec<Port>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_from_1_to_65535() {
        for (text, valid) in [
            ("1", true),
            ("443", true),
            ("65535", true),
            ("0", false),
            ("65536", false),
            ("+80", false),
            ("-1", false),
            ("", false),
            ("http", false),
            (" 80", false),
        ] {
            assert_eq!(text.parse::<Port>().is_ok(), valid, "{text:?}");
        }
        assert_eq!(Port::try_from(0).unwrap_err().to_string(), "\"0\" is not a port; ports are the numbers 1 to 65535");
    }
}
