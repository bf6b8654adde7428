//! Inheritance: what a flag takes from the template or flag that it extends.
//!
//! Scalars of the child win; the maps `rollout`, `error_threshold` and `overrides` merge key by key; lists replace the
//! parent's; `salt`, `description` and
//! `until` are never inherited.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::diagnostics::{Diagnostics, Path, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Document, Entries, ErrorThreshold, Flag, Override, Rollout};

/// Keys that belong to one flag only.
pub(crate) const NEVER: [&str; 4] = ["description", "extends", "salt", "until"];

/// Keys whose maps are merged key by key.
pub(crate) const MERGED: [&str; 3] = ["error_threshold", "overrides", "rollout"];

/// Resolves `extends` of every flag. A flag whose chain is broken inherits up to there, with a diagnostic.
pub(crate) fn flatten<'d>(document: &'d Document, diagnostics: &mut Diagnostics) -> Vec<Flat<'d>> {
    let parents = Parents::new(document, diagnostics);
    for (name, template) in &document.templates.0 {
        // Flags that extend the template report only their own part of the chain.
        parents.resolve(name, template, Path::Root.key("templates").key(&name.value), diagnostics);
    }
    let flags = document.flags.0.iter();
    flags
        .map(|(key, flag)| {
            let flag = parents.resolve(key, flag, Path::Root.key("flags").key(&key.value), diagnostics);
            (key, flag)
        })
        .collect()
}

/// The key of a flag, and the flag with what it inherits.
pub(crate) type Flat<'d> = (&'d At<String>, Cow<'d, Flag>);

/// The flags and templates that can be extended, by name.
struct Parents<'d>(HashMap<&'d str, &'d Flag>);

impl<'d> Parents<'d> {
    fn new(document: &'d Document, diagnostics: &mut Diagnostics) -> Self {
        // Without templates, and where no flag extends another, nothing is looked up.
        let is_used =
            !document.templates.0.is_empty() || document.flags.0.iter().any(|(_, flag)| flag.extends.is_some());
        let flags = document.flags.0.iter().filter(|_| is_used);
        let mut parents: HashMap<&str, &Flag> = flags.map(|(key, flag)| (key.value.as_str(), flag)).collect();
        for (name, template) in &document.templates.0 {
            if parents.insert(&name.value, template).is_some() {
                let message = format!("`{}` is both a flag and a template", name.value);
                let path = Path::Root.key("templates");
                diagnostics.error(name.span, path.key(&name.value), "name-taken", message).help("rename the template");
            }
        }
        Self(parents)
    }

    fn resolve<'f>(
        &self,
        key: &At<String>,
        flag: &'f Flag,
        path: Path<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Cow<'f, Flag> {
        let mut flat = Cow::Borrowed(flag);
        let mut chain = vec![key.value.as_str()];
        let mut next = flag.extends.as_ref();
        while let Some(extends) = next {
            chain.push(extends.value.as_str());
            match self.parent(&chain) {
                Ok(parent) => {
                    inherit(flat.to_mut(), parent);
                    next = parent.extends.as_ref();
                }
                Err(broken) => {
                    self.report(broken, flag, extends, &chain, path.key("extends"), diagnostics);
                    break;
                }
            }
        }
        flat
    }

    /// The flag or template that the last name of a chain refers to.
    fn parent(&self, chain: &[&str]) -> Result<&'d Flag, Broken> {
        let Some((name, before)) = chain.split_last() else { return Err(Broken::Unknown) };
        let parent = self.0.get(name).ok_or(Broken::Unknown)?;
        match chain.len() {
            _ if before.contains(name) => Err(Broken::Cycle),
            length if length > limits::EXTENDS_DEPTH + 1 => Err(Broken::TooLong),
            _ => Ok(parent),
        }
    }

    /// Reports a chain that is broken at its last link, `extends`.
    fn report(
        &self,
        broken: Broken,
        flag: &Flag,
        extends: &At<String>,
        chain: &[&str],
        path: Path<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let own = flag.extends.as_ref().unwrap_or(extends);
        match broken {
            // A cycle is reported once, at its first member.
            Broken::Cycle if extends.value == chain[0] && chain.iter().all(|member| *member >= chain[0]) => {
                let message = format!("inheritance cycle: `{}`", chain.join("` → `"));
                let problem = diagnostics.error(extends.span, path, "inheritance-cycle", message);
                problem.help("remove one `extends` of the cycle");
            }
            Broken::TooLong => {
                let message = format!("the chain of `extends` is longer than the limit of {}", limits::EXTENDS_DEPTH);
                let problem = diagnostics.error(own.span, path, "limit-extends-depth", message);
                problem.help("extend a template nearer to the root");
            }
            // Only the flag's own `extends` is reported here; its ancestors report theirs.
            Broken::Unknown if own.span == extends.span => {
                let message = format!("unknown template or flag `{}`", extends.value);
                let problem = diagnostics.error(extends.span, path, "unknown-parent", message);
                let define = || "define it under `templates`, or remove `extends`".to_owned();
                problem.help(did_you_mean(&extends.value, self.0.keys().copied()).unwrap_or_else(define));
            }
            Broken::Cycle | Broken::Unknown => {}
        }
    }
}

/// Why a chain of `extends` does not end.
#[derive(Clone, Copy)]
enum Broken {
    Cycle,
    TooLong,
    Unknown,
}

/// Fills in what the child leaves out. All keys of a flag are listed, so that a new one cannot be forgotten.
fn inherit(child: &mut Flag, parent: &Flag) {
    let Flag {
        description: _,
        extends: _,
        owner,
        tags,
        kind,
        until: _,
        client,
        enabled,
        default,
        on,
        salt: _,
        dependencies,
        overrides,
        rollout,
        conditions,
        variants,
        rules,
        error_threshold,
        span: _,
    } = parent;
    fill(&mut child.owner, owner);
    fill(&mut child.tags, tags);
    fill(&mut child.kind, kind);
    fill(&mut child.client, client);
    fill(&mut child.enabled, enabled);
    fill(&mut child.default, default);
    fill(&mut child.on, on);
    fill(&mut child.dependencies, dependencies);
    fill(&mut child.conditions, conditions);
    fill(&mut child.variants, variants);
    fill(&mut child.rules, rules);
    merge(&mut child.overrides, overrides, merge_overrides);
    merge(&mut child.rollout, rollout, |child, parent| merge_rollout(&mut child.value, &parent.value));
    merge(&mut child.error_threshold, error_threshold, |child, parent| {
        merge_threshold(&mut child.value, &parent.value);
    });
}

#[expect(clippy::ref_option, reason = "both sides are fields")]
fn fill<T: Clone>(child: &mut Option<T>, parent: &Option<T>) {
    if child.is_none() {
        child.clone_from(parent);
    }
}

#[expect(clippy::ref_option, reason = "both sides are fields")]
fn merge<T: Clone>(child: &mut Option<T>, parent: &Option<T>, both: impl FnOnce(&mut T, &T)) {
    match (child.as_mut(), parent) {
        (Some(child), Some(parent)) => both(child, parent),
        _ => fill(child, parent),
    }
}

fn merge_overrides(child: &mut Entries<At<Override>>, parent: &Entries<At<Override>>) {
    let own: HashSet<String> = child.0.iter().map(|(key, _)| key.value.clone()).collect();
    child.0.extend(parent.0.iter().filter(|(key, _)| !own.contains(&key.value)).cloned());
}

fn merge_rollout(child: &mut Rollout, parent: &Rollout) {
    let Rollout { percentage, by, cohorts, schedule, ramp } = parent;
    fill(&mut child.percentage, percentage);
    fill(&mut child.by, by);
    fill(&mut child.cohorts, cohorts);
    fill(&mut child.schedule, schedule);
    fill(&mut child.ramp, ramp);
}

fn merge_threshold(child: &mut ErrorThreshold, parent: &ErrorThreshold) {
    let ErrorThreshold {
        rate,
        window,
        detector,
        ratio,
        margin,
        budget,
        min_samples,
        slow_ms,
        slow_rate,
        action,
        shared,
        evidence,
        recovery,
        cooldown,
        probe,
    } = parent;
    fill(&mut child.rate, rate);
    fill(&mut child.window, window);
    fill(&mut child.detector, detector);
    fill(&mut child.ratio, ratio);
    fill(&mut child.margin, margin);
    fill(&mut child.budget, budget);
    fill(&mut child.min_samples, min_samples);
    fill(&mut child.slow_ms, slow_ms);
    fill(&mut child.slow_rate, slow_rate);
    fill(&mut child.action, action);
    fill(&mut child.shared, shared);
    fill(&mut child.evidence, evidence);
    fill(&mut child.recovery, recovery);
    fill(&mut child.cooldown, cooldown);
    fill(&mut child.probe, probe);
}
