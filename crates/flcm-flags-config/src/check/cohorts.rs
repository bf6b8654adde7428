//! Cohorts: members, exceptions and conditions.

use std::collections::HashSet;

use super::Checker;
use crate::config;
use crate::diagnostics::{Edit, Path};
use crate::parse::document::{At, Cohort};

impl Checker<'_> {
    pub(super) fn cohort(&mut self, name: &At<String>, cohort: &Cohort) -> config::Cohort {
        let path = Path::Root.key("cohorts");
        let path = path.key(&name.value);
        let users = self.members(cohort.users.as_deref(), path.key("users"));
        let except = self.members(cohort.except.as_deref(), path.key("except"));
        self.excluded(cohort, path.key("users"));
        let when = cohort.when.as_ref().map(|when| self.conditions(when, path.key("when"), false));
        config::Cohort { users, except, when }
    }

    fn members(&mut self, list: Option<&[At<String>]>, path: Path<'_>) -> Vec<String> {
        let list = list.unwrap_or_default();
        let mut seen = HashSet::with_capacity(list.len());
        for (index, user) in list.iter().enumerate() {
            self.visible(user, path.index(index));
            if !seen.insert(user.value.as_str()) {
                let message = format!("user `{}` is listed twice", user.value);
                let removed = Edit::remove_item(self.text, user.span);
                let problem = self.diagnostics.warn(user.span, path.index(index), "duplicate-user", message);
                problem.fix(removed).help("keep one of them");
            }
        }
        list.iter().map(|user| user.value.clone()).collect()
    }

    /// Users who are listed as members and as exceptions. The exception counts.
    fn excluded(&mut self, cohort: &Cohort, path: Path<'_>) {
        let except: HashSet<&str> = cohort.except.iter().flatten().map(|user| user.value.as_str()).collect();
        let users = cohort.users.iter().flatten().enumerate();
        for (index, user) in users.filter(|(_, user)| except.contains(user.value.as_str())) {
            let message = format!("user `{}` is listed in `except` as well, and so does not belong", user.value);
            let problem = self.diagnostics.warn(user.span, path.index(index), "excluded-user", message);
            problem.help("remove it from `users`, which changes nothing, or from `except`");
        }
    }
}
