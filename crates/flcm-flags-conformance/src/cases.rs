//! Generated cases for implementations in other languages: documents, questions, and what the core answers, which the
//! oracle has confirmed.
//!
//! A file is JSON Lines, a [`Cases`] each. What is long stands there as its SHA-256.

use std::collections::BTreeMap;
use std::fmt::Write;

use flcm_flags::{Decision, Millis, PackedDecision, evaluate};
use flcm_flags_config::OwnedContext;
use flcm_flags_ffi::documents;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::parity::{Agreed, Disagreement, Tally, compare_document, trips_for};

/// A document, and what is decided on it.
#[derive(Clone, Debug, Serialize)]
pub struct Cases {
    /// Makes the document again.
    pub seed: u64,
    /// Text of the document.
    pub document: String,
    /// Digest that the snapshot gives for itself, 16 hexadecimal digits.
    pub digest: String,
    /// SHA-256 of the snapshot's bytes.
    pub snapshot: String,
    /// The flags that are asked for, the last of which does not exist.
    pub keys: Vec<String>,
    /// Questions and answers.
    pub cases: Vec<Case>,
    /// Every answer that occurs, by `key:rule:outcome`: an index of `keys` and two halves of an outcome.
    pub decisions: BTreeMap<String, Answer>,
}

/// A question that is asked of every flag, and the answers.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// Who asks.
    pub context: OwnedContext,
    /// The trips of breakers, by flag key.
    pub trips: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub now: u64,
    /// By key: the low half of the outcome, which is the rule, and the high half. Of the first question one for the last
    /// key as well, of the others not.
    pub answers: Vec<(u32, u32)>,
    /// SHA-256 of the explanations of these keys, a line feed behind each.
    pub transcript: String,
}

/// Generates the cases of the document that a seed makes.
///
/// # Errors
/// The first decision on which core and oracle disagree.
pub fn generate(seed: u64, tally: &mut Tally) -> Result<Cases, Box<Disagreement>> {
    let mut made: Option<Cases> = None;
    compare_document(seed, tally, |agreed| {
        made.get_or_insert_with(|| Cases::of(seed, agreed)).add(agreed);
    })?;
    Ok(made.expect("a document is asked at least once"))
}

impl Cases {
    fn of(seed: u64, first: Agreed<'_>) -> Self {
        Self {
            seed,
            document: first.document.text.clone(),
            digest: format!("{:016x}", first.snapshot.digest()),
            snapshot: sha256(first.snapshot.as_bytes()),
            keys: first.keys.to_vec(),
            cases: Vec::new(),
            decisions: BTreeMap::new(),
        }
    }

    fn add(&mut self, agreed: Agreed<'_>) {
        let Agreed { snapshot, question, keys, .. } = agreed;
        let outcomes = outcomes(agreed);
        for (index, (outcome, answer)) in outcomes.iter().zip(agreed.answers).enumerate() {
            let decision = snapshot
                .flag(&keys[index])
                .map_or_else(Decision::flag_not_found, |id| Decision::new(snapshot, id, *outcome));
            assert_eq!(Answer::from(decision), *answer, "an outcome unpacks to the answer that was agreed on");
            let (rule, rest) = halves(*outcome);
            self.decisions.entry(format!("{index}:{rule}:{rest}")).or_insert_with(|| answer.clone());
        }
        self.cases.push(Case {
            context: question.context.clone(),
            trips: question.trips.iter().map(|(key, state)| (key.clone(), state.to_string())).collect(),
            now: question.now,
            answers: outcomes.into_iter().map(halves).collect(),
            transcript: transcript(agreed),
        });
    }
}

/// What the core decides for each key.
fn outcomes(agreed: Agreed<'_>) -> Vec<PackedDecision> {
    let Agreed { snapshot, question, keys, .. } = agreed;
    let trips = trips_for(snapshot, question.trips);
    question.context.with_core(|context| {
        let bound = context.bind(snapshot);
        let decide = |id| evaluate(snapshot, &trips, id, &bound, Millis(question.now));
        keys.iter().map(|key| snapshot.flag(key).map_or_else(Decision::flag_not_found, decide).packed()).collect()
    })
}

fn halves(outcome: PackedDecision) -> (u32, u32) {
    let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).expect("32 bits");
    (half(outcome.to_bits()), half(outcome.to_bits() >> 32))
}

fn transcript(agreed: Agreed<'_>) -> String {
    let Agreed { snapshot, question, keys, .. } = agreed;
    let trips = trips_for(snapshot, question.trips);
    let context = serde_json::to_string(question.context).expect("a context is JSON");
    #[expect(clippy::cast_precision_loss, reason = "times are at most 2^53")]
    let now = question.now as f64;
    let mut text = String::new();
    for key in keys {
        let explained = documents::explain(snapshot.as_bytes(), trips.as_bytes(), key, &context, now);
        text += &documents::json(&explained.unwrap_or_else(|error| panic!("{error}: {context}")));
        text.push('\n');
    }
    sha256(text.as_bytes())
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes whatever is written");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{generate, sha256};
    use crate::parity::Tally;

    #[test]
    fn a_seed_makes_the_same_cases_each_time() {
        let line = |seed| serde_json::to_string(&generate(seed, &mut Tally::default()).unwrap()).unwrap();
        assert_eq!(line(3), line(3));
        assert_ne!(line(3), line(4));
    }

    #[test]
    fn every_answer_is_in_words_as_well() {
        let made = generate(5, &mut Tally::default()).unwrap();
        for case in &made.cases {
            for (index, (rule, outcome)) in case.answers.iter().enumerate() {
                assert!(made.decisions.contains_key(&format!("{index}:{rule}:{outcome}")));
            }
        }
        assert_eq!(made.cases[0].answers.len(), made.keys.len());
        assert_eq!(made.cases[1].answers.len() + 1, made.keys.len());
    }

    #[test]
    fn digests_are_those_of_everyone() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
