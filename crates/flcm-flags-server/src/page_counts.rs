//! Counts of pages as JSON. They become the batch that any other host writes, so that ledgers, limits, totals and
//! evidence are the same for both.
//!
//! A page counts by what its engine answers: a number whose variant is an index within the flag. So it names its snapshot.
//! Of a snapshot that the server does not know any more, decisions are counted without their variant.

use std::collections::BTreeMap;

use bytes::Bytes;
use flcm_flags::breaker::Units;
use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::Writer;
use flcm_flags::{Flag, Millis, Sample, Snapshot};
use flcm_flags_host::LazyGroups;

use crate::published::Published;

mod json;

pub(crate) use json::PageCounts;
use json::{Call, Row};

/// What was counted of a flag.
struct Counted<'s> {
    flag: Option<Flag<'s>>,
    metrics: FlagMetrics<Vec<u32>, LazyGroups>,
    /// By arm. A page is one user, who counts as at most one success and one failure.
    units: [Units<[u64; 1]>; 3],
}

impl PageCounts {
    /// The batch, and how many of its flags no document can have: they are left out.
    pub(crate) fn to_batch(&self, published: &Published) -> (Vec<u8>, u64) {
        let known = published.snapshot_of(self.snapshot());
        let snapshot = known.unwrap_or(&published.snapshot);
        let mut flags: BTreeMap<&str, Counted<'_>> = BTreeMap::new();
        for row in self.rows() {
            let counted = flags.entry(&row.flag).or_insert_with(|| Counted::of(snapshot, &row.flag, known.is_some()));
            counted.add(row, self.user());
        }
        let (mut bytes, mut dropped) = (Vec::new(), 0);
        let mut writer = Writer::new(self.header(), |part: &[u8]| bytes.extend_from_slice(part));
        for (key, Counted { flag, metrics, .. }) in &flags {
            let name = |variant| Some(flag.as_ref()?.variant(variant)?.name());
            dropped += u64::from(!writer.flag(key, name, metrics));
        }
        writer.finish();
        (bytes, dropped)
    }
}

impl<'s> Counted<'s> {
    /// Nothing yet. Without the variants of the flag, decisions are counted without theirs.
    fn of(snapshot: &'s Snapshot<Bytes>, key: &str, has_variants: bool) -> Self {
        let flag = snapshot.flag(key).and_then(|id| snapshot.describe(id));
        let variants = flag.filter(|_| has_variants).map_or(0, |flag| flag.variants().count());
        let counters = vec![0; FlagMetrics::counters_for(variants)];
        let metrics = FlagMetrics::with_groups(counters, LazyGroups::new(variants));
        Self { flag, metrics, units: [const { Units::new([0]) }; 3] }
    }

    fn add(&mut self, row: &Row, user: Option<u64>) {
        let Row { times, decision, call, .. } = row;
        if let Some(call) = call {
            self.add_call(row, call);
            return;
        }
        self.metrics.decisions_for(*decision, user, times.get());
    }

    fn add_call(&mut self, row: &Row, &Call { generation, failed, duration }: &Call) {
        let policy = self.flag.and_then(|flag| flag.policy());
        let is_slow = policy.is_some_and(|policy| policy.is_slow(duration));
        let of = |total| {
            let (errors, slow) = (if failed { total } else { 0 }, if is_slow { total } else { 0 });
            Sample { total, errors, slow, missing: 0 }
        };
        let arm = row.decision.arm();
        self.metrics.outcomes_of(arm, row.decision.variant(), &of(row.times.get()), duration);
        let latest = self.metrics.evidence().generation;
        if generation > latest {
            self.metrics.set_generation(generation);
            self.units = [const { Units::new([0]) }; 3];
        }
        let unit = self.units.get_mut(usize::from(arm.code()));
        if generation >= latest && unit.is_some_and(|unit| unit.counts(0, 0, failed, Millis(0))) {
            self.metrics.add_evidence(arm, &of(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use flcm_flags::bucket::sip;
    use flcm_flags::metrics::batch::{Batch, Header};
    use flcm_flags::{Context, FlagId, Millis, PackedDecision, Reason, Trips, evaluate};
    use flcm_flags_host::{HostState, Outcome};

    use super::PageCounts;
    use crate::published::Published;

    const DOCUMENT: &str = "
flags:
  always: {}
  beta:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05, slow_ms: 800 }
  layout:
    rollout: { percentage: 70 }
    variants: [{ name: wide, weight: 2 }, { name: narrow, weight: 1 }]
    error_threshold: { rate: 0.05 }
";

    /// How calls went: how often, whether they failed, and how long they took.
    const CALLS: [(u32, bool, f64); 4] = [(3, false, 12.5), (2, true, 900.0), (40, false, 801.0), (1, true, 0.0)];

    fn published(text: &str) -> Published {
        Published::republished(text.to_owned(), 7).unwrap()
    }

    fn counts(published: &Published, user: &str, rows: &str) -> PageCounts {
        let digest = published.digest();
        let text = format!(
            r#"{{"instance":1,"epoch":2,"sequence":3,"age":4,"snapshot":"{digest}","user":{user},"rows":[{rows}]}}"#
        );
        PageCounts::from_json(text.as_bytes()).unwrap()
    }

    /// What a host counts for one user, as a batch, and as the rows of a page.
    fn of_host(published: &Published, user: &str, generation: u32) -> (Vec<u8>, String) {
        let (snapshot, digest) = (&published.snapshot, sip(user.as_bytes()));
        let context = Context::new(Some(user), &[]).bind(snapshot);
        let mut state = HostState::none(snapshot.flags().len());
        assert!(state.measure(snapshot));
        let mut rows = String::new();
        for id in snapshot.flags() {
            let decision = evaluate(snapshot, &Trips::NONE, id, &context, Millis(0)).packed();
            let (key, outcome) = (snapshot.describe(id).unwrap().key(), decision.to_bits() >> 32);
            let measures = state.measures.as_mut().unwrap();
            measures.flag(snapshot, id).unwrap().set_generation(generation);
            measures.decided(snapshot, id, decision, Some(digest), 5);
            write!(rows, r#"[3,"{key}",{outcome}],[2,"{key}",{outcome}],"#).unwrap();
            for (times, failed, duration) in CALLS {
                write!(rows, r#"[{times},"{key}",{outcome},{generation},{failed},{duration}],"#).unwrap();
                let (arm, variant, unit) = (decision.arm(), decision.variant(), Some(digest));
                let call = Outcome { arm, variant, unit, failed, missing: false, duration, generation: 0 };
                (0..times).for_each(|_| state.outcome(snapshot, id, &call, Millis(0)));
            }
        }
        let header = Header { instance: 1, epoch: 2, sequence: 3, age: 4 };
        (state.drain(snapshot, header).unwrap(), rows.trim_end_matches(',').to_owned())
    }

    #[test]
    fn a_page_gives_the_batch_that_any_other_host_writes() {
        let published = published(DOCUMENT);
        for (number, generation) in (0..40).zip([1, 9].into_iter().cycle()) {
            let user = format!("user-{number}");
            let (wanted, rows) = of_host(&published, &user, generation);
            let digest = format!(r#""{:016x}""#, sip(user.as_bytes()));
            assert_eq!(counts(&published, &digest, &rows).to_batch(&published), (wanted, 0), "{rows}");
        }
    }

    fn outcome(published: &Published, flag: &str, variant: u32) -> u32 {
        assert!(published.snapshot.flag(flag).is_some());
        u32::from(Reason::Split.code()) << 16 | 0b01111 << 24 | variant
    }

    type ByVariant = Vec<(Option<String>, u32)>;

    /// The only flag of a batch: decisions by variant, and outcomes by variant.
    fn by_variant(bytes: &[u8]) -> (ByVariant, ByVariant) {
        let batch = Batch::from_bytes(bytes).unwrap();
        let flag = batch.flags().next().unwrap();
        let decisions = flag.tallies().map(|(name, _, count)| (name.map(str::to_owned), count));
        let calls = flag.groups().map(|group| (group.variant().map(str::to_owned), group.outcomes().total));
        (decisions.collect(), calls.collect())
    }

    #[test]
    fn variants_are_those_of_the_snapshot_that_has_decided() {
        let old = published(DOCUMENT);
        let [wide, narrow] = [0, 1].map(|variant| outcome(&old, "layout", variant));
        let rows = format!(r#"[2,"layout",{wide}],[3,"layout",{narrow}],[1,"layout",{narrow},1,false,null]"#);
        let counts = counts(&old, "null", &rows);
        let named = |name: &str, count| (Some(name.to_owned()), count);
        let wanted = (vec![named("wide", 2), named("narrow", 3)], vec![named("narrow", 1)]);
        assert_eq!(by_variant(&counts.to_batch(&old).0), wanted);
        // Another revision numbers them anew.
        let turned = DOCUMENT.replace("wide, weight: 2", "tall, weight: 2").replace("percentage: 70", "percentage: 71");
        let next = published(&turned).behind(&old);
        assert_ne!(next.digest(), old.digest());
        assert_eq!(by_variant(&counts.to_batch(&next).0), wanted);
        // After a restart the old one is gone: its numbers stand for nothing.
        let restarted = published(&turned);
        assert_eq!(by_variant(&counts.to_batch(&restarted).0), (vec![(None, 5)], vec![(None, 1)]));
    }

    #[test]
    fn a_variant_that_the_flag_does_not_have_is_none() {
        let published = published(DOCUMENT);
        let rows = [0, 2, 255, 65_534].map(|variant| outcome(&published, "layout", variant));
        let rows = rows.map(|outcome| format!(r#"[1,"layout",{outcome}],[1,"layout",{outcome},1,true,5]"#)).join(",");
        let (bytes, _) = counts(&published, "null", &rows).to_batch(&published);
        let wide = Some("wide".to_owned());
        assert_eq!(by_variant(&bytes), (vec![(None, 3), (wide.clone(), 1)], vec![(None, 3), (wide, 1)]));
    }

    #[test]
    fn evidence_is_of_the_latest_generation_and_one_of_each_kind() {
        let published = published(DOCUMENT);
        let served = outcome(&published, "beta", 0xffff);
        let row = |generation, failed| format!(r#"[100,"beta",{served},{generation},{failed},1]"#);
        let rows = [row(3, true), row(5, false), row(5, false), row(4, true), row(5, true), row(5, true)].join(",");
        let (bytes, _) = counts(&published, "null", &rows).to_batch(&published);
        let batch = Batch::from_bytes(&bytes).unwrap();
        let flag = batch.flags().next().unwrap();
        let (evidence, outcomes) = (flag.evidence(), flag.outcomes());
        assert_eq!((evidence.generation, evidence.treatment.total, evidence.treatment.errors), (5, 2, 1));
        assert_eq!((outcomes.treatment.total, outcomes.treatment.errors), (600, 400));
    }

    #[test]
    fn flags_that_no_document_can_have_are_left_out() {
        let published = published(DOCUMENT);
        let long = "k".repeat(257);
        let rows = format!(r#"[1,"",458752],[1,"{long}",458752],[1,"removed",458752]"#);
        let (bytes, dropped) = counts(&published, "null", &rows).to_batch(&published);
        let batch = Batch::from_bytes(&bytes).unwrap();
        assert_eq!((batch.flags().map(|flag| flag.key()).collect::<Vec<_>>(), dropped), (vec!["removed"], 2));
    }

    #[test]
    fn numbers_stop_at_the_largest() {
        let published = published(DOCUMENT);
        let served = outcome(&published, "beta", 0xffff);
        let row = format!(r#"[{},"beta",{served}],[{},"beta",{served},1,true,1e300]"#, u32::MAX, u32::MAX);
        let (bytes, _) = counts(&published, "null", &[row.clone(), row].join(",")).to_batch(&published);
        let batch = Batch::from_bytes(&bytes).unwrap();
        let flag = batch.flags().next().unwrap();
        assert_eq!((flag.decisions(), flag.outcomes().treatment.errors), (u32::MAX.into(), u32::MAX));
    }

    /// What is refused, and a part of the message.
    #[test]
    fn what_no_page_counts_is_refused() {
        let good = r#"{"instance":1,"epoch":2,"sequence":3,"snapshot":"0123456789abcdef","rows":[]}"#;
        PageCounts::from_json(good.as_bytes()).unwrap();
        let header = |old: &str, new: &str| good.replace(old, new);
        let row = |row: &str| header("[]", &format!("[{row}]"));
        let many = vec![r#"[1,"beta",458752]"#; 1001].join(",");
        for (text, why) in [
            (String::new(), "no JSON object"),
            (r#"[1,2,3,"0123456789abcdef",[]]"#.to_owned(), "no JSON object"),
            (header("}", ""), "EOF"),
            (header("}", "}}"), "trailing characters"),
            (header(r#""instance":1"#, r#""instance":-1"#), "u64"),
            (header(r#""instance":1"#, r#""instance":1.5"#), "u64"),
            (header(r#""epoch":2"#, r#""epoch":18446744073709551616"#), "u64"),
            (header(r#""epoch":2"#, r#""epoch":null"#), "u64"),
            (header(r#""sequence":3"#, r#""sequence":0"#), "nonzero"),
            (header(r#""sequence":3,"#, ""), "missing field `sequence`"),
            (header(r#""sequence":3"#, r#""sequence":3,"sequence":4"#), "duplicate field"),
            (header(r#""sequence":3"#, r#""sequence":3,"age":-1"#), "u32"),
            (header(r#""sequence":3"#, r#""sequence":3,"age":4294967296"#), "u32"),
            (header(r#""sequence":3"#, r#""sequence":3,"colour":"red""#), "unknown field `colour`"),
            (header("0123456789abcdef", "0123456789abcde"), "16 hexadecimal digits"),
            (header("0123456789abcdef", "+123456789abcdef"), "16 hexadecimal digits"),
            (header(r#""sequence":3"#, r#""sequence":3,"user":"alice""#), "16 hexadecimal digits"),
            (header("[]", "{}"), "a list of rows"),
            (row("{}"), "[times, flag, outcome]"),
            (row("[]"), "invalid length 0"),
            (row(r#"[1,"beta"]"#), "invalid length 2"),
            (row(r#"[1,"beta",458752,1]"#), "invalid length 4"),
            (row(r#"[1,"beta",458752,1,true]"#), "invalid length 5"),
            (row(r#"[1,"beta",458752,1,true,5,6]"#), "trailing characters"),
            (row(r#"[0,"beta",458752]"#), "nonzero"),
            (row(r#"[-1,"beta",458752]"#), "u32"),
            (row(r#"[1e3,"beta",458752]"#), "u32"),
            (row(r#"[4294967296,"beta",458752]"#), "u32"),
            (row("[1,7,458752]"), "a string"),
            (row(r#"[1,"\ud800",458752]"#), "hex escape"),
            (row(r#"[1,"beta",-1]"#), "u32"),
            (row(r#"[1,"beta",720896]"#), "the outcome of no decision"),
            (row(r#"[1,"beta",4294967295]"#), "the outcome of no decision"),
            (row(r#"[1,"beta",402653184]"#), "the outcome of no decision"),
            (row(r#"[1,"beta",536870912]"#), "the outcome of no decision"),
            (row(r#"[1,"beta",458752,-1,true,5]"#), "u32"),
            (row(r#"[1,"beta",458752,1,2,5]"#), "a boolean"),
            (row(r#"[1,"beta",458752,1,true,-0.1]"#), "a duration below 0"),
            (row(r#"[1,"beta",458752,1,true,1e999]"#), "out of range"),
            (row(r#"[1,"beta",458752,1,true,NaN]"#), "expected value"),
            (row(&"[".repeat(1000)), "u32"),
            (row(&many), "more than 1000 rows"),
        ] {
            let error = PageCounts::from_json(text.as_bytes()).map(|_| text.clone()).unwrap_err();
            assert!(error.contains(why), "{error}: {}", &text[..text.len().min(200)]);
        }
        PageCounts::from_json(row(&many[18..]).as_bytes()).unwrap();
        let long = row(&format!(r#"["{}"]"#, "x".repeat(60_000)));
        assert!(PageCounts::from_json(long.as_bytes()).unwrap_err().len() <= 200);
    }

    #[test]
    fn each_decision_that_an_engine_makes_can_be_counted() {
        let published = published(DOCUMENT);
        for user in 0..100 {
            let user = user.to_string();
            let context = Context::new(Some(&user), &[]).bind(&published.snapshot);
            for flag in (0..4).map(FlagId) {
                let packed = evaluate(&published.snapshot, &Trips::NONE, flag, &context, Millis(0)).packed();
                let upper = PackedDecision::from_upper_half(u32::try_from(packed.to_bits() >> 32).unwrap()).unwrap();
                assert_eq!(upper.to_bits() >> 32, packed.to_bits() >> 32);
            }
        }
    }
}
