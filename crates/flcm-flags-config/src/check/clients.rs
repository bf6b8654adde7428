//! What pages get: a flag that they decide must need nothing that they do not have, and should name no user.

use crate::check::inherit::Flat;
use crate::config::graph::{leaves, named_flags, test_of};
use crate::config::{Client, Clients, Cohort, Config, Flag, Operand};
use crate::diagnostics::{Diagnostics, Path, Span};

/// What a client key gets of a flag that does not say so.
pub(super) const fn default(clients: Clients) -> Client {
    match clients {
        Clients::All => Client::Snapshot,
        Clients::Listed => Client::Never,
    }
}

/// Checks all flags that pages decide. `may_hint` allows one hint to those who have not written `clients`.
pub(super) fn flags(flags: &[Flat<'_>], config: &Config, mut may_hint: bool, diagnostics: &mut Diagnostics) {
    let root = Path::Root.key("flags");
    for (key, written) in flags {
        let Some(flag) = config.flags.get(&key.value).filter(|flag| flag.client == Client::Snapshot) else { continue };
        let path = root.key(&key.value);
        let (span, path) = match &written.client {
            Some(client) => (client.span, path.key("client")),
            None => (written.span_of_default(), path),
        };
        dependencies(flag, config, (span, path), diagnostics);
        let names = names_users(&key.value, flag, config);
        if let Some(names) = names.as_deref().filter(|_| written.client.is_some()) {
            let message = format!("pages get this flag, and {names}: whoever reads it can test whether they know one");
            let problem = diagnostics.error(span, path, "client-users", message);
            problem.help("write `client: evaluated`: pages then get what the server decides, and no rule");
        } else if let Some(names) = names.or_else(|| compares(&key.value, flag)).filter(|_| may_hint) {
            may_hint = false;
            let message = format!("every visitor of a page can read all flags, and {names}");
            let problem = diagnostics.hint(span, path, "clients-all", message);
            problem.help("write `clients: listed`, and `client: true` in flags that pages need; or `clients: all`");
        }
    }
}

/// What a page decides must not depend on what it does not have.
fn dependencies(flag: &Flag, config: &Config, (span, path): (Span, Path<'_>), diagnostics: &mut Diagnostics) {
    let is_missing = |key: &str| config.flags.get(key).is_some_and(|other| other.client != Client::Snapshot);
    let mut missing: Vec<&str> = named_flags(flag).map(|other| &*other.flag).filter(|key| is_missing(key)).collect();
    missing.sort_unstable();
    missing.dedup();
    for other in missing {
        let message = format!("pages get this flag, which depends on `{other}`, and they do not get that");
        let problem = diagnostics.error(span, path, "client-dependency", message);
        problem.help(format!("write `client: true` in `{other}`, or `client: evaluated` here"));
    }
}

/// How a flag names users, if it does.
fn names_users(key: &str, flag: &Flag, config: &Config) -> Option<String> {
    if !flag.overrides.is_empty() {
        return Some(format!("`overrides` of `{key}` lists users"));
    }
    let lists = |cohort: &Cohort| !cohort.users.is_empty() || !cohort.except.is_empty();
    let mut cohorts = config.cohorts_of(key).into_iter();
    let found = cohorts.find(|name| config.cohorts.get(name).is_some_and(lists));
    found.map(|name| format!("cohort `{name}` of `{key}` lists users"))
}

/// How a condition of a flag gives away more than a rule must, if one does.
fn compares(key: &str, flag: &Flag) -> Option<String> {
    let mut tests = leaves(flag.rules.iter().flat_map(|rule| &rule.conditions)).filter_map(test_of);
    tests.find_map(|test| match &test.operand {
        Operand::Texts(_) => Some(format!("a condition of `{key}` has a list")),
        Operand::Text(text) if text.contains('@') => Some(format!("a condition of `{key}` has an e-mail address")),
        _ => None,
    })
}
