//! A host that keeps to docs/reference/protocol.md.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::{Arm, Context, Millis, Sample, Snapshot, Trips, evaluate};

use crate::http::{Answer, ask};

pub(crate) const BATCH: (&str, &str) = ("content-type", "application/vnd.flcm.batch");

/// What was counted of one flag.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    pub(crate) decisions: u64,
    pub(crate) errors: u64,
}

impl std::ops::Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { decisions: self.decisions + other.decisions, errors: self.errors + other.errors }
    }
}

/// How much of what to count: `errors` outcomes of the treatment that failed, as evidence under a generation.
#[derive(Clone, Debug)]
pub(crate) struct Tally<'f> {
    pub(crate) flag: &'f str,
    pub(crate) decisions: u32,
    pub(crate) errors: u32,
    pub(crate) generation: u32,
}

/// The bytes of a batch.
pub(crate) fn batch(header: Header, tallies: &[Tally<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(header, |written: &[u8]| bytes.extend_from_slice(written));
    for tally in tallies {
        writer.drain(tally.flag, |_| None, &mut counted(tally));
    }
    writer.finish();
    bytes
}

fn counted(tally: &Tally<'_>) -> FlagMetrics {
    let text = format!("flags: {{ {}: {{ overrides: {{ alice: true }} }} }}", tally.flag);
    let snapshot = flcm_flags_config::compile(&flcm_flags_config::check(&text).0.unwrap());
    let snapshot = Snapshot::from_bytes(snapshot).unwrap();
    let flag = snapshot.flag(tally.flag).unwrap();
    let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
    let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
    metrics.decisions(decision.packed(), &alice, tally.decisions);
    metrics.set_generation(tally.generation);
    let failures = Sample { total: tally.errors, errors: tally.errors, ..Sample::default() };
    metrics.outcome(Arm::Treatment, &failures, 1.5);
    metrics.add_evidence(Arm::Treatment, &failures);
    metrics
}

/// The line of `GET /metrics` that counts decisions of a flag as [`batch`] makes them.
pub(crate) fn decisions(flag: &str) -> String {
    format!("flcm_decisions_total{{flag=\"{flag}\",variant=\"\",reason=\"OVERRIDE\"}}")
}

/// The same for outcomes that failed.
pub(crate) fn errors(flag: &str) -> String {
    format!("flcm_outcomes_total{{flag=\"{flag}\",arm=\"treatment\",outcome=\"error\"}}")
}

/// One host.
pub(crate) struct Host {
    header: Header,
    waiting: Option<Vec<(String, u32, u32, u32)>>,
    pub(crate) acknowledged: BTreeMap<String, Count>,
    pub(crate) lost_count: u32,
    pub(crate) batches: u64,
    pub(crate) repeats: u64,
}

impl Host {
    pub(crate) fn new(instance: u64) -> Self {
        let header = Header { instance, epoch: instance * 1000, sequence: 1, age: 0 };
        Self { header, waiting: None, acknowledged: BTreeMap::new(), lost_count: 0, batches: 0, repeats: 0 }
    }

    /// What is on its way, or would be if nobody had ended the server.
    pub(crate) fn waiting(&self, flag: &str) -> Count {
        let tallies = self.waiting.iter().flatten().filter(|tally| tally.0 == flag);
        tallies.fold(Count::default(), |count, (_, decisions, errors, _)| Count {
            decisions: count.decisions + u64::from(*decisions),
            errors: count.errors + u64::from(*errors),
        })
    }

    /// What it knows to be counted.
    pub(crate) fn acknowledged(&self, flag: &str) -> Count {
        self.acknowledged.get(flag).copied().unwrap_or_default()
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Sends what waits, or else these; one batch at a time, the same until it is acknowledged.
    pub(crate) fn send(&mut self, address: SocketAddr, tallies: &[Tally<'_>]) -> io::Result<Answer> {
        if self.waiting.is_none() {
            let owned = tallies.iter().map(|tally| {
                let Tally { flag, decisions, errors, generation } = tally;
                ((*flag).to_owned(), *decisions, *errors, *generation)
            });
            self.waiting = Some(owned.collect());
        } else {
            self.repeats += 1;
        }
        let answer = ask(address, "POST", "/metrics", &[BATCH], &self.bytes())?;
        match answer.status {
            204 => self.is_acknowledged(),
            409 => {
                self.lost_count += 1;
                self.header = Header { epoch: self.header.epoch + 1, sequence: 1, ..self.header };
            }
            503 => {}
            _ => panic!("a good batch was refused: {answer:?}"),
        }
        Ok(answer)
    }

    fn bytes(&self) -> Vec<u8> {
        let tallies: Vec<_> = self
            .waiting
            .iter()
            .flatten()
            .map(|(flag, decisions, errors, generation)| Tally {
                flag,
                decisions: *decisions,
                errors: *errors,
                generation: *generation,
            })
            .collect();
        batch(self.header, &tallies)
    }

    fn is_acknowledged(&mut self) {
        self.header.sequence += 1;
        self.batches += 1;
        for (flag, decisions, errors, _) in self.waiting.take().unwrap_or_default() {
            let count = self.acknowledged.entry(flag).or_default();
            count.decisions += u64::from(decisions);
            count.errors += u64::from(errors);
        }
    }
}
