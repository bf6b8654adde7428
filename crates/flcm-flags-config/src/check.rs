//! Checks a [`Document`] and builds a [`Config`]: names, ranges, references and limits. All problems are reported, each
//! with its position.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::{Millis, Serves};

use crate::config::graph::{Graph, Problem};
use crate::config::pattern::Patterns;
use crate::config::{self, Config};
use crate::diagnostics::{Diagnostics, Edit, Path, Span, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Dependency, Document, Entries, Flag, FlagCondition, Override, Rule};
use crate::parse::near_miss;

mod clients;
mod cohorts;
mod conditions;
pub(crate) mod inherit;
mod lint;
mod names;
mod operand;
mod ownership;
mod redundant;
mod rules;
mod schedule;
mod threshold;
mod variants;

/// Reads and checks a document.
///
/// Returns the configuration unless there is an error; warnings do not matter. The diagnostics are in the order of
/// their positions in `text`.
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
    check_with(text, CheckOptions::default())
}

/// What a check knows beside the text.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions {
    /// Whether the text must be JSON, as that of a file named `.json`. YAML accepts more: comments, for example.
    pub json: bool,
    /// The time, for warnings about schedules that are over; without it there are none.
    pub now: Option<Millis>,
    /// Whether to hint that pages can read users, lists and addresses: for whoever checks a document before it is used.
    pub hint_clients: bool,
}

impl CheckOptions {
    /// What the name of a file says: one that ends in `.json` must be JSON.
    #[must_use]
    pub fn of_file(path: &std::path::Path) -> Self {
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        Self { json, ..Self::default() }
    }
}

/// Like [`check`], and knows more than the text.
#[must_use]
pub fn check_with(text: &str, options: CheckOptions) -> (Option<Config>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let document = Document::parse(text, options.json, &mut diagnostics);
    let config = document.as_ref().map(|document| Checker::new(text, options, &mut diagnostics).document(document));
    if let Some(document) = &document {
        redundant::keys(document, text, &mut diagnostics);
        diagnostics.keep_shared(&document.shared);
    }
    diagnostics.locate(text);
    (config.filter(|_| !diagnostics.has_errors()), diagnostics)
}

/// A use of a name, which is looked up when all names are known.
struct Named<T> {
    what: T,
    span: Span,
    path: String,
}

/// Flags or cohorts.
struct Vertices<'v> {
    names: &'v [&'v str],
    path: Path<'v>,
}

pub(crate) struct Checker<'d> {
    pub(crate) text: &'d str,
    options: CheckOptions,
    pub(crate) diagnostics: &'d mut Diagnostics,
    patterns: Patterns,
    cohorts: Vec<Named<String>>,
    flags: Vec<Named<Expectation>>,
}

/// What is expected of another flag.
struct Expectation {
    of: config::Dependency,
    /// Whether it stands under an odd number of `not`.
    negated: bool,
}

impl<'d> Checker<'d> {
    const fn new(text: &'d str, options: CheckOptions, diagnostics: &'d mut Diagnostics) -> Self {
        Self { text, options, diagnostics, patterns: Patterns(BTreeMap::new()), cohorts: Vec::new(), flags: Vec::new() }
    }

    fn document(mut self, document: &Document) -> Config {
        self.all_names(document);
        let (count, path) = (document.flags.0.len(), Path::Root.key("flags"));
        self.limit(count, limits::FLAGS, Span::default(), path, "limit-flags", "flags");
        let mut config = Config {
            revision: self.revision(document),
            clients: document.clients.map_or_else(Default::default, |clients| clients.value),
            removed: self.removed(document),
            ..Config::default()
        };
        for (name, cohort) in &document.cohorts.0 {
            config.cohorts.insert(name.value.clone(), self.cohort(name, cohort));
        }
        let flags = inherit::flatten(document, self.diagnostics);
        for (key, flag) in &flags {
            let checked = self.flag(&key.value, flag, config.clients, path.key(&key.value));
            config.flags.insert(key.value.clone(), checked);
        }
        self.resolve_cohorts(&mut config);
        self.resolve_flags(document, &config);
        self.graphs(document, &config);
        let may_hint = self.options.hint_clients && document.clients.is_none();
        clients::flags(&flags, &config, may_hint, self.diagnostics);
        lint::document(document, &config, self.diagnostics);
        lint::hints(&flags, &config, self.diagnostics);
        config.patterns = self.patterns.0;
        config
    }

    fn revision(&mut self, document: &Document) -> u64 {
        let Some(At { value, span }) = document.revision else { return 0 };
        if value > limits::REVISION {
            let message = format!("revision {value} is above the limit of {}: hosts refuse it", limits::REVISION);
            let problem = self.diagnostics.error(span, "revision", "limit-revision", message);
            problem.help("count the revisions, or write seconds instead of milliseconds");
        }
        value
    }

    /// The flags that were removed on purpose. A flag is either there or removed.
    fn removed(&mut self, document: &Document) -> BTreeSet<String> {
        let Some(removed) = &document.removed else { return BTreeSet::new() };
        let path = Path::Root.key("removed");
        self.limit(removed.value.len(), limits::FLAGS, removed.span, path, "limit-flags", "removed flags");
        let flags = spans(&document.flags);
        for (index, At { value: key, span }) in removed.value.iter().enumerate() {
            if flags.contains_key(key.as_str()) {
                let message = format!("`{key}` is removed, and is in `flags` as well");
                let problem = self.diagnostics.error(*span, path.index(index), "removed-flag", message);
                problem.help("remove it from `flags` or from `removed`");
            }
        }
        removed.value.iter().map(|key| key.value.clone()).collect()
    }

    /// Looks up all cohorts that are used.
    fn resolve_cohorts(&mut self, config: &mut Config) {
        let known: BTreeSet<String> = config.cohorts.keys().cloned().collect();
        for Named { what: name, span, path } in std::mem::take(&mut self.cohorts) {
            if known.contains(&name) {
                continue;
            }
            let message = format!("cohort `{name}` is not defined: it is empty unless the host supplies its members");
            let define = || format!("define `cohorts.{name}`, or supply its members in the host");
            let help = self.guess(&name, known.iter().map(String::as_str)).unwrap_or_else(define);
            self.diagnostics.warn(span, path, "unknown-cohort", message).help(help);
            config.cohorts.entry(name).or_default();
        }
    }

    /// Looks up all flags that others depend on, and the expected variants.
    fn resolve_flags(&mut self, document: &Document, config: &Config) {
        for Named { what, span, path } in std::mem::take(&mut self.flags) {
            let Some(flag) = config.flags.get(&what.of.flag) else {
                self.unknown_flag(&what.of.flag, document, config, (span, path));
                continue;
            };
            if let config::Expected::Variant(name) = &what.of.expected {
                self.known_variant(name, &flag.variants, span, &path);
            }
            lint::dependency(flag, &what, span, &path, self.diagnostics);
        }
    }

    fn unknown_flag(&mut self, key: &str, document: &Document, config: &Config, (span, path): (Span, String)) {
        let is_template = document.templates.0.iter().any(|(name, _)| name.value == key);
        let note = if is_template { "; a template is not a flag" } else { "" };
        let help = self.guess(key, config.flags.keys().map(String::as_str));
        let help = help.unwrap_or_else(|| "name a flag of this document".to_owned());
        self.diagnostics.error(span, path, "unknown-flag", format!("unknown flag `{key}`{note}")).help(help);
    }

    /// The name that was probably meant. It is not looked for once the limit of diagnostics is reached.
    fn guess<'n>(&self, name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
        if self.diagnostics.is_full() { None } else { did_you_mean(name, known) }
    }

    fn graphs(&mut self, document: &Document, config: &Config) {
        let keys: Vec<&str> = config.flags.keys().map(String::as_str).collect();
        let flags = Vertices { names: &keys, path: Path::Root.key("flags") };
        self.graph(&Graph::of_flags(config), &flags, &document.flags, ("prerequisite cycle", "prerequisite-cycle"));
        let names: Vec<&str> = config.cohorts.keys().map(String::as_str).collect();
        let cohorts = Vertices { names: &names, path: Path::Root.key("cohorts") };
        self.graph(&Graph::of_cohorts(config), &cohorts, &document.cohorts, ("cohort cycle", "cohort-cycle"));
    }

    fn graph<T>(
        &mut self,
        graph: &Graph,
        vertices: &Vertices<'_>,
        written: &Entries<T>,
        (title, code): (&str, &'static str),
    ) {
        let Err(problems) = graph.order() else { return };
        let spans = spans(written);
        for (index, problem) in problems {
            let name = vertices.names[index];
            let (path, span) = (vertices.path.key(name), spans.get(name).copied().unwrap_or_default());
            match problem {
                Problem::Cycle(cycle) => {
                    let cycle: Vec<&str> = cycle.into_iter().map(|member| vertices.names[member]).collect();
                    let message = format!("{title}: `{}`", cycle.join("` → `"));
                    self.diagnostics.error(span, path, code, message).help("remove one link of the cycle");
                }
                Problem::TooMany => {
                    let most = limits::CLOSURE;
                    let message = format!("`{name}` depends, directly or indirectly, on more than the limit of {most}");
                    self.diagnostics.error(span, path, "limit-closure", message).help("depend on fewer of them");
                }
            }
        }
    }

    fn limit(&mut self, count: usize, most: usize, span: Span, path: Path<'_>, code: &'static str, what: &str) {
        if count > most {
            let message = format!("{count} {what}, more than the limit of {most}");
            self.diagnostics.error(span, path, code, message).help("use fewer of them");
        }
    }

    fn flag(&mut self, key: &str, flag: &Flag, clients: config::Clients, path: Path<'_>) -> config::Flag {
        let default = flag.default.as_ref().map_or(config::Value::Bool(false), |default| default.value.clone());
        let variants = self.variants(flag, &default, path);
        let rules = self.rules(flag, &variants, path);
        self.type_of_on(flag, &default, path);
        self.visible_ids(flag, path);
        let threshold = flag.error_threshold.as_ref();
        let checked = config::Flag {
            description: flag.description.as_ref().map(|text| text.value.clone()),
            owner: self.owner(flag, path),
            tags: self.tags(flag, path),
            kind: flag.kind.map(|kind| kind.value),
            until: flag.until.as_ref().and_then(|until| self.instant(until, path.key("until"))),
            client: flag.client.map_or_else(|| clients::default(clients), |client| client.value),
            enabled: flag.enabled.is_none_or(|enabled| enabled.value),
            on: on(flag, &default),
            default,
            salt: flag.salt.as_ref().map_or(key, |salt| &salt.value).to_owned(),
            by: by(flag),
            dependencies: self.dependencies(flag, path),
            overrides: self.overrides(flag, &variants, path),
            rules,
            variants,
            error_threshold: threshold.and_then(|written| self.threshold(written, path.key("error_threshold"))),
        };
        self.check_on(flag, &checked, path);
        lint::threshold(key, flag, &checked, path, self.diagnostics);
        checked
    }

    fn type_of_on(&mut self, flag: &Flag, default: &config::Value, path: Path<'_>) {
        let Some(on) = flag.on.as_ref().filter(|on| on.value.kind() != default.kind()) else { return };
        let message = format!("`on` is a {}, but the flag's type is {}", on.value.kind(), default.kind());
        let problem = self.diagnostics.error(on.span, path.key("on"), "wrong-type", message);
        problem.help("give `on` the type of `default`");
    }

    /// A flag that is not a boolean needs `on`, unless all that it serves are variants with a value.
    fn check_on(&mut self, flag: &Flag, checked: &config::Flag, path: Path<'_>) {
        let serves_on = !checked.rules.is_empty() || checked.overrides.values().any(|to| *to != config::Override::Off);
        let all_valued = !checked.variants.is_empty() && checked.variants.iter().all(|variant| variant.value.is_some());
        if checked.on.is_none() && serves_on && !all_valued {
            let (who, help) = match checked.rules.first().map(|rule| rule.serves) {
                Some(Serves::Everyone) => ("everyone gets, because nothing narrows the flag", "add `on: …`"),
                _ => ("is served where no variant has a value", "add `on: …`, or give every variant a `value`"),
            };
            let message = format!("a {} flag needs `on`, which {who}", checked.default.kind());
            self.diagnostics.error(flag.span_of_default(), path, "missing-key", message).help(help);
        }
    }

    fn dependencies(&mut self, flag: &Flag, path: Path<'_>) -> Vec<config::Dependency> {
        let path = path.key("dependencies");
        let list = flag.dependencies.iter().flat_map(|list| &list.value).enumerate();
        list.filter_map(|(index, dependency)| self.dependency(dependency, path.index(index))).collect()
    }

    fn dependency(&mut self, At { value, span }: &At<Dependency>, path: Path<'_>) -> Option<config::Dependency> {
        match value {
            Dependency::Expects(condition) => self.flag_condition(condition, false, *span, path),
            Dependency::Key(key) => {
                let dependency = config::Dependency { flag: key.clone(), expected: config::Expected::Enabled(true) };
                Some(self.named_flag(dependency, false, *span, path))
            }
        }
    }

    fn flag_condition(
        &mut self,
        condition: &FlagCondition,
        negated: bool,
        span: Span,
        path: Path<'_>,
    ) -> Option<config::Dependency> {
        let expected = match (&condition.enabled, &condition.variant) {
            (Some(_), Some(_)) => {
                let message = "`enabled` and `variant` cannot be combined".to_owned();
                self.diagnostics
                    .error(span, path, "wrong-expectation", message)
                    .help("remove `enabled`: a flag that serves a variant is on");
                return None;
            }
            (enabled, None) => config::Expected::Enabled(enabled.as_ref().is_none_or(|enabled| enabled.value)),
            (None, Some(variant)) => config::Expected::Variant(variant.value.clone()),
        };
        let dependency = config::Dependency { flag: condition.flag.value.clone(), expected };
        let span = condition.variant.as_ref().map_or(condition.flag.span, |variant| variant.span);
        Some(self.named_flag(dependency, negated, span, path))
    }

    fn named_flag(&mut self, of: config::Dependency, negated: bool, span: Span, path: Path<'_>) -> config::Dependency {
        let what = Expectation { of: of.clone(), negated };
        self.flags.push(Named { what, span, path: path.to_string() });
        of
    }

    fn overrides(
        &mut self,
        flag: &Flag,
        variants: &[config::Variant],
        path: Path<'_>,
    ) -> BTreeMap<String, config::Override> {
        let Some(overrides) = &flag.overrides else { return BTreeMap::new() };
        let path = path.key("overrides");
        let span = flag.span_of_default();
        self.limit(overrides.0.len(), limits::OVERRIDES, span, path, "limit-overrides", "overrides");
        let entries = overrides.0.iter();
        entries
            .map(|(user, serve)| (user.value.clone(), self.override_(serve, variants, path.key(&user.value))))
            .collect()
    }

    fn override_(&mut self, serve: &At<Override>, variants: &[config::Variant], path: Path<'_>) -> config::Override {
        match &serve.value {
            Override::Switch(true) => config::Override::On,
            Override::Switch(false) => config::Override::Off,
            Override::Variant(name) => {
                if let Some(problem) = self.known_variant(name, variants, serve.span, path) {
                    match near_miss::switch(name) {
                        Some(on) => {
                            problem
                                .fix([Edit::replace(serve.span, on.to_string())])
                                .help(format!("did you mean `{on}`?"));
                        }
                        None if variants.is_empty() => problem.help("the flag has no `variants`: write true or false"),
                        None => {}
                    }
                }
                config::Override::Variant(name.clone())
            }
        }
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
        // Exact: the division gives the float that is nearest to a decimal with three digits.
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
        let (span, path) = (flag.span_of_default(), path.key("rules"));
        self.limit(rules.len(), limits::RULES_PER_FLAG, span, path, "limit-rules", "rules");
    }
}

/// The position of each name. If a name is given twice, the first one counts.
fn spans<T>(entries: &Entries<T>) -> BTreeMap<&str, Span> {
    entries.0.iter().rev().map(|(name, _)| (name.value.as_str(), name.span)).collect()
}

impl Flag {
    /// The position for problems of the flag as a whole: a short one, rather than the whole block.
    pub(crate) fn span_of_default(&self) -> Span {
        self.default.as_ref().map_or(Span { start: self.span.start, end: self.span.start }, |default| default.span)
    }
}

/// What is served when on: what is written, or `true` for a boolean flag.
fn on(flag: &Flag, default: &config::Value) -> Option<config::Value> {
    let written = flag.on.as_ref().map(|on| on.value.clone());
    written.or_else(|| (default.kind() == "boolean").then_some(config::Value::Bool(true)))
}

/// The attribute that is hashed; `user_id` is another name of the targeting key.
fn by(flag: &Flag) -> Option<String> {
    let by = flag.rollout.as_ref()?.value.by.as_ref()?;
    Some(by.value.clone()).filter(|by| by != "user_id")
}

/// A rule without percentage and split, which serves all users for whom its conditions hold.
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
