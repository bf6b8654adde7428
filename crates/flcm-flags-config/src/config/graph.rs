//! What names what: flags that depend on flags, cohorts that name cohorts. Cycles are found here, and the order in which
//! things can be decided.

use std::collections::BTreeMap;

use crate::config::{Condition, Config, Dependency, Flag};
use crate::limits;

/// Things that name each other, by index, each with the indices of what it names.
#[derive(Debug)]
pub(crate) struct Graph(pub(crate) Vec<Vec<usize>>);

/// What is wrong with a thing's place in the graph.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It is part of this cycle; it comes first and last.
    Cycle(Vec<usize>),
    /// It needs more than [`limits::CLOSURE`] others.
    TooMany,
}

/// Where everything stands in a graph without problems.
#[derive(Debug, Default)]
pub(crate) struct DecisionOrder {
    /// 0 for what names nothing, else one more than the deepest of what it names.
    pub(crate) depth: Vec<u8>,
    /// All that it needs, directly or not, by depth and index.
    pub(crate) closure: Vec<Vec<usize>>,
}

impl Graph {
    /// Of flags, in the order of their keys: dependencies, and flags that conditions name.
    pub(crate) fn of_flags(config: &Config) -> Self {
        let index: BTreeMap<&str, usize> = config.flags.keys().enumerate().map(|(i, key)| (key.as_str(), i)).collect();
        Self(
            config
                .flags
                .values()
                .map(|flag| named_flags(flag).filter_map(|d| index.get(d.flag.as_str()).copied()).collect())
                .collect(),
        )
    }

    /// Of cohorts, in the order of their names: cohorts that `when` names.
    pub(crate) fn of_cohorts(config: &Config) -> Self {
        let index: BTreeMap<&str, usize> =
            config.cohorts.keys().enumerate().map(|(i, key)| (key.as_str(), i)).collect();
        let named = |condition: &Condition| match condition {
            Condition::Cohort(name) => index.get(name.as_str()).copied(),
            _ => None,
        };
        Self(
            config
                .cohorts
                .values()
                .map(|cohort| leaves(cohort.when.iter().flatten()).filter_map(named).collect())
                .collect(),
        )
    }

    /// The order in which everything can be decided, or what is wrong with whom.
    pub(crate) fn order(&self) -> Result<DecisionOrder, Vec<(usize, Problem)>> {
        let (sorted, cyclic) = self.sort();
        if !cyclic.is_empty() {
            return Err(self.cycles(&cyclic).into_iter().map(|cycle| (cycle[0], Problem::Cycle(cycle))).collect());
        }
        let count = self.0.len();
        let mut order = DecisionOrder { depth: vec![0; count], closure: vec![Vec::new(); count] };
        let mut problems = Vec::new();
        for index in sorted {
            let mut closure: Vec<usize> = self.0[index].clone();
            for named in &self.0[index] {
                closure.extend(&order.closure[*named]);
            }
            closure.sort_unstable_by_key(|other| (order.depth[*other], *other));
            closure.dedup();
            if closure.len() > limits::CLOSURE {
                problems.push((index, Problem::TooMany));
                // Whatever builds on it is not reported again.
                closure.truncate(limits::CLOSURE);
            }
            let deepest = closure.iter().map(|other| order.depth[*other] + 1).max().unwrap_or(0);
            order.depth[index] = deepest.min(u8::MAX - 1);
            order.closure[index] = closure;
        }
        if problems.is_empty() { Ok(order) } else { Err(problems) }
    }

    /// An order in which each follows what it names, and what has none because it is, or needs, a cycle.
    fn sort(&self) -> (Vec<usize>, Vec<usize>) {
        let mut missing: Vec<usize> = self.0.iter().map(Vec::len).collect();
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.0.len()];
        for (index, named) in self.0.iter().enumerate() {
            for other in named {
                users[*other].push(index);
            }
        }
        let mut sorted: Vec<usize> = (0..self.0.len()).filter(|index| missing[*index] == 0).collect();
        let mut next = 0;
        while let Some(done) = sorted.get(next).copied() {
            next += 1;
            for user in &users[done] {
                missing[*user] -= 1;
                if missing[*user] == 0 {
                    sorted.push(*user);
                }
            }
        }
        (sorted, (0..self.0.len()).filter(|index| missing[*index] > 0).collect())
    }

    /// Cycles among `cyclic`, each of which names another of them: from each, one name is followed until the walk meets
    /// itself, or what an earlier walk has seen. A cycle begins and ends with its first member.
    fn cycles(&self, cyclic: &[usize]) -> Vec<Vec<usize>> {
        let mut walk_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut cycles = Vec::new();
        for (walk, start) in cyclic.iter().enumerate() {
            let mut steps = Vec::new();
            let mut at = *start;
            while !walk_of.contains_key(&at) {
                walk_of.insert(at, walk);
                steps.push(at);
                match self.0[at].iter().find(|named| cyclic.binary_search(named).is_ok()) {
                    Some(named) => at = *named,
                    None => break,
                }
            }
            if walk_of.get(&at) != Some(&walk) || steps.is_empty() {
                continue;
            }
            let mut cycle = steps.split_off(steps.iter().position(|step| *step == at).unwrap_or(0));
            let first = (0..cycle.len()).min_by_key(|position| cycle[*position]).unwrap_or(0);
            cycle.rotate_left(first);
            cycle.push(cycle[0]);
            cycles.push(cycle);
        }
        cycles
    }
}

/// The flags that a flag names, as dependencies or in conditions.
pub(crate) fn named_flags(flag: &Flag) -> impl Iterator<Item = &Dependency> {
    let conditions = flag.rules.iter().flat_map(|rule| leaves(rule.conditions.iter()));
    let in_conditions = conditions.filter_map(|condition| match condition {
        Condition::Flag(dependency) => Some(dependency),
        _ => None,
    });
    flag.dependencies.iter().chain(in_conditions)
}

/// Conditions that are no groups. A flat list, because groups nest only [`limits::CONDITION_DEPTH`] deep.
pub(crate) fn leaves<'c>(conditions: impl Iterator<Item = &'c Condition>) -> impl Iterator<Item = &'c Condition> {
    let mut found = Vec::new();
    conditions.for_each(|condition| collect(condition, &mut found));
    found.into_iter()
}

fn collect<'c>(condition: &'c Condition, found: &mut Vec<&'c Condition>) {
    match condition {
        Condition::All(members) | Condition::Any(members) => members.iter().for_each(|member| collect(member, found)),
        Condition::Not(member) => collect(member, found),
        _ => found.push(condition),
    }
}
