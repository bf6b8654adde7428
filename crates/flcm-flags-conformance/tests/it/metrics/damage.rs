//! Bytes that are no batch.

use fastrand::Rng;
use flcm_flags::bucket::mix;
use flcm_flags::metrics::batch::{Batch, BatchError};
use flcm_flags::snapshot::index::checksum;

use super::{Customs, empty, full_batch, read, write};

/// Makes the trailer right again: its checksum is the one of the format, written down here a second time.
pub(super) fn sign(bytes: &mut [u8]) {
    let end = bytes.len() - 8;
    let sum = bytes[..end].chunks(256).fold(0, |sum, block| mix(sum ^ checksum(block)));
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = full_batch();
    for length in 0..bytes.len() {
        assert!(Batch::from_bytes(&bytes[..length]).is_err(), "cut at {length}");
    }
    for place in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            assert!(Batch::from_bytes(&damaged).is_err(), "byte {place} ^ {flip:#x}");
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Batch::from_bytes(&longer).is_err());
    // With a checksum that is right, too: there is no entry of kind 0.
    longer = bytes[..bytes.len() - 8].to_vec();
    longer.extend([0; 9]);
    sign(&mut longer);
    assert_eq!(Batch::from_bytes(&longer).map_err(BatchError::as_str).err(), Some("entry: unknown kind"));
}

#[test]
fn errors_say_what_is_wrong() {
    let mut bytes = write(|_| {});
    let error = |bytes: &[u8]| Batch::from_bytes(bytes).map_err(|error| error.to_string()).err();
    assert_eq!(error(&bytes), None);
    assert_eq!(error(b"{}").as_deref(), Some("invalid batch: header: not a batch"));
    bytes[8] = 1;
    assert_eq!(error(&bytes).as_deref(), Some("invalid batch: header: written by another version"));
    bytes[8] = 2;
    bytes[20] ^= 1;
    assert_eq!(error(&bytes).as_deref(), Some("invalid batch: trailer: wrong checksum"));
    bytes[20] ^= 1;
    assert_eq!(error(&bytes[..45]).as_deref(), Some("invalid batch: batch: ends too early"));
    for (entry, wanted) in [
        (&b"\x01\x00"[..], "flag: without a key"),
        (b"\x01\x01f\x00\x01\x01\x02\x00\x00", "flag: a part that is larger than the whole"),
        (b"\x01\x01f\x00\x10", "flag: unknown parts"),
        (b"\x01\x01f\x00\x04\x01\x00\x0b\x01", "flag: unknown reason"),
        (b"\x01\x01f\x00\x04\x01\x00\x05\x00", "flag: a tally of nothing"),
        (b"\x01\x01f\x00\x08\x01\x00\x03", "group: unknown arm or parts"),
        (b"\x01\x01f\x00\x08\x01\x00\x20", "group: unknown arm or parts"),
        (b"\x01\x01f\x00\x08\x01\x00\x04\x01\x02\x00\x00", "flag: a part that is larger than the whole"),
        (b"\x01\x01f\x00\x08\x01\x00\x08\x01\x00\x37", "list: outside of its range"),
        (b"\x01\x01f\x00\x08\x01\x00\x08\x01\x80\x10\x01", "list: outside of its range"),
        (b"\x01\x01f\x00\x04\xff\xff\xff\xff\x0f", "batch: ends too early"),
        (&[b"\x01\x01f\x00\x08\x34", &[0; 2 * 52][..]].concat(), "flag: too many groups"),
        (b"\x02\x01\xff\x01", "text: not UTF-8"),
        (b"\x02\x01\n\x01", "metric: not a name"),
        (b"\x02\x00\x01", "metric: not a name"),
        (b"\x02\x81\x02", "text: too long"),
        (b"\x02\x80\x80\x80\x80\x10", "number: more than 32 bits"),
        (b"\x02\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "number: more than 64 bits"),
    ] {
        let mut bytes = [&bytes[..38], entry, &[0; 8]].concat();
        sign(&mut bytes);
        let found = Batch::from_bytes(&bytes).map_err(BatchError::as_str).err();
        assert_eq!(found, Some(wanted), "{entry:02x?}");
    }
}

#[test]
fn extremes_are_in_their_buckets() {
    let is_read = |bucket: u16, min: f64, max: f64| {
        let [low, high] = [bucket & 0x7f | 0x80, bucket >> 7].map(|bits| u8::try_from(bits).expect("a byte"));
        let entry = [0x03, 0x01, b'a', 0x01, low, high, 0x01, 0x00];
        let mut bytes = [&write(|_| {})[..38], &entry, &min.to_le_bytes(), &max.to_le_bytes(), &[0; 8]].concat();
        sign(&mut bytes);
        Batch::from_bytes(&bytes).is_ok()
    };
    assert!(is_read(112, 1.0, 1.0) && is_read(383, 1e9, f64::MAX) && is_read(0, 0.0, 0.0));
    for (bucket, min, max) in [(113, 1.0, 1.0), (112, 1.01, 1.0), (112, 0.5, 1.0), (112, 1.0, 2.0), (112, 1.0, -1.0)] {
        assert!(!is_read(bucket, min, max), "{bucket} {min} {max}");
    }
    for (bucket, min, max) in [(383, 1e9, f64::INFINITY), (383, 1e9, f64::NAN), (383, -1.0, -1.0), (0, -0.0, -0.0)] {
        assert!(!is_read(bucket, min, max), "{bucket} {min} {max}");
    }
}

#[test]
fn hostile_bytes_under_a_right_checksum_never_panic() {
    let bytes = full_batch();
    let (mut accepted, mut refused) = (0, 0);
    let mut rng = Rng::with_seed(11);
    let (mut metrics, mut customs) = (empty(), Customs::new());
    for _ in 0..60_000 {
        let mut hostile = bytes.clone();
        for _ in 0..rng.usize(1..4) {
            let place = rng.usize(38..hostile.len() - 8);
            match rng.u8(0..4) {
                0 => hostile[place] = rng.u8(..),
                1 => hostile[place] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(0..5)],
                2 => {
                    hostile.remove(place);
                }
                _ => hostile.insert(place, rng.u8(..)),
            }
        }
        sign(&mut hostile);
        let Ok(batch) = Batch::from_bytes(&hostile) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        for flag in batch.flags() {
            assert!(flag.evidence().is_valid());
            flag.merge_into(&mut metrics, |name| Some(u16::try_from(name.len()).expect("a short name")));
        }
        batch.merge_customs_into(&mut customs);
    }
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
    let summary = metrics.summary();
    assert!(summary.users.is_finite() && summary.durations.p99.is_finite() && summary.durations.mean.is_finite());
    // Whatever was merged can be written again.
    let again = write(|writer| {
        writer.flag("f", |_| None, &metrics);
    });
    assert_eq!(read(&again).flags().count(), 1);
}
