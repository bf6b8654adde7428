//! From a [`Document`] to a [`Config`]: names, ranges, references and limits. All problems are found, each where it stands.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::Serves;

use crate::config::graph::{Graph, Problem};
use crate::config::pattern::Patterns;
use crate::config::{self, Config};
use crate::diagnostics::{Diagnostics, Path, Span, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Dependency, Document, Entries, Flag, FlagCondition, Override, Rule};

mod conditions;
mod inherit;
mod lint;
mod operand;
mod rules;
mod threshold;
mod variants;

/// Reads and checks a document.
///
/// The configuration comes back unless there is an error; warnings do not keep it back. The diagnostics are in the order
/// of their places in `text`.
///
/// ```
/// let (config, diagnostics) = flcm_flags_config::check("flags: { beta: { rollout: { percentage: 10 } } }");
/// assert!(config.is_some() && diagnostics.is_empty());
///
/// let (config, diagnostics) = flcm_flags_config::check("flags: { beta: { rollout: { percentag: 10 } } }");
/// assert!(config.is_none());
/// assert_eq!(diagnostics.iter().next().unwrap().help.as_deref(), Some("did you mean `percentage`?"));
/// ```
#[must_use]
pub fn check(text: &str) -> (Option<Config>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let config =
        Document::parse(text, &mut diagnostics).map(|document| Checker::new(&mut diagnostics).document(&document));
    diagnostics.locate(text);
    (config.filter(|_| !diagnostics.has_errors()), diagnostics)
}

/// Something that is named where it is used, to be looked up when all names are known.
struct Named<T> {
    what: T,
    span: Span,
    path: String,
}

pub(crate) struct Checker<'d> {
    pub(crate) diagnostics: &'d mut Diagnostics,
    patterns: Patterns,
    cohorts: Vec<Named<String>>,
    flags: Vec<Named<config::Dependency>>,
}

impl<'d> Checker<'d> {
    const fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self { diagnostics, patterns: Patterns(BTreeMap::new()), cohorts: Vec::new(), flags: Vec::new() }
    }

    fn document(mut self, document: &Document) -> Config {
        let mut config =
            Config { revision: document.revision.as_ref().map_or(0, |revision| revision.value), ..Config::default() };
        for (names, path) in [
            (names(&document.templates), "templates"),
            (names(&document.flags), "flags"),
            (names(&document.cohorts), "cohorts"),
        ] {
            names.for_each(|name| self.name(name, Path::Root.key(path).key(&name.value)));
        }
        self.limit(
            document.flags.0.len(),
            limits::FLAGS,
            Span::default(),
            Path::Root.key("flags"),
            "limit-flags",
            "flags",
        );
        for (name, cohort) in &document.cohorts.0 {
            let path = Path::Root.key("cohorts");
            let members =
                |list: &Option<Vec<At<String>>>| list.iter().flatten().map(|user| user.value.clone()).collect();
            let when = cohort.when.as_ref().map(|when| self.conditions(when, path.key(&name.value).key("when"), false));
            config.cohorts.insert(
                name.value.clone(),
                config::Cohort { users: members(&cohort.users), except: members(&cohort.except), when },
            );
        }
        let flat = inherit::flatten(document, self.diagnostics);
        for (key, flag) in &flat {
            let checked = self.flag(&key.value, flag, Path::Root.key("flags").key(&key.value));
            config.flags.insert(key.value.clone(), checked);
        }
        self.resolve(document, &mut config);
        self.graphs(document, &config);
        lint::document(document, &config, self.diagnostics);
        config.patterns = self.patterns.0;
        config
    }

    /// Looks up everything that was named.
    fn resolve(&mut self, document: &Document, config: &mut Config) {
        let known: BTreeSet<String> = config.cohorts.keys().cloned().collect();
        for Named { what: name, span, path } in std::mem::take(&mut self.cohorts) {
            if !known.contains(&name) {
                let message = format!("no cohort `{name}` is defined: it is empty unless the host names its members");
                let names =
                    known.iter().map(String::as_str).take(if self.diagnostics.is_full() { 0 } else { usize::MAX });
                let define = || format!("define `cohorts.{name}`, or let the host feed it");
                let help = did_you_mean(&name, names).unwrap_or_else(define);
                self.diagnostics.warn(span, path, "unknown-cohort", message).help(help);
                config.cohorts.entry(name).or_default();
            }
        }
        for Named { what, span, path } in std::mem::take(&mut self.flags) {
            let Some(flag) = config.flags.get(&what.flag) else {
                let template = document.templates.0.iter().any(|(name, _)| name.value == what.flag);
                let note = if template { "; a template is not a flag" } else { "" };
                let message = format!("unknown flag `{}`{note}", what.flag);
                let names = config.flags.keys().map(String::as_str).take(if self.diagnostics.is_full() {
                    0
                } else {
                    usize::MAX
                });
                let help = did_you_mean(&what.flag, names).unwrap_or_else(|| "name a flag of this document".to_owned());
                self.diagnostics.error(span, path, "unknown-flag", message).help(help);
                continue;
            };
            if let config::Expected::Variant(name) = &what.expected {
                let variants = flag.variants.iter().map(|variant| variant.name.as_str());
                self.known_variant(name, variants, span, &path);
            }
            lint::dependency(flag, &what, span, &path, self.diagnostics);
        }
    }

    fn graphs(&mut self, document: &Document, config: &Config) {
        let flags: Vec<&str> = config.flags.keys().map(String::as_str).collect();
        let cohorts: Vec<&str> = config.cohorts.keys().map(String::as_str).collect();
        self.graph(
            &Graph::of_flags(config),
            &flags,
            Path::Root.key("flags"),
            &places(&document.flags),
            ("prerequisite cycle", "prerequisite-cycle"),
        );
        self.graph(
            &Graph::of_cohorts(config),
            &cohorts,
            Path::Root.key("cohorts"),
            &places(&document.cohorts),
            ("cohort cycle", "cohort-cycle"),
        );
    }

    fn graph(
        &mut self,
        graph: &Graph,
        names: &[&str],
        path: Path<'_>,
        places: &BTreeMap<&str, Span>,
        (title, code): (&str, &'static str),
    ) {
        for (index, problem) in graph.order().err().into_iter().flatten() {
            let (path, span) = (path.key(names[index]), places.get(names[index]).copied().unwrap_or_default());
            match problem {
                Problem::Cycle(cycle) => {
                    let cycle: Vec<&str> = cycle.into_iter().map(|member| names[member]).collect();
                    let message = format!("{title}: `{}`", cycle.join("` → `"));
                    self.diagnostics.error(span, path, code, message).help("remove one link of the cycle");
                }
                Problem::TooMany => {
                    let message = format!(
                        "`{}` needs more than the limit of {} others, directly or not",
                        names[index],
                        limits::CLOSURE
                    );
                    self.diagnostics.error(span, path, "limit-closure", message).help("depend on fewer, nearer ones");
                }
            }
        }
    }

    /// A name: 1 to 256 bytes without control characters.
    fn name(&mut self, name: &At<String>, path: Path<'_>) {
        let problem = match name.value.len() {
            0 => "a name must not be empty".to_owned(),
            length if length > limits::NAME_BYTES => {
                format!("a name of {length} bytes, more than the limit of {}", limits::NAME_BYTES)
            }
            _ if name.value.chars().any(char::is_control) => "a name must not have control characters".to_owned(),
            _ => return,
        };
        self.diagnostics.error(name.span, path, "wrong-name", problem).help("use 1 to 256 bytes of printable text");
    }

    fn limit(&mut self, count: usize, most: usize, span: Span, path: Path<'_>, code: &'static str, what: &str) {
        if count > most {
            let message = format!("{count} {what}, more than the limit of {most}");
            self.diagnostics.error(span, path, code, message).help("split or simplify");
        }
    }

    fn flag(&mut self, key: &str, flag: &Flag, path: Path<'_>) -> config::Flag {
        let default = flag.default.as_ref().map_or(config::Value::Bool(false), |default| default.value.clone());
        let variants = self.variants(flag, &default, path);
        let rules = self.rules(flag, &variants, path);
        if let Some(on) = &flag.on
            && on.value.kind() != default.kind()
        {
            let message = format!("`on` is a {}, and the flag's type is {}", on.value.kind(), default.kind());
            self.diagnostics
                .error(on.span, path.key("on"), "wrong-type", message)
                .help("give `on` the type of `default`");
        }
        let rollout = flag.rollout.as_ref().map(|rollout| &rollout.value);
        let checked = config::Flag {
            description: flag.description.as_ref().map(|text| text.value.clone()),
            enabled: flag.enabled.as_ref().is_none_or(|enabled| enabled.value),
            on: flag
                .on
                .as_ref()
                .map(|on| on.value.clone())
                .or_else(|| (default.kind() == "boolean").then_some(config::Value::Bool(true))),
            default,
            salt: flag.salt.as_ref().map_or(key, |salt| &salt.value).to_owned(),
            by: rollout.and_then(|rollout| rollout.by.as_ref()).map(|by| by.value.clone()).filter(|by| by != "user_id"),
            dependencies: self.dependencies(flag, path),
            overrides: self.overrides(flag, &variants, path),
            rules,
            variants,
            error_threshold: flag
                .error_threshold
                .as_ref()
                .and_then(|threshold| self.threshold(threshold, path.key("error_threshold"))),
        };
        self.check_on(flag, &checked, path);
        lint::threshold(key, flag, &checked, path, self.diagnostics);
        checked
    }

    /// A flag that is no boolean needs `on` where a variant without value, or none, can be served.
    fn check_on(&mut self, flag: &Flag, checked: &config::Flag, path: Path<'_>) {
        let serves_on = !checked.rules.is_empty() || checked.overrides.values().any(|to| *to != config::Override::Off);
        let all_valued = !checked.variants.is_empty() && checked.variants.iter().all(|variant| variant.value.is_some());
        if checked.on.is_none() && serves_on && !all_valued {
            let message =
                format!("a {} flag needs `on`: it can be served without a variant's value", checked.default.kind());
            self.diagnostics
                .error(flag.span_of_default(), path, "missing-key", message)
                .help("add `on: …`, or give every variant a `value`");
        }
    }

    fn dependencies(&mut self, flag: &Flag, path: Path<'_>) -> Vec<config::Dependency> {
        let list = flag.dependencies.iter().flat_map(|list| &list.value);
        let checked = list.enumerate().filter_map(|(index, At { value, span })| {
            let path = path.key("dependencies");
            match value {
                Dependency::Expects(condition) => self.flag_condition(condition, *span, path.index(index)),
                Dependency::Key(key) => {
                    let dependency =
                        config::Dependency { flag: key.clone(), expected: config::Expected::Enabled(true) };
                    Some(self.named_flag(dependency, *span, path.index(index)))
                }
            }
        });
        checked.collect()
    }

    fn flag_condition(&mut self, condition: &FlagCondition, span: Span, path: Path<'_>) -> Option<config::Dependency> {
        let expected = match (&condition.enabled, &condition.variant) {
            (Some(_), Some(_)) => {
                let message = "`enabled` and `variant` together".to_owned();
                self.diagnostics
                    .error(span, path, "wrong-expectation", message)
                    .help("a variant is on: remove `enabled`");
                return None;
            }
            (enabled, None) => config::Expected::Enabled(enabled.as_ref().is_none_or(|enabled| enabled.value)),
            (None, Some(variant)) => config::Expected::Variant(variant.value.clone()),
        };
        let dependency = config::Dependency { flag: condition.flag.value.clone(), expected };
        let span = condition.variant.as_ref().map_or(condition.flag.span, |variant| variant.span);
        Some(self.named_flag(dependency, span, path))
    }

    fn named_flag(&mut self, what: config::Dependency, span: Span, path: Path<'_>) -> config::Dependency {
        self.flags.push(Named { what: what.clone(), span, path: path.to_string() });
        what
    }

    fn overrides(
        &mut self,
        flag: &Flag,
        variants: &[config::Variant],
        path: Path<'_>,
    ) -> BTreeMap<String, config::Override> {
        let path = path.key("overrides");
        let entries = flag.overrides.iter().flat_map(|overrides| &overrides.0);
        let count = flag.overrides.as_ref().map_or(0, |overrides| overrides.0.len());
        self.limit(count, limits::OVERRIDES, flag.span_of_default(), path, "limit-overrides", "overrides");
        let checked = entries.map(|(user, At { value, span })| {
            let serve = match value {
                Override::Switch(true) => config::Override::On,
                Override::Switch(false) => config::Override::Off,
                Override::Variant(name) => {
                    self.known_variant(
                        name,
                        variants.iter().map(|variant| variant.name.as_str()),
                        *span,
                        path.key(&user.value),
                    );
                    config::Override::Variant(name.clone())
                }
            };
            (user.value.clone(), serve)
        });
        checked.collect()
    }

    /// Thousandths of a percent.
    pub(crate) fn percentage(&mut self, percentage: &At<f64>, path: Path<'_>) -> u32 {
        let At { value, span } = *percentage;
        let thousandths = (value * 1000.0).round();
        if !(0.0..=100.0).contains(&value) {
            let message = format!("the percentage is {value}, and must be 0 to 100");
            self.diagnostics.error(span, path, "wrong-percentage", message).help("write 25 for 25 %");
            return 0;
        }
        // Exact: the nearest float of a decimal with three digits is what the division gives back.
        #[expect(
            clippy::float_cmp,
            reason = "both sides are the nearest float of the same decimal, or it has more digits"
        )]
        if thousandths / 1000.0 != value {
            let message = format!("the percentage {value} has more than three decimals");
            self.diagnostics.error(span, path, "wrong-percentage", message).help("round it: there are 100,000 buckets");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100,000")]
        let thousandths = thousandths as u32;
        thousandths
    }

    pub(crate) fn named_cohort(&mut self, name: &At<String>, path: Path<'_>) -> config::Condition {
        self.cohorts.push(Named { what: name.value.clone(), span: name.span, path: path.to_string() });
        config::Condition::Cohort(name.value.clone())
    }

    pub(crate) fn rule_name(&mut self, rule: &Rule, path: Path<'_>) {
        if let Some(name) = &rule.name {
            self.name(name, path.key("name"));
        }
    }

    pub(crate) fn rule_limit(&mut self, rules: &[config::Rule], flag: &Flag, path: Path<'_>) {
        self.limit(
            rules.len(),
            limits::RULES_PER_FLAG,
            flag.span_of_default(),
            path.key("rules"),
            "limit-rules",
            "rules",
        );
    }
}

/// Where each name stands. Of one that stands twice the first place counts.
fn places<T>(entries: &Entries<T>) -> BTreeMap<&str, Span> {
    entries.0.iter().rev().map(|(name, _)| (name.value.as_str(), name.span)).collect()
}

fn names<T>(entries: &Entries<T>) -> Box<dyn Iterator<Item = &At<String>> + '_> {
    Box::new(entries.0.iter().map(|(name, _)| name))
}

impl Flag {
    /// Where to point for what concerns the flag as a whole: a short place rather than the whole block.
    pub(crate) fn span_of_default(&self) -> Span {
        self.default.as_ref().map_or(Span { start: self.span.start, end: self.span.start }, |default| default.span)
    }
}

/// A rule that serves on to whom its conditions hold for, and nothing more.
pub(crate) const fn plain_rule(serves: Serves, conditions: Vec<config::Condition>) -> config::Rule {
    config::Rule {
        name: None,
        serves,
        conditions,
        percentage: flcm_flags::bucket::BUCKETS,
        schedule: Vec::new(),
        linear: false,
        split: None,
    }
}
