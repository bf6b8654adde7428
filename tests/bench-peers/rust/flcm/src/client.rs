//! The client, which counts every decision.

use bench_common::{Peer, User};
use bumpalo::Bump;
use flcm_flags_client::{Context, Features, Options, User as Bound};
use self_cell::self_cell;
use tokio::runtime::Runtime;

use crate::direct::{attributes, kept};

/// Flags that live as long as the process, and the runtime that they live in.
pub fn started(options: Options) -> &'static Features {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime: &Runtime = Box::leak(Box::new(runtime.expect("a runtime")));
    Box::leak(Box::new(runtime.block_on(Features::start(options)).expect("flags")))
}

/// Asked with the user each time.
pub struct Asking(&'static Features);

impl Asking {
    pub fn new(options: Options) -> Self {
        Self(started(options))
    }
}

impl Peer for Asking {
    type Ctx = User;

    fn ctx(&self, user: &User) -> User {
        user.clone()
    }

    fn boolean(&self, key: &str, user: &User) -> bool {
        self.0.is_enabled(key, &Context::new(Some(&user.id), &attributes(user)))
    }

    fn variant(&self, key: &str, user: &User) -> bool {
        matches!(self.0.user(&Context::new(Some(&user.id), &attributes(user))).variant(key), Some("A" | "B"))
    }
}

type Asked<'c> = Bound<'static, 'c>;

self_cell!(
    pub struct Asker {
        owner: Bump,
        #[covariant]
        dependent: Asked,
    }
);

/// Asked of a user who was made before.
pub struct ForUser(&'static Features);

impl ForUser {
    pub fn new(options: Options) -> Self {
        Self(started(options))
    }
}

impl Peer for ForUser {
    type Ctx = Asker;

    fn ctx(&self, user: &User) -> Asker {
        Asker::new(Bump::new(), |arena| self.0.user(&kept(user, arena)))
    }

    fn boolean(&self, key: &str, asker: &Asker) -> bool {
        asker.borrow_dependent().is_enabled(key)
    }

    fn variant(&self, key: &str, asker: &Asker) -> bool {
        matches!(asker.borrow_dependent().variant(key), Some("A" | "B"))
    }
}
