//! Compares the core with the oracle, over random documents and contexts, through each of the core's functions.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;
use flcm_flags::{
    Decision, ErrorCode, FlagId, Millis, PackedDecision, Snapshot, Step, TripState, Trips, Visitor, evaluate,
    evaluate_all, explain,
};
use flcm_flags_config::{check, compile};

use crate::OwnedContext;
use crate::answer::Answer;
use crate::generate::{self, Document};
use crate::oracle::{Oracle, Question};

/// How many contexts ask each document.
const CONTEXTS: usize = 40;

/// What was compared, and how often each answer occurred.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Documents that were generated.
    pub documents: u64,
    /// Decisions that were compared.
    pub decisions: u64,
    /// By reason, with its code if it is an error.
    pub reasons: BTreeMap<String, u64>,
    /// By arm.
    pub arms: BTreeMap<String, u64>,
    /// By whether a named rule applied.
    pub rules: BTreeMap<String, u64>,
    /// By what was served.
    pub served: BTreeMap<String, u64>,
    /// By operator: tests that held, and all tests.
    pub operators: BTreeMap<&'static str, (u64, u64)>,
}

/// A decision on which the core and the oracle differ.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Makes the document again.
    pub seed: u64,
    /// The document.
    pub document: String,
    /// Who asked.
    pub context: OwnedContext,
    /// The time.
    pub now: u64,
    /// The trips of breakers.
    pub trips: BTreeMap<String, TripState>,
    /// The flag.
    pub flag: String,
    /// What the contract requires.
    pub oracle: Answer,
    /// The core's function, and what it answers.
    pub core: (&'static str, Answer),
}

/// Compares at least so many decisions. Document *n* is made from `seed + n`, so that one alone can be looked at again.
///
/// # Errors
/// The first disagreement.
pub fn compare(seed: u64, decisions: u64) -> Result<Tally, Box<Disagreement>> {
    let mut tally = Tally::default();
    while tally.decisions < decisions {
        compare_document(seed.wrapping_add(tally.documents), &mut tally, |_| ())?;
    }
    Ok(tally)
}

/// A question on which the core and the oracle agree, for every flag of a document.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'c> {
    /// The document.
    pub document: &'c Document,
    /// What it compiles to.
    pub snapshot: &'c Snapshot<Vec<u8>>,
    /// Who asked when, and the trips of breakers.
    pub question: Question<'c>,
    /// The flags that were asked for; the first time also one that is not there.
    pub keys: &'c [String],
    /// What the oracle, and every function of the core, answers for each of them.
    pub answers: &'c [Answer],
}

/// Compares the decisions of the document that a seed makes, and shows each question that was agreed on.
///
/// # Errors
/// The first disagreement.
pub fn compare_document(
    seed: u64,
    tally: &mut Tally,
    mut show: impl FnMut(Agreed<'_>),
) -> Result<(), Box<Disagreement>> {
    let mut rng = Rng::with_seed(seed);
    let document = Document::random(&mut rng);
    let (config, diagnostics) = check(&document.text);
    let config = config.unwrap_or_else(|| {
        panic!(
            "seed {seed}: a generated document must pass the check:\n{}",
            diagnostics.render("random", &document.text, false)
        )
    });
    let oracle = Oracle::new(&config);
    let snapshot = Snapshot::from_bytes(compile(&config)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut keys = document.flags.clone();
    keys.push("a flag that nobody defines".to_owned());
    tally.documents += 1;
    for _ in 0..CONTEXTS {
        let context = generate::context(&mut rng, document.many);
        let trips = generate::trips(&mut rng, &document.flags);
        let now = generate::now(&mut rng);
        let question = Question { context: &context, trips: &trips, now };
        let core = ask_core(&snapshot, question, &keys, tally);
        let mut answers = Vec::new();
        for (key, functions) in keys.iter().zip(core) {
            let expected = oracle.decide(key, question);
            if let Some((function, answer)) = functions.into_iter().find(|(_, answer)| *answer != expected) {
                let (document, flag) = (document.text.clone(), key.clone());
                return Err(Box::new(Disagreement {
                    seed,
                    document,
                    context: context.clone(),
                    now,
                    trips: trips.clone(),
                    flag,
                    oracle: expected,
                    core: (function, answer),
                }));
            }
            tally.count(&expected);
            answers.push(expected);
        }
        show(Agreed { document: &document, snapshot: &snapshot, question, keys: &keys, answers: &answers });
        // Once is enough for the flag that is not there.
        keys.truncate(document.flags.len());
    }
    Ok(())
}

/// What each of the core's functions answers for each of the flags.
pub fn ask_core<B: AsRef<[u8]>>(
    snapshot: &Snapshot<B>,
    question: Question<'_>,
    keys: &[String],
    tally: &mut Tally,
) -> Vec<Vec<(&'static str, Answer)>> {
    let Question { context, now, .. } = question;
    let (trips, now) = (trips_for(snapshot, question.trips), Millis(now));
    context.with_core(|context| {
        let bound = context.bind(snapshot);
        let mut outcomes = vec![PackedDecision::error(ErrorCode::FlagNotFound); snapshot.flags().len()];
        evaluate_all(snapshot, &trips, &bound, now, &mut outcomes);
        let ask = |key: &String| {
            let Some(id) = snapshot.flag(key) else {
                return vec![("flag_not_found", Decision::flag_not_found().into())];
            };
            let all = outcomes[usize::try_from(id.0).expect("an index")];
            vec![
                ("evaluate", evaluate(snapshot, &trips, id, &bound, now).into()),
                ("evaluate_all", Decision::new(snapshot, id, all).into()),
                ("explain", explain(snapshot, &trips, id, &bound, now, tally).into()),
            ]
        };
        keys.iter().map(ask).collect()
    })
}

/// Trips by flag id.
pub fn trips_for<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, by_key: &BTreeMap<String, TripState>) -> Trips<Vec<u8>> {
    let mut trips = Trips::new(vec![0; Trips::bytes_for(snapshot.flags().len())]);
    for (key, state) in by_key {
        let id: FlagId = snapshot.flag(key).unwrap_or_else(|| panic!("trips name a flag that is not there: `{key}`"));
        trips.set(id, *state);
    }
    trips
}

impl Tally {
    fn count(&mut self, answer: &Answer) {
        let code = answer.error_code.as_ref().map_or(String::new(), |code| format!(" {code}"));
        let served = match (&answer.value, &answer.variant) {
            (None, _) => "nothing",
            (Some(_), Some(_)) => "a variant",
            (Some(_), None) if answer.enabled => "on",
            (Some(_), None) => "off",
        };
        self.decisions += 1;
        *self.reasons.entry(format!("{}{code}", answer.reason)).or_default() += 1;
        *self.arms.entry(answer.arm.clone()).or_default() += 1;
        *self.rules.entry(if answer.rule.is_some() { "named" } else { "none or unnamed" }.to_owned()).or_default() += 1;
        *self.served.entry(served.to_owned()).or_default() += 1;
    }
}

impl Visitor for Tally {
    /// Counts the tests, and how many of them hold.
    fn visit(&mut self, step: Step<'_, '_>) {
        if let Step::Test { test, held, .. } = step {
            let (hits, all) = self.operators.entry(test.operator().as_str()).or_default();
            *hits += u64::from(held);
            *all += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} documents, {} decisions", self.documents, self.decisions)?;
        for (title, counts) in
            [("reason", &self.reasons), ("arm", &self.arms), ("rule", &self.rules), ("served", &self.served)]
        {
            for (name, count) in counts {
                let percent = percent(*count, self.decisions);
                writeln!(formatter, "{title:<8} {name:<24} {count:>10}  {percent:>5.1} %")?;
            }
        }
        for (operator, (hits, all)) in &self.operators {
            writeln!(formatter, "operator {operator:<24} {all:>10}  {:>5.1} % hold", percent(*hits, *all))?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "for a person to read")]
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, document, context, now, trips, flag, oracle, core: (function, answer) } = self;
        let context = serde_json::to_string(context).map_err(|_| fmt::Error)?;
        writeln!(formatter, "{document}\n\nseed {seed}\nflag {flag:?}\ncontext {context}\nnow {now}\ntrips {trips:?}")?;
        writeln!(formatter, "oracle       {oracle:?}\n{function:<12} {answer:?}")
    }
}
