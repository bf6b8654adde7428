//! Points as bytes: about fifty for a flag with a breaker, and about sixteen for each variant.

use std::collections::BTreeMap;

use flcm_flags::TripState;

use super::{EvidenceGauge, Gauge, OutcomePoint, Point, Quantiles, VariantPoint};

/// The parts that follow the counts: evidence, durations, and those of each arm.
const EVIDENCE: u8 = 1;
const DURATIONS: u8 = 2;
const OF_ARMS: [u8; 3] = [4, 8, 16];

impl Point {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Gauge { evidence, percent, trip } = self.gauge;
        let of_arms = OF_ARMS.iter().zip(&self.arms).filter(|(_, arm)| arm.durations.is_some());
        let parts = of_arms.fold(0, |parts, (part, _)| parts | part)
            | if evidence.is_some() { EVIDENCE } else { 0 }
            | if self.durations.is_some() { DURATIONS } else { 0 };
        let mut bytes = vec![parts];
        let trip = match trip {
            TripState::Clear => 0,
            TripState::Probing => 1,
            TripState::HeldOff => 2,
            TripState::Capped(cap) => 3_u32.saturating_add(cap),
        };
        let counts = self.decisions.iter().chain(self.arms.iter().flat_map(|arm| &arm.counts)).copied();
        counts.chain([percent, trip]).for_each(|number| write(number, &mut bytes));
        let floats = evidence.into_iter().flat_map(|gauge| gauge.statistics.into_iter().chain([gauge.limit]));
        let durations = [self.durations].into_iter().chain(self.arms.iter().map(|arm| arm.durations));
        for float in floats.chain(durations.flatten().flatten()) {
            bytes.extend(float.to_le_bytes());
        }
        for (name, VariantPoint { decisions, outcomes: OutcomePoint { counts, durations } }) in &self.variants {
            write(u32::try_from(name.len()).unwrap_or_default(), &mut bytes);
            bytes.extend(name.as_bytes());
            [*decisions].iter().chain(counts).for_each(|count| write(*count, &mut bytes));
            bytes.push(durations.is_some().into());
            durations.iter().flatten().for_each(|float| bytes.extend(float.to_le_bytes()));
        }
        // A variant of no length ends them.
        write(0, &mut bytes);
        bytes
    }

    /// The point of these bytes; `None` if they are none.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let (parts, after) = rest.split_first()?;
        *rest = after;
        let mut point = Self::default();
        for count in point.decisions.iter_mut().chain(point.arms.iter_mut().flat_map(|arm| &mut arm.counts)) {
            *count = read(rest)?;
        }
        let percent = read(rest)?;
        let trip = match read(rest)? {
            0 => TripState::Clear,
            1 => TripState::Probing,
            2 => TripState::HeldOff,
            cap => TripState::Capped(cap - 3),
        };
        let evidence = if parts & EVIDENCE == 0 { None } else { Some(evidence(rest)?) };
        point.gauge = Gauge { evidence, percent, trip };
        point.durations = quantiles(rest, parts & DURATIONS != 0)?;
        for (part, arm) in OF_ARMS.iter().zip(&mut point.arms) {
            arm.durations = quantiles(rest, parts & part != 0)?;
        }
        point.variants = variants(rest)?;
        rest.is_empty().then_some(point)
    }
}

fn evidence(rest: &mut &[u8]) -> Option<EvidenceGauge> {
    let statistics = [float(rest)?, float(rest)?, float(rest)?, float(rest)?];
    Some(EvidenceGauge { statistics, limit: float(rest)? })
}

/// Quantiles that are there or not; `None` if they cannot be read.
fn quantiles(rest: &mut &[u8], are_there: bool) -> Option<Quantiles> {
    Some(if are_there { Some([float(rest)?, float(rest)?]) } else { None })
}

fn variants(rest: &mut &[u8]) -> Option<BTreeMap<Box<str>, VariantPoint>> {
    let mut variants = BTreeMap::new();
    loop {
        let length = read(rest)? as usize;
        if length == 0 {
            return Some(variants);
        }
        let (name, after) = rest.split_at_checked(length)?;
        *rest = after;
        let mut variant = VariantPoint { decisions: read(rest)?, ..VariantPoint::default() };
        for count in &mut variant.outcomes.counts {
            *count = read(rest)?;
        }
        let (are_there, after) = rest.split_first()?;
        *rest = after;
        variant.outcomes.durations = quantiles(rest, *are_there != 0)?;
        variants.insert(std::str::from_utf8(name).ok()?.into(), variant);
    }
}

fn float(rest: &mut &[u8]) -> Option<f32> {
    let (bytes, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(f32::from_le_bytes(*bytes))
}

/// A number in groups of seven bits, the lowest first.
fn write(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
