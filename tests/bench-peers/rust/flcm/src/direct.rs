//! The core and its counts. A context borrows what it reads, so the bench's keeps that beside it.

use std::cell::RefCell;
use std::time::SystemTime;

use bench_common::{Peer, User};
use bumpalo::Bump;
use flcm_flags::metrics::FlagMetrics;
use flcm_flags::{
    AttributeValue, BoundContext, Context, Decision, ErrorCode, FlagId, Millis, PackedDecision, Snapshot, Trips,
    evaluate, evaluate_all,
};
use self_cell::self_cell;

self_cell!(
    struct Bound {
        owner: Bump,
        #[covariant]
        dependent: BoundContext,
    }
);

/// A user, bound; and when they asked.
pub struct Asker {
    bound: Bound,
    now: Millis,
}

pub struct Core {
    snapshot: Snapshot<Vec<u8>>,
}

impl Core {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { snapshot: Snapshot::from_bytes(bytes).expect("a snapshot") }
    }

    fn flag(&self, key: &str) -> FlagId {
        self.snapshot.flag(key).expect("a flag")
    }

    fn decision(&self, flag: FlagId, context: &BoundContext<'_>, now: Millis) -> Decision<'_> {
        evaluate(&self.snapshot, &Trips::NONE, flag, context, now)
    }

    fn asked(&self, key: &str, Asker { bound, now }: &Asker) -> Decision<'_> {
        self.decision(self.flag(key), bound.borrow_dependent(), *now)
    }
}

fn is_a_or_b(decision: &Decision<'_>) -> bool {
    matches!(decision.variant(), Some("A" | "B"))
}

pub fn attributes(user: &User) -> [(&str, AttributeValue<'_>); 3] {
    named(&user.country, user.age, &user.plan)
}

fn named<'a>(country: &'a str, age: i64, plan: &'a str) -> [(&'a str, AttributeValue<'a>); 3] {
    [("country", country.into()), ("age", AttributeValue::Number(age as f64)), ("plan", plan.into())]
}

/// A context that borrows from an arena alone.
pub fn kept<'a>(user: &User, arena: &'a Bump) -> Context<'a> {
    let [id, country, plan] = [&user.id, &user.country, &user.plan].map(|text| &*arena.alloc_str(text));
    Context::new(Some(id), arena.alloc(named(country, user.age, plan)))
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    Millis(since.as_secs() * 1000 + u64::from(since.subsec_millis()))
}

impl Peer for Core {
    type Ctx = Asker;

    fn ctx(&self, user: &User) -> Asker {
        let bound = Bound::new(Bump::new(), |arena| kept(user, arena).bind(&self.snapshot));
        Asker { bound, now: now() }
    }

    fn boolean(&self, key: &str, asker: &Asker) -> bool {
        self.asked(key, asker).enabled()
    }

    fn variant(&self, key: &str, asker: &Asker) -> bool {
        is_a_or_b(&self.asked(key, asker))
    }

    fn all(&self, Asker { bound, now }: &Asker) -> Option<usize> {
        let mut out = [PackedDecision::error(ErrorCode::FlagNotFound); 100];
        let outcomes = evaluate_all(&self.snapshot, &Trips::NONE, bound.borrow_dependent(), *now, &mut out);
        Some(outcomes.iter().filter(|outcome| outcome.enabled()).count())
    }
}

/// Binds for each question, and reads the clock: the dearest way to ask.
pub struct BindingEach(pub Core);

impl BindingEach {
    fn asked(&self, key: &str, user: &User) -> Decision<'_> {
        let attributes = attributes(user);
        let context = Context::new(Some(&user.id), &attributes).bind(&self.0.snapshot);
        self.0.decision(self.0.flag(key), &context, now())
    }
}

impl Peer for BindingEach {
    type Ctx = User;

    fn ctx(&self, user: &User) -> User {
        user.clone()
    }

    fn boolean(&self, key: &str, user: &User) -> bool {
        self.asked(key, user).enabled()
    }

    fn variant(&self, key: &str, user: &User) -> bool {
        is_a_or_b(&self.asked(key, user))
    }
}

/// Counts each decision, as the runtimes do.
pub struct Counting {
    core: Core,
    metrics: Vec<RefCell<FlagMetrics<Vec<u32>>>>,
}

impl Counting {
    pub fn new(core: Core) -> Self {
        let counters = || vec![0; FlagMetrics::counters_for(2)];
        let metrics = core.snapshot.flags().map(|_| RefCell::new(FlagMetrics::new(counters()))).collect();
        Self { core, metrics }
    }

    fn asked(&self, key: &str, Asker { bound, now }: &Asker) -> Decision<'_> {
        let flag = self.core.flag(key);
        let context = bound.borrow_dependent();
        let decision = self.core.decision(flag, context, *now);
        self.metrics[flag.0 as usize].borrow_mut().decision(decision.packed(), context);
        decision
    }
}

impl Peer for Counting {
    type Ctx = Asker;

    fn ctx(&self, user: &User) -> Asker {
        self.core.ctx(user)
    }

    fn boolean(&self, key: &str, asker: &Asker) -> bool {
        self.asked(key, asker).enabled()
    }

    fn variant(&self, key: &str, asker: &Asker) -> bool {
        is_a_or_b(&self.asked(key, asker))
    }
}
