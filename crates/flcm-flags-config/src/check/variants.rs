//! Variants and splits.

use std::collections::BTreeSet;

use super::Checker;
use crate::config;
use crate::diagnostics::{Path, Span, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Flag, Share, Variant};

impl Checker<'_> {
    pub(super) fn variants(&mut self, flag: &Flag, default: &config::Value, path: Path<'_>) -> Vec<config::Variant> {
        let Some(At { value: list, span }) = &flag.variants else { return Vec::new() };
        let path = path.key("variants");
        self.limit(list.len(), limits::VARIANTS, *span, path, "limit-variants", "variants");
        let mut seen = BTreeSet::new();
        for (index, At { value: Variant { name, weight, value }, .. }) in list.iter().enumerate() {
            let path = path.index(index);
            self.name(name, path.key("name"));
            if !seen.insert(name.value.as_str()) {
                let message = format!("variant `{}` stands here twice", name.value);
                self.diagnostics
                    .error(name.span, path.key("name"), "duplicate-name", message)
                    .help("rename one of them");
            }
            if weight.value == 0 {
                let message = format!("variant `{}` has weight 0: only rules and overrides can serve it", name.value);
                self.diagnostics
                    .warn(weight.span, path.key("weight"), "zero-weight", message)
                    .help("give it a weight, or remove it");
            }
            if let Some(value) =
                value.as_ref().filter(|value| value.value.kind() != default.kind() && default.kind() != "boolean")
            {
                let message =
                    format!("the value is a {}, and the flag's type is {}", value.value.kind(), default.kind());
                self.diagnostics
                    .error(value.span, path.key("value"), "wrong-type", message)
                    .help("give it the type of `default`");
            }
        }
        self.weights(list.iter().map(|variant| variant.value.weight.value), *span, path);
        let variant = |At { value, .. }: &At<Variant>| config::Variant {
            name: value.name.value.clone(),
            weight: value.weight.value,
            value: value.value.as_ref().map(|value| value.value.clone()),
        };
        list.iter().map(variant).collect()
    }

    fn weights(&mut self, mut weights: impl Iterator<Item = u32>, span: Span, path: Path<'_>) {
        if weights.all(|weight| weight == 0) {
            let message = "no variant has a weight above 0".to_owned();
            self.diagnostics.error(span, path, "zero-weights", message).help("give at least one a weight");
        }
    }

    /// A rule's own split, over the flag's variants.
    pub(crate) fn shares(
        &mut self,
        list: &At<Vec<At<Share>>>,
        variants: &[config::Variant],
        path: Path<'_>,
    ) -> Vec<(String, u32)> {
        self.weights(list.value.iter().map(|share| share.value.weight.value), list.span, path);
        self.limit(list.value.len(), limits::VARIANTS, list.span, path, "limit-variants", "variants");
        let mut seen = BTreeSet::new();
        let shares = list.value.iter().enumerate().map(|(index, At { value: Share { name, weight }, .. })| {
            let path = path.index(index);
            self.known_variant(
                &name.value,
                variants.iter().map(|variant| variant.name.as_str()),
                name.span,
                path.key("name"),
            );
            if !seen.insert(name.value.as_str()) {
                let message = format!("variant `{}` stands here twice", name.value);
                self.diagnostics
                    .error(name.span, path.key("name"), "duplicate-name", message)
                    .help("add the weights up");
            }
            (name.value.clone(), weight.value)
        });
        shares.collect()
    }

    /// The split of one variant alone.
    pub(crate) fn single(
        &mut self,
        name: &At<String>,
        variants: &[config::Variant],
        path: Path<'_>,
    ) -> Vec<(String, u32)> {
        self.known_variant(&name.value, variants.iter().map(|variant| variant.name.as_str()), name.span, path);
        vec![(name.value.clone(), 1)]
    }

    pub(super) fn known_variant<'v>(
        &mut self,
        name: &str,
        variants: impl Iterator<Item = &'v str> + Clone,
        span: Span,
        path: impl std::fmt::Display,
    ) {
        if !variants.clone().any(|variant| variant == name) {
            let problem = self.diagnostics.error(span, path, "unknown-variant", format!("unknown variant `{name}`"));
            problem
                .help(did_you_mean(name, variants).unwrap_or_else(|| "name one of the flag's `variants`".to_owned()));
        }
    }
}
