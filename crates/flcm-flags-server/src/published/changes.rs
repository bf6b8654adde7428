//! Which flags a revision changes.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags_config::Config;
use flcm_flags_config::config::{Cohort, Condition};

use super::{Published, removed_flags};

/// The flags that differ between two revisions, in the order of their keys: those that were changed, added or removed,
/// and those that name a cohort which was. All of them where one revision has no document to compare.
pub(crate) fn changed_flags(before: Option<&Published>, after: &Published) -> Vec<String> {
    let configs = before.and_then(|before| before.config.as_ref()).zip(after.config.as_ref());
    let mut changed = match configs {
        Some((old, new)) => edited_flags(old, new),
        None => all_flags(after),
    };
    changed.extend(before.into_iter().flat_map(|before| removed_flags(&before.snapshot, &after.snapshot)));
    changed.sort_unstable();
    changed
}

fn all_flags(published: &Published) -> Vec<String> {
    let snapshot = &published.snapshot;
    snapshot.flags().filter_map(|id| Some(snapshot.describe(id)?.key().to_owned())).collect()
}

fn edited_flags(old: &Config, new: &Config) -> Vec<String> {
    let cohorts = edited_cohorts(&old.cohorts, &new.cohorts);
    let edited = new.flags.iter().filter(|(key, flag)| {
        let names = || flag.rules.iter().any(|rule| rule.conditions.iter().any(|when| names_any(when, &cohorts)));
        old.flags.get(*key) != Some(*flag) || !cohorts.is_empty() && names()
    });
    edited.map(|(key, _)| key.clone()).collect()
}

/// Cohorts that differ, and those that name one.
fn edited_cohorts<'c>(old: &BTreeMap<String, Cohort>, new: &'c BTreeMap<String, Cohort>) -> BTreeSet<&'c str> {
    let differ = new.iter().filter(|(name, cohort)| old.get(*name) != Some(*cohort));
    let mut edited: BTreeSet<&str> = differ.map(|(name, _)| name.as_str()).collect();
    loop {
        let names = |cohort: &Cohort| cohort.when.iter().flatten().any(|when| names_any(when, &edited));
        let further = new.iter().filter(|(name, cohort)| !edited.contains(name.as_str()) && names(cohort));
        let further: Vec<&str> = further.map(|(name, _)| name.as_str()).collect();
        if further.is_empty() {
            return edited;
        }
        edited.extend(further);
    }
}

fn names_any(condition: &Condition, cohorts: &BTreeSet<&str>) -> bool {
    match condition {
        Condition::All(members) | Condition::Any(members) => members.iter().any(|member| names_any(member, cohorts)),
        Condition::Cohort(name) => cohorts.contains(name.as_str()),
        Condition::Flag(_) | Condition::Test(_) => false,
        Condition::Not(member) => names_any(member, cohorts),
    }
}

#[cfg(test)]
mod tests {
    use flcm_flags_config::CheckOptions;

    use super::{Published, changed_flags};

    #[test]
    fn a_flag_changes_by_itself_and_by_its_cohorts() {
        let published = |text: &str| Published::new(text.to_owned(), 0, CheckOptions::default()).expect("a document").0;
        let before = "
cohorts:
  staff: { users: [anna] }
  testers: { when: [{ cohort: staff }] }
flags:
  by_cohort: { conditions: [{ not: { cohort: testers } }], rollout: { percentage: 5 } }
  gone: { rollout: { percentage: 5 } }
  raised: { rollout: { percentage: 5 } }
  same: { rollout: { percentage: 5 } }
";
        let after = before
            .replace("[anna]", "[jo]")
            .replace("raised: { rollout: { percentage: 5 }", "raised: { rollout: { percentage: 9 }");
        let after = after.replace("gone:", "added:");
        let (before, after) = (published(before), published(&after));
        assert_eq!(changed_flags(Some(&before), &after), ["added", "by_cohort", "gone", "raised"]);
        assert_eq!(changed_flags(Some(&before), &before), [""; 0]);
        assert_eq!(changed_flags(None, &before).len(), 4);
    }
}
