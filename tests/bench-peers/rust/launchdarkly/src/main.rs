use bench_common::{args, run, Peer, User};
use launchdarkly_server_sdk::{
    Client, ConfigBuilder, Context, ContextBuilder, EventProcessorBuilder, Flag, FlagDetailConfig,
    NullEventProcessorBuilder, Segment, ServiceEndpointsBuilder, TestData,
};
use std::collections::HashMap;

#[derive(serde::Deserialize)]
struct Data {
    flags: HashMap<String, Flag>,
    segments: HashMap<String, Segment>,
}

fn ctx(u: &User) -> Context {
    let mut b = ContextBuilder::new(u.id.clone());
    b.set_string("country", u.country.clone()).set_float("age", u.age as f64).set_string("plan", u.plan.clone());
    b.build().unwrap()
}

struct P {
    c: Client,
    _rt: tokio::runtime::Runtime,
}
impl Peer for P {
    type Ctx = Context;
    fn ctx(&self, u: &User) -> Context {
        ctx(u)
    }
    fn boolean(&self, key: &str, c: &Context) -> bool {
        self.c.bool_variation(c, key, false)
    }
    fn variant(&self, key: &str, c: &Context) -> bool {
        let v = self.c.str_variation(c, key, "off".to_string());
        v == "A" || v == "B"
    }
    fn all(&self, c: &Context) -> Option<usize> {
        let v = serde_json::to_value(self.c.all_flags_detail(c, FlagDetailConfig::new())).unwrap();
        Some(
            v.as_object()
                .unwrap()
                .values()
                .filter(|x| x.as_bool() == Some(true) || matches!(x.as_str(), Some("A") | Some("B")))
                .count(),
        )
    }
}

// the evaluation engine alone, over a store that hands out clones (the trait returns owned Flag / Segment)
struct Store {
    d: Data,
}
impl launchdarkly_server_sdk_evaluation::Store for Store {
    fn flag(&self, k: &str) -> Option<Flag> {
        self.d.flags.get(k).cloned()
    }
    fn segment(&self, k: &str) -> Option<Segment> {
        self.d.segments.get(k).cloned()
    }
}
struct E {
    s: Store,
}
impl E {
    fn ev<T>(&self, key: &str, c: &Context, f: impl Fn(Option<&launchdarkly_server_sdk::FlagValue>) -> T) -> T {
        let flag = &self.s.d.flags[key];
        f(launchdarkly_server_sdk_evaluation::evaluate(&self.s, flag, c, None).value)
    }
}
impl Peer for E {
    type Ctx = Context;
    fn ctx(&self, u: &User) -> Context {
        ctx(u)
    }
    fn boolean(&self, key: &str, c: &Context) -> bool {
        self.ev(key, c, |v| v.and_then(|v| v.as_bool()).unwrap_or(false))
    }
    fn variant(&self, key: &str, c: &Context) -> bool {
        self.ev(key, c, |v| matches!(v, Some(launchdarkly_server_sdk::FlagValue::Str(s)) if s == "A" || s == "B"))
    }
}

fn main() {
    let peer = args().peer;
    if peer.contains("evaluation") {
        return run("2.2.1", |text, _| E { s: Store { d: serde_json::from_slice(&text).unwrap() } });
    }
    let events = !peer.contains("events off");
    run("3.2.0", |text, a| {
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let d: Data = serde_json::from_slice(&text).unwrap();
        let td = TestData::new();
        for (_, f) in d.flags {
            td.use_preconfigured_flag(f);
        }
        for (_, s) in d.segments {
            td.use_preconfigured_segment(s);
        }
        let mut ep = ServiceEndpointsBuilder::new();
        ep.relay_proxy(&a.http);
        let b = ConfigBuilder::new("sdk-key").data_source(&td).service_endpoints(&ep);
        let cfg = if events {
            b.event_processor(&EventProcessorBuilder::<launchdarkly_sdk_transport::HyperTransport>::new())
        } else {
            b.event_processor(&NullEventProcessorBuilder::new())
        }
        .build()
        .unwrap();
        let c = Client::build(cfg).unwrap();
        rt.block_on(async {
            c.start_with_default_executor();
            assert_eq!(c.wait_for_initialization(std::time::Duration::from_secs(10)).await, Some(true));
        });
        P { c, _rt: rt }
    });
}
