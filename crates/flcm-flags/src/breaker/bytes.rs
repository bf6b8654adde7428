//! A breaker as bytes, so that it outlives its host.
//!
//! Little-endian numbers in a fixed order, without names: a breaker of one size, which a host stores per flag. Reading
//! and writing share one list of fields ([`Breaker::each`]), so they cannot disagree about the order.
//!
//! The bytes come from a disk that may be damaged, so reading checks the range of each field and that the fields fit
//! together. They name the plan under which they were written. Under another plan the old evidence means something
//! else, so the breaker is configured anew: it stays open if it was open, and begins a new generation.

use core::fmt;

use super::plan::Plan;
use super::sequential::{Evidence, MOST, Spread, Stratum};
use super::transition::{Cause, Mode, State, Transition};
use super::window::{Arms, PARTS, Window};
use super::{Breaker, Pending, Stage, seconds};
use crate::bucket::BUCKETS;
use crate::counts::Sample;
use crate::snapshot::to_usize;
use crate::time::Millis;

/// The first four bytes: what it is, and the version of the format.
const MAGIC: u32 = u32::from_le_bytes(*b"FCB\x02");

/// Why bytes are no breaker. Start with a new breaker then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerError(&'static str);

impl BreakerError {
    /// The text, such as `wrong length`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for BreakerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid breaker: {}", self.0)
    }
}

impl core::error::Error for BreakerError {}

impl Breaker {
    /// The length of a breaker's bytes.
    pub const LENGTH: usize = 4 + 12 + 14 + 16 + 16 + 20 + 16 + 24 + 24 + 2 * 96 + 30 * 32 + 24 + 8;

    /// The breaker as bytes, to be stored across a restart. They name the plan under which it has run.
    #[must_use]
    pub fn to_bytes(&self, plan: &Plan) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let writer: &mut dyn Codec = &mut Writer(&mut bytes);
        writer.number(&mut { MAGIC });
        self.clone().each(writer);
        writer.large(&mut plan.digest());
        bytes
    }

    /// The breaker of bytes from [`to_bytes`](Self::to_bytes).
    ///
    /// If they were written under another plan, the breaker is [configured](Self::configure) anew, and the second part
    /// of the result is that transition.
    ///
    /// ```
    /// use flcm_flags::{Millis, Policy, breaker::{Breaker, Event, Plan, Scope}};
    /// let [fleet, host] = [Scope::Fleet, Scope::Host].map(|scope| Plan::new(&Policy::DEFAULT, scope));
    /// let breaker = Breaker::new(7, Millis(1_000));
    /// let stored = breaker.to_bytes(&fleet);
    /// assert_eq!(Breaker::from_bytes(&stored, &fleet), Ok((breaker, None)));
    /// let (_, happened) = Breaker::from_bytes(&stored, &host)?;
    /// assert_eq!(happened.map(|transition| transition.event), Some(Event::Configured));
    /// assert!(Breaker::from_bytes(b"no breaker", &fleet).is_err());
    /// # Ok::<(), flcm_flags::breaker::BreakerError>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are too short or too long, of another version, or hold what no breaker has.
    pub fn from_bytes(bytes: &[u8], plan: &Plan) -> Result<(Self, Option<Transition>), BreakerError> {
        if bytes.len() != Self::LENGTH {
            return Err(BreakerError("wrong length"));
        }
        let mut reader = Reader { rest: bytes, valid: true };
        let codec: &mut dyn Codec = &mut reader;
        let (mut magic, mut digest) = (0, 0);
        codec.number(&mut magic);
        if magic != MAGIC {
            return Err(BreakerError("not a breaker, or of another version"));
        }
        let mut breaker = Self::new(0, Millis(0));
        breaker.each(codec);
        codec.large(&mut digest);
        if !reader.valid || !breaker.is_sound() {
            return Err(BreakerError("a field that no breaker has"));
        }
        let changed = digest != plan.digest();
        let happened = changed.then(|| breaker.configure(plan, breaker.now));
        Ok((breaker, happened))
    }

    /// Whether the fields fit together, as those of every breaker do.
    fn is_sound(&self) -> bool {
        let Stage { percent, candidate, last_good, cap, .. } = self.stage;
        self.started <= self.stages
            && [percent, candidate, last_good, cap].iter().all(|percent| *percent <= BUCKETS)
            && (self.mode != Mode::Held || self.state == State::Open)
            && (matches!(self.mode, Mode::Auto | Mode::Held) || self.state == State::Closed)
            && (0.0..=MOST).contains(&self.stratum.mass)
            && self.errors.is_sound()
            && self.slow.is_sound()
            && self.now <= Millis::LATEST
            && self.window.start <= seconds(self.now)
            && to_usize(self.window.current) < PARTS
    }

    /// All fields, in the order of the format.
    fn each(&mut self, codec: &mut dyn Codec) {
        codec.number(&mut self.seed);
        codec.number(&mut self.generation);
        codec.number(&mut self.sequence);
        codec.code(&mut self.state, State::code, State::from_code);
        codec.code(&mut self.mode, Mode::code, Mode::from_code);
        codec.code(&mut self.cause, Cause::code, Cause::from_code);
        for small in [&mut self.attempt, &mut self.trips, &mut self.stages, &mut self.started, &mut self.age] {
            codec.small(small);
        }
        for flag in
            [&mut self.sticky, &mut self.noted, &mut self.held, &mut self.quiet, &mut self.due, &mut self.spoiled]
        {
            codec.flag(flag);
        }
        codec.large(&mut self.now.0);
        codec.large(&mut self.until.0);
        codec.numbers([&mut self.since, &mut self.first_trip, &mut self.last_treated, &mut self.gap]);
        self.stage.each(codec);
        self.stratum.each(codec);
        self.pending.each(codec);
        self.spread.each(codec);
        self.errors.each(codec);
        self.slow.each(codec);
        self.window.each(codec);
    }
}

impl Stage {
    fn each(&mut self, codec: &mut dyn Codec) {
        let Self { percent, candidate, since, last_good, cap } = self;
        codec.numbers([percent, candidate, since, last_good, cap]);
    }
}

impl Stratum {
    fn each(&mut self, codec: &mut dyn Codec) {
        codec.float(&mut self.mass);
        codec.number(&mut self.treatment);
        codec.number(&mut self.control);
    }
}

impl Pending {
    fn each(&mut self, codec: &mut dyn Codec) {
        let Self { treatment, failed, slow, control, control_failed, control_slow } = self;
        codec.numbers([treatment, failed, slow, control, control_failed, control_slow]);
    }
}

impl Spread {
    fn each(&mut self, codec: &mut dyn Codec) {
        codec.large(&mut self.squares);
        codec.large(&mut self.errors);
        self.blocks.iter_mut().for_each(|block| codec.number(block));
    }
}

impl Evidence {
    fn is_sound(&self) -> bool {
        self.absolute.iter().chain(&self.relative).all(|bet| (0.0..=MOST).contains(bet)) && self.probe.abs() <= MOST
    }

    fn each(&mut self, codec: &mut dyn Codec) {
        self.absolute.iter_mut().chain(&mut self.relative).for_each(|bet| codec.float(bet));
        codec.number(&mut self.treatment);
        codec.number(&mut self.control);
        codec.float(&mut self.probe);
    }
}

impl Window {
    fn each(&mut self, codec: &mut dyn Codec) {
        for Arms { treatment, control } in &mut self.parts {
            treatment.each(codec);
            control.each(codec);
        }
        codec.large(&mut self.start);
        codec.numbers([&mut self.current, &mut self.used, &mut self.clock_back, &mut self.refused]);
    }
}

impl Sample {
    fn each(&mut self, codec: &mut dyn Codec) {
        let Self { total, errors, slow, missing } = self;
        codec.numbers([total, errors, slow, missing]);
    }
}

/// Writes fields, or reads them.
trait Codec {
    /// Writes the bytes, or fills them with what was read.
    fn bytes(&mut self, bytes: &mut [u8]);

    /// Notes that a field has a value that no breaker has.
    fn refuse(&mut self);
}

/// Fields of each kind. One list of fields serves both directions, and one copy of the code.
impl dyn Codec + '_ {
    #[cfg_attr(feature = "compact", inline(never))]
    fn small(&mut self, number: &mut u8) {
        self.bytes(core::slice::from_mut(number));
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn number(&mut self, number: &mut u32) {
        let mut bytes = number.to_le_bytes();
        self.bytes(&mut bytes);
        *number = u32::from_le_bytes(bytes);
    }

    fn numbers<const N: usize>(&mut self, numbers: [&mut u32; N]) {
        for number in numbers {
            self.number(number);
        }
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn large(&mut self, number: &mut u64) {
        let mut bytes = number.to_le_bytes();
        self.bytes(&mut bytes);
        *number = u64::from_le_bytes(bytes);
    }

    fn float(&mut self, number: &mut f64) {
        let mut bits = number.to_bits();
        self.large(&mut bits);
        *number = f64::from_bits(bits);
        if !number.is_finite() {
            self.refuse();
        }
    }

    fn flag(&mut self, flag: &mut bool) {
        let mut byte = u8::from(*flag);
        self.small(&mut byte);
        *flag = byte == 1;
        if byte > 1 {
            self.refuse();
        }
    }

    fn code<T: Copy>(&mut self, value: &mut T, code: fn(T) -> u8, from_code: fn(u8) -> Option<T>) {
        let mut byte = code(*value);
        self.small(&mut byte);
        match from_code(byte) {
            Some(read) => *value = read,
            None => self.refuse(),
        }
    }
}

/// Writes into the rest of a buffer.
struct Writer<'b>(&'b mut [u8]);

impl Codec for Writer<'_> {
    fn bytes(&mut self, bytes: &mut [u8]) {
        if let Some((next, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len()) {
            next.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            self.0 = rest;
        }
    }

    fn refuse(&mut self) {}
}

/// Reads from the rest of a buffer. It goes on after a fault, and reports it at the end.
struct Reader<'b> {
    rest: &'b [u8],
    valid: bool,
}

impl Codec for Reader<'_> {
    fn bytes(&mut self, bytes: &mut [u8]) {
        if let Some((next, rest)) = self.rest.split_at_checked(bytes.len()) {
            bytes.iter_mut().zip(next).for_each(|(to, from)| *to = *from);
            self.rest = rest;
        } else {
            self.valid = false;
        }
    }

    fn refuse(&mut self) {
        self.valid = false;
    }
}
