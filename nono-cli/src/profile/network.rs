//! The table `[network]` of a profile in TOML.

use super::document::{Item, Reader, Value};
use super::error::ProfileError;
use super::format::{found, keys};
use super::model::Network;
use super::place::At;
use nono_core::Port;

/// Reads the table.
pub(super) fn read(reader: &Reader, item: &Item<'_>) -> Result<Network, ProfileError> {
    let mut network = Network::default();
    for member in reader.table("network", item)? {
        let (key, item) = (&*member.key, &member.item);
        match key {
            "open" => network.open = Some(reader.flag(key, item)?),
            "block" => network.block = Some(reader.flag(key, item)?),
            "dns" => network.dns = Some(reader.flag(key, item)?),
            "connect" => network.connect = ports(reader, key, item)?,
            "bind" => network.bind = ports(reader, key, item)?,
            "port" => network.port = ports(reader, key, item)?,
            "proxy_port" => network.proxy_port = Some(port(reader, key, item)?),
            "unix" => network.unix = found(reader, key, item)?,
            _ => return Err(reader.unknown(member, "network", keys("network"))),
        }
    }
    alone(&network)?;
    Ok(network)
}

/// As with the flags: an open network goes with no other key, a closed one only with unix sockets.
fn alone(network: &Network) -> Result<(), ProfileError> {
    let contradict = |place: &_, one, other: &str| {
        Err(ProfileError::Contradiction { place: Clone::clone(place), one, other: format!("`{other}` of [network]") })
    };
    match (network.opened(), network.blocked(), network.part(), network.unix.first()) {
        (Some(place), Some(_), ..) => contradict(place, "`open`", "block"),
        (Some(place), _, Some((key, _)), _) => contradict(place, "`open`", key),
        (Some(place), _, _, Some(_)) => contradict(place, "`open`", "unix"),
        (_, Some(place), Some((key, _)), _) => contradict(place, "`block`", key),
        _ => Ok(()),
    }
}

fn ports(reader: &Reader, key: &str, item: &Item<'_>) -> Result<Vec<At<Port>>, ProfileError> {
    reader.list(key, item, "a list of ports")?.iter().map(|one| port(reader, key, one)).collect()
}

fn port(reader: &Reader, key: &str, item: &Item<'_>) -> Result<At<Port>, ProfileError> {
    let expected = "ports: numbers from 1 to 65535";
    let Value::Integer(number) = item.value else { return Err(reader.wrong(key, item, expected)) };
    let port = number.and_then(|number| u16::try_from(number).ok()).and_then(|number| Port::try_from(number).ok());
    let value = || number.map_or_else(|| "a number out of range".to_owned(), |number| number.to_string());
    let place = reader.place(item.line);
    port.map(|port| reader.at(item.line, port)).ok_or_else(|| ProfileError::Value {
        place,
        key: key.to_owned(),
        value: value(),
        expected,
    })
}
