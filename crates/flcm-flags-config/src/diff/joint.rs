//! Exact shares of users for whom a flag changes that depends on other flags.
//!
//! Each flag draws its users by its own salt, and different draws are independent. So within a class of users, for whom
//! the same conditions hold, a decision is a function of a few draws, and a share is a sum of products. The draws are
//! gone through one after the other, and only as far as they matter: a flag whose prerequisite is not met asks no more.
//!
//! Conditions of prerequisites divide a class further. Where these parts have different shares, the largest is a bound.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::{Millis, Snapshot};

use super::Version;
use super::draws::Draws;
use super::intervals::{Areas, Shares};
use super::member::{Member, Need, Reach, Test};
use super::moves::Served;

/// How many conditions of prerequisites are tried in all combinations.
const MAX_FREE: usize = 6;

/// How many combinations of draws are looked at.
const MAX_LEAVES: usize = 20_000;

/// A flag of both versions, and all that it depends on.
pub(super) struct Joint {
    members: Vec<Member>,
    /// The flag itself, in each version that has it.
    flags: [Option<usize>; 2],
    draws: Draws,
}

/// The conditions that hold.
type Atoms<'j> = BTreeSet<&'j str>;

/// What a flag serves to a user; or else the draw that must be known first.
type Outcome = Result<u16, usize>;

impl Joint {
    pub(super) fn new<B: AsRef<[u8]>>(versions: [&Version<'_, B>; 2], key: &str, now: Millis) -> Self {
        let mut members = Vec::new();
        let flags = versions.map(|version| add(&mut members, version.snapshot, key, now));
        let draws = Draws::of(&mut members);
        Self { members, flags, draws }
    }

    /// The shares by class of users. Classes for which nothing changes are left out.
    pub(super) fn shares(&self) -> Vec<Shares> {
        let own: Atoms<'_> = self.flags.iter().flatten().flat_map(|flag| self.members[*flag].atoms()).collect();
        let all: Atoms<'_> = self.members.iter().flat_map(Member::atoms).collect();
        // A single condition divides users into two classes, whoever asks it.
        let own = if all.len() == 1 { all.clone() } else { own };
        let free: Vec<&str> = all.difference(&own).copied().collect();
        let classes = own.iter().copied().map(Some).chain([None]);
        classes.filter_map(|class| self.class(class, &free).shares(class, !own.is_empty())).collect()
    }

    /// The areas of users for whom only this condition of the flag holds, or none.
    fn class(&self, class: Option<&str>, free: &[&str]) -> Areas {
        if free.len() > MAX_FREE || self.draws.are_too_many() {
            return self.bound(class);
        }
        let mut largest: Option<Areas> = None;
        for combination in 0..1_usize << free.len() {
            let held = free.iter().enumerate().filter(|(bit, _)| combination >> bit & 1 == 1).map(|(_, atom)| *atom);
            let Some(areas) = self.areas(&held.chain(class).collect()) else { return self.bound(class) };
            largest = Some(largest.map_or_else(|| areas.clone(), |largest| largest.or_larger(&areas)));
        }
        largest.unwrap_or_default().reduced()
    }

    /// The areas where these conditions hold. `None` where there are too many combinations of draws.
    fn areas(&self, atoms: &Atoms<'_>) -> Option<Areas> {
        let mut areas = Areas::default();
        let mut open = vec![(vec![None; self.draws.len()], 1_u128)];
        let mut leaves = 0;
        while let Some((drawn, weight)) = open.pop() {
            let mut question = Question { joint: self, atoms, drawn: &drawn, known: vec![None; self.members.len()] };
            match self.flags.map(|flag| flag.map(|flag| question.decide(flag)).transpose()) {
                [Err(draw), _] | [_, Err(draw)] => {
                    for (index, cell) in self.draws.cells(draw).iter().enumerate() {
                        let mut further = drawn.clone();
                        further[draw] = Some(index);
                        open.push((further, weight * cell.weight));
                    }
                }
                [Ok(old), Ok(new)] => {
                    let area = weight * self.draws.rest(&drawn)?;
                    let served = |version: usize, outcome: Option<u16>| {
                        let member = self.flags[version].zip(outcome);
                        member.map_or(&Served::OFF, |(flag, outcome)| self.members[flag].served(outcome))
                    };
                    areas.add(served(0, old), served(1, new), area);
                    leaves += 1;
                }
            }
            if leaves + open.len() > MAX_LEAVES {
                return None;
            }
        }
        Some(areas)
    }

    /// A bound where it would take too long to be exact: nobody is on whom the flag's own rules leave out.
    fn bound(&self, class: Option<&str>) -> Areas {
        let reach = self.flags.map(|flag| flag.map_or(Reach::NOWHERE, |flag| self.members[flag].reach(class)));
        Areas::bound(&reach)
    }
}

/// Adds a flag of a version and all that it depends on, prerequisites first. `None` if the version lacks it.
fn add<B: AsRef<[u8]>>(members: &mut Vec<Member>, snapshot: &Snapshot<B>, key: &str, now: Millis) -> Option<usize> {
    let id = snapshot.flag(key)?;
    let closure = snapshot.describe(id)?.closure();
    let ids: Vec<u32> = closure.iter().map(|id| id.get()).collect();
    let asked = super::member::variants_asked(snapshot, ids.iter().copied().chain([id.0]));
    let mut places = BTreeMap::new();
    for inner in ids {
        if let Some(member) = Member::new(snapshot, inner, &places, now) {
            places.insert(inner, members.len());
            members.push(member.reduced(asked.contains(&inner)));
        }
    }
    members.push(Member::new(snapshot, id.0, &places, now)?);
    Some(members.len() - 1)
}

/// What is decided for a user of whom some draws are known.
struct Question<'q> {
    joint: &'q Joint,
    atoms: &'q Atoms<'q>,
    /// The cell of each draw.
    drawn: &'q [Option<usize>],
    /// The decisions that were made.
    known: Vec<Option<u16>>,
}

impl Question<'_> {
    fn decide(&mut self, flag: usize) -> Outcome {
        if let Some(known) = self.known[flag] {
            return Ok(known);
        }
        let outcome = self.first_rule(&self.joint.members[flag])?;
        self.known[flag] = Some(outcome);
        Ok(outcome)
    }

    fn first_rule(&mut self, member: &Member) -> Outcome {
        for need in &member.needs {
            if !self.is_met(need)? {
                return Ok(Member::OFF);
            }
        }
        for (index, rule) in member.rules.iter().enumerate() {
            if rule.end == 0 || !self.all_hold(&rule.tests)? {
                continue;
            }
            if let Some(outcome) = rule.only_outcome() {
                return Ok(outcome);
            }
            let cell = self.drawn[member.draw].ok_or(member.draw)?;
            if let Some(outcome) = self.joint.draws.cells(member.draw)[cell].outcomes[member.place + index] {
                return Ok(outcome);
            }
        }
        Ok(Member::OFF)
    }

    fn is_met(&mut self, need: &Need) -> Result<bool, usize> {
        let Some(flag) = need.member else { return Ok(false) };
        let member = &self.joint.members[flag];
        if !member.is_readable {
            return Ok(false);
        }
        let outcome = self.decide(flag)?;
        Ok(need.is_met_by(member.served(outcome)))
    }

    fn all_hold(&mut self, tests: &[Test]) -> Result<bool, usize> {
        for test in tests {
            if !self.holds(test)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds(&mut self, test: &Test) -> Result<bool, usize> {
        match test {
            Test::All(tests) => self.all_hold(tests),
            Test::Any(tests) => {
                for test in tests {
                    if self.holds(test)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Atom(text) => Ok(self.atoms.contains(text.as_str())),
            Test::Flag(need) => self.is_met(need),
            Test::Not(tests) => Ok(!self.all_hold(tests)?),
        }
    }
}
