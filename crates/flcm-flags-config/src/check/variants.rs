//! Variants and splits.

use std::collections::BTreeSet;

use super::Checker;
use crate::config;
use crate::diagnostics::{Diagnostic, Path, Span, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Flag, Literal, Share, Variant};

impl Checker<'_> {
    pub(super) fn variants(&mut self, flag: &Flag, default: &config::Value, path: Path<'_>) -> Vec<config::Variant> {
        let Some(At { value: list, span }) = &flag.variants else { return Vec::new() };
        let path = path.key("variants");
        self.limit(list.len(), limits::VARIANTS, *span, path, "limit-variants", "variants");
        let mut seen = BTreeSet::new();
        for (index, At { value: variant, .. }) in list.iter().enumerate() {
            self.variant(variant, default, path.index(index), &mut seen);
        }
        if default.kind() == "boolean" {
            self.types_of_values(list, path);
        }
        self.weights(list.iter().map(|variant| variant.value.weight.value), *span, path);
        let variant = |At { value, .. }: &At<Variant>| config::Variant {
            name: value.name.value.clone(),
            weight: value.weight.value,
            value: value.value.as_ref().map(|value| value.value.clone()),
        };
        list.iter().map(variant).collect()
    }

    fn variant<'v>(
        &mut self,
        Variant { name, weight, value }: &'v Variant,
        default: &config::Value,
        path: Path<'_>,
        seen: &mut BTreeSet<&'v str>,
    ) {
        self.name(name, path.key("name"));
        self.not_twice(name, path, seen, "rename one of them");
        if weight.value == 0 {
            let message = format!("variant `{}` has weight 0: only rules and overrides can serve it", name.value);
            let problem = self.diagnostics.warn(weight.span, path.key("weight"), "zero-weight", message);
            problem.help("give it a weight, or remove it");
        }
        if let Some(value) = value {
            self.type_of_value(value, default, path.key("value"));
        }
    }

    fn type_of_value(&mut self, value: &At<Literal>, default: &config::Value, path: Path<'_>) {
        let (kind, flag_kind) = (value.value.kind(), default.kind());
        if kind != flag_kind && flag_kind != "boolean" {
            let message = format!("the value is a {kind}, but the flag's type is {flag_kind}");
            let problem = self.diagnostics.error(value.span, path, "wrong-type", message);
            problem.help("give it the type of `default`");
        }
    }

    /// A flag whose default is a boolean may have variants with values of any type, but of the same one.
    fn types_of_values(&mut self, list: &[At<Variant>], path: Path<'_>) {
        let with_value = |(index, variant): (usize, &'_ At<Variant>)| {
            let value = variant.value.value.as_ref()?;
            Some((index, variant.value.name.value.clone(), value.span, value.value.kind()))
        };
        let mut values = list.iter().enumerate().filter_map(with_value);
        let Some((_, first, _, first_kind)) = values.next() else { return };
        for (index, name, span, kind) in values.filter(|(.., kind)| *kind != first_kind) {
            let message = format!(
                "the value of variant `{name}` is of type {kind}, but that of variant `{first}` is of type {first_kind}"
            );
            let problem = self.diagnostics.warn(span, path.index(index).key("value"), "mixed-types", message);
            problem.help("give all values one type: a caller asks for one, and gets its fallback for the others");
        }
    }

    fn not_twice<'v>(&mut self, name: &'v At<String>, path: Path<'_>, seen: &mut BTreeSet<&'v str>, help: &str) {
        if !seen.insert(name.value.as_str()) {
            let message = format!("variant `{}` is listed twice", name.value);
            self.diagnostics.error(name.span, path.key("name"), "duplicate-name", message).help(help);
        }
    }

    fn weights(&mut self, mut weights: impl Iterator<Item = u32>, span: Span, path: Path<'_>) {
        if weights.all(|weight| weight == 0) {
            let message = "no variant has a weight above 0".to_owned();
            self.diagnostics.error(span, path, "zero-weights", message).help("give at least one a weight");
        }
    }

    /// A rule's own split, over the flag's variants.
    pub(super) fn shares(
        &mut self,
        At { value: list, span }: &At<Vec<At<Share>>>,
        variants: &[config::Variant],
        path: Path<'_>,
    ) -> Vec<(String, u32)> {
        self.weights(list.iter().map(|share| share.value.weight.value), *span, path);
        self.limit(list.len(), limits::VARIANTS, *span, path, "limit-variants", "variants");
        let mut seen = BTreeSet::new();
        for (index, At { value: Share { name, .. }, .. }) in list.iter().enumerate() {
            let path = path.index(index);
            self.known_variant(&name.value, variants, name.span, path.key("name"));
            self.not_twice(name, path, &mut seen, "combine them into one entry");
        }
        list.iter().map(|At { value, .. }| (value.name.value.clone(), value.weight.value)).collect()
    }

    /// Reports a name that none of the variants has.
    pub(super) fn known_variant(
        &mut self,
        name: &str,
        variants: &[config::Variant],
        span: Span,
        path: impl std::fmt::Display,
    ) -> Option<&mut Diagnostic> {
        let names = variants.iter().map(|variant| variant.name.as_str());
        if names.clone().any(|variant| variant == name) {
            return None;
        }
        let problem = self.diagnostics.error(span, path, "unknown-variant", format!("unknown variant `{name}`"));
        let any = if variants.is_empty() {
            "the flag has no `variants`: add them"
        } else {
            "name one of the flag's `variants`"
        };
        problem.help(did_you_mean(name, names).unwrap_or_else(|| any.to_owned()));
        Some(problem)
    }
}
