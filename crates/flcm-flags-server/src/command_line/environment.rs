//! The options of OTLP that come from environment variables, by OpenTelemetry's names and formats.

use std::ffi::OsString;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use crate::error::StartError;
use crate::options::Otlp;

/// The default of OpenTelemetry's exporters.
const INTERVAL_MS: u64 = 60_000;

const SERVICE: &str = "service.name";

/// Only the option `--otlp-endpoint` turns the exporter on: variables alone, which may be meant for other programs, do
/// not.
pub(super) fn read(endpoint: String, variable: impl Fn(&str) -> Option<String>) -> Result<Otlp, StartError> {
    // OpenTelemetry treats an empty variable like an unset one.
    let variable = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
    let pairs = |name| variable(name).map_or(Ok(Vec::new()), |text| pairs(name, &text));
    let interval_ms = variable("OTEL_METRIC_EXPORT_INTERVAL").map_or(Ok(INTERVAL_MS), |text| interval(&text))?;
    let mut resource = pairs("OTEL_RESOURCE_ATTRIBUTES")?;
    if let Some(name) = variable("OTEL_SERVICE_NAME") {
        resource.retain(|(key, _)| key != SERVICE);
        resource.push((SERVICE.to_owned(), name));
    } else if resource.iter().all(|(key, _)| key != SERVICE) {
        resource.push((SERVICE.to_owned(), "flcm".to_owned()));
    }
    Ok(Otlp { endpoint, headers: pairs("OTEL_EXPORTER_OTLP_HEADERS")?, resource, interval_ms })
}

/// The secret that signs webhooks. One that is set and has no bytes is a mistake: anyone could sign with it.
pub(super) fn webhook_secret(variable: Option<OsString>) -> Result<Option<String>, StartError> {
    let help = "write what `openssl rand -base64 24` prints, with `whsec_` before it, or unset the variable";
    let wrong = |what: &str| StartError::other(format!("FLCM_WEBHOOK_SECRET {what}"), help);
    let Some(secret) = variable else { return Ok(None) };
    let secret = secret.into_string().map_err(|_| wrong("is not UTF-8"))?;
    let encoded = secret.strip_prefix("whsec_").map(|encoded| STANDARD.decode(encoded));
    match encoded {
        _ if secret.trim().is_empty() => Err(wrong("is empty, so it would sign nothing")),
        Some(Ok(key)) if key.is_empty() => Err(wrong("has nothing behind `whsec_`, so it would sign nothing")),
        Some(Err(_)) => Err(wrong("is not base64 behind `whsec_`")),
        _ => Ok(Some(secret)),
    }
}

/// `key=value`, separated by commas. A comma in a value is written `%2C`.
fn pairs(name: &str, text: &str) -> Result<Vec<(String, String)>, StartError> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((key.trim().to_owned(), value.into_owned())).filter(|(key, _)| !key.is_empty())
    };
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    // Without the value, which may be a secret.
    parts.map(pair).collect::<Option<_>>().ok_or_else(|| {
        StartError::other(format!("{name} is not of the form `key=value,key=value`"), "write a comma in a value as %2C")
    })
}

fn interval(text: &str) -> Result<u64, StartError> {
    text.trim().parse().ok().filter(|interval| *interval > 0).ok_or_else(|| {
        StartError::other(
            format!("OTEL_METRIC_EXPORT_INTERVAL is `{text}`, which is not a number of milliseconds"),
            "write a positive integer, such as 60000",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{read, webhook_secret};

    fn otlp(variables: &[(&str, &str)]) -> Result<crate::options::Otlp, String> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        read("http://collector:4318".to_owned(), variable).map_err(|error| format!("{error:?}"))
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_secret_that_signs_nothing_is_refused_without_being_printed() {
        let secret = |text: &str| webhook_secret(Some(text.into())).map_err(|error| error.to_string());
        for wrong in ["", " ", "whsec_", "whsec_hush!"] {
            let error = secret(wrong).unwrap_err();
            assert!(error.contains("FLCM_WEBHOOK_SECRET") && !error.contains("hush"), "{error}");
        }
        for right in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "any text"] {
            assert_eq!(secret(right), Ok(Some(right.to_owned())));
        }
        assert!(webhook_secret(None).is_ok_and(|secret| secret.is_none()));
    }

    #[test]
    fn without_an_environment_it_pushes_once_a_minute() {
        let otlp = otlp(&[]).unwrap();
        assert_eq!((otlp.interval_ms, otlp.headers), (60_000, vec![]));
        assert_eq!(otlp.resource, [pair("service.name", "flcm")]);
    }

    #[test]
    fn the_environment_is_read_as_opentelemetry_has_it() {
        let otlp = otlp(&[
            ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb%3D, x=1=2,"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=shop"),
            ("OTEL_SERVICE_NAME", "flags"),
        ]);
        let otlp = otlp.unwrap();
        assert_eq!((otlp.interval_ms, otlp.endpoint.as_str()), (5000, "http://collector:4318"));
        assert_eq!(otlp.headers, [pair("api-key", "a,b="), pair("x", "1=2")]);
        assert_eq!(otlp.resource, [pair("deployment.environment.name", "shop"), pair("service.name", "flags")]);
    }

    #[test]
    fn the_name_may_stand_among_the_attributes() {
        let otlp = otlp(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=other")]).unwrap();
        assert_eq!(otlp.resource, [pair("service.name", "other")]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_being_printed() {
        for variables in [
            [("OTEL_METRIC_EXPORT_INTERVAL", "soon")],
            [("OTEL_METRIC_EXPORT_INTERVAL", "0")],
            [("OTEL_EXPORTER_OTLP_HEADERS", "secret")],
            [("OTEL_EXPORTER_OTLP_HEADERS", "=secret")],
            [("OTEL_RESOURCE_ATTRIBUTES", "a=%ff")],
        ] {
            let error = otlp(&variables).unwrap_err();
            assert!(error.contains(variables[0].0) && !error.contains("secret"), "{error}");
        }
    }
}
