//! The provider, through the SDK that applications use.

use std::time::Duration;

use flcm_flags_client::{Features, FlcmProvider, Options};
use open_feature::provider::{FeatureProvider, ProviderStatus};
use open_feature::{
    Client, EvaluationContext, EvaluationErrorCode, EvaluationReason, FlagMetadataValue, OpenFeature, StructValue,
    Value,
};

const DOCUMENT: &str = "
revision: 7
flags:
  on: { rollout: { percentage: 100 } }
  off: { enabled: false }
  count: { on: 3, default: 0, rollout: { percentage: 100 } }
  ratio: { on: 0.5, default: 0, rollout: { percentage: 100 } }
  text: { on: hello, default: bye, conditions: [{ attribute: country, operator: '==', value: DE }] }
  limits: { on: { shelves: 3, names: [a, b], nothing: null }, default: {}, rollout: { percentage: 100 } }
  old: { conditions: [{ attribute: since, operator: '==', value: '2023-11-14T22:13:20Z' }] }
  many:
    salt: m2
    variants: [{ name: blue, weight: 1, value: B }, { name: red, weight: 0, value: R }]
    rollout: { percentage: 100 }
    default: none
    rules: [{ name: admins, conditions: [{ attribute: admin, operator: '==', value: true }], variant: red }]
";

async fn client_of(options: Options) -> (Client, Features) {
    let features = Features::start(options).await.unwrap();
    let mut api = OpenFeature::default();
    api.set_provider(FlcmProvider::new(features.clone())).await;
    (api.create_client(), features)
}

async fn client() -> (Client, Features) {
    client_of(Options::document(DOCUMENT)).await
}

fn alice() -> EvaluationContext {
    EvaluationContext::default().with_targeting_key("alice")
}

#[tokio::test]
async fn every_type_of_value_is_served() {
    let (client, _) = client().await;
    let of = alice().with_custom_field("country", "DE");
    assert_eq!(client.get_bool_value("on", Some(&of), None).await, Ok(true));
    assert_eq!(client.get_bool_value("off", Some(&of), None).await, Ok(false));
    assert_eq!(client.get_int_value("count", Some(&of), None).await, Ok(3));
    assert_eq!(client.get_float_value("ratio", Some(&of), None).await, Ok(0.5));
    assert_eq!(client.get_float_value("count", Some(&of), None).await, Ok(3.0));
    assert_eq!(client.get_string_value("text", Some(&of), None).await.as_deref(), Ok("hello"));
    assert_eq!(client.get_string_value("text", Some(&alice()), None).await.as_deref(), Ok("bye"));
    let expected = StructValue::default()
        .with_field("shelves", 3)
        .with_field("names", Value::Array(vec![Value::String("a".to_owned()), Value::String("b".to_owned())]));
    let limits = FlcmProvider::new(Features::start(Options::document(DOCUMENT)).await.unwrap());
    assert_eq!(limits.resolve_struct_value("limits", &of).await.unwrap().value, expected);
}

#[tokio::test]
async fn what_cannot_be_served_is_an_error_of_its_kind() {
    let (client, _) = client().await;
    let code = |error: open_feature::EvaluationError| error.code;
    let of = alice();
    assert_eq!(
        client.get_bool_value("nothing", Some(&of), None).await.map_err(code),
        Err(EvaluationErrorCode::FlagNotFound)
    );
    assert_eq!(
        client.get_bool_value("count", Some(&of), None).await.map_err(code),
        Err(EvaluationErrorCode::TypeMismatch)
    );
    assert_eq!(
        client.get_int_value("ratio", Some(&of), None).await.map_err(code),
        Err(EvaluationErrorCode::TypeMismatch)
    );
    assert_eq!(
        client.get_string_value("limits", Some(&of), None).await.map_err(code),
        Err(EvaluationErrorCode::TypeMismatch)
    );

    let nobody = Options { init_timeout: Duration::ZERO, ..Options::url("http://127.0.0.1:9") };
    let (client, features) = client_of(nobody).await;
    let error = client.get_bool_value("on", Some(&of), None).await.unwrap_err();
    assert_eq!(error.code, EvaluationErrorCode::ProviderNotReady);
    features.sync().await;
    assert_eq!(FlcmProvider::new(features).status(), ProviderStatus::Error);
}

#[tokio::test]
async fn details_say_why_and_by_what() {
    let (client, features) = client().await;
    let of = alice().with_custom_field("admin", true);
    let details = client.get_string_details("many", Some(&of), None).await.unwrap();
    assert_eq!((details.value.as_str(), details.variant.as_deref()), ("R", Some("red")));
    assert_eq!(details.reason, Some(EvaluationReason::TargetingMatch));
    let metadata = |name: &str| details.flag_metadata.values.get(name).cloned();
    assert_eq!(metadata("revision"), Some(FlagMetadataValue::Int(7)));
    assert_eq!(metadata("rule"), Some(FlagMetadataValue::String("admins".to_owned())));
    assert_eq!(metadata("salt"), Some(FlagMetadataValue::String("m2".to_owned())));
    let reason = async |flag| client.get_bool_details(flag, Some(&of), None).await.unwrap().reason;
    assert_eq!(reason("off").await, Some(EvaluationReason::Disabled));
    assert_eq!(reason("on").await, Some(EvaluationReason::Static));

    features.hold("on").unwrap();
    let held = client.get_bool_details("on", Some(&of), None).await.unwrap();
    assert_eq!((held.value, held.reason), (false, Some(EvaluationReason::Other("BREAKER_OPEN".to_owned()))));
    // Each evaluation is one decision.
    assert_eq!(features.summary("on").map(|summary| summary.decisions), Some(2));
    assert_eq!(FlcmProvider::new(features).status(), ProviderStatus::Ready);
}

#[tokio::test]
async fn dates_are_compared_and_structures_are_passed_over() {
    let (client, _) = client().await;
    let date = |seconds| time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let of = |seconds| {
        let structure = open_feature::EvaluationContextFieldValue::new_struct(vec![1]);
        alice().with_custom_field("since", date(seconds)).with_custom_field("structure", structure)
    };
    assert_eq!(client.get_bool_value("old", Some(&of(1_700_000_000)), None).await, Ok(true));
    assert_eq!(client.get_bool_value("old", Some(&of(1_790_000_000)), None).await, Ok(false));
}
