//! How many connections each address has.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderName};
use parking_lot::Mutex;

/// How much of an IPv6 address tells one client from another: the rest is the client's own to choose.
const IPV6_PREFIX: u128 = u128::MAX << 64;

/// The connections of each address that has any.
pub(crate) struct Addresses {
    open: Mutex<HashMap<IpAddr, usize>>,
    /// 0 is no limit.
    each_max: usize,
    header: Option<HeaderName>,
}

/// A connection that counts until it is dropped.
pub(crate) struct Seat(Option<(Arc<Addresses>, IpAddr)>);

impl Addresses {
    pub(crate) fn new(each_max: usize, header: Option<HeaderName>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), each_max, header })
    }

    /// Whether a proxy in front says whose each request is; the connection is the proxy's then.
    pub(crate) fn are_named(&self) -> bool {
        self.header.is_some()
    }

    /// Whose a request is: the last address in the header, which the nearest proxy has added; that of the connection
    /// when there is none.
    pub(crate) fn named(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        let values = self.header.as_ref().map(|header| headers.get_all(header));
        let last = values.and_then(|values| values.iter().next_back()).and_then(|value| value.to_str().ok());
        let last = last.and_then(|value| value.rsplit(',').next()).map(str::trim);
        last.and_then(|last| last.parse().ok()).unwrap_or(peer.ip())
    }

    /// A seat for one more connection of an address; none when it has too many.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        if self.each_max == 0 {
            return Some(Seat(None));
        }
        let client = client(address);
        let mut open = self.open.lock();
        let count = open.entry(client).or_default();
        // Nobody is kept who has none.
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Seat(Some((self.clone(), client))))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((addresses, client)) = self.0.take() else { return };
        let mut open = addresses.open.lock();
        if let Some(count) = open.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&client);
            }
        }
    }
}

fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & IPV6_PREFIX).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_so_many_and_who_goes_makes_room() {
        let addresses = Addresses::new(2, None);
        let first = addresses.take(ip("10.0.0.1")).unwrap();
        let _second = addresses.take(ip("::ffff:10.0.0.1")).unwrap();
        assert!(addresses.take(ip("10.0.0.1")).is_none());
        let other = addresses.take(ip("10.0.0.2")).unwrap();
        drop((first, other));
        let _third = addresses.take(ip("10.0.0.1")).unwrap();
        assert_eq!(addresses.open.lock().len(), 1);
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let addresses = Addresses::new(1, None);
        let _one = addresses.take(ip("2001:db8:1:2::1")).unwrap();
        assert!(addresses.take(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(addresses.take(ip("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn zero_is_no_limit() {
        let addresses = Addresses::new(0, None);
        let seats: Vec<_> = (0..1_000).filter_map(|_| addresses.take(ip("10.0.0.1"))).collect();
        assert_eq!(seats.len(), 1_000);
    }

    #[test]
    fn the_last_address_in_the_header_counts() {
        let name = HeaderName::from_static("x-forwarded-for");
        let (peer, addresses) = (SocketAddr::from(([127, 0, 0, 1], 9)), Addresses::new(1, Some(name.clone())));
        let named = |values: &[&'static str]| {
            let values = values.iter().map(|value| (name.clone(), value.parse().unwrap()));
            addresses.named(&values.collect(), peer).to_string()
        };
        assert_eq!(named(&["1.1.1.1, 2.2.2.2"]), "2.2.2.2");
        assert_eq!(named(&["1.1.1.1", "3.3.3.3, 2001:db8::1"]), "2001:db8::1");
        for none in [&[][..], &[""], &["1.1.1.1, unknown"]] {
            assert_eq!(named(none), "127.0.0.1");
        }
    }
}
