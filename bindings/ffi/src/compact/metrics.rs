//! Calls about what is counted.

use flcm_flags::FlagId;
use flcm_flags::metrics::batch::{Header, set_header};
use flcm_flags::metrics::{CustomValue, Durations, Histogram};
use zerocopy::IntoBytes;

use super::answer::Answer;
use super::{Compact, Loaded, millis};
use crate::shared_memory;
use crate::slots::Handle;

impl Compact {
    /// Begins to count, and with totals keeps what is drained for summaries; false when there is no memory for it.
    pub fn measure(&mut self, snapshot: Handle, totals: bool) -> bool {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        let Loaded { snapshot, state, .. } = loaded;
        if totals { state.measure_totals(snapshot) } else { state.measure(snapshot) }
    }

    /// Takes all that was counted as a batch of bytes; false as well when nothing was.
    pub fn drain(&mut self, snapshot: Handle, instance: f64, epoch: f64, sequence: f64) -> bool {
        let loaded = self.snapshots.get_mut(snapshot);
        let drained = loaded.and_then(|loaded| loaded.state.drain(&loaded.snapshot, header(instance, epoch, sequence)));
        self.answer_bytes(drained)
    }

    /// Gives the batch that was written another age, and another name where the epoch is not negative; false when it is
    /// none, and the answer is a text that says why.
    pub fn with_header(&mut self, age: u32, instance: f64, epoch: f64, sequence: f64) -> bool {
        let named = (epoch >= 0.0).then(|| header(instance, epoch, sequence));
        let changed = set_header(&mut self.input, |before| Header { age, ..named.unwrap_or(before) });
        let text = if let Err(error) = changed { error.as_str().as_bytes() } else { &self.input };
        self.answer.begin().text(text);
        changed.is_ok()
    }

    /// What was counted of a flag: its numbers are the answer, and the shared memory has its tallies (index of the
    /// variant or all ones, code of the reason, count), whose number is the last of the answer. Whether there is any.
    pub fn summary(&mut self, snapshot: Handle, flag: FlagId) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let Some(metrics) = loaded.state.counted(flag) else { return false };
        let summary = metrics.summary();
        let answer = self.answer.begin();
        answer
            .large(summary.decisions)
            .number(summary.users)
            .number(summary.treatment_error_rate)
            .number(summary.control_error_rate);
        let outcomes = summary.outcomes;
        answer.sample(&outcomes.treatment).sample(&outcomes.control).sample(&outcomes.outside);
        durations(answer, &summary.durations);
        let mut count = 0;
        if let Some(numbers) = shared_memory::numbers(self.shared.as_mut_bytes()) {
            for ([index, code, times], (variant, reason, tally)) in
                numbers.as_chunks_mut().0.iter_mut().zip(metrics.tallies())
            {
                index.set(variant.map_or(u32::MAX, u32::from));
                code.set(reason.code().into());
                times.set(tally);
                count += 1;
            }
        }
        answer.integer(count);
        true
    }

    /// The name of a variant; whether there is one.
    pub fn variant(&mut self, snapshot: Handle, flag: FlagId, index: u32) -> bool {
        let flag = self.snapshots.get(snapshot).and_then(|loaded| loaded.snapshot.describe(flag));
        let Some(variant) = flag.and_then(|flag| flag.variant(u16::try_from(index).ok()?)) else { return false };
        self.answer.begin().text(variant.name().as_bytes());
        true
    }

    /// The generation of the fleet's breaker, under which outcomes are evidence for it.
    pub fn set_generation(&mut self, snapshot: Handle, flag: FlagId, generation: u32) {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return };
        let Loaded { snapshot, state, .. } = loaded;
        if let Some(metrics) = state.measures.as_mut().and_then(|measures| measures.flag(snapshot, flag)) {
            metrics.set_generation(generation);
        }
    }

    /// Adds to the custom counter, or observes a value of the custom histogram, whose name was written. False for a
    /// name or a number that is none, and when there are too many.
    pub fn add(&mut self, snapshot: Handle, number: f64, is_value: bool) -> bool {
        let measures = self.snapshots.get_mut(snapshot).and_then(|loaded| loaded.state.measures.as_mut());
        let (Some(measures), Ok(name)) = (measures, core::str::from_utf8(&self.input)) else { return false };
        if is_value {
            return measures.custom().observe(name, number);
        }
        let whole = millis(number).0;
        #[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "a whole number comes back as it was")]
        let is_whole = whole as f64 == number;
        is_whole && measures.custom().add(name, whole)
    }

    /// How many additions to custom metrics were dropped. From then on [`custom`](Self::custom) answers them.
    #[expect(clippy::cast_precision_loss, reason = "a count for people")]
    pub fn customs(&mut self, snapshot: Handle) -> f64 {
        self.custom = self.snapshots.get(snapshot).and_then(|loaded| loaded.state.custom());
        self.custom.as_ref().map_or(0.0, |custom| custom.dropped() as f64)
    }

    /// A custom metric: its name, and its amount, or the seven numbers of its values. 1 for a counter, 2 for a
    /// histogram, and 0 when there is none at this index.
    pub fn custom(&mut self, index: usize) -> u32 {
        let Some((name, value)) = self.custom.as_ref().and_then(|custom| custom.iter().nth(index)) else { return 0 };
        let answer = self.answer.begin().text(name.as_bytes());
        match value {
            CustomValue::Counter(amount) => {
                answer.large(amount);
                1
            }
            CustomValue::Histogram(values) => {
                histogram(answer, values);
                2
            }
        }
    }
}

fn histogram(answer: &mut Answer, values: &Histogram) {
    durations(answer, &Durations::new(values));
}

fn durations(answer: &mut Answer, durations: &Durations) {
    let Durations { count, mean, p50, p95, p99, min, max } = *durations;
    answer.large(count);
    for number in [mean, p50, p95, p99, min, max] {
        answer.number(number);
    }
}

fn header(instance: f64, epoch: f64, sequence: f64) -> Header {
    let number = |number: f64| millis(number).0;
    Header { instance: number(instance), epoch: number(epoch), sequence: number(sequence), age: 0 }
}
