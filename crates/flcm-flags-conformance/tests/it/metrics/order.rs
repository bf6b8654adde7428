//! A batch is in the order in which hosts write it, and names nothing twice: only then is the work of adding it up
//! bounded by what the receiver knows.

use std::fmt::Write as _;

use flcm_flags::metrics::batch::{Batch, BatchError, CheckedBatch};

use super::damage::sign;
use super::{full_batch, write};

/// Why a batch of these entries is refused.
fn refusal(entries: &[&[u8]]) -> Option<&'static str> {
    let mut bytes = [&write(|_| {})[..38], &entries.concat(), &[0; 8]].concat();
    sign(&mut bytes);
    let refused = Batch::from_bytes(&bytes).map_err(BatchError::as_str).err();
    assert_eq!(CheckedBatch::from_bytes(&bytes).map_err(BatchError::as_str).err(), refused);
    assert!(Batch::from_own_bytes(&bytes).is_ok(), "all of these can be read: {refused:?}");
    refused
}

fn flag(key: &str) -> Vec<u8> {
    [b"\x01", &text(key)[..], b"\x00\x00"].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat()
}

/// A flag with tallies of one decision each.
fn tallies(tallies: &[(&str, u8)]) -> Vec<u8> {
    let count = u16::try_from(tallies.len()).expect("few");
    let [low, high] = [count & 0x7f | 0x80, count >> 7].map(|bits| u8::try_from(bits).expect("a byte"));
    let listed = tallies.iter().flat_map(|(variant, reason)| [&text(variant)[..], &[*reason, 1]].concat());
    [b"\x01\x01f\x00\x04", &[low, high][..], &listed.collect::<Vec<_>>()].concat()
}

const COUNTER: &[u8] = b"\x02\x01b\x01";
const HISTOGRAM: &[u8] = b"\x03\x01a\x01\x00\x01\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const DROPPED: &[u8] = b"\x04\x01";

#[test]
fn keys_of_flags_rise() {
    let [a, b, long] = ["a", "b", "ab"].map(flag);
    assert_eq!(refusal(&[&a, &long, &b]), None);
    for entries in [[&a, &a], [&b, &a], [&long, &a]] {
        assert_eq!(refusal(&entries.map(Vec::as_slice)), Some("flag: not behind the one before"));
    }
    let many =
        |count: u32| refusal(&[&(0..count).map(|number| flag(&format!("{number:06}"))).collect::<Vec<_>>().concat()]);
    assert_eq!((many(100_000), many(100_001)), (None, Some("flag: too many flags")));
}

#[test]
fn flags_come_first_then_counters_histograms_and_what_was_dropped() {
    let flag = flag("a");
    assert_eq!(refusal(&[&flag, COUNTER, HISTOGRAM, DROPPED]), None);
    for entries in [[COUNTER, &flag], [HISTOGRAM, COUNTER], [DROPPED, &flag], [DROPPED, HISTOGRAM], [DROPPED, DROPPED]]
    {
        assert_eq!(refusal(&entries), Some("entry: not in the order of hosts"), "{entries:?}");
    }
}

#[test]
fn a_name_comes_once() {
    let same = [&b"\x03\x01b"[..], &HISTOGRAM[3..]].concat();
    for entries in [&[COUNTER, COUNTER][..], &[HISTOGRAM, HISTOGRAM], &[COUNTER, &same]] {
        assert_eq!(refusal(entries), Some("metric: its name comes twice"));
    }
    let named = |count: usize| {
        let entries = (0..count).map(|name| [b"\x02", &text(&format!("{name}"))[..], b"\x01"].concat());
        refusal(&[&entries.collect::<Vec<_>>().concat()])
    };
    assert_eq!((named(384), named(385)), (None, Some("metric: too many names")));
    // A variant may be called like a metric.
    assert_eq!(refusal(&[&tallies(&[("b", 0)]), COUNTER]), None);
}

#[test]
fn a_variant_and_a_reason_come_once() {
    let many = |count: usize| (0..count).map(|name| format!("v{name}")).collect::<Vec<_>>();
    let names = many(385);
    let listed = |count: usize| tallies(&names[..count].iter().map(|name| (name.as_str(), 3)).collect::<Vec<_>>());
    assert_eq!(refusal(&[&listed(384)]), None);
    assert_eq!(refusal(&[&listed(385)]), Some("flag: too many variants"));
    let fine: [&[_]; 4] = [
        &[("", 0), ("", 3), ("b", 0), ("b", 4), ("a", 4)],
        &[("b", 1), ("a", 1), ("c", 1)],
        // Variants whose name cannot be written are written without one.
        &[("", 3), ("a", 1), ("", 3), ("b", 1), ("", 3)],
        &[],
    ];
    for fine in fine {
        assert_eq!(refusal(&[&tallies(fine)]), None, "{fine:?}");
    }
    let twice: [&[_]; 4] = [
        &[("a", 3), ("a", 3)],
        &[("a", 3), ("a", 2)],
        &[("a", 1), ("b", 1), ("a", 2)],
        &[("", 1), ("b", 1), ("c", 1), ("b", 2)],
    ];
    for twice in twice {
        assert_eq!(refusal(&[&tallies(twice)]), Some("flag: a variant and a reason come twice"), "{twice:?}");
    }
    // What holds within one flag says nothing about another.
    let next = [b"\x01\x01g", &tallies(&[("a", 3), ("b", 3)])[3..]].concat();
    assert_eq!(refusal(&[&tallies(&[("a", 3), ("b", 3)]), &next]), None);
    // More without a name than a flag can have variants and reasons.
    assert_eq!(refusal(&[&tallies(&vec![("", 3); 5_000])]), Some("flag: too many tallies"));
}

#[test]
fn what_hosts_write_is_in_their_order() {
    let bytes = full_batch();
    let checked = CheckedBatch::from_bytes(&bytes).expect("a batch of our own");
    assert_eq!(checked.header(), checked.batch().header());
    assert_eq!(checked.batch().flags().count(), 2);
    let mut all = String::new();
    for flag in checked.batch().flags() {
        let _ = write!(all, "{flag:?}");
    }
    let again = Batch::from_own_bytes(checked.bytes()).expect("the same").flags().map(|flag| format!("{flag:?}"));
    assert_eq!(all, again.collect::<String>());
}
