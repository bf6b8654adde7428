//! What pages get of a configuration.

use std::collections::BTreeSet;

use crate::config::graph::{all_leaves, test_of};
use crate::config::{Client, Clients, Config, Flag, Operand, Operator, Rule};

impl Config {
    /// The part that pages decide by: flags with `client: true`, and the cohorts and patterns that these use. Names of
    /// rules are left out. `None` if pages get all of it.
    #[must_use]
    pub fn for_clients(&self) -> Option<Self> {
        if self.clients == Clients::All && self.flags.values().all(is_for_clients) {
            return None;
        }
        let flags = self.flags.iter().filter(|(_, flag)| is_for_clients(flag));
        let mut part = Self {
            revision: self.revision,
            clients: self.clients,
            flags: flags.map(|(key, flag)| (key.clone(), without_names(flag))).collect(),
            ..Self::default()
        };
        let cohorts: BTreeSet<String> = part.flags.keys().flat_map(|key| self.cohorts_of(key)).collect();
        let cohort = |name: String| Some((name.clone(), self.cohorts.get(&name)?.clone()));
        part.cohorts = cohorts.into_iter().filter_map(cohort).collect();
        let patterns: BTreeSet<String> = patterns(&part).map(str::to_owned).collect();
        let pattern = |text: String| Some((text.clone(), self.patterns.get(&text)?.clone()));
        part.patterns = patterns.into_iter().filter_map(pattern).collect();
        Some(part)
    }
}

fn is_for_clients(flag: &Flag) -> bool {
    flag.client == Client::Snapshot
}

/// The flag without what is for people.
fn without_names(flag: &Flag) -> Flag {
    let rules = flag.rules.iter().map(|rule| Rule { name: None, ..rule.clone() });
    Flag { description: None, owner: None, tags: Vec::new(), rules: rules.collect(), ..flag.clone() }
}

fn patterns(config: &Config) -> impl Iterator<Item = &str> {
    let tests = all_leaves(config).filter_map(test_of).filter(|test| test.operator == Operator::Matches);
    tests.filter_map(|test| if let Operand::Text(text) = &test.operand { Some(text.as_str()) } else { None })
}
