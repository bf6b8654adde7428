//! A provider for applications that ask through the crate `open-feature`.

use async_trait::async_trait;
use flcm_flags::{AttributeValue, Context, Decision, Flag, Reason, Value as Served};
use open_feature::provider::{FeatureProvider, ProviderMetadata, ProviderStatus, ResolutionDetails};
use open_feature::{
    EvaluationContext, EvaluationContextFieldValue as Field, EvaluationError, EvaluationErrorCode, EvaluationReason,
    EvaluationResult, FlagMetadata, StructValue, Value,
};
use serde_json::Value as Json;
use time::format_description::well_known::Rfc3339;

use crate::event::State;
use crate::features::Features;

/// Decides for an `open_feature::Client`. The application keeps its [`Features`], records how calls went with them, and
/// closes them.
///
/// Reasons are those of `OpenFeature` where it has one, else ours, such as `BREAKER_OPEN`. The metadata of a flag
/// has its `revision`, `rule` and `salt`, where they are set. A flag that serves nothing, such as one with
/// variants that is off and has no default, is an error, and the caller's default is served: this SDK hands the default
/// to no provider.
#[derive(Debug)]
pub struct FlcmProvider {
    features: Features,
    metadata: ProviderMetadata,
}

impl FlcmProvider {
    /// A provider of these flags.
    #[must_use]
    pub fn new(features: Features) -> Self {
        Self { features, metadata: ProviderMetadata::new("flcm-flags") }
    }

    fn resolve<T>(
        &self,
        flag: &str,
        context: &EvaluationContext,
        expected: &str,
        convert: impl FnOnce(Served<'_>) -> Option<T>,
    ) -> EvaluationResult<ResolutionDetails<T>> {
        let dates = Dates::of(context);
        let attributes = attributes(context, &dates);
        let user = self.features.user(&Context::new(context.targeting_key.as_deref(), &attributes));
        if !user.is_ready() {
            return Err(error(EvaluationErrorCode::ProviderNotReady, "no flags are in use yet".to_owned()));
        }
        let decision = user.decision(flag);
        if let Reason::Error(code) = decision.reason() {
            return Err(error(code_of(code), format!("`{flag}` cannot be decided: {code}")));
        }
        let Some(served) = decision.value() else {
            let message = format!("`{flag}` serves nothing: {}", decision.reason());
            return Err(error(EvaluationErrorCode::General("GENERAL".to_owned()), message));
        };
        let Some(value) = convert(served) else {
            return Err(error(EvaluationErrorCode::TypeMismatch, format!("`{flag}` serves no {expected}")));
        };
        let described = user.describe(flag);
        let reason = decision.reason();
        Ok(ResolutionDetails {
            value,
            variant: decision.variant().map(str::to_owned),
            reason: Some(reason_of(described.map_or(reason, |flag| flag.reason_in_open_feature(reason)))),
            flag_metadata: Some(metadata_of(&decision, user.revision(), described)),
        })
    }
}

#[async_trait]
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method of one lifetime will not do")]
impl FeatureProvider for FlcmProvider {
    fn status(&self) -> ProviderStatus {
        match self.features.state() {
            State::Fresh => ProviderStatus::Ready,
            State::Initializing => ProviderStatus::NotReady,
            State::Offline => ProviderStatus::Error,
            State::Stale => ProviderStatus::STALE,
        }
    }

    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.resolve(flag, context, "boolean", |served| served.as_bool())
    }

    async fn resolve_int_value(
        &self,
        flag: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.resolve(flag, context, "whole number", |served| served.as_number().and_then(whole))
    }

    async fn resolve_float_value(
        &self,
        flag: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.resolve(flag, context, "number", |served| served.as_number())
    }

    async fn resolve_string_value(
        &self,
        flag: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.resolve(flag, context, "string", |served| served.as_str().map(str::to_owned))
    }

    async fn resolve_struct_value(
        &self,
        flag: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.resolve(flag, context, "object", |served| {
            let json: Json = serde_json::from_str(served.as_json()?).ok()?;
            if let Value::Struct(fields) = value_of(json)? { Some(fields) } else { None }
        })
    }
}

/// Dates as text: what conditions read.
struct Dates<'c>(Vec<(&'c str, String)>);

impl<'c> Dates<'c> {
    fn of(context: &'c EvaluationContext) -> Self {
        let dates = context.custom_fields.iter().filter_map(|(name, field)| match field {
            Field::DateTime(date) => Some((name.as_str(), date.format(&Rfc3339).ok()?)),
            _ => None,
        });
        Self(dates.collect())
    }
}

/// What conditions can read of a context: no structures.
fn attributes<'c>(context: &'c EvaluationContext, dates: &'c Dates<'_>) -> Vec<(&'c str, AttributeValue<'c>)> {
    let fields = context.custom_fields.iter().filter_map(|(name, field)| {
        let value = match field {
            Field::Bool(value) => AttributeValue::Bool(*value),
            #[expect(clippy::cast_precision_loss, reason = "numbers of conditions are floats, as in every language")]
            Field::Int(value) => AttributeValue::Number(*value as f64),
            Field::Float(value) => AttributeValue::Number(*value),
            Field::String(value) => AttributeValue::Text(value),
            Field::DateTime(_) | Field::Struct(_) => return None,
        };
        Some((name.as_str(), value))
    });
    let dates = dates.0.iter().map(|(name, date)| (*name, AttributeValue::Text(date)));
    fields.chain(dates).collect()
}

fn value_of(json: Json) -> Option<Value> {
    Some(match json {
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => number.as_i64().map(Value::Int).or(number.as_f64().map(Value::Float))?,
        Json::String(text) => Value::String(text),
        // This SDK has no null.
        Json::Array(items) => Value::Array(items.into_iter().filter_map(value_of).collect()),
        Json::Object(fields) => Value::Struct(StructValue {
            fields: fields.into_iter().filter_map(|(name, value)| Some((name, value_of(value)?))).collect(),
        }),
        Json::Null => return None,
    })
}

/// A number without a fraction, which an integer can hold.
fn whole(number: f64) -> Option<i64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and is at most 2^53")]
    let whole = number as i64;
    (number.fract() == 0.0 && number.abs() <= MOST).then_some(whole)
}

fn reason_of(reason: Reason) -> EvaluationReason {
    match reason {
        Reason::Default => EvaluationReason::Default,
        Reason::Disabled => EvaluationReason::Disabled,
        Reason::Split => EvaluationReason::Split,
        Reason::Static => EvaluationReason::Static,
        Reason::TargetingMatch => EvaluationReason::TargetingMatch,
        other => EvaluationReason::Other(other.as_str().to_owned()),
    }
}

fn code_of(code: flcm_flags::ErrorCode) -> EvaluationErrorCode {
    match code {
        flcm_flags::ErrorCode::FlagNotFound => EvaluationErrorCode::FlagNotFound,
        flcm_flags::ErrorCode::InvalidContext => EvaluationErrorCode::InvalidContext,
        flcm_flags::ErrorCode::ParseError => EvaluationErrorCode::ParseError,
    }
}

/// The metadata of a flag. A document need not have a revision, nor a rule a name, nor a flag a salt other than its key.
fn metadata_of(decision: &Decision<'_>, revision: u64, flag: Option<Flag<'_>>) -> FlagMetadata {
    let mut metadata = FlagMetadata::default();
    if let Some(revision) = i64::try_from(revision).ok().filter(|revision| *revision > 0) {
        metadata.add_value("revision", revision);
    }
    if let Some(rule) = decision.rule() {
        metadata.add_value("rule", rule);
    }
    if let Some(flag) = flag.filter(|flag| flag.salt() != flag.key()) {
        metadata.add_value("salt", flag.salt());
    }
    metadata
}

fn error(code: EvaluationErrorCode, message: String) -> EvaluationError {
    EvaluationError { code, message: Some(message) }
}
