//! Hosts and clocks by their numbers, and what is asked about them.

use std::collections::HashMap;
use std::future::Future;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flcm_flags_client::{CallOutcome, Context, ErrorCode, Features, Options, Value as FlagValue};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::clock::{ManualClock, TURNS, turns};
use crate::event_json::{error_of, event_json};
use crate::options::millis;
use crate::question::{About, Question, Waited};

/// Everything that there is. Questions are answered beside the thread on which things happen.
#[derive(Debug)]
pub(crate) struct Hosts {
    runtime: Handle,
    clocks: Mutex<HashMap<u64, ManualClock>>,
    features: Mutex<HashMap<u64, Features>>,
    /// What makes the requests of a crowd.
    client: OnceLock<reqwest::Client>,
    /// What has happened since it was asked for last: whose event, its name, and what of it.
    events: Mutex<Vec<Value>>,
    /// Tickets of what is done, with what went wrong.
    done: Mutex<Vec<Value>>,
}

impl Hosts {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            clocks: Mutex::default(),
            features: Mutex::default(),
            client: OnceLock::new(),
            events: Mutex::default(),
            done: Mutex::default(),
        }
    }

    pub(crate) fn take_events(&self) -> Vec<Value> {
        take(&mut locked(&self.events))
    }

    pub(crate) fn take_done(&self) -> Vec<Value> {
        take(&mut locked(&self.done))
    }

    pub(crate) fn answer(self: &Arc<Self>, question: Question) -> Value {
        match question {
            Question::Start { ticket, host, clock, options, is_one_of_many } => {
                let http = is_one_of_many.then(|| self.client.get_or_init(client).clone());
                let options = Options { clock: Arc::new(self.clock(clock)), http, ..options.options() };
                self.spawn(ticket, Arc::clone(self).start(host, options));
            }
            Question::Wait { ticket, host, r#for } => {
                let features = self.features(host);
                self.spawn(ticket, async move {
                    wait(&features, r#for).await;
                    Ok(())
                });
            }
            Question::Pass { ticket, clock, ms } => {
                let clock = self.clock(clock);
                self.spawn(ticket, async move {
                    clock.pass(ms).await;
                    Ok(())
                });
            }
            Question::Turns { ticket, turns: many } => self.spawn(ticket, async move {
                turns(many.unwrap_or(TURNS)).await;
                Ok(())
            }),
            Question::Time { clock } => return self.clock(clock).time(),
            Question::Chance { clock, number } => self.clock(clock).set_chance(number),
            Question::Early { clock, ms } => self.clock(clock).set_early(ms),
            Question::Jump { clock, ms } => self.clock(clock).jump(ms),
            Question::Ring { clock } => self.clock(clock).ring(),
            Question::Host { host, of } => return self.about(&self.features(host), of),
            Question::Events => {}
        }
        Value::Null
    }

    fn about(&self, features: &Features, about: About) -> Value {
        match about {
            About::Breaker { flag } => json!(features.breaker(&flag).map(|state| state.to_string())),
            About::CloseOn { event } => {
                self.close_on(features, event);
                Value::Null
            }
            About::Decision { flag, user } => decision(features, &flag, &user),
            About::IsEnabled { flag, user } => json!(features.is_enabled(&flag, &Context::new(Some(&user), &[]))),
            About::Record { flag, user, failed } => {
                let outcome = if failed { CallOutcome::FAILURE } else { CallOutcome::SUCCESS };
                features.record(&flag, &Context::new(Some(&user), &[]), outcome);
                Value::Null
            }
            About::Snapshot => snapshot(features),
            About::Status => json!({ "state": features.state().as_str(), "ageMs": features.age().map(millis) }),
            About::Summary { flag } => {
                json!(features.summary(&flag).map(|summary| json!({ "decisions": summary.decisions })))
            }
            About::Trip { flag } => json!(features.trip(&flag)),
        }
    }

    async fn start(self: Arc<Self>, host: u64, options: Options) -> Result<(), Value> {
        let hosts = Arc::clone(&self);
        let listener = move |event: &_| {
            let all = event_json(event).into_iter().map(|(name, of)| json!([host, name, of]));
            locked(&hosts.events).extend(all);
        };
        let features = Features::start_with(options, listener).await.map_err(|error| error_of(&error))?;
        locked(&self.features).insert(host, features);
        Ok(())
    }

    /// A listener may not wait, so that closing goes on beside it.
    fn close_on(&self, features: &Features, event: String) {
        let (runtime, closed) = (self.runtime.clone(), features.clone());
        let listening = features.on(move |happened| {
            if event_json(happened).iter().any(|(name, _)| *name == event) {
                let closed = closed.clone();
                runtime.spawn(async move { closed.close().await });
            }
        });
        // Until it is closed.
        std::mem::forget(listening);
    }

    fn spawn(self: &Arc<Self>, ticket: u64, task: impl Future<Output = Result<(), Value>> + Send + 'static) {
        let (hosts, running) = (Arc::clone(self), self.runtime.spawn(task));
        self.runtime.spawn(async move {
            let error = match running.await {
                Ok(Ok(())) => Value::Null,
                Ok(Err(error)) => error,
                Err(panicked) => json!({ "code": "PANIC", "message": panicked.to_string() }),
            };
            locked(&hosts.done).push(json!([ticket, error]));
        });
    }

    fn clock(&self, number: u64) -> ManualClock {
        locked(&self.clocks).entry(number).or_default().clone()
    }

    fn features(&self, host: u64) -> Features {
        locked(&self.features).get(&host).expect("a host that was started").clone()
    }
}

fn client() -> reqwest::Client {
    // Somebody else may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn wait(features: &Features, waited: Waited) {
    match waited {
        Waited::Close => features.close().await,
        Waited::Flush => features.flush().await,
        Waited::Settled => features.settled().await,
        Waited::Sync => features.sync().await,
    }
}

fn decision(features: &Features, flag: &str, user: &str) -> Value {
    let user = features.user(&Context::new(Some(user), &[]));
    let decision = user.decision(flag);
    // The core does not know of a host without flags.
    let error = if user.is_ready() {
        decision.reason().error_code().map(ErrorCode::as_str)
    } else {
        Some("PROVIDER_NOT_READY")
    };
    let value = decision.value().map(|value| match value {
        FlagValue::Bool(value) => json!(value),
        FlagValue::Json(text) => serde_json::from_str(text).expect("JSON, as the compiler has written it"),
        FlagValue::Number(value) => json!(value),
        FlagValue::String(value) => json!(value),
    });
    json!({ "enabled": decision.enabled(), "errorCode": error, "value": value })
}

fn snapshot(features: &Features) -> Value {
    let Some((digest, revision)) = features.digest().zip(features.revision()) else { return Value::Null };
    json!({ "digest": digest, "revision": revision, "flags": features.flags() })
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
