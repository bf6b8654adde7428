//! The dependency graphs of flags and of cohorts: finds cycles, and the order in which flags and cohorts are decided.

use std::collections::BTreeMap;

use crate::config::{Cohort, Condition, Config, Dependency, Flag, Test};
use crate::limits;

/// A directed graph: for each vertex, the indices of the vertices that it names.
#[derive(Debug)]
pub(crate) struct Graph(pub(crate) Vec<Vec<usize>>);

/// What is wrong with a vertex.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It is part of this cycle, which begins and ends with it.
    Cycle(Vec<usize>),
    /// It depends on more than [`limits::CLOSURE`] others.
    TooMany,
}

/// The order in which a graph without problems is decided.
#[derive(Debug, Default)]
pub(crate) struct DecisionOrder {
    /// 0 for a vertex that names no other, else one more than the deepest vertex that it names.
    pub(crate) depth: Vec<u8>,
    /// All vertices that it depends on, directly or indirectly, by depth and index.
    pub(crate) closure: Vec<Vec<usize>>,
}

impl DecisionOrder {
    /// These vertices and all that they depend on, by depth and index.
    fn closure_of(&self, named: &[usize]) -> Vec<usize> {
        let mut closure = named.to_vec();
        closure.extend(named.iter().flat_map(|other| &self.closure[*other]));
        closure.sort_unstable_by_key(|other| (self.depth[*other], *other));
        closure.dedup();
        closure
    }

    fn insert(&mut self, index: usize, closure: Vec<usize>) {
        let deepest = closure.iter().map(|other| self.depth[*other] + 1).max().unwrap_or(0);
        self.depth[index] = deepest.min(u8::MAX - 1);
        self.closure[index] = closure;
    }
}

impl Graph {
    /// Of flags, in the order of their keys: dependencies, and flags that conditions name.
    pub(crate) fn of_flags(config: &Config) -> Self {
        let names = Names::of(&config.flags);
        let named = |flag| named_flags(flag).filter_map(|other| names.index(&other.flag)).collect();
        Self(config.flags.values().map(named).collect())
    }

    /// Of cohorts, in the order of their names: cohorts that `when` names.
    pub(crate) fn of_cohorts(config: &Config) -> Self {
        let names = Names::of(&config.cohorts);
        let named = |cohort: &Cohort| {
            let conditions = leaves(cohort.when.iter().flatten());
            conditions.filter_map(cohort_name).filter_map(|name| names.index(name)).collect()
        };
        Self(config.cohorts.values().map(named).collect())
    }

    /// The order in which all vertices can be decided, or the problems.
    pub(crate) fn order(&self) -> Result<DecisionOrder, Vec<(usize, Problem)>> {
        let (sorted, cyclic) = self.sort();
        if !cyclic.is_empty() {
            return Err(self.cycles(&cyclic).into_iter().map(|cycle| (cycle[0], Problem::Cycle(cycle))).collect());
        }
        let count = self.0.len();
        let mut order = DecisionOrder { depth: vec![0; count], closure: vec![Vec::new(); count] };
        let mut problems = Vec::new();
        for index in sorted {
            let mut closure = order.closure_of(&self.0[index]);
            if closure.len() > limits::CLOSURE {
                problems.push((index, Problem::TooMany));
                // Vertices that depend on this one are not reported again.
                closure.truncate(limits::CLOSURE);
            }
            order.insert(index, closure);
        }
        if problems.is_empty() { Ok(order) } else { Err(problems) }
    }

    /// A topological order, and the vertices that have none: they are in a cycle, or depend on one.
    fn sort(&self) -> (Vec<usize>, Vec<usize>) {
        let all = 0..self.0.len();
        let mut missing: Vec<usize> = self.0.iter().map(Vec::len).collect();
        let users = self.users();
        let mut sorted: Vec<usize> = all.clone().filter(|index| missing[*index] == 0).collect();
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
        (sorted, all.filter(|index| missing[*index] > 0).collect())
    }

    /// The vertices that name each vertex.
    fn users(&self) -> Vec<Vec<usize>> {
        let mut users = vec![Vec::new(); self.0.len()];
        let names = |(index, named): (usize, &Vec<usize>)| named.iter().for_each(|other| users[*other].push(index));
        self.0.iter().enumerate().for_each(names);
        users
    }

    /// Cycles among `cyclic`, each of which names another of them. From each vertex one edge is followed at a time,
    /// until the walk meets itself or a vertex of an earlier walk. A cycle begins and ends with its first member.
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
            cycles.push(closed(steps.split_off(steps.iter().position(|step| *step == at).unwrap_or(0))));
        }
        cycles
    }
}

/// A cycle that begins and ends with its first member.
fn closed(mut cycle: Vec<usize>) -> Vec<usize> {
    let first = (0..cycle.len()).min_by_key(|position| cycle[*position]).unwrap_or(0);
    cycle.rotate_left(first);
    cycle.push(cycle[0]);
    cycle
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

/// The test that a condition is.
pub(crate) const fn test_of(condition: &Condition) -> Option<&Test> {
    if let Condition::Test(test) = condition { Some(test) } else { None }
}

/// The cohort that a condition names.
pub(crate) fn cohort_name(condition: &Condition) -> Option<&str> {
    if let Condition::Cohort(name) = condition { Some(name) } else { None }
}

/// Names in their order, to find their indices.
#[derive(Debug)]
pub(crate) struct Names<'n>(Vec<&'n str>);

impl<'n> Names<'n> {
    /// The names of a map.
    pub(crate) fn of<T>(map: &'n BTreeMap<String, T>) -> Self {
        Self(map.keys().map(String::as_str).collect())
    }

    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.0.binary_search(&name).ok()
    }
}

/// The conditions of all rules and cohorts.
pub(crate) fn all_leaves(config: &Config) -> impl Iterator<Item = &Condition> {
    let rules = config.flags.values().flat_map(|flag| &flag.rules).flat_map(|rule| &rule.conditions);
    leaves(rules.chain(config.cohorts.values().filter_map(|cohort| cohort.when.as_ref()).flatten()))
}

/// The conditions inside all groups. Recursion is safe: groups nest at most [`limits::CONDITION_DEPTH`] deep.
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
